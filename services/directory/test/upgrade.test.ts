import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { migrationsBefore } from '@carillon/testkit/migrations-before';
import { endStays, listBedsWithPatients, listStaysOf } from '../src/store-admissions.ts';

let infrastructure: Infrastructure;
let before: Awaited<ReturnType<typeof migrationsBefore>>;
const folder = fileURLToPath(new URL('../migrations', import.meta.url));

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  before = await migrationsBefore(folder, '0004');
});
afterAll(async () => {
  await infrastructure.stop();
  await before.remove();
});

test('of who lay in a bed before stays were kept it is on record who ended that and why, and that nobody knows since when', async () => {
  const { url } = infrastructure.postgres;
  await migrate(url, 'directory', [{ folder: before.folder, table: 'migrations' }]);
  const database = openDatabase({ url, service: 'directory' });
  const keep = (kind: string, id: string, body: object, version = 1): Promise<unknown> =>
    database.query(`insert into entity (hospital, kind, id, body, version) values ('h1', $1, $2, $3, $4)`, [
      kind,
      id,
      JSON.stringify(body),
      version,
    ]);
  await keep('ward', 'w1', { wardId: 'w1', name: 'Ward', beds: [{ bedId: 'b1', label: '1' }] });
  await keep('admission', 'p1', { patientId: 'p1', wardId: 'w1', bedId: 'b1' }, 4);
  await migrate(url, 'directory', [{ folder, table: 'migrations' }]);

  const beds = await listBedsWithPatients(database, 'h1', 'w1');
  expect(beds).toMatchObject([{ bedId: 'b1', patientId: 'p1', since: null }]);
  const lies = { wardId: 'w1', bedId: 'b1', from: null, movedBy: null };
  expect(await listStaysOf(database, 'h1', 'p1', 10)).toEqual([{ ...lies, until: null, endedBy: null, reason: null }]);
  const at = Date.UTC(2026, 10, 21, 8);
  await endStays(database, 'h1', ['p1'], { at, by: 'n1', reason: 'home' });
  expect(await listStaysOf(database, 'h1', 'p1', 10)).toEqual([
    { ...lies, until: new Date(at).toISOString(), endedBy: 'n1', reason: 'home' },
  ]);
  await database.close();
});
