/** The service's schema on a PostgreSQL of its own. */
import { fileURLToPath } from 'node:url';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';

const migrations = [
  directoryProjectionMigrations,
  { folder: fileURLToPath(new URL('../migrations', import.meta.url)), table: 'migrations' },
];
export const migrateService = (url: string): Promise<void> => migrate(url, 'alert-escalation', migrations);

/** The pool of one engine. */
export const openEngine = (url: string, maxConnections = 4): Database =>
  openDatabase({ url, service: 'alert-escalation', maxConnections });
