import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import fc from 'fast-check';
import { createLogger } from '@carillon/runtime/log';
import { retain } from '../src/handlers/retention.ts';
import { makeMinutes } from '../src/handlers/minutes.ts';
import { planSummary } from '../src/domain/summary-plan.ts';
import { findNewestVitals, insertReadings, listVitals, type StoredReading, type VitalPlace } from '../src/store.ts';
import { dayMs, dayOf, listParts, minuteMonths, partitionOf, readingDays } from '../src/store-history.ts';
import { findDueHour } from '../src/store-minutes.ts';
import { summarise, type SummaryRow } from '../src/store-summary.ts';

let infrastructure: Infrastructure;
let database: Database;
const now = Date.now();
const log = createLogger('monitoring', { level: 'silent', file: '' });
const config = {
  CARILLON_VITALS_KEEP_DAYS: 35,
  CARILLON_VITALS_MINUTES_KEEP_DAYS: 400,
  CARILLON_ALARMS_KEEP_DAYS: 400,
};
const migrations = [
  directoryProjectionMigrations,
  { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'monitoring', migrations);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'monitoring' });
});
beforeEach(async () => {
  await database.query('truncate vital_sign, vital_minute, minutes_due');
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const reading = (measuredAt: number, given: Partial<StoredReading> = {}): StoredReading => ({
  hospital: 'h1',
  by: 'd1',
  receivedAt: measuredAt,
  patientId: 'p1',
  vital: 'spo2',
  value: 97,
  receivedValue: 97,
  receivedUnit: null,
  measuredAt,
  statedAt: null,
  quality: 'good',
  deviceId: 'd1',
  ...given,
});
const store = (...readings: StoredReading[]): ReturnType<typeof insertReadings> =>
  database.transaction((tx) => insertReadings(tx, readings, now));
async function whereIs(measuredAt: number): Promise<string | undefined> {
  const { rows } = await database.query<{ name: string }>(
    'select tableoid::regclass::text as name from vital_sign where measured_at = $1',
    [new Date(measuredAt)],
  );
  return rows[0]?.name;
}
const nameOfDay = (day: number): string => partitionOf(readingDays, day);
const spo2 = { hospital: 'h1', patientId: 'p1', vital: 'spo2' } as const;
/** All that is due by then. */
async function makeAllMinutes(until: number): Promise<void> {
  while ((await makeMinutes(database, { now: until, keepDays: 400 })) > 0);
}
const inMinutes = (from: number, to: number, everySeconds = 60): Promise<SummaryRow[]> =>
  summarise(database, spo2, { resolution: 'minutes', from, to, everySeconds });

test('each day is made a week before its first reading', async () => {
  await retain({ database, log }, config, now);
  const days = await listParts(database, readingDays);
  for (let ahead = -1; ahead <= 7; ahead++) expect(days).toContain(dayOf(now) + ahead * dayMs);
  const tomorrow = await retain({ database, log }, config, now + dayMs);
  expect(tomorrow?.made).toContain(nameOfDay(dayOf(now) + 8 * dayMs));
  expect(tomorrow?.dropped).toEqual([]);
  expect(await retain({ database, log }, config, now + dayMs)).toEqual({ made: [], dropped: [] });
});

test('a reading of last year lands and is found, and lands once', async () => {
  const lastYear = now - 400 * dayMs;
  expect(await store(reading(lastYear, { receivedAt: now }))).toHaveLength(1);
  expect(await store(reading(lastYear, { receivedAt: now }))).toEqual([]);
  await retain({ database, log }, config, now);
  expect(await whereIs(lastYear)).toBe('vital_sign_default');
  const newest = await findNewestVitals(database, { hospital: 'h1', now }, ['p1']);
  expect(newest.get('p1')).toMatchObject([{ vital: 'spo2', measuredAt: new Date(lastYear).toISOString() }]);
});

test('the newest of a vital sign is found beside old ones of others', async () => {
  await store(
    reading(now - 5 * dayMs),
    reading(now - 1_000),
    reading(now),
    reading(now - 9 * dayMs, { vital: 'pulse' }),
  );
  const newest = (await findNewestVitals(database, { hospital: 'h1', now }, ['p1', 'p2'])).get('p1');
  expect(new Map(newest?.map(({ vital, measuredAt }) => [vital, Date.parse(measuredAt)]))).toEqual(
    new Map([
      ['spo2', now],
      ['pulse', now - 9 * dayMs],
    ]),
  );
});

test('page after page gives each reading of all vital signs once, oldest first', async () => {
  const vitals = ['pulse', 'spo2', 'heartRate'] as const;
  const times = [now - 3 * dayMs, now - dayMs, now - 1_000, now];
  const readings = times.flatMap((at) =>
    vitals.flatMap((vital) => ['d1', 'd2'].map((deviceId) => reading(at, { vital, deviceId }))),
  );
  await store(...readings, reading(now - 9 * dayMs), reading(now, { patientId: 'p2' }));
  const range = { hospital: 'h1', patientId: 'p1', from: now - 8 * dayMs, to: now + 1 };
  for (const vital of [undefined, 'spo2'] as const) {
    const found: string[] = [];
    for (let after: VitalPlace | undefined; ;) {
      const page = await listVitals(database, { ...range, vital, after, limit: 5 });
      found.push(...page.map((one) => `${Date.parse(one.measuredAt)} ${one.vital} ${one.deviceId}`));
      const last = page.at(-1);
      if (last === undefined) break;
      after = { measuredAt: Date.parse(last.measuredAt), vital: last.vital, deviceId: last.deviceId ?? '' };
    }
    const expected = readings.filter((one) => vital === undefined || one.vital === vital);
    expect(found).toEqual(expected.map((one) => `${one.measuredAt} ${one.vital} ${one.deviceId}`).toSorted());
  }
});

test('what came before its day was made moves there', async () => {
  const far = dayOf(now) + 20 * dayMs + 1_000;
  await store(reading(far));
  expect(await whereIs(far)).toBe('vital_sign_default');
  await retain({ database, log }, config, now + 14 * dayMs);
  expect(await whereIs(far)).toBe(nameOfDay(dayOf(far)));
});

test('what is too old is gone with its day, and history as long after its receipt', async () => {
  const late = now + 100 * dayMs;
  await retain({ database, log }, config, late - 36 * dayMs);
  await store(
    reading(late - 36 * dayMs),
    reading(late - 34 * dayMs),
    reading(now - 300 * dayMs, { receivedAt: late - 36 * dayMs }),
    reading(now - 301 * dayMs, { receivedAt: late - 34 * dayMs }),
  );
  await retain({ database, log }, config, late);
  const { rows } = await database.query<{ at: Date }>('select measured_at as at from vital_sign order by 1');
  expect(rows.map(({ at }) => at.getTime())).toEqual([now - 301 * dayMs, late - 34 * dayMs]);
  expect((await listParts(database, readingDays))[0]).toBe(dayOf(late - 35 * dayMs));
});

test('whoever makes days waits for a lock no longer than half a second, and readers are never held up for longer', async () => {
  const later = now + 300 * dayMs;
  await database.transaction(async (tx) => {
    await tx.query('select count(*) from vital_sign');
    const startedAt = performance.now();
    await expect(retain({ database, log }, config, later)).rejects.toMatchObject({ code: '55P03' });
    expect(performance.now() - startedAt).toBeLessThan(patience(2_000));
  });
  expect(await retain({ database, log }, config, later)).toBeDefined();
});

test('the lowest and highest of any time are the lowest and highest of its parts, whatever their length', async () => {
  const start = now - dayMs;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.record({ second: fc.integer({ min: 0, max: 5_000 }), value: fc.integer({ min: 40, max: 100 }) }),
        {
          selector: ({ second }) => second,
          minLength: 1,
          maxLength: 60,
        },
      ),
      fc.integer({ min: 1, max: 2_000 }),
      async (samples, everySeconds) => {
        await database.query('truncate vital_sign, minutes_due');
        await store(...samples.map(({ second, value }) => reading(start + second * 1_000, { value })));
        await store(
          reading(start + 500, { value: 1, quality: 'suspect' }),
          reading(start + 1_500, { value: 0, mode: 'test' }),
        );
        const range = { from: start, to: start + 5_001_000, everySeconds };
        const parts = await summarise(database, spo2, { resolution: 'readings', ...range });
        const values = samples.map(({ value }) => value);
        const numbers = (all: (number | null)[]): number[] => all.filter((value) => value !== null);
        expect(Math.min(...numbers(parts.map((part) => part.lowest)))).toBe(Math.min(...values));
        expect(Math.max(...numbers(parts.map((part) => part.highest)))).toBe(Math.max(...values));
        expect(parts.reduce((sum, part) => sum + part.count, 0)).toBe(samples.length);
        expect(parts.reduce((sum, part) => sum + part.suspect, 0)).toBe(1);
        for (const { at, lowest, lowestAt } of parts) {
          if (lowest === null || lowestAt === null) continue;
          const second = (lowestAt.getTime() - start) / 1_000;
          expect(samples).toContainEqual({ second, value: lowest });
          expect(lowestAt.getTime() - at.getTime()).toBeLessThan(everySeconds * 1_000);
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('a month of minutes is made before it is needed and dropped when it is too old', async () => {
  await retain({ database, log }, config, now);
  const months = await listParts(database, minuteMonths);
  expect(months[0]).toBeLessThanOrEqual(now - 400 * dayMs);
  expect(minuteMonths.endOf(months.at(-1) ?? 0)).toBeGreaterThan(now + 7 * dayMs);
  const later = await retain({ database, log }, config, now + 62 * dayMs);
  expect(later?.dropped).toContain(partitionOf(minuteMonths, months[0] ?? 0));
  expect((await listParts(database, minuteMonths))[0]).toBeGreaterThan(months[0] ?? 0);
});

test('minutes say what readings say, in whatever order these came, how often, and whenever minutes were made', async () => {
  const start = Math.floor((now - 5 * 3_600_000) / 3_600_000) * 3_600_000;
  const end = start + 2 * 3_600_000;
  const sample = fc.record({
    atMs: fc.integer({ min: 0, max: end - start - 1 }),
    value: fc.integer({ min: 40, max: 100 }),
    quality: fc.oneof({ weight: 6, arbitrary: fc.constant('good' as const) }, fc.constant('suspect' as const)),
    isTest: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  });
  /** A post of readings, or the making of minutes. */
  const step = fc.oneof({ weight: 3, arbitrary: fc.array(sample, { maxLength: 20 }) }, fc.constant('make' as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), async (steps, minutes) => {
      await database.query('truncate vital_sign, vital_minute, minutes_due');
      for (const each of steps) {
        if (each === 'make') await makeAllMinutes(now);
        else {
          const post = each.map(({ atMs, isTest, ...given }) =>
            reading(start + atMs, isTest ? { ...given, mode: 'test' } : given),
          );
          await store(...post);
          await store(...post);
        }
      }
      const range = { from: start, to: end, everySeconds: minutes * 60 };
      const expected = await summarise(database, spo2, { resolution: 'readings', ...range });
      // What is not made yet is read from readings: it makes no difference how far it is.
      expect(await inMinutes(start, end, range.everySeconds)).toEqual(expected);
      await makeAllMinutes(now);
      await database.query('truncate vital_sign');
      expect(await inMinutes(start, end, range.everySeconds)).toEqual(expected);
    }),
    { numRuns: 25 },
  );
}, 60_000);

test('one low reading in a month is on a chart of a hundred points, when its readings are gone', async () => {
  const lowAt = now - 20 * dayMs;
  for (let day = 1; day <= 30; day++) await store(reading(now - day * dayMs), reading(now - day * dayMs + 1_000));
  await store(reading(lowAt, { deviceId: 'd2', value: 40 }));
  await makeAllMinutes(now);
  await database.query('truncate vital_sign');
  const plan = planSummary({ from: now - 30 * dayMs, to: now }, { points: 100, readingsFrom: now - 35 * dayMs });
  const parts = await summarise(database, spo2, plan);
  expect(parts.length).toBeLessThanOrEqual(100);
  expect(parts.filter(({ lowest }) => lowest === 40)).toMatchObject([{ lowestAt: new Date(lowAt), count: 3 }]);
});

test('an hour is made ten minutes after its end, and again when something of it comes late', async () => {
  const hour = Math.floor(now / 3_600_000) * 3_600_000 - 10 * 3_600_000;
  await store(reading(hour + 1_000, { value: 95 }));
  expect(await makeMinutes(database, { now: hour + 4_199_999, keepDays: 400 })).toBe(0);
  expect(await makeMinutes(database, { now: hour + 4_200_000, keepDays: 400 })).toBe(1);
  expect(await findDueHour(database)).toBeUndefined();
  await store(reading(hour + 2_000, { value: 80 }));
  expect(await findDueHour(database)).toBe(hour);
  await makeAllMinutes(now);
  expect(await inMinutes(hour, hour + 60_000)).toMatchObject([{ count: 2, lowest: 80, highest: 95 }]);
});

test('readings that are being stored while minutes are made are in them', async () => {
  const hour = Math.floor(now / 3_600_000) * 3_600_000 - 10 * 3_600_000;
  await store(reading(hour, { value: 95 }));
  await database.transaction(async (tx) => {
    await insertReadings(tx, [reading(hour + 1_000, { value: 70 })], now);
    // Its hour waits for them.
    expect(await makeMinutes(database, { now, keepDays: 400 })).toBe(0);
  });
  expect(await makeMinutes(database, { now, keepDays: 400 })).toBe(1);
  expect(await inMinutes(hour, hour + 60_000)).toMatchObject([{ count: 2, lowest: 70 }]);
});

test('a late reading takes no extreme and no count of a minute whose readings are gone', async () => {
  const at = Math.floor(now / 60_000) * 60_000 - 3 * 3_600_000;
  await store(reading(at, { value: 88 }), reading(at + 1_000, { value: 99 }), reading(at + 2_000, { value: 95 }));
  await makeAllMinutes(now);
  await database.query('truncate vital_sign');
  await store(reading(at + 3_000, { value: 90, deviceId: 'd2' }));
  await makeAllMinutes(now);
  const [part] = await inMinutes(at, at + 60_000);
  expect(part).toMatchObject({ count: 3, lowest: 88, lowestAt: new Date(at), highest: 99 });
  expect(part?.mean).toBeCloseTo(94, 5);
});

test('what a device that is registered as under test measures is history of that device only', async () => {
  await database.query(
    `insert into device (hospital, device_id, type, body, mode, version) values ('h1', 'd9', 'monitor', '{}', 'demo', 1)`,
  );
  const at = Math.floor(now / 60_000) * 60_000 - 3 * 3_600_000;
  await store(reading(at, { value: 20, deviceId: 'd9' }), reading(at + 1_000));
  await makeAllMinutes(now);
  expect(await inMinutes(at, at + 60_000)).toMatchObject([{ count: 1, lowest: 97 }]);
  const newest = (await findNewestVitals(database, { hospital: 'h1', now }, ['p1'])).get('p1');
  expect(newest).toMatchObject([{ value: 97 }]);
});
