/** What wards and the hospital hear of themselves. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EventDefinition, ResultOf } from '@carillon/contracts/define';
import { admissionChanged, wardChanged } from '@carillon/contracts/directory';
import { figuresEverySeconds, getFigures, type Figures } from '@carillon/contracts/figures';
import { getPatientStatus } from '@carillon/contracts/monitoring';
import { eventSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { readStream, type StreamReader } from '@carillon/bus/stream-reader';
import { realDependencies, type RunningService } from '@carillon/runtime/service';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Ward } from './ward.ts';

let ward: Ward;
let services: RunningService[];
let clock: VirtualClock;
let reader: StreamReader;
type Told = { items: Figures[]; version: number };
const told: Told[] = [];

beforeAll(async () => {
  ward = await startWard();
  clock = createVirtualClock(Date.now());
  const beds = ['1', '2', '3', '4', '5', '6', '7', '8'].map((bedId) => ({ bedId, label: bedId }));
  for (const wardId of ['w1', 'w2']) await tell(wardChanged, wardId, { wardId, name: `Ward ${wardId}`, beds }, 1);
  const environment = ward.infrastructure.environmentOf('monitoring');
  // Two replicas count the same.
  services = [
    await start(environment, { ...realDependencies, clock }),
    await start(environment, { ...realDependencies, clock }),
  ];
  reader = readStream(ward.bus, {
    stream: 'OPS',
    afterSequence: 0,
    onMessage: ({ body }) => told.push(decode(body) as Told),
  });
});
afterAll(async () => {
  reader.stop();
  await Promise.all(services.map((service) => service.stop()));
  await ward.stop();
});

const tell = (event: EventDefinition, id: string, data: object, version: number): Promise<void> =>
  publish(ward.bus, {
    subject: eventSubject(event, { hospital: 'h1', id }),
    headers: {
      'Nats-Msg-Id': `${event.name}-${id}-${version}`,
      'Carillon-Event': event.name,
      'Carillon-Version': `${version}`,
    },
    body: encode({ ...data, version }),
  });
const newest = (wardId: string | null): Figures | undefined =>
  told.flatMap(({ items }) => items).findLast((figures) => figures.wardId === wardId);
/** How often the replicas have counted. */
async function counts(): Promise<number> {
  const values = await Promise.all(services.map(async ({ metrics }) => (await metrics.handled.get()).values));
  return values
    .flat()
    .filter(({ labels }) => labels['name'] === 'figures:update')
    .reduce((sum, { value }) => sum + value, 0);
}
async function nextCount(): Promise<void> {
  const before = await counts();
  clock.advance(figuresEverySeconds * 1_000);
  await eventually(async () => ((await counts()) >= before + services.length ? true : undefined), { what: 'a count' });
}

test('a ward is told how full it is and how many alarms it has; a patient who moves counts once', async () => {
  const low = Array.from({ length: 20 }, () => 80);
  await ward.post(everySecond('p1', 'spo2', low, Date.now() - low.length * 1_000));
  await eventually(() => ward.told.find(({ event }) => event === 'condition:raised'));
  await ward.post([{ patientId: 'p2', vital: 'respirationRate', value: 30, measuredAt: Date.now() - 1_000 }]);
  await eventually(() => ward.told.find(({ event, data }) => event === 'score:updated' && data['patientId'] === 'p2'));
  await tell(admissionChanged, 'p6', { patientId: 'p6', wardId: 'w2', bedId: 'b-p6' }, 2);
  await eventually(async () => {
    await nextCount();
    return newest('w2')?.occupied === 1 && newest('w1')?.conditions.high === 1 ? true : undefined;
  });
  expect(newest('w1')).toMatchObject({ name: 'Ward w1', beds: 8, occupied: 6, free: 2 });
  // SpO2 80 and a respiration rate of 30 are 3 points each, in one parameter; who measured nothing has no score.
  expect(newest('w1')?.acuity).toEqual({ low: 0, lowMedium: 2, medium: 0, high: 0, unknown: 4, meanLower: 3 });
  expect(newest(null)).toMatchObject({ beds: 16, occupied: 7, conditions: { high: 1, medium: 0, low: 0 } });
  for (const { items } of told) {
    for (const figures of items) if (figures.wardId === null) expect(figures.occupied).toBe(7);
  }
  expect(told.map(({ version }) => version)).toEqual(told.map((_, index) => index + 1));
  const reply = (await ward.ask(getFigures, { wardId: 'w1' })) as { data: ResultOf<typeof getFigures> };
  expect(reply.data.items).toEqual([newest('w1')]);
  expect(await ward.ask(getFigures, { wardId: 'w2' })).toMatchObject({ error: { code: 'forbidden' } });
});

test('an idle hospital tells nothing, and who leaves is told within a second', async () => {
  const before = told.length;
  for (let count = 0; count < 3; count++) await nextCount();
  // Whatever was told meanwhile would have come before this.
  await tell(admissionChanged, 'p5', { patientId: 'p5', wardId: null, bedId: null }, 2);
  await eventually(async () => ((await ward.ask(getPatientStatus, { patientId: 'p5' })).ok ? undefined : true));
  // Who leaves is counted soon, and not at the next time.
  clock.advance(1_000);
  await eventually(() => (newest(null)?.occupied === 6 ? true : undefined));
  expect(told).toHaveLength(before + 1);
  expect(told.at(-1)?.items.map(({ wardId }) => wardId)).toEqual(['w1', null]);
});

test('a patient of whom nothing counts any more is unknown, and not well', async () => {
  clock.advance(16 * 60_000);
  await eventually(async () => {
    await nextCount();
    return newest('w1')?.acuity.lowMedium === 0 ? true : undefined;
  });
  expect(newest('w1')?.acuity).toEqual({ low: 0, lowMedium: 0, medium: 0, high: 0, unknown: 5, meanLower: null });
});

test('a sensor that was lost is a silent signal, and no alarm beside it', async () => {
  const { conditions, silentSignals } = newest('w1') ?? {};
  for (let second = 0; second < 20; second++) {
    clock.advance(1_000);
    const measuredAt = clock.now();
    await ward.post([{ patientId: 'p3', vital: 'spo2', value: 97, measuredAt }], measuredAt);
  }
  await eventually(
    () => {
      clock.advance(500);
      return ward.told.find(({ data }) => data['patientId'] === 'p3' && data['kind'] === 'spo2-absent');
    },
    { what: 'the lost sensor', withinMs: 20_000 },
  );
  await eventually(async () => {
    await nextCount();
    return newest('w1')?.silentSignals === (silentSignals ?? 0) + 1 ? true : undefined;
  });
  expect(newest('w1')?.conditions).toEqual(conditions);
});
