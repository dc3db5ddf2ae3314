import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { admissionChanged } from '@carillon/contracts/directory';
import { getPatientStatus, type Reading } from '@carillon/contracts/monitoring';
import {
  calculateMews,
  chartVitals,
  decideScore,
  getScores,
  listDecisions,
  stateScore,
} from '@carillon/contracts/scores';
import type { ResultOf } from '@carillon/contracts/define';
import { eventSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { encode, type Reply } from '@carillon/bus/request';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { doctor, nurse, startWard, type Told, type Ward } from './ward.ts';

type Status = ResultOf<typeof getPatientStatus>;

let ward: Ward;
let service: RunningService;

beforeAll(async () => {
  ward = await startWard();
  service = await start(ward.infrastructure.environmentOf('monitoring'));
});
afterEach(() => {
  ward.told.splice(0);
});
afterAll(async () => {
  await service.stop();
  await ward.stop();
});

function dataOf<T>(reply: Reply | undefined): T {
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  return reply.data as T;
}
const chart = async (patientId: string, values: object): Promise<Status> =>
  dataOf(await ward.command(chartVitals, { patientId, ...values }, nurse));
const statusOf = async (patientId: string): Promise<Status> => dataOf(await ward.ask(getPatientStatus, { patientId }));
const told = (event: string, patientId: string): Told[] =>
  ward.told.filter((one) => one.event === event && one.data['patientId'] === patientId);
const measure = (patientId: string, values: Partial<Record<Reading['vital'], number>>): Promise<void> =>
  ward.post(
    Object.entries(values).map(([vital, value]) => ({
      patientId,
      vital: vital as Reading['vital'],
      value,
      measuredAt: Date.now(),
    })),
  );

test('a nurse charts what the score asks for, and the score is whole', async () => {
  await measure('p1', { respirationRate: 18, spo2: 97, pulse: 80 });
  const asked = await eventually(async () => (await statusOf('p1')).score ?? undefined);
  expect(asked).toMatchObject({ score: null, missing: ['onOxygen', 'systolic', 'consciousness', 'temperature'] });
  const charted = await chart('p1', { consciousness: 'A', onOxygen: true, oxygenFlow: 2, systolic: 118, diastolic: 70, temperature: 38.4 }); // prettier-ignore
  expect(charted.score).toMatchObject({ score: 3, lower: 3, upper: 3, missing: [], scale: 1 });
  expect(charted.charted).toContainEqual({
    vital: 'consciousness',
    by: 'n1',
    at: expect.any(String),
    until: expect.any(String),
  });
  const { at = '', until = '' } = charted.charted?.find(({ vital }) => vital === 'temperature') ?? {};
  expect(Date.parse(until) - Date.parse(at)).toBe(4 * 3_600_000);
  await eventually(() => told('score:updated', 'p1').find(({ data }) => data['score'] === 3));
  expect(await statusOf('p1')).toEqual(charted);
});

test('what is not charted keeps the value that it had, and air is charted as well as oxygen', async () => {
  await chart('p2', { consciousness: 'C', onOxygen: true, oxygenFlow: 1 });
  const status = await chart('p2', { onOxygen: false });
  expect(status.score).toMatchObject({ parts: { consciousness: 3, onOxygen: 0 } });
});

test('two nurses chart at once: both are kept, and there is one score', async () => {
  await Promise.all([chart('p3', { temperature: 39.2 }), chart('p3', { systolic: 95 })]);
  expect((await statusOf('p3')).score).toMatchObject({ lower: 4, parts: { temperature: 2, systolic: 2 } });
});

test.each([
  ['Nothing is charted', {}],
  ['oxygenFlow: How much?', { onOxygen: true }],
  ['oxygenFlow: On air there is none', { onOxygen: false, oxygenFlow: 2 }],
  ['diastolic: Must be lower', { systolic: 80, diastolic: 90 }],
  ['measuredAt: Must not be ahead', { spo2: 96, measuredAt: new Date(Date.now() + 600_000).toISOString() }],
  ['measuredAt: At most 12 hours', { spo2: 96, measuredAt: new Date(Date.now() - 13 * 3_600_000).toISOString() }],
])('what cannot be is not charted. %s', async (message, values) => {
  const reply = await ward.command(chartVitals, { patientId: 'p4', ...values }, nurse);
  expect(reply).toMatchObject({ ok: false, error: { code: 'bad_input', message: expect.stringContaining(message) } });
  expect((await statusOf('p4')).vitals).toEqual([]);
});

test('a doctor decides on scale 2 by name and reason: it holds from then on, and the one before is kept', async () => {
  await chart('p5', { consciousness: 'A', onOxygen: false, systolic: 120, pulse: 80, respirationRate: 16, temperature: 37, spo2: 87 }); // prettier-ignore
  expect((await statusOf('p5')).score).toMatchObject({ score: 3, scale: 1 });
  const decide = (values: object, by = doctor) => ward.command(decideScore, { patientId: 'p5', ...values }, by);
  expect(await decide({ scale: 2, reason: 'COPD' }, nurse)).toMatchObject({ error: { code: 'forbidden' } });
  const before = Date.now();
  const decision = dataOf<{ decidedAt: string }>(await decide({ scale: 2, reason: 'Hypercapnic failure, COPD' }));
  expect(decision).toMatchObject({ scale: 2, isApplicable: true, decidedBy: 'd1', endedAt: null, version: 1 });
  expect(Math.abs(Date.parse(decision.decidedAt) - before)).toBeLessThan(5_000);
  expect((await statusOf('p5')).score).toMatchObject({ score: 1, scale: 2 });
  const update = await eventually(() => told('score:updated', 'p5').find(({ data }) => data['scale'] === 2));
  expect(Date.parse(String(update.data['at']))).toBeGreaterThanOrEqual(Date.parse(decision.decidedAt));
  expect(await eventually(() => told('score:decided', 'p5')[0])).toMatchObject({
    subject: 'care.h1.w1.p5.normal.score.decided',
    data: { reason: 'Hypercapnic failure, COPD', decidedBy: 'd1', wardId: 'w1' },
  });
  dataOf(await decide({ scale: 1, reason: 'Blood gas is normal' }));
  const { items } = dataOf<ResultOf<typeof listDecisions>>(await ward.ask(listDecisions, { patientId: 'p5' }));
  expect(items.map(({ scale, version }) => [scale, version])).toEqual([[1, 2], [2, 1]]); // prettier-ignore
  expect((await statusOf('p5')).score).toMatchObject({ score: 3, scale: 1 });
});

test('never NEWS2 under 16, and none where a doctor decided that it does not apply: an alarm of it ends', async () => {
  const ill = { respirationRate: 30, pulse: 140, systolic: 85 };
  expect(await chart('c1', ill)).toMatchObject({ score: null, withheld: 'under16', conditions: [] });
  expect(await chart('p6', ill)).toMatchObject({ score: { lower: 9 }, conditions: [{ kind: 'news2' }] });
  const reason = 'She is pregnant';
  dataOf(await ward.command(decideScore, { patientId: 'p6', scale: 1, isApplicable: false, reason }, doctor));
  expect(await statusOf('p6')).toMatchObject({ score: null, withheld: 'notApplicable', conditions: [] });
  const cleared = await eventually(() => told('condition:cleared', 'p6')[0]);
  expect(cleared).toMatchObject({ data: { kind: 'news2', message: 'NEWS2 does not apply' } });
  expect(told('score:updated', 'c1')).toEqual([]);
});

const scoresAt = async (patientId: string, at?: string): Promise<ResultOf<typeof getScores>> =>
  dataOf(await ward.ask(getScores, { patientId, ...(at === undefined ? {} : { at }) }));

test('M10 the score of a time before the decision keeps its scale, also by what came late', async () => {
  const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await chart('p4', { spo2: 87, measuredAt: anHourAgo });
  dataOf(await ward.command(decideScore, { patientId: 'p4', scale: 2, reason: 'Hypercapnic failure' }, doctor));
  await chart('p4', { spo2: 87 });
  expect(await scoresAt('p4')).toMatchObject({ news2: { scale: 2, parts: { spo2: 1 } } });
  expect(await scoresAt('p4', anHourAgo)).toMatchObject({ news2: { scale: 1, parts: { spo2: 3 } } });
  await chart('p4', { pulse: 135, measuredAt: anHourAgo });
  expect(await scoresAt('p4', anHourAgo)).toMatchObject({ news2: { scale: 1, lower: 6 } });
});

test('what was charted in a stay before counts in no score of the next one', async () => {
  await chart('p3', { temperature: 39.2, consciousness: 'V' });
  // By the clock of the database, which the service follows, that may be a moment ahead of us.
  const later = Date.now() + 1_000;
  await eventually(() => (Date.now() >= later ? true : undefined));
  const then = new Date().toISOString();
  const place = (wardId: string | null, version: number): Promise<void> =>
    publish(ward.bus, {
      subject: eventSubject(admissionChanged, { hospital: 'h1', id: 'p3' }),
      headers: {
        'Nats-Msg-Id': `p3-${version}`,
        'Carillon-Event': 'admission:changed',
        'Carillon-Version': `${version}`,
      },
      body: encode({ patientId: 'p3', wardId, bedId: wardId === null ? null : 'b-p3', version }),
    });
  const mayRead = async (): Promise<boolean> => (await ward.ask(getPatientStatus, { patientId: 'p3' })).ok;
  // Another ward is the same stay.
  await place('w2', 2);
  await eventually(async () => ((await mayRead()) ? undefined : true));
  await place('w1', 3);
  await eventually(async () => ((await mayRead()) ? true : undefined));
  expect(await scoresAt('p3')).toMatchObject({ news2: { parts: { temperature: 2, consciousness: 3 } } });
  await place(null, 4);
  await eventually(async () => ((await mayRead()) ? undefined : true));
  await place('w1', 5);
  await eventually(async () => ((await mayRead()) ? true : undefined));
  expect(await scoresAt('p3')).toMatchObject({ news2: null, mews: null });
  expect((await statusOf('p3')).charted).toEqual([]);
  const charted = await chart('p3', { pulse: 95 });
  expect(charted.score).toMatchObject({ parts: { pulse: 1 } });
  expect(charted.charted?.map(({ vital }) => vital)).toEqual(['pulse']);
  expect(await scoresAt('p3', then)).toMatchObject({ news2: { parts: { temperature: 2, consciousness: 3 } } });
});

test('MEWS is a second table over the same values', async () => {
  const input = { systolic: 85, heartRate: 115, respirationRate: 22, temperature: 38.6, consciousness: 'V' };
  expect(await ward.ask(calculateMews, input)).toMatchObject({ ok: true, data: { score: 8, missing: [] } });
  const { news2, mews } = await scoresAt('p2');
  expect(news2).toMatchObject({ parts: { consciousness: 3, onOxygen: 0 } });
  expect(mews).toMatchObject({ lower: 1, missing: ['systolic', 'heartRate', 'respirationRate', 'temperature'] });
  expect(await scoresAt('c1')).toMatchObject({ withheld: 'under16', news2: null, mews: null });
});

test('a stated total is kept as it was stated, beside ours of that time, and a difference is said', async () => {
  const { at } = await chart('p1', { temperature: 38.4 }).then(({ score }) => ({ at: score?.at ?? '' }));
  const state = (values: object) =>
    ward.command(stateScore, { patientId: 'p1', table: 'NEWS2', at, source: 'paper chart', ...values }, nurse);
  expect(await state({ stated: 3 })).toMatchObject({
    data: { stated: 3, lower: 3, upper: 3, differs: false, by: 'n1' },
  });
  expect(await state({ stated: 6, source: 'other system' })).toMatchObject({ data: { stated: 6, differs: true } });
  expect(await eventually(() => told('score:stated', 'p1')[1])).toMatchObject({
    version: 2,
    data: { source: 'other system', differs: true, wardId: 'w1' },
  });
  const ahead = (ms: number): string => new Date(Date.now() + ms).toISOString();
  expect(await state({ stated: 3, at: ahead(600_000) })).toMatchObject({ error: { code: 'bad_input' } });
  expect(await state({ stated: 3, at: ahead(60_000), source: 'fast clock' })).toMatchObject({
    data: { differs: false },
  });
  expect(await state({ stated: 15, table: 'MEWS' })).toMatchObject({ error: { code: 'bad_input' } });
  const longAgo = new Date(Date.now() - 30 * 86_400_000).toISOString();
  expect(await state({ stated: 2, at: longAgo })).toMatchObject({ data: { lower: null, upper: null, differs: null } });
  const { stated } = await scoresAt('p1');
  expect(stated.map(({ source, differs }) => [source, differs])).toEqual([
    ['fast clock', false],
    ['other system', true],
    ['paper chart', false],
    ['paper chart', null],
  ]);
  expect((await statusOf('p1')).conditions).toEqual([]);
});
