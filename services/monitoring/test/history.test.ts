import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import fc from 'fast-check';
import { createLogger } from '@carillon/runtime/log';
import { retain } from '../src/handlers/retention.ts';
import { findNewestVitals, insertReadings, type StoredReading } from '../src/store.ts';
import { dayMs, dayOf, listDays } from '../src/store-history.ts';
import { summariseReadings } from '../src/store-summary.ts';

let infrastructure: Infrastructure;
let database: Database;
const now = Date.now();
const log = createLogger('monitoring', { level: 'silent', file: '' });
const config = { CARILLON_VITALS_KEEP_DAYS: 35, CARILLON_ALARMS_KEEP_DAYS: 400 };
const migrations = [
  directoryProjectionMigrations,
  { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'monitoring', migrations);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'monitoring' });
}, 60_000);
beforeEach(async () => {
  await database.query('truncate vital_sign');
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
const store = (...readings: StoredReading[]): Promise<Set<string>> =>
  database.transaction((tx) => insertReadings(tx, readings));
async function partitionOf(measuredAt: number): Promise<string | undefined> {
  const { rows } = await database.query<{ name: string }>(
    'select tableoid::regclass::text as name from vital_sign where measured_at = $1',
    [new Date(measuredAt)],
  );
  return rows[0]?.name;
}
const nameOfDay = (day: number): string => `vital_sign_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;

test('each day is made a week before its first reading', async () => {
  await retain({ database, log }, config, now);
  const days = await listDays(database);
  for (let ahead = -1; ahead <= 7; ahead++) expect(days).toContain(dayOf(now) + ahead * dayMs);
  const tomorrow = await retain({ database, log }, config, now + dayMs);
  expect(tomorrow).toEqual({ made: [dayOf(now) + 8 * dayMs], dropped: [] });
  expect(await retain({ database, log }, config, now + dayMs)).toEqual({ made: [], dropped: [] });
});

test('a reading of last year lands and is found, and lands once', async () => {
  const lastYear = now - 400 * dayMs;
  expect((await store(reading(lastYear, { receivedAt: now }))).size).toBe(1);
  expect((await store(reading(lastYear, { receivedAt: now }))).size).toBe(0);
  await retain({ database, log }, config, now);
  expect(await partitionOf(lastYear)).toBe('vital_sign_default');
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

test('what came before its day was made moves there', async () => {
  const far = dayOf(now) + 20 * dayMs + 1_000;
  await store(reading(far));
  expect(await partitionOf(far)).toBe('vital_sign_default');
  await retain({ database, log }, config, now + 14 * dayMs);
  expect(await partitionOf(far)).toBe(nameOfDay(dayOf(far)));
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
  expect((await listDays(database))[0]).toBe(dayOf(late - 35 * dayMs));
});

test('whoever makes days waits for a lock no longer than half a second, and readers are never held up for longer', async () => {
  const later = now + 300 * dayMs;
  await database.transaction(async (tx) => {
    await tx.query('select count(*) from vital_sign');
    const startedAt = performance.now();
    await expect(retain({ database, log }, config, later)).rejects.toMatchObject({ code: '55P03' });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
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
        await database.query('truncate vital_sign');
        await store(...samples.map(({ second, value }) => reading(start + second * 1_000, { value })));
        await store(
          reading(start + 500, { value: 1, quality: 'suspect' }),
          reading(start + 1_500, { value: 0, mode: 'test' }),
        );
        const range = { from: start, to: start + 5_001_000, everySeconds };
        const parts = await summariseReadings(database, { hospital: 'h1', patientId: 'p1', vital: 'spo2' }, range);
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
}, 30_000);
