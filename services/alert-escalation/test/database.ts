/** The service's schema on a PostgreSQL of its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { startPostgres } from '@carillon/local/postgres';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';

const migrations = [
  directoryProjectionMigrations,
  { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
];
export const migrateService = (url: string): Promise<void> => migrate(url, 'alert-escalation', migrations);

/** The pool of one engine. */
export const openEngine = (url: string, maxConnections = 4): Database =>
  openDatabase({ url, service: 'alert-escalation', maxConnections });

/** What a statement costs decides how long a thousand histories take. */
const settings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  unix_socket_directories: '/tmp',
};

export type HistoryDatabase = { url: string; stop(): Promise<void> };

/** For what is played against the tables alone, by the hundred thousand statements: by a socket, and with the schema in it. */
export async function startHistoryDatabase(): Promise<HistoryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-test-'));
  const postgres = await startPostgres({ folder, settings });
  const url = new URL(postgres.url);
  url.searchParams.set('host', settings.unix_socket_directories);
  await migrateService(url.href);
  return {
    url: url.href,
    async stop() {
      await postgres.stop();
      // As root the data lies where the database's user may go; a note says where.
      const place = await readFile(join(folder, 'data-is-in'), 'utf8').catch(() => '');
      for (const each of [place.trim(), folder]) if (each !== '') await rm(each, { recursive: true, force: true });
    },
  };
}
