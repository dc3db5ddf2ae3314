import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { findPlaced, insertRules } from '../src/store-limits.ts';

let infrastructure: Infrastructure;
let before: string;
const folder = fileURLToPath(new URL('../migrations', import.meta.url));

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  before = await mkdtemp(join(tmpdir(), 'carillon-migrations-'));
  await cp(join(folder, '0001_monitoring.sql'), join(before, '0001_monitoring.sql'));
});
afterAll(async () => {
  await infrastructure.stop();
  await rm(before, { recursive: true });
});

test('limits of the release before hold on, and the next version follows theirs', async () => {
  const { url } = infrastructure.postgres;
  await migrate(url, 'monitoring', [directoryProjectionMigrations, { folder: before, table: 'migrations' }]);
  const database = openDatabase({ url, service: 'monitoring' });
  const setAtMs = Date.UTC(2026, 10, 1);
  const limits = [{ vital: 'spo2', below: 85, persistSeconds: 15, priority: 'high' } as const];
  await database.query(
    `insert into patient_limits (hospital, patient_id, limits, set_by, set_at, version)
     values ('h1', 'p1', $1, 'd1', $2, 3)`,
    [JSON.stringify(limits), new Date(setAtMs)],
  );
  await migrate(url, 'monitoring', [directoryProjectionMigrations, { folder, table: 'migrations' }]);
  const own = { version: 3, body: { limits }, setBy: 'd1', setAtMs, expiresAtMs: null, resumes: null };
  expect(await findPlaced(database, 'h1', 'p1')).toMatchObject({ own });
  const next = { body: { limits: [] }, setBy: 'd2', setAtMs: setAtMs + 1, expiresAtMs: null, resumes: null };
  expect(await insertRules(database, { hospital: 'h1', patientId: 'p1' }, next)).toEqual({ ...next, version: 4 });
  expect(await findPlaced(database, 'h1', 'p1')).toMatchObject({ own: { version: 4 } });
  await database.close();
});
