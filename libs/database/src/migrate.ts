/** Plain SQL files, through node-pg-migrate: its lock, its table. Each service has one schema and its own history. */
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { isPassing, schemaOf } from './database.ts';

/** A folder of `.sql` files, and the table that remembers which of them ran. */
export type MigrationSet = { folder: string; table: string };

const commandPath: MigrationSet = {
  folder: fileURLToPath(new URL('../migrations', import.meta.url)),
  table: 'carillon_migrations',
};

/**
 * Brings the schema of a service up to date: first what every service has, then the given sets in order.
 * Replicas may start at once: one lock lets one migrate while the others wait.
 * @throws when no database answers; the message names the address, never the credentials
 */
export async function migrate(url: string, service: string, sets: readonly MigrationSet[]): Promise<void> {
  const schema = schemaOf(service);
  for (const { folder, table } of [commandPath, ...sets]) {
    const running = runner({
      // A connection of its own: node-pg-migrate leaves search_path set on the client that it used.
      databaseUrl: { connectionString: url, connectionTimeoutMillis: 5_000, application_name: `${service}-migrate` },
      dir: folder,
      migrationsTable: table,
      schema,
      createSchema: true,
      migrationsSchema: schema,
      createMigrationsSchema: true,
      direction: 'up',
      advisoryLockMode: 'wait',
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    await running.catch((error: unknown) => {
      if (!isPassing(error)) throw error;
      // One that stands for several addresses has no message of its own.
      const why = error.message || String(Reflect.get(error, 'code'));
      throw new Error(`no PostgreSQL answers at ${new URL(url).host}: ${why}`, { cause: error });
    });
  }
}
