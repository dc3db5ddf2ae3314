/** Sensors that fall off, outages of ours, and devices under test, over the real bus. Hours pass as the test says. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { getPatientStatus, listVitals, type Reading } from '@carillon/contracts/monitoring';
import { openDatabase } from '@carillon/database/database';
import { realDependencies, type RunningService } from '@carillon/runtime/service';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { startWard, type Told, type Ward } from './ward.ts';

let ward: Ward;
let clock: VirtualClock;
let service: RunningService;
const startService = (): Promise<RunningService> =>
  start(ward.infrastructure.environmentOf('monitoring'), { ...realDependencies, clock });

beforeAll(async () => {
  ward = await startWard();
  clock = createVirtualClock(Date.now());
  service = await startService();
});
afterEach(() => {
  ward.told.splice(0);
});
afterAll(async () => {
  await service.stop();
  await ward.stop();
});

const conditionsOf = (patientId: string): Told[] =>
  ward.told.filter((told) => told.event.startsWith('condition:') && told.data['patientId'] === patientId);
/** Another stream than that of the readings brings them. */
const untilSaid = (patientId: string, count: number): Promise<string[]> =>
  eventually(() => {
    const all = conditionsOf(patientId).map(said);
    return all.length >= count ? all : undefined;
  });
const said = ({ event, data }: Told): string => `${event} ${String(data['kind'])} ${String(data['priority'])}`;
const status = async (patientId: string) => {
  const reply = await ward.ask(getPatientStatus, { patientId });
  if (!reply.ok) throw new Error(reply.error.code);
  return reply.data as { signals: unknown[]; conditions: { kind: string }[]; score: unknown; vitals: unknown[] };
};

/** Seconds at the bedside, each with one sample; they were all judged when this returns. */
async function live(patientId: string, seconds: number, value: number, more: Partial<Reading> = {}): Promise<void> {
  const isOfNow = ({ data }: Told): boolean =>
    (data['items'] as { measuredAt: string }[]).some((item) => Date.parse(item.measuredAt) === clock.now());
  for (let second = 0; second < seconds; second++) {
    clock.advance(1_000);
    const measuredAt = clock.now();
    await ward.post([{ patientId, vital: 'spo2', value, measuredAt, ...more }], measuredAt);
    await eventually(() => ward.told.find((told) => told.event === 'vitals:recorded' && isOfNow(told)));
  }
}

/** Time goes by and nothing comes, until it is told. */
const passUntil = (patientId: string, what: string): Promise<Told> =>
  eventually(
    () => {
      clock.advance(500);
      return conditionsOf(patientId).find((told) => said(told) === what);
    },
    { what, withinMs: 20_000 },
  );

test('the sensor of a patient who desaturates falls off: one technical condition, and nothing is cleared', async () => {
  await live('p1', 20, 84);
  expect(await untilSaid('p1', 1)).toEqual(['condition:raised spo2-below high']);
  const fellOffAt = clock.now();
  const absent = await passUntil('p1', 'condition:raised spo2-absent medium');
  expect(absent.data).toMatchObject({ isTechnical: true, message: 'SpO2: nothing comes' });
  expect(Date.parse(String(absent.data['at']))).toBeGreaterThanOrEqual(fellOffAt + 15_000);
  expect(await status('p1')).toMatchObject({
    signals: [{ vital: 'spo2', state: 'absent', reason: 'silent' }],
    conditions: [{ kind: 'spo2-below' }, { kind: 'spo2-absent' }],
  });

  await live('p1', 1, 85);
  expect((await untilSaid('p1', 3)).slice(2)).toEqual(['condition:cleared spo2-absent medium']);
  await live('p1', 1, 97);
  expect((await untilSaid('p1', 4)).slice(3)).toEqual(['condition:cleared spo2-below high']);
  expect((await status('p1')).signals).toEqual([]);
});

test('a device that says that its sensor is off is believed', async () => {
  await live('p2', 15, 97);
  const measuredAt = clock.now() + 1;
  await ward.postAbsence({ patientId: 'p2', vital: 'spo2', measuredAt, deviceId: 'dev1', reason: 'off' }, measuredAt);
  const absent = await passUntil('p2', 'condition:raised spo2-absent low');
  expect(absent.data).toMatchObject({ message: 'SpO2: the sensor is off' });
});

test('an outage of ours makes no sensor silent: absence is counted from when we listen again', async () => {
  await live('p3', 15, 97);
  await service.stop();
  clock.advance(3_600_000);
  const backAt = clock.now();
  service = await startService();
  const absent = await passUntil('p3', 'condition:raised spo2-absent low');
  expect(Date.parse(String(absent.data['at']))).toBeGreaterThanOrEqual(backAt + 15_000);
});

test('a sensor that falls off is missed in time also while another sends several times a second', async () => {
  await live('p2', 20, 97, { deviceId: 'finger' });
  const fellOffAt = clock.now();
  const absent = await eventually(
    async () => {
      clock.advance(400);
      const measuredAt = clock.now();
      await ward.post([{ patientId: 'p2', vital: 'heartRate', value: 72, measuredAt, deviceId: 'patch' }], measuredAt);
      // A reading every 400 ms by the clock of the services, and time enough for what they do with it.
      await new Promise((resolve) => setTimeout(resolve, 100));
      return conditionsOf('p2').find((told) => said(told) === 'condition:raised spo2-absent low');
    },
    { what: 'spo2-absent', withinMs: 30_000 },
  );
  const at = Date.parse(String(absent.data['at']));
  expect(at).toBeGreaterThanOrEqual(fellOffAt + 15_000);
  expect(at).toBeLessThan(fellOffAt + 19_000);
});

test('while no gateway takes readings in no sensor is missed, and what is gone when one is back is', async () => {
  await live('p6', 15, 97, { deviceId: 'finger' });
  ward.setEdge(false);
  await eventually(
    async () => {
      const figure = await service.metrics.registry.getSingleMetricAsString('carillon_edge_silent_seconds');
      return Number(figure.trim().split(' ').at(-1)) > 3 ? true : undefined;
    },
    { what: 'that no gateway is heard', withinMs: 20_000 },
  );
  let looks = 0;
  await eventually(() => {
    clock.advance(500);
    return ++looks > 60 ? true : undefined;
  });
  expect(conditionsOf('p6')).toEqual([]);
  const backAt = clock.now();
  ward.setEdge(true);
  const absent = await passUntil('p6', 'condition:raised spo2-absent low');
  expect(Date.parse(String(absent.data['at']))).toBeGreaterThanOrEqual(backAt + 15_000);
});

test('M5 what a device under test measures is kept and shown as that, and raises, scores and shows nothing', async () => {
  await live('p4', 40, 60, { mode: 'test' });
  await live('p4', 1, 60, { mode: 'demo' });
  await live('p4', 1, 70, { vital: 'heartRate' });
  const from = new Date(clock.now() - 100_000).toISOString();
  const to = new Date(clock.now() + 1).toISOString();
  const reply = await ward.ask(listVitals, { patientId: 'p4', vital: 'spo2', from, to });
  const items = reply.ok ? (reply.data as { items: { mode?: string }[] }).items : [];
  expect([items.length, new Set(items.map(({ mode }) => mode))]).toEqual([41, new Set(['test', 'demo'])]);
  expect(conditionsOf('p4')).toEqual([]);
  expect(await status('p4')).toMatchObject({
    vitals: [{ vital: 'heartRate' }],
    conditions: [],
    score: { missing: expect.arrayContaining(['spo2']) },
  });
  const shown = ward.told.filter(({ event }) => event === 'vitals:recorded').flatMap(({ data }) => data['items']);
  expect(shown).toContainEqual(expect.objectContaining({ vital: 'spo2', mode: 'test' }));
});

test('M8 a reading of a device whose clock is years ahead is judged by its receipt', async () => {
  // What the edge makes of it: the receipt as its time, and beside it what the device said.
  const statedAt = Date.parse('2031-01-01T00:00:00Z');
  await live('p2', 20, 84, { statedAt, deviceId: 'ahead' });
  await eventually(() => conditionsOf('p2').find((one) => said(one) === 'condition:raised spo2-below high'));
  await live('p2', 1, 97, { deviceId: 'right' });
  await eventually(() => conditionsOf('p2').find((one) => said(one) === 'condition:cleared spo2-below high'));
});

test('a patient who cannot be looked at holds up nobody', async () => {
  await live('p5', 1, 97);
  const database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
  await database.query(`update patient_monitor set state = '{}', due_at = $1 where patient_id = 'p5'`, [
    new Date(clock.now()),
  ]);
  await database.close();
  await live('p6', 15, 97);
  await passUntil('p6', 'condition:raised spo2-absent low');
});
