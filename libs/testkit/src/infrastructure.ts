/** A real nats-server and a real PostgreSQL for one test file: own folders, free ports, gone when the process is. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceName } from '@carillon/contracts/define';
import { startNatsServer } from '@carillon/local/nats-server';
import { startPostgres } from '@carillon/local/postgres';
import { copyEmptyDatabase } from './empty-database.ts';

type Variables = Readonly<Record<string, string>>;

export type Infrastructure = {
  nats: Awaited<ReturnType<typeof startNatsServer>>;
  postgres: Awaited<ReturnType<typeof startPostgres>>;
  /** NATS_URL of the administrator, who may do everything, DATABASE_URL, and a log that says nothing. */
  environment: Variables;
  /** The same with the service's own NATS_URL: what a real service is started with. */
  environmentOf(service: ServiceName): Variables;
  /** What NATS has refused to those who had no right to it, in its own words. */
  violations(): Promise<string[]>;
  /** Starts it again on the same folder and port, after `nats.stop()` or `nats.kill()`. */
  restartNats(): Promise<void>;
  restartPostgres(): Promise<void>;
  /** @throws when a service tried what its permissions deny, unless the test wants that */
  stop(): Promise<void>;
};

export type InfrastructureOptions = {
  /** The gateway may publish test events. */
  hasTestEvents?: boolean;
  /** Violations of permissions are what is tested. */
  hasViolations?: boolean;
};

/** Nothing here must survive a power cut; what must survive a kill still does. */
const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

export async function startInfrastructure({
  hasTestEvents = false,
  hasViolations = false,
}: InfrastructureOptions = {}): Promise<Infrastructure> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-test-'));
  const natsFolder = join(folder, 'nats');
  const postgresFolder = join(folder, 'postgres');
  const [nats, postgres] = await Promise.all([
    startNatsServer({ folder: natsFolder, hasTestEvents }),
    copyEmptyDatabase(postgresFolder).then(() => startPostgres({ folder: postgresFolder, settings })),
  ]);
  const environment = {
    NATS_URL: nats.url,
    DATABASE_URL: postgres.url,
    CARILLON_LOG_LEVEL: 'silent',
    // Nobody has another gateway to move to.
    CARILLON_DRAIN_MS: '0',
    // Tests count what is there.
    CARILLON_CANARY_SECONDS: '0',
  };
  const running: Infrastructure = {
    nats,
    postgres,
    environment,
    environmentOf: (service) => ({ ...environment, NATS_URL: nats.urlOf(service) }),
    async violations() {
      const log = await readFile(join(natsFolder, 'nats-server.log'), 'utf8');
      return log.split('\n').filter((line) => line.includes(' Violation'));
    },
    async restartNats() {
      await running.nats.exited;
      running.nats = await startNatsServer({ folder: natsFolder, port: nats.port, hasTestEvents });
    },
    async restartPostgres() {
      await running.postgres.exited;
      running.postgres = await startPostgres({ folder: postgresFolder, port: postgres.port, settings });
    },
    async stop() {
      await Promise.all([running.nats.stop(), running.postgres.stop()]);
      const violations = hasViolations ? [] : await running.violations();
      // As root the data lies where the database's user may go; a note says where.
      const place = await readFile(join(postgresFolder, 'data-is-in'), 'utf8').catch(() => '');
      for (const each of [place.trim(), folder]) if (each !== '') await rm(each, { recursive: true, force: true });
      if (violations.length > 0)
        throw new Error(`NATS refused ${violations.length} times: ${violations.slice(0, 5).join('; ')}`);
    },
  };
  return running;
}
