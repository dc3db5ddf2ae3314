import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  breakGlass,
  disconnectPerson,
  endBreakGlass,
  endSubscription,
  logOut,
  revokeAccess,
  type AccessEntry,
} from '@carillon/contracts/access';
import type { Actor, CommandDefinition, Role } from '@carillon/contracts/define';
import { importHospital, type HospitalFile, type PersonEntry } from '@carillon/contracts/directory';
import { accessBucket, commandSubject } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { createCommandSender, decode, encode, type CommandSender, type Reply } from '@carillon/bus/request';
import { realDependencies, type RunningService } from '@carillon/runtime/service';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { start } from '../src/service.ts';

const seed = fileURLToPath(new URL('../../../deploy/local/demo-hospital.json', import.meta.url));
const demo = JSON.parse(readFileSync(seed, 'utf8')) as HospitalFile;
const minuteMs = 60_000;

let infrastructure: Infrastructure;
let bus: Bus;
let sender: CommandSender;
let services: RunningService[];
let clock: VirtualClock;
/** Everything that leaves the outbox, in order. */
type Told = { subject: string; body: Record<string, unknown> };
const told: Told[] = [];

const startDirectory = (): Promise<RunningService> =>
  start(
    { ...infrastructure.environmentOf('directory'), CARILLON_DIRECTORY_SEED: seed },
    { ...realDependencies, clock },
  );

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  // As the real one has: parts of milliseconds.
  clock = createVirtualClock(Date.now() + 0.625);
  services = await Promise.all([startDirectory(), startDirectory()]);
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  sender = createCommandSender(bus);
  const note = (_: unknown, { subject, data }: { subject: string; data: Uint8Array }): void =>
    void told.push({ subject, body: decode(data) as Record<string, unknown> });
  for (const subject of ['audit.>', 'directory.*.breakGlass.>', '$KV.>']) bus.nc.subscribe(subject, { callback: note });
  await bus.nc.flush();
});
beforeEach(() => {
  told.splice(0);
});
afterAll(async () => {
  sender.close();
  await Promise.all(services.map((service) => service.stop()));
  await bus.close();
  await infrastructure.stop();
});

const actorOf = (person: string, roles: Role[], more: Partial<Actor> = {}): Actor => ({
  person,
  hospital: 'h1',
  roles,
  ...more,
});
const operator = actorOf('o1', ['operator']);
const nurse = (more: Partial<Actor> = { mfaAt: at() }): Actor => actorOf('n1', ['nurse'], more);
let keys = 0;
function send(actor: Actor, command: CommandDefinition, data: unknown): Promise<Reply | undefined> {
  const envelope = { actor, key: `access-${keys++}`, issuedAt: Math.round(clock.now()), data };
  return sender.send(commandSubject(command), (replyTo) => encode({ ...envelope, replyTo }), {
    headers: {},
    deadlineMs: 5_000,
  });
}
const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) as unknown });
const subjects = (): string[] => told.map(({ subject }) => subject);
const untilTold = (part: string): Promise<Told> =>
  eventually(() => told.find(({ subject }) => subject.includes(part)), { what: part });
/** The entry of the bucket `access` that was told last, with its key. */
async function toldEntry(kind: string): Promise<{ key: string; entry: AccessEntry }> {
  const { subject, body } = await untilTold(`$KV.access.h1.${kind}.`);
  return { key: subject, entry: body as AccessEntry };
}
const entryOf = async (person: string): Promise<PersonEntry> =>
  (await untilTold(`$KV.people.h1.${person}`)).body as unknown as PersonEntry;
const at = (): number => Math.floor(clock.now());
const iso = (at: number): string => new Date(at).toISOString();
/** Of another ward than that of n1. */
const foreign = 'p7';
const breaking = { patientId: foreign, reason: 'cardiac arrest on the corridor' };

test('what is revoked is on record before a gateway hears of it', async () => {
  for (const [kind, id] of [
    ['token', 'jti:with/any*text'],
    ['person', 'n2'],
    ['device', 'dev1'],
  ] as const) {
    told.splice(0);
    const answer = await send(operator, revokeAccess, { kind, id, reason: 'lost' });
    expect(answer).toEqual({ ok: true, data: { revokedAt: iso(clock.now()) } });
    const { key, entry } = await toldEntry(kind);
    expect(entry).toEqual({ kind, hospital: 'h1', id, at: at(), until: null });
    expect(subjects()).toEqual(['audit.h1.access.revoked', key]);
    expect(told[0]?.body).toEqual({ kind, id, by: 'o1', at: iso(clock.now()), reason: 'lost' });
  }
});

test('a revocation that is repeated has one entry, of the later time', async () => {
  const revoke = () => send(operator, revokeAccess, { kind: 'person', id: 'n4', reason: 'left' });
  await revoke();
  const first = await toldEntry('person');
  clock.advance(5_000);
  told.splice(0);
  await revoke();
  expect(await toldEntry('person')).toEqual({ key: first.key, entry: { ...first.entry, at: at() } });
});

test('only operators and admins revoke, disconnect and end, each of them within the own hospital', async () => {
  const asked = [
    [revokeAccess, { kind: 'person', id: 'n2', reason: 'x' }],
    [disconnectPerson, { person: 'n2' }],
    [endSubscription, { person: 'n2', room: 'ward:w1:alerts' }],
  ] as const;
  for (const [command, data] of asked) {
    for (const role of ['nurse', 'doctor', 'patient', 'device', 'service'] as const) {
      expect(await send(actorOf('x1', [role]), command, data)).toEqual(refused('forbidden'));
    }
    expect(await send(actorOf('a9', ['admin'], { hospital: 'h2' }), command, data)).toMatchObject({ ok: true });
  }
  await eventually(() => (told.length === 6 ? true : undefined));
  for (const subject of subjects()) expect(subject).toMatch(/^(audit\.h2\.|\$KV\.access\.h2\.)/);
});

test('a person or device that is no id is refused', async () => {
  for (const kind of ['person', 'device']) {
    expect(await send(operator, revokeAccess, { kind, id: 'h1.>', reason: 'x' })).toEqual(refused('bad_input'));
  }
});

test('logging out revokes the token with which it is called, until that has expired', async () => {
  const expiresAt = at() + 8 * 60 * minuteMs;
  const patient = actorOf('p1', ['patient'], { tokenId: 'session-1', expiresAt });
  expect(await send(patient, logOut, {})).toEqual({ ok: true, data: { revokedAt: iso(clock.now()) } });
  const { entry } = await toldEntry('token');
  expect(entry).toMatchObject({ kind: 'token', id: 'session-1', isLogout: true });
  expect(entry.until).toBeGreaterThan(expiresAt);
  expect(told[0]?.body).toMatchObject({ by: 'p1', reason: 'Logged out' });
  expect(await send(actorOf('p1', ['patient']), logOut, {})).toEqual(refused('bad_input'));
});

test('a token that an operator revoked stays revoked when its owner logs out', async () => {
  const expiresAt = at() + minuteMs;
  await send(operator, revokeAccess, { kind: 'token', id: 'session-2', reason: 'stolen' });
  const { key } = await toldEntry('token');
  told.splice(0);
  await send(actorOf('p1', ['patient'], { tokenId: 'session-2', expiresAt }), logOut, {});
  const again = await toldEntry('token');
  expect(again).toMatchObject({ key, entry: { until: null } });
  expect(again.entry.isLogout).toBeUndefined();
});

test('the places of tokens that have expired are given to others, so that the bucket does not grow', async () => {
  const bucket = await bus.js.views.kv(accessBucket, { bindOnly: true });
  const logOutOf = (tokenId: string) =>
    send(actorOf('p2', ['patient'], { tokenId, expiresAt: at() + minuteMs }), logOut, {});
  const before = (await bucket.status()).values;
  for (let round = 0; round < 3; round++) {
    for (let token = 0; token < 5; token++) await logOutOf(`round-${round}-${token}`);
    clock.advance(10 * minuteMs);
  }
  await eventually(() => (told.filter(({ subject }) => subject.startsWith('$KV')).length === 15 ? true : undefined));
  expect((await bucket.status()).values).toBe(before + 5);
});

test('a disconnect and the end of a subscription are told with their time, and on record', async () => {
  await send(operator, disconnectPerson, { person: 'n1', reason: 'shared screen' });
  expect((await toldEntry('disconnect')).entry).toMatchObject({ id: 'n1', at: at() });
  await send(operator, endSubscription, { person: 'n1', room: 'ward:w1:alerts' });
  expect((await toldEntry('subscription')).entry).toMatchObject({ id: 'n1', room: 'ward:w1:alerts', at: at() });
  expect(told.filter(({ subject }) => subject.startsWith('audit')).map(({ subject, body }) => [subject, body])).toEqual(
    [
      ['audit.h1.access.disconnected', { person: 'n1', by: 'o1', at: iso(clock.now()), reason: 'shared screen' }],
      [
        'audit.h1.access.subscriptionEnded',
        { person: 'n1', room: 'ward:w1:alerts', by: 'o1', at: iso(clock.now()), reason: null },
      ],
    ],
  );
});

test('the glass breaks on record first, then for the services, then for the gateways, and lasts an hour', async () => {
  const until = iso(clock.now() + 60 * minuteMs);
  expect(await send(nurse(), breakGlass, breaking)).toEqual({ ok: true, data: { patientId: foreign, until } });
  const entry = await entryOf('n1');
  expect(entry.breakGlass).toEqual([{ patientId: foreign, until }]);
  expect(subjects()).toEqual(['audit.h1.access.glassBroken', 'directory.h1.breakGlass.n1.changed', '$KV.people.h1.n1']);
  expect(told[0]?.body).toMatchObject({ person: 'n1', patientId: foreign, reason: breaking.reason, until });
  expect(told[1]?.body).toEqual({ personId: 'n1', patients: entry.breakGlass, version: entry.version });

  // An import meanwhile takes nothing of it away.
  const people = demo.people.filter(({ personId }) => personId === 'n1').map((one) => ({ ...one, name: 'Renamed' }));
  const file = { hospital: demo.hospital, wards: [], people, admissions: [], careTeams: [], shifts: [] };
  told.splice(0);
  expect(await send(actorOf('a1', ['admin']), importHospital, file)).toMatchObject({ ok: true });
  expect(await entryOf('n1')).toMatchObject({ name: 'Renamed', breakGlass: [{ patientId: foreign, until }] });

  told.splice(0);
  clock.advance(60 * minuteMs);
  const ended = await entryOf('n1');
  expect(ended.breakGlass).toBeUndefined();
  const records = told.filter(({ subject }) => subject === 'audit.h1.access.breakGlassEnded');
  expect(records.map(({ body }) => body)).toEqual([
    { person: 'n1', patientId: foreign, at: iso(clock.now()), by: null },
  ]);
  expect((await untilTold('breakGlass.n1')).body).toMatchObject({ patients: [], version: ended.version });
});

test('it is broken only with a second factor of the last five minutes', async () => {
  expect(await send(nurse({}), breakGlass, breaking)).toEqual(refused('mfa_required'));
  expect(await send(nurse({ mfaAt: at() - 5 * minuteMs - 1 }), breakGlass, breaking)).toEqual(refused('mfa_required'));
  expect(await send(nurse({ mfaAt: at() + 1 - 5 * minuteMs }), breakGlass, breaking)).toMatchObject({ ok: true });
  await entryOf('n1');
  told.splice(0);
  await send(nurse(), endBreakGlass, { patientId: foreign });
  expect((await entryOf('n1')).breakGlass).toBeUndefined();
});

test.each<[string, () => Actor, Record<string, unknown>, string]>([
  ['for a patient of the own ward', nurse, { ...breaking, patientId: 'p1' }, 'conflict'],
  ['for a patient who is not there', nurse, { ...breaking, patientId: 'nobody' }, 'not_found'],
  ['for a colleague', nurse, { ...breaking, patientId: 'n3' }, 'not_found'],
  ['without a reason worth the name', nurse, { ...breaking, reason: 'because' }, 'bad_input'],
  ['by a caregiver', () => actorOf('c1', ['caregiver'], { mfaAt: at() }), breaking, 'forbidden'],
  ['by an operator', () => actorOf('o1', ['operator'], { mfaAt: at() }), breaking, 'forbidden'],
  ['by somebody unknown', () => actorOf('x7', ['nurse'], { mfaAt: at() }), breaking, 'forbidden'],
  ['in a hospital that is unknown', () => nurse({ mfaAt: at(), hospital: 'h2' }), breaking, 'forbidden'],
])('it is not broken %s, and nothing is told', async (_, who, input, code) => {
  expect(await send(who(), breakGlass, input)).toEqual(refused(code));
  expect(told).toEqual([]);
});

test('it is mended before its time by the person or an operator, and by nobody else', async () => {
  for (const by of [nurse(), operator]) {
    await send(nurse(), breakGlass, breaking);
    await entryOf('n1');
    expect(await send(actorOf('n3', ['nurse']), endBreakGlass, { patientId: foreign })).toEqual(refused('not_found'));
    const ofAnother = { patientId: foreign, person: 'n1' };
    expect(await send(actorOf('n3', ['nurse']), endBreakGlass, ofAnother)).toEqual(refused('forbidden'));
    told.splice(0);
    expect(await send(by, endBreakGlass, ofAnother)).toMatchObject({ ok: true });
    expect((await entryOf('n1')).breakGlass).toBeUndefined();
    expect((await untilTold('breakGlassEnded')).body).toMatchObject({ person: 'n1', by: by.person });
    told.splice(0);
  }
});

test('nobody breaks the glass to more than twenty patients at a time', async () => {
  const strangers = Array.from({ length: 21 }, (_, index) => `s${index}`);
  const people = strangers.map((personId) => ({ personId, name: personId, roles: ['patient' as const], wards: [] }));
  const file = { hospital: demo.hospital, wards: [], people, admissions: [], careTeams: [], shifts: [] };
  expect(await send(actorOf('a1', ['admin']), importHospital, file)).toMatchObject({ ok: true });
  for (const patientId of strangers.slice(0, 20)) {
    expect(await send(nurse(), breakGlass, { ...breaking, patientId })).toMatchObject({ ok: true });
  }
  expect(await send(nurse(), breakGlass, { ...breaking, patientId: 's20' })).toEqual(refused('conflict'));
  expect(await send(nurse(), breakGlass, { ...breaking, patientId: 's0' })).toMatchObject({ ok: true });
});

test('what imports and broken glass write at the same time is told as it is in the end', async () => {
  const renamed = (name: string) => ({
    hospital: demo.hospital,
    wards: [],
    people: [{ personId: 'n3', name, roles: ['nurse' as const], wards: ['w2'] }],
    admissions: [],
    careTeams: [],
    shifts: [],
  });
  const other = actorOf('n3', ['nurse'], { mfaAt: at() });
  const patients = ['p1', 'p2', 'p3', 'p4'];
  const answers = await Promise.all(
    patients.flatMap((patientId, index) => [
      send(actorOf('a1', ['admin']), importHospital, renamed(`Name ${index}`)),
      send(other, breakGlass, { ...breaking, patientId }),
    ]),
  );
  expect(answers.map((answer) => answer?.ok)).toEqual(answers.map(() => true));
  const { length } = patients;
  const entry = await eventually(() => {
    const body = told.findLast(({ subject }) => subject === '$KV.people.h1.n3')?.body as PersonEntry | undefined;
    return body?.breakGlass?.length === length ? body : undefined;
  });
  expect(entry.breakGlass?.map(({ patientId }) => patientId)).toEqual(patients);
  const versions = told.filter(({ subject }) => subject === '$KV.people.h1.n3').map(({ body }) => body['version']);
  expect(versions).toEqual(versions.toSorted((a, b) => Number(a) - Number(b)));
  const records = told.filter(({ subject, body }) => subject.endsWith('glassBroken') && body['person'] === 'n3');
  expect(records).toHaveLength(length);
});

test('a bucket that was lost is filled again when the service starts', async () => {
  const keysOf = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const key of await (await bus.js.views.kv(accessBucket)).keys()) found.push(key);
    return found.filter((key) => !key.includes('.token.')).sort();
  };
  const before = await keysOf();
  expect(before.length).toBeGreaterThan(3);
  await bus.jsm.streams.delete(`KV_${accessBucket}`);
  const again = await startDirectory();
  await eventually(async () => ((await keysOf()).length === before.length ? true : undefined));
  expect(await keysOf()).toEqual(before);
  await again.stop();
});
