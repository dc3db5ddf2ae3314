/** When patients are looked at without a sample, as it is kept beside their engines. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { partitionOf } from '@carillon/contracts/streams';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { emptyPatientState } from '../src/domain/patient-state.ts';
import { upsertMonitors } from '../src/store.ts';
import { claimDueMonitors, nextDueMonitor } from '../src/store-due.ts';

let infrastructure: Infrastructure;
let database: Database;
const now = Date.parse('2026-03-01T08:00:00Z');

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'monitoring', [
    directoryProjectionMigrations,
    { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
  ]);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'monitoring' });
});
beforeEach(async () => {
  await database.query('truncate patient_monitor');
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const partOf = (patientId: string): number => Number(partitionOf(patientId));
async function save(patientId: string, dueAtMs: number | null, at = now, isLook = false): Promise<void> {
  const monitor = { patientId, state: emptyPatientState, version: 1, dueAtMs };
  await upsertMonitors(database, { hospital: 'h1', now: at, isLook }, [monitor]);
}
const dueOf = (patientId: string): Promise<number | undefined> => nextDueMonitor(database, [partOf(patientId)]);

test('a look that is well ahead stays where it is the earlier one; one that is soon gives way where nothing is waited for then', async () => {
  await save('p1', now + 15_000);
  await save('p1', now + 20_000, now + 5_000);
  expect(await dueOf('p1')).toBe(now + 15_000);
  // Three seconds before it, and where it has passed.
  await save('p1', now + 27_000, now + 12_000);
  expect(await dueOf('p1')).toBe(now + 27_000);
  await save('p1', now + 60_000, now + 40_000);
  expect(await dueOf('p1')).toBe(now + 60_000);
});

test('what only a look finds is not put off by readings that come meanwhile, also where its time has passed', async () => {
  await save('p1', now + 15_000);
  // A second from each of them on: what the engine asks for while something is silent that only a look may call so.
  for (const at of [14_300, 14_800, 15_300, 17_000]) await save('p1', now + at + 1_000, now + at);
  expect(await dueOf('p1')).toBe(now + 15_000);
  await save('p1', now + 18_000, now + 17_000, true);
  expect(await dueOf('p1')).toBe(now + 18_000);
});

test('an earlier look is taken over, however soon, and none is where nothing waits for a time', async () => {
  await save('p1', now + 15_000);
  await save('p1', now + 1_000);
  expect(await dueOf('p1')).toBe(now + 1_000);
  await save('p1', null);
  expect(await dueOf('p1')).toBeUndefined();
});

test('the next look is the earliest of the partitions that are asked for', async () => {
  const patients = Array.from({ length: 40 }, (_, index) => `p${index}`);
  for (const [index, patientId] of patients.entries()) {
    await save(patientId, index % 4 === 0 ? null : now + 10_000 + index * 1_000);
  }
  const parts = [...new Set(patients.map(partOf))].toSorted((a, b) => a - b);
  expect(parts.length).toBeGreaterThan(8);
  for (const some of [parts, parts.slice(0, 3), parts.slice(5, 6)]) {
    const due = patients.flatMap((patientId, index) =>
      index % 4 === 0 || !some.includes(partOf(patientId)) ? [] : [now + 10_000 + index * 1_000],
    );
    expect(await nextDueMonitor(database, some)).toBe(due.length === 0 ? undefined : Math.min(...due));
  }
  expect(await nextDueMonitor(database, [])).toBeUndefined();
  const claimed = await database.transaction((tx) =>
    claimDueMonitors(tx, { parts, now: now + 13_000, limit: 10 }).then((rows) => rows.map((row) => row.patientId)),
  );
  expect(claimed).toEqual(['p1', 'p2', 'p3']);
});
