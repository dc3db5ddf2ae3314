import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { getMe, getWard, importHospital, type HospitalFile, type PersonEntry } from '@carillon/contracts/directory';
import type { QueryDefinition } from '@carillon/contracts/define';
import { commandSubject, peopleBucket, querySubject } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { watchBucket } from '@carillon/bus/key-value';
import { createCommandSender, decode, encode, request, type CommandSender, type Reply } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import type { RunningService } from '@carillon/runtime/service';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { start } from '../src/service.ts';

const seed = fileURLToPath(new URL('../../../deploy/local/demo-hospital.json', import.meta.url));
const demo = JSON.parse(readFileSync(seed, 'utf8')) as HospitalFile;

type Told = { event: string; id: string; version: number; data: Record<string, unknown> };
let infrastructure: Infrastructure;
let bus: Bus;
let sender: CommandSender;
let services: RunningService[];
const told: Told[] = [];
const entries = new Map<string, PersonEntry>();
const versions = new Map<string, number[]>();

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const environment = { ...infrastructure.environmentOf('directory'), CARILLON_DIRECTORY_SEED: seed };
  // Two replicas import the same file at once.
  services = await Promise.all([start(environment), start(environment)]);
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  sender = createCommandSender(bus);
  readStream(bus, {
    stream: 'DIRECTORY',
    afterSequence: 0,
    onMessage: ({ subject, body, header }) =>
      told.push({
        event: header('Carillon-Event') ?? '',
        id: subject.split('.')[3] ?? '',
        version: Number(header('Carillon-Version')),
        data: decode(body) as Record<string, unknown>,
      }),
  });
  await watchBucket(bus, peopleBucket, ({ key, value }) => {
    if (value === undefined) return;
    const entry = decode(value) as PersonEntry;
    entries.set(key, entry);
    versions.set(key, [...(versions.get(key) ?? []), entry.version]);
  });
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

let keys = 0;
const nothing = { people: [], wards: [], admissions: [], careTeams: [], shifts: [] };
function send(file: Partial<HospitalFile>): Promise<Reply | undefined> {
  const actor = { person: 'a1', hospital: 'h1', roles: ['admin'] };
  const data = { hospital: demo.hospital, ...nothing, ...file };
  const envelope = { actor, key: `import-${keys++}`, issuedAt: Date.now(), data };
  return sender.send(commandSubject(importHospital), (replyTo) => encode({ ...envelope, replyTo }), {
    headers: {},
    deadlineMs: 5_000,
  });
}
const ask = (query: QueryDefinition, person: string, roles: string[], data: unknown): Promise<Reply> =>
  request(bus, querySubject(query), encode({ actor: { person, hospital: 'h1', roles }, data }), {
    headers: {},
    deadlineMs: 5_000,
  });
const placementOf = (person: string) => entries.get(`h1.${person}`)?.placement;
const bedOf = (patientId: string) => {
  const admission = demo.admissions.find((one) => one.patientId === patientId);
  if (admission === undefined) throw new Error(patientId);
  return admission;
};
const untilTold = (event: string, id: string): Promise<Told> =>
  eventually(() => told.find((one) => one.event === event && one.id === id), { what: `${event} of ${id}` });

test('the seed is imported once by however many replicas, and every person has an entry of version 1', async () => {
  await eventually(() => (entries.size === demo.people.length ? true : undefined));
  expect([...versions.values()]).toEqual(demo.people.map(() => [1]));
  expect(entries.get('h1.c1')).toMatchObject({ roles: ['caregiver'], caregiverOf: ['p1'], placement: null });
  expect(entries.get('h1.p1')?.placement).toEqual({ wardId: 'w1', bedId: bedOf('p1').bedId });
  const state = (await bus.jsm.streams.info('DIRECTORY')).state;
  const { wards, people, admissions, careTeams, shifts } = demo;
  expect(state.messages).toBe([wards, people, admissions, careTeams, shifts].flat().length);
});

test('the same file again changes nothing and tells nothing', async () => {
  expect(await send(demo)).toEqual({ ok: true, data: { changed: 0 } });
  expect(await send({ people: [{ personId: 'x1', name: 'New', roles: ['nurse'], wards: ['w1'] }] })).toEqual({
    ok: true,
    data: { changed: 1 },
  });
  await untilTold('person:changed', 'x1');
  expect(told).toHaveLength(1);
});

test('a patient moves to a free bed of another ward, and everybody hears of it with a higher version', async () => {
  const free = 'w2-b4';
  expect(await send({ admissions: [{ patientId: 'p1', wardId: 'w2', bedId: free }] })).toMatchObject({ ok: true });
  const moved = await untilTold('admission:changed', 'p1');
  expect(moved).toMatchObject({ version: 2, data: { patientId: 'p1', wardId: 'w2', bedId: free, version: 2 } });
  await eventually(() => (placementOf('p1')?.bedId === free ? true : undefined));
  expect(versions.get('h1.p1')).toEqual([1, 2]);
  const ward = await ask(getWard, 'n3', ['nurse'], { wardId: 'w2' });
  const beds = (ward as { data: { beds: { bedId: string; patientId: string }[] } }).data.beds;
  expect(beds.find((bed) => bed.bedId === free)?.patientId).toBe('p1');
  await send({ admissions: [bedOf('p1')] });
  await eventually(() => (placementOf('p1')?.wardId === 'w1' ? true : undefined));
  expect(versions.get('h1.p1')).toEqual([1, 2, 3]);
});

test('two patients swap their beds in one import, also across wards', async () => {
  const swap = (a: string, b: string) =>
    send({
      admissions: [
        { ...bedOf(b), patientId: a },
        { ...bedOf(a), patientId: b },
      ],
    });
  for (const [a, b] of [
    ['p2', 'p3'],
    ['p4', 'p7'],
  ] as const) {
    expect(await swap(a, b)).toEqual({ ok: true, data: { changed: 2 } });
    await eventually(() =>
      placementOf(a)?.bedId === bedOf(b).bedId && placementOf(b)?.bedId === bedOf(a).bedId ? true : undefined,
    );
    expect(await send({ admissions: [bedOf(a), bedOf(b)] })).toEqual({ ok: true, data: { changed: 2 } });
  }
});

test('beds of two wards may have the same name', async () => {
  const bed = { bedId: 'same', label: 'Bed' };
  const result = await send({
    wards: [
      { wardId: 'x1', name: 'One', beds: [bed] },
      { wardId: 'x2', name: 'Two', beds: [bed] },
    ],
    people: ['q1', 'q2'].map((personId) => ({ personId, name: personId, roles: ['patient'], wards: [] })),
    admissions: [
      { patientId: 'q1', wardId: 'x1', bedId: 'same' },
      { patientId: 'q2', wardId: 'x2', bedId: 'same' },
    ],
  });
  expect(result).toEqual({ ok: true, data: { changed: 6 } });
});

test('a file that does not fit together is refused whole, with every issue', async () => {
  const shift = {
    shiftId: 's1',
    personId: 'nobody',
    wardId: 'w9',
    role: 'nurse',
    startsAt: '2026-11-21T08:00:00Z',
  } as const;
  const refused = await send({
    people: [{ personId: 'x2', name: 'Never', roles: ['nurse'], wards: ['w9'] }],
    admissions: [{ patientId: 'nobody', wardId: 'w1', bedId: 'w1-b99' }],
    careTeams: [{ patientId: 'p1', bedNurses: ['nobody'], caregivers: [] }],
    shifts: [{ ...shift, endsAt: null }],
  });
  expect(refused).toMatchObject({ ok: false, error: { code: 'bad_input' } });
  const paths = (refused?.ok === false ? (refused.error.issues ?? []) : []).map(
    (issue) => (issue as { path: string }).path,
  );
  expect(paths).toEqual([
    'people.0.wards',
    'admissions.0.patientId',
    'admissions.0.bedId',
    'careTeams.0',
    'shifts.0.personId',
    'shifts.0.wardId',
  ]);
  expect(entries.has('h1.x2')).toBe(false);
});

test('a bed that is taken, and what stands in the file twice, are refused with the reason', async () => {
  const taken = await send({ admissions: [{ ...bedOf('p3'), patientId: 'p2' }] });
  expect(taken).toMatchObject({
    ok: false,
    error: { code: 'bad_input', issues: [{ path: 'admissions.0.bedId', message: expect.stringContaining('p3') }] },
  });
  const person = { personId: 'x3', name: 'Twice', roles: ['nurse' as const], wards: [] };
  expect(await send({ people: [person, { ...person, name: 'Other' }] })).toMatchObject({
    ok: false,
    error: { code: 'bad_input', issues: [{ message: 'person x3 stands there twice' }] },
  });
  expect((await bus.jsm.streams.info('DEADLETTERS')).state.messages).toBe(0);
});

test('an admin of another hospital is refused, and so is a nurse of another ward', async () => {
  const foreign = await send({ hospital: { hospitalId: 'h2', name: 'Other' } });
  expect(foreign).toMatchObject({ ok: false, error: { code: 'forbidden' } });
  expect(await ask(getWard, 'n3', ['nurse'], { wardId: 'w1' })).toMatchObject({ error: { code: 'forbidden' } });
  expect(await ask(getWard, 'o1', ['operator'], { wardId: 'nowhere' })).toMatchObject({ error: { code: 'not_found' } });
  expect(await ask(getMe, 'c1', ['caregiver'], {})).toMatchObject({ data: { person: 'c1', patients: ['p1'] } });
  expect(await ask(getMe, 'stranger', ['nurse'], {})).toMatchObject({ error: { code: 'not_found' } });
});

test('a large hospital is imported within the time of a statement', async () => {
  const people = Array.from({ length: 3_000 }, (_, index) => ({
    personId: `big-${index}`,
    name: `Person ${index}`,
    roles: ['patient' as const],
    wards: [],
  }));
  const careTeams = people.slice(0, 1_500).map(({ personId }, index) => ({
    patientId: personId,
    bedNurses: ['n1'],
    caregivers: [`big-${index + 1_500}`],
  }));
  const startedAt = performance.now();
  expect(await send({ people, careTeams })).toEqual({ ok: true, data: { changed: 4_500 } });
  figure(`4,500 entities imported in ${Math.round(performance.now() - startedAt)} ms`);
  await eventually(() => (entries.get('h1.big-2999')?.caregiverOf[0] === 'big-1499' ? true : undefined), {
    withinMs: 20_000,
  });
});
