/** A real nats-server and a real PostgreSQL for one test file: own folders, free ports, gone when the process is. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '@carillon/local/nats-server';
import { startPostgres } from '@carillon/local/postgres';

export type Server = Awaited<ReturnType<typeof startNatsServer>>;

export type Infrastructure = {
  nats: Server;
  postgres: Server;
  /** NATS_URL, DATABASE_URL, and a log that says nothing. */
  environment: Readonly<Record<string, string>>;
  /** Starts it again on the same folder and port, after `nats.stop()` or `nats.kill()`. */
  restartNats(): Promise<void>;
  restartPostgres(): Promise<void>;
  stop(): Promise<void>;
};

/** Nothing here must survive a power cut; what must survive a kill still does. */
const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

export async function startInfrastructure(): Promise<Infrastructure> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-test-'));
  const natsFolder = join(folder, 'nats');
  const postgresFolder = join(folder, 'postgres');
  const [nats, postgres] = await Promise.all([
    startNatsServer({ folder: natsFolder }),
    startPostgres({ folder: postgresFolder, settings }),
  ]);
  const running: Infrastructure = {
    nats,
    postgres,
    environment: { NATS_URL: nats.url, DATABASE_URL: postgres.url, CARILLON_LOG_LEVEL: 'silent' },
    async restartNats() {
      await running.nats.exited;
      running.nats = await startNatsServer({ folder: natsFolder, port: nats.port });
    },
    async restartPostgres() {
      await running.postgres.exited;
      running.postgres = await startPostgres({ folder: postgresFolder, port: postgres.port, settings });
    },
    async stop() {
      await Promise.all([running.nats.stop(), running.postgres.stop()]);
      // As root the data lies where the database's user may go; a note says where.
      const place = await readFile(join(postgresFolder, 'data-is-in'), 'utf8').catch(() => '');
      for (const each of [place.trim(), folder]) if (each !== '') await rm(each, { recursive: true, force: true });
    },
  };
  return running;
}
