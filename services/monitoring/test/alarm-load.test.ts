import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { canary } from '@carillon/contracts/canary';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { createLogger } from '@carillon/runtime/log';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import fc from 'fast-check';
import { perBedDay } from '../src/domain/alarm-load.ts';
import { keepOutcome, keepStay } from '../src/handlers/alarm-load.ts';
import { retain } from '../src/handlers/retention.ts';
import {
  countAlarms,
  recordAlarms,
  recordStay,
  sumStays,
  type AlarmChange,
  type AlarmFigures,
} from '../src/store-alarms.ts';

let infrastructure: Infrastructure;
let database: Database;
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
  await database.query('truncate alarm, stay');
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;
const day = Date.parse('2026-11-20T00:00:00Z');
const at = (minute: number): number => day + minute * minuteMs;

const change = (type: AlarmChange['type'], minute: number, given: Partial<AlarmChange> = {}): Promise<void> =>
  recordAlarms(database, 'h1', [
    {
      type,
      patientId: 'p1',
      wardId: 'w1',
      kind: 'spo2-below',
      priority: 'medium',
      isTechnical: false,
      atMs: at(minute),
      ...given,
    },
  ]);
async function alarm(from: number, to: number, given: Partial<AlarmChange> = {}): Promise<void> {
  await change('raised', from, given);
  await change('cleared', to, given);
}
const load = (wardId: string | null = null, from = day, to = day + dayMs): Promise<AlarmFigures> =>
  countAlarms(database, { hospital: 'h1', wardId, from, to });

test('a day that was made by hand has the figures that were counted by hand', async () => {
  await alarm(10, 12);
  // Nine minutes after the end of the one before, then eleven.
  await alarm(21, 22);
  await alarm(33, 34, { priority: 'high' });
  await alarm(33, 35, { kind: 'news2', priority: 'high' });
  await alarm(40, 41, { kind: 'spo2-absent', isTechnical: true });
  await alarm(35, 36, { patientId: 'p2', wardId: 'w2' });
  await alarm(2_000, 2_001);
  expect(await load()).toMatchObject({
    alarms: 5,
    technical: 1,
    repeated: 1,
    judged: 0,
    notActionable: 0,
    byKind: [
      { kind: 'spo2-below', alarms: 4 },
      { kind: 'news2', alarms: 1 },
    ],
    byPriority: [
      { priority: 'high', alarms: 2 },
      { priority: 'medium', alarms: 3 },
    ],
    exposure: { p50: 1, p90: 2, max: 2, under30: 5, from30to79: 0, from80: 0 },
  });
  expect(await load('w2')).toMatchObject({ alarms: 1, exposure: { max: 0, under30: 1 } });
  expect(await countAlarms(database, { hospital: 'h2', wardId: null, from: day, to: day + dayMs })).toMatchObject({
    alarms: 0,
    byKind: [],
  });
});

test('a condition that becomes more urgent is one alarm, of the highest priority that it had', async () => {
  await change('raised', 10);
  await change('raised', 11, { priority: 'high' });
  await change('changed', 12);
  await change('cleared', 13);
  await change('cleared', 14);
  expect(await load()).toMatchObject({ alarms: 1, byPriority: [{ priority: 'high', alarms: 1 }] });
});

test('a condition that ended and began again within one batch is two alarms', async () => {
  await change('raised', 10);
  const again = { patientId: 'p1', wardId: 'w1', kind: 'spo2-below', priority: 'medium', isTechnical: false } as const;
  await recordAlarms(database, 'h1', [
    { ...again, type: 'cleared', atMs: at(12) },
    { ...again, type: 'raised', atMs: at(13) },
  ]);
  expect(await load()).toMatchObject({ alarms: 2, repeated: 1 });
});

test('an alarm at the edge of the window counts once, and one beyond it does not', async () => {
  await alarm(0, 1);
  await alarm(1, 2, { kind: 'pulse-above' });
  await alarm(121, 122);
  const { exposure } = await load(null, at(121), at(122));
  expect(exposure).toMatchObject({ p50: 1, max: 1, under30: 1 });
});

test('of alarms of which somebody said so, those that were not actionable are counted before each', async () => {
  for (let each = 0; each < 31; each++) await alarm(each, each + 0.5);
  await database.query('update alarm set is_actionable = false where raised_at < $1', [new Date(at(30))]);
  await database.query('update alarm set is_actionable = true where raised_at >= $1', [new Date(at(30))]);
  expect(await load()).toMatchObject({
    judged: 31,
    notActionable: 30,
    exposureNotActionable: { max: 30, under30: 30, from30to79: 1, from80: 0 },
  });
});

test('what is said of an alert is said of the alarms until it was closed, however late it is heard', async () => {
  for (const begin of [0, 10, 40]) await alarm(begin, begin + 1);
  const openedAt = new Date(at(1)).toISOString();
  const alert = { patientId: 'p1', kind: 'spo2-below', openedAt, outcome: 'notActionable' } as const;
  await keepOutcome({ tx: database, hospital: 'h1', now: at(60), publishedAt: at(20) }, alert);
  expect(await load()).toMatchObject({ alarms: 3, judged: 2, notActionable: 2 });
});

test('a stay begins and ends when it was told, not when it was heard', async () => {
  const hear = (minute: number, publishedAt: number, before: string | undefined, after: string | undefined) =>
    keepStay(
      { tx: database, hospital: 'h1', now: at(minute), publishedAt: at(publishedAt) },
      { kind: 'admission', patientId: 'p1', before, after },
    );
  await hear(600, 0, undefined, 'w1');
  await hear(600, 480, 'w1', undefined);
  const range = { hospital: 'h1', wardId: 'w1', from: day, to: day + dayMs };
  expect(await sumStays(database, range)).toBe(480 * minuteMs);
});

test('a bed that was empty half the day is half a bed-day', async () => {
  const stay = (minute: number, wardId: string | null): Promise<void> =>
    recordStay(database, { hospital: 'h1', patientId: 'p1', wardId, at: at(minute) });
  await stay(-100, 'w1');
  await stay(720, null);
  const range = { hospital: 'h1', wardId: 'w1', from: day, to: day + dayMs };
  expect(perBedDay(3, await sumStays(database, range))).toEqual({ alarms: 3, bedDays: 0.5, alarmsPerBedDay: 6 });
  await stay(1_080, 'w2');
  expect(await sumStays(database, { ...range, wardId: null })).toBe(dayMs * 0.75);
  expect(await sumStays(database, { ...range, wardId: 'w2' })).toBe(dayMs * 0.25);
  expect(perBedDay(0, await sumStays(database, { ...range, wardId: 'w3' }))).toEqual({
    alarms: 0,
    bedDays: 0,
    alarmsPerBedDay: null,
  });
});

test('whose moves are all told at once lies where the last of them put him', async () => {
  for (const wardId of ['w1', 'w2', 'w3']) {
    await recordStay(database, { hospital: 'h1', patientId: 'p1', wardId, at: day });
  }
  const range = { hospital: 'h1', from: day, to: day + dayMs };
  expect(await sumStays(database, { ...range, wardId: 'w3' })).toBe(dayMs);
  expect(await sumStays(database, { ...range, wardId: null })).toBe(dayMs);
});

test('the figures of two times that meet add up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ minute: fc.integer({ min: 0, max: 1_439 }), patient: fc.integer({ min: 1, max: 3 }) }), {
        maxLength: 25,
      }),
      fc.integer({ min: 1, max: 1_439 }),
      async (alarms, cut) => {
        await database.query('truncate alarm');
        for (const { minute, patient } of alarms) await alarm(minute, minute + 0.1, { patientId: `p${patient}` });
        const whole = await load();
        const parts = [await load(null, day, at(cut)), await load(null, at(cut), day + dayMs)];
        for (const name of ['alarms', 'repeated', 'technical'] as const) {
          expect(parts.reduce((sum, part) => sum + part[name], 0)).toBe(whole[name]);
        }
        for (const name of ['under30', 'from30to79', 'from80'] as const) {
          expect(parts.reduce((sum, part) => sum + part.exposure[name], 0)).toBe(whole.exposure[name]);
        }
        expect(Math.max(...parts.map((part) => part.exposure.max))).toBe(whole.exposure.max);
      },
    ),
    { numRuns: 20 },
  );
});

test('alarms of the canary are kept for a day, those of patients for more than a year', async () => {
  const keep = async (hospital: string, days: number, kind: string): Promise<void> => {
    const atMs = day - days * dayMs;
    const given = { patientId: 'p1', wardId: null, kind, priority: 'low', isTechnical: false, atMs } as const;
    await recordAlarms(database, hospital, [{ ...given, type: 'raised' }]);
    if (kind !== 'open') await recordAlarms(database, hospital, [{ ...given, type: 'cleared' }]);
  };
  for (const hospital of ['h1', canary.hospital]) {
    await keep(hospital, 401, 'ancient');
    await keep(hospital, 2, 'old');
    await keep(hospital, 2, 'open');
    await keep(hospital, 0.5, 'young');
  }
  const config = {
    CARILLON_VITALS_KEEP_DAYS: 35,
    CARILLON_VITALS_MINUTES_KEEP_DAYS: 400,
    CARILLON_ALARMS_KEEP_DAYS: 400,
  };
  const log = createLogger('monitoring', { level: 'silent', file: '' });
  expect(await retain({ database, log }, config, day)).toBeDefined();
  const { rows } = await database.query<{ hospital: string; kinds: string }>(
    `select hospital, string_agg(kind, ' ' order by kind) as kinds from alarm group by hospital order by hospital`,
  );
  expect(rows).toEqual([
    { hospital: canary.hospital, kinds: 'open young' },
    { hospital: 'h1', kinds: 'old open young' },
  ]);
});
