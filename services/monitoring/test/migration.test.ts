import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { migrationsBefore } from '@carillon/testkit/migrations-before';

let infrastructure: Infrastructure;
let before: Awaited<ReturnType<typeof migrationsBefore>>;
const folder = fileURLToPath(new URL('../migrations', import.meta.url));

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  before = await migrationsBefore(folder, '0006');
});
afterAll(async () => {
  await infrastructure.stop();
  await before.remove();
});

test('what was stored before there were days is in its day, and history of any age is kept', async () => {
  const { url } = infrastructure.postgres;
  await migrate(url, 'monitoring', [directoryProjectionMigrations, { folder: before.folder, table: 'migrations' }]);
  const database = openDatabase({ url, service: 'monitoring' });
  const now = Date.now();
  const times = [now - 400 * 86_400_000, now - 2 * 86_400_000, now];
  for (const at of times) {
    await database.query(
      `insert into vital_sign (hospital, patient_id, vital, measured_at, device_id, value, quality, received_value,
         received_at, posted_by) values ('h1', 'p1', 'spo2', $1, 'd1', 97, 'good', '97', $1, 'd1')`,
      [new Date(at)],
    );
  }
  await database.query(
    `insert into directory_admission (hospital, patient_id, ward_id, bed_id, version) values ('h1', 'p1', 'w1', 'b1', 1)`,
  );
  await migrate(url, 'monitoring', [directoryProjectionMigrations, { folder, table: 'migrations' }]);
  const { rows } = await database.query<{ at: Date; name: string }>(
    'select measured_at as at, tableoid::regclass::text as name from vital_sign order by 1',
  );
  expect(rows.map(({ at }) => at.getTime())).toEqual(times);
  const nameOfDay = (at: number): string => `vital_sign_${new Date(at).toISOString().slice(0, 10).replaceAll('-', '')}`;
  expect(rows.map(({ name }) => name)).toEqual(['vital_sign_default', nameOfDay(now - 2 * 86_400_000), nameOfDay(now)]);
  // Their minutes are to be made.
  const due = await database.query<{ hour: Date }>('select hour from minutes_due order by 1');
  expect(due.rows.map(({ hour }) => hour.getTime())).toEqual(times.map((at) => Math.floor(at / 3_600_000) * 3_600_000));
  // From now on it is known how long he lies there.
  const stays = await database.query<{ ward_id: string }>('select ward_id from stay where until_at is null');
  expect(stays.rows).toEqual([{ ward_id: 'w1' }]);
  await database.close();
});
