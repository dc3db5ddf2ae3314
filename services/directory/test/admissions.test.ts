import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { admitPatient, dischargePatient, listBeds, listStays, transferPatient } from '@carillon/contracts/admissions';
import type { CommandDefinition, QueryDefinition, ResultOf, Role } from '@carillon/contracts/define';
import { importHospital, type HospitalFile } from '@carillon/contracts/directory';
import { commandSubject, querySubject } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { createCommandSender, decode, encode, request, type CommandSender, type Reply } from '@carillon/bus/request';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { start } from '../src/service.ts';

const demo = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../deploy/local/demo-hospital.json', import.meta.url)), 'utf8'),
) as HospitalFile;
const seed = join(tmpdir(), `admissions-${process.pid}.json`);

type Told = { subject: string; body: Record<string, unknown> };
let infrastructure: Infrastructure;
let bus: Bus;
let sender: CommandSender;
let directory: RunningService;
/** Everything that leaves the outbox, in order. */
const told: Told[] = [];

const startDirectory = (): Promise<RunningService> =>
  start({ ...infrastructure.environmentOf('directory'), CARILLON_DIRECTORY_SEED: seed });

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  writeFileSync(seed, JSON.stringify(demo));
  directory = await startDirectory();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  sender = createCommandSender(bus);
  for (const subject of ['directory.>', '$KV.people.>']) {
    bus.nc.subscribe(subject, {
      callback: (_, message) =>
        void told.push({ subject: message.subject, body: decode(message.data) as Record<string, unknown> }),
    });
  }
  await bus.nc.flush();
});
beforeEach(() => {
  told.splice(0);
});
afterAll(async () => {
  sender.close();
  await directory.stop();
  await bus.close();
  await infrastructure.stop();
  rmSync(seed);
});

type Asking = { person: string; hospital: string; roles: Role[] };
const actorOf = (person: string, role: Role): Asking => ({ person, hospital: 'h1', roles: [role] });
const operator = actorOf('o1', 'operator');
/** Of ward w1. */
const nurse = actorOf('n1', 'nurse');
/** Of ward w2. */
const otherNurse = actorOf('n3', 'nurse');

let keys = 0;
function send(actor: Asking, command: CommandDefinition, data: unknown): Promise<Reply | undefined> {
  const envelope = { actor, key: `move-${keys++}`, issuedAt: Date.now(), data };
  return sender.send(commandSubject(command), (replyTo) => encode({ ...envelope, replyTo }), {
    headers: {},
    deadlineMs: 5_000,
  });
}
const ask = (actor: Asking, query: QueryDefinition, data: unknown): Promise<Reply> =>
  request(bus, querySubject(query), encode({ actor, data }), { headers: {}, deadlineMs: 5_000 });
type Bed = ResultOf<typeof listBeds>['beds'][number];
async function bedsFor(actor: Asking, input: Record<string, unknown> = {}): Promise<ResultOf<typeof listBeds>> {
  const reply = await ask(actor, listBeds, input);
  if (!reply.ok) throw new Error(reply.error.message);
  return reply.data as ResultOf<typeof listBeds>;
}
const bedOf = async (patientId: string): Promise<string | undefined> =>
  (await bedsFor(operator)).beds.find((bed) => bed.patientId === patientId)?.bedId;
const refused = (code: string, message?: string) => ({
  ok: false,
  error: expect.objectContaining({
    code,
    ...(message === undefined ? {} : { message: expect.stringContaining(message) as unknown }),
  }) as unknown,
});
const untilTold = (part: string): Promise<Told> =>
  eventually(() => told.find(({ subject }) => subject.includes(part)), { what: part });
const nothing = { hospital: demo.hospital, wards: [], people: [], admissions: [], careTeams: [], shifts: [] };
const importing = (file: Partial<HospitalFile>): Promise<Reply | undefined> =>
  send(actorOf('a1', 'admin'), importHospital, {
    ...nothing,
    ...file,
  });

test('a nurse moves a patient to another ward: who cares, where he lies and his entry are told in this order', async () => {
  const moved = await send(nurse, transferPatient, {
    patientId: 'p1',
    wardId: 'w2',
    bedId: 'w2-b3',
    fromBedId: 'w1-b1',
  });
  expect(moved).toMatchObject({ ok: true, data: { patientId: 'p1', wardId: 'w2', bedId: 'w2-b3', version: 2 } });
  await untilTold('$KV.people.h1.p1');
  expect(told.map(({ subject }) => subject)).toEqual([
    'directory.h1.careTeam.p1.changed',
    'directory.h1.admission.p1.changed',
    '$KV.people.h1.p1',
  ]);
  // Nurses of the ward that he left are at his bed no more; who may hear how he is stays.
  expect(told[0]?.body).toMatchObject({ patientId: 'p1', bedNurses: [], caregivers: ['c1'] });
  expect(told[1]?.body).toEqual({
    patientId: 'p1',
    wardId: 'w2',
    bedId: 'w2-b3',
    version: 2,
    at: (moved as { data: { since: string } }).data.since,
  });
  expect(told[2]?.body).toMatchObject({ person: 'p1', placement: { wardId: 'w2', bedId: 'w2-b3' } });
});

test('a transfer outlives the import of the same file, also that of the next start', async () => {
  expect(await importing(demo)).toEqual({ ok: true, data: { changed: 0 } });
  expect(await bedOf('p1')).toBe('w2-b3');
  await directory.stop();
  directory = await startDirectory();
  expect(await bedOf('p1')).toBe('w2-b3');
  expect(told).toEqual([]);
});

test('a file that contradicts a transfer starts no hospital without its directory: nothing of it is taken', async () => {
  await directory.stop();
  const withoutHisBed = demo.wards.map((each) =>
    each.wardId === 'w2' ? { ...each, beds: each.beds.filter(({ bedId }) => bedId !== 'w2-b3') } : each,
  );
  const renamed = demo.people.map((each) => (each.personId === 'p2' ? { ...each, name: 'Somebody else' } : each));
  writeFileSync(seed, JSON.stringify({ ...demo, wards: withoutHisBed, people: renamed }));
  directory = await startDirectory();
  writeFileSync(seed, JSON.stringify(demo));
  expect(await bedOf('p1')).toBe('w2-b3');
  expect(told).toEqual([]);
});

test('a file that says something new wins, and what it said before it says in vain', async () => {
  expect(await importing({ admissions: [{ patientId: 'p1', wardId: 'w1', bedId: 'w1-b1' }] })).toMatchObject({
    data: { changed: 0 },
  });
  expect(await importing({ admissions: [{ patientId: 'p1', wardId: 'w2', bedId: 'w2-b4' }] })).toMatchObject({
    data: { changed: 1 },
  });
  expect(await bedOf('p1')).toBe('w2-b4');
  expect(await importing({ admissions: [{ patientId: 'p1', wardId: 'w1', bedId: 'w1-b1' }] })).toMatchObject({
    data: { changed: 1 },
  });
  expect(await bedOf('p1')).toBe('w1-b1');
});

test('two admissions into one bed at once give one', async () => {
  const newcomers = ['new-1', 'new-2'];
  await importing({
    people: newcomers.map((personId) => ({ personId, name: personId, roles: ['patient'], wards: [] })),
  });
  const free = { wardId: 'w2', bedId: 'w2-b4' };
  const replies = await Promise.all(
    newcomers.map((patientId) => send(otherNurse, admitPatient, { patientId, ...free, bedNurses: ['n3'] })),
  );
  expect(replies.filter((reply) => reply?.ok === true)).toHaveLength(1);
  expect(replies).toContainEqual(refused('conflict', 'lies in bed w2-b4'));
  const patientId = (await bedsFor(operator)).beds.find((bed) => bed.bedId === free.bedId)?.patientId ?? '';
  expect(newcomers).toContain(patientId);
  expect((await untilTold(`careTeam.${patientId}`)).body).toMatchObject({ bedNurses: ['n3'] });
  expect(await send(operator, admitPatient, { patientId, wardId: 'w2', bedId: 'w2-b3' })).toEqual(
    refused('conflict', 'lies in bed w2-b4'),
  );
});

test('a transfer from a bed in which the patient lies no more is a conflict, and nothing is told', async () => {
  const wanted = { wardId: 'w2', bedId: 'w2-b3' };
  expect(await send(nurse, transferPatient, { patientId: 'p2', ...wanted, fromBedId: 'w1-b6' })).toEqual(
    refused('conflict', 'lies in bed w1-b2'),
  );
  expect(await send(nurse, transferPatient, { patientId: 'p2', wardId: 'w1', bedId: 'w1-b3' })).toEqual(
    refused('conflict', 'Patient p3'),
  );
  expect(await send(nurse, transferPatient, { patientId: 'p2', wardId: 'w1', bedId: 'w1-b2' })).toEqual(
    refused('conflict', 'already'),
  );
  expect(await send(nurse, transferPatient, { patientId: 'p2', wardId: 'w1', bedId: 'w1-b99' })).toEqual(
    refused('not_found'),
  );
  expect(await send(nurse, transferPatient, { patientId: 'p2', ...wanted, bedNurses: ['n1'] })).toEqual(
    refused('bad_input', 'no nurse of ward w2'),
  );
  expect(told).toEqual([]);
});

test('a patient who is discharged has no bed, no ward and no nurse, and can be admitted again', async () => {
  const left = await send(nurse, dischargePatient, { patientId: 'p6', reason: 'recovered' });
  expect(left).toMatchObject({ ok: true, data: { patientId: 'p6', wardId: null, bedId: null } });
  expect((await untilTold('$KV.people.h1.p6')).body).toMatchObject({ placement: null });
  expect((await untilTold('careTeam.p6')).body).toMatchObject({ bedNurses: [] });
  expect((await bedsFor(operator)).beds.find((bed) => bed.bedId === 'w1-b6')).toMatchObject({ isTaken: false });
  expect((await bedsFor(nurse, { name: 'mei' })).waiting).toEqual([{ patientId: 'p6', patientName: 'Mei Ling Ooi' }]);
  expect(await importing(demo)).toMatchObject({ data: { changed: 0 } });
  expect(await send(operator, dischargePatient, { patientId: 'p6' })).toEqual(refused('conflict', 'no bed'));
  expect(await send(operator, transferPatient, { patientId: 'p6', wardId: 'w1', bedId: 'w1-b6' })).toEqual(
    refused('conflict', 'no bed'),
  );
  // His ward is nobody's any more, so that the nurse of before has no say.
  expect(await send(nurse, dischargePatient, { patientId: 'p6' })).toEqual(refused('forbidden'));
  expect(await send(nurse, admitPatient, { patientId: 'p6', wardId: 'w1', bedId: 'w1-b6' })).toMatchObject({
    ok: true,
  });
  const stays = (await ask(nurse, listStays, { patientId: 'p6' })) as { data: ResultOf<typeof listStays> };
  expect(stays.data.stays).toMatchObject([
    { bedId: 'w1-b6', movedBy: 'n1', until: null },
    { bedId: 'w1-b6', movedBy: null, endedBy: 'n1', reason: 'recovered' },
  ]);
});

test('a nurse moves patients of her ward and into it, and nobody else', async () => {
  expect(await send(nurse, transferPatient, { patientId: 'p7', wardId: 'w2', bedId: 'w2-b3' })).toEqual(
    refused('forbidden'),
  );
  expect(await send(nurse, dischargePatient, { patientId: 'p7' })).toEqual(refused('forbidden'));
  expect(await send(otherNurse, admitPatient, { patientId: 'p6', wardId: 'w1', bedId: 'w1-b6' })).toEqual(
    refused('forbidden'),
  );
  expect(await send(actorOf('p1', 'patient'), dischargePatient, { patientId: 'p1' })).toEqual(refused('forbidden'));
  expect(await ask(nurse, listStays, { patientId: 'p7' })).toEqual(refused('forbidden'));
});

test('who belongs to one ward sees the free beds of another, and not who lies there', async () => {
  const { beds } = await bedsFor(nurse);
  const seen = (wardId: string): Bed[] => beds.filter((bed) => bed.wardId === wardId && bed.isTaken);
  expect(seen('w1').every((bed) => bed.patientName !== null && bed.since !== null)).toBe(true);
  expect(seen('w2').length).toBeGreaterThan(0);
  expect(seen('w2').every((bed) => bed.patientId === null && bed.patientName === null)).toBe(true);
  const ofWard = await bedsFor(operator, { wardId: 'w2' });
  expect(ofWard.beds.every((bed) => bed.wardId === 'w2')).toBe(true);
  expect(ofWard.nurses).toEqual([{ personId: 'n3', name: 'Priya Nair', wards: ['w2'] }]);
});

test('a file takes no bed away from under a patient', async () => {
  const bedIds = (...ids: string[]) => ids.map((bedId) => ({ bedId, label: bedId }));
  const ward = { wardId: 'w9', name: 'Ward nine' };
  const patient = { personId: 'new-9', name: 'Newcomer nine', roles: ['patient' as const], wards: [] };
  expect(await importing({ wards: [{ ...ward, beds: bedIds('w9-b1', 'w9-b2') }], people: [patient] })).toMatchObject({
    ok: true,
  });
  const place = { patientId: 'new-9', wardId: 'w9', bedId: 'w9-b2' };
  expect(await send(operator, admitPatient, place)).toMatchObject({ ok: true });
  const smaller = { ...ward, beds: bedIds('w9-b1') };
  expect(await importing({ wards: [smaller] })).toEqual(
    refused('bad_input', 'wards.0.beds: Patient new-9 lies in bed w9-b2'),
  );
  const elsewhere = { ...place, bedId: 'w9-b1' };
  expect(await importing({ wards: [smaller], admissions: [elsewhere] })).toMatchObject({ ok: true });
  expect(await bedOf('new-9')).toBe('w9-b1');
});
