import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { setLimits } from '@carillon/contracts/limits';
import { listVitals, type Reading } from '@carillon/contracts/monitoring';
import type { RunningService } from '@carillon/runtime/service';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Told, type Ward } from './ward.ts';

let ward: Ward;
let services: RunningService[] = [];

beforeAll(async () => {
  ward = await startWard();
  services = [await start(ward.infrastructure.environmentOf('monitoring'))];
});
afterEach(() => {
  ward.told.splice(0);
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await ward.stop();
});

const conditionsOf = (patientId: string): Told[] =>
  ward.told.filter((told) => told.event.startsWith('condition:') && told.data['patientId'] === patientId);
async function storedOf(patientId: string, vital: string): Promise<{ measuredAt: string }[]> {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const to = new Date(Date.now() + 60_000).toISOString();
  const reply = await ward.ask(listVitals, { patientId, vital, from, to, limit: 2_000 });
  if (!reply.ok) throw new Error(reply.error.code);
  return (reply.data as { items: { measuredAt: string }[] }).items;
}
const untilStored = (patientId: string, vital: string, count: number, withinMs = 10_000): Promise<unknown> =>
  eventually(async () => ((await storedOf(patientId, vital)).length === count ? true : undefined), {
    what: `${count} × ${vital} of ${patientId}`,
    withinMs,
  });
/** A score names a vital sign as well, and comes on another lane. */
const untilTold = (vital: string): Promise<unknown> =>
  eventually(() =>
    ward.told.find(({ event, data }) => event === 'vitals:recorded' && JSON.stringify(data).includes(`"${vital}"`)),
  );
const low = (seconds: number): number[] => Array.from({ length: seconds }, () => 84);

test('a batch is stored and told once, however often it is delivered', async () => {
  const readings = everySecond('p1', 'heartRate', [70, 71, 72], Date.now() - 10_000);
  for (let delivery = 0; delivery < 4; delivery++) await ward.post(readings);
  await ward.post(everySecond('p1', 'pulse', [70], Date.now()));
  await untilStored('p1', 'pulse', 1);
  await untilTold('pulse');
  expect(await storedOf('p1', 'heartRate')).toHaveLength(3);
  const items = ward.told.filter((told) => told.event === 'vitals:recorded').flatMap((told) => told.data['items']);
  expect(items).toHaveLength(4);
  const versions = ward.told.filter((told) => told.event === 'vitals:recorded').map((told) => told.version);
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

test('a reading that is repeated within one batch counts once', async () => {
  const [reading] = everySecond('p1', 'temperature', [37], Date.now() - 1_000) as [Partial<Reading>];
  await ward.post([reading, reading, { ...reading, value: 38 }]);
  await untilStored('p1', 'temperature', 1);
  expect(await storedOf('p1', 'temperature')).toEqual([expect.objectContaining({ value: 37 })]);
});

test('readings that came too late are kept and raise nothing', async () => {
  const anHourAgo = Date.now() - 3_600_000;
  await ward.post(everySecond('p2', 'spo2', low(40), anHourAgo));
  await untilStored('p2', 'spo2', 40);
  await ward.post(everySecond('p2', 'heartRate', [70], Date.now()));
  await untilTold('heartRate');
  expect(conditionsOf('p2')).toEqual([]);
});

test('suspect readings are kept and raise nothing', async () => {
  const suspect = everySecond('p3', 'spo2', low(20), Date.now() - 20_000);
  await ward.post(suspect.map((reading) => ({ ...reading, quality: 'suspect' })));
  await untilStored('p3', 'spo2', 20);
  expect(conditionsOf('p3')).toEqual([]);
});

test('an alarm of a limit ends when the limit is taken away, and not with the next sample', async () => {
  const startAt = Date.now() - 20_000;
  await ward.post(everySecond('p4', 'spo2', low(18), startAt));
  const raised = await eventually(() => conditionsOf('p4')[0]);
  expect(raised).toMatchObject({
    subject: 'care.h1.w1.p4.critical.condition.raised',
    event: 'condition:raised',
    data: { kind: 'spo2-below', priority: 'high', at: new Date(startAt + 15_000).toISOString() },
  });
  const limits = [{ vital: 'heartRate', above: 120, persistSeconds: 10, priority: 'medium' }];
  expect(await ward.command(setLimits, { patientId: 'p4', limits })).toMatchObject({ ok: true, data: { limits } });
  expect(await eventually(() => ward.told.find(({ event }) => event === 'limits:changed'))).toMatchObject({
    subject: 'care.h1.w1.p4.normal.limits.changed',
    version: 1,
    data: { patientId: 'p4', wardId: 'w1', limits, setBy: 'a1' },
  });
  const cleared = await eventually(() => conditionsOf('p4')[1]);
  expect(cleared).toMatchObject({ event: 'condition:cleared', data: { kind: 'spo2-below' } });
  expect(cleared.version).toBeGreaterThan(raised.version);
});

test('what waited while nobody took it is stored whole; an alarm that had ended by then pages nobody', async () => {
  await Promise.all(services.map((service) => service.stop()));
  const startAt = Date.now() - 60_000;
  const values = [...low(25), ...Array.from({ length: 5 }, () => 97)];
  for (const reading of everySecond('p5', 'spo2', values, startAt)) await ward.post([reading]);
  await ward.post(everySecond('p6', 'spo2', low(20), startAt));
  services = [await start(ward.infrastructure.environmentOf('monitoring'))];
  await untilStored('p5', 'spo2', 30);
  const active = await eventually(() => conditionsOf('p6')[0]);
  expect(active).toMatchObject({ data: { kind: 'spo2-below', at: new Date(startAt + 15_000).toISOString() } });
  expect(conditionsOf('p5')).toEqual([]);
});

test('while PostgreSQL is away for longer than the leases hold, readings wait, and all are stored when it is back', async () => {
  const startAt = Date.now() - 100_000;
  const readings = everySecond(
    'p3',
    'respirationRate',
    Array.from({ length: 90 }, () => 14),
    startAt,
  );
  for (const reading of readings.slice(0, 30)) await ward.post([reading]);
  await untilStored('p3', 'respirationRate', 30);
  await ward.infrastructure.postgres.stop();
  for (const reading of readings.slice(30)) await ward.post([reading]);
  // Longer than a lease, so that the partitions are given up and taken again: the length is what is tested.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await ward.infrastructure.restartPostgres();
  const backAt = performance.now();
  await untilStored('p3', 'respirationRate', 90);
  figure(`all stored ${Math.round(performance.now() - backAt)} ms after the return of PostgreSQL`);
  const letters = await ward.bus.jsm.streams.info('DEADLETTERS');
  expect(letters.state.messages).toBe(0);
});
