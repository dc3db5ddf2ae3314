/**
 * The whole house: the services in a process each or in one, on a nats-server and a PostgreSQL that are as durable as in
 * production. The bench itself is another process on the same machine.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceNames, type ServiceName } from '@carillon/contracts/define';
import { startNatsServer } from '@carillon/local/nats-server';
import { startPostgres } from '@carillon/local/postgres';
import { freePort } from './free-port.ts';
import { ownUsage, usageOf, type Usage } from './processes.ts';
import { createSigner, type Signer } from './tokens.ts';

export type Part = 'services' | 'nats-server' | 'PostgreSQL' | 'load and boards';
export type House = {
  httpPort: number;
  natsUrl: string;
  databaseUrl: string;
  signer: Signer;
  usage(): Record<Part, Usage>;
  /** Ends the others, where each has a process of its own: what they take of the machine is not what is measured. */
  keepOnly(name: ServiceName): Promise<void>;
  stop(): Promise<void>;
};

const servicesProgram = fileURLToPath(new URL('./services.js', import.meta.url));
const startWithinMs = 60_000;

/** As docker-compose.yml starts it. */
const flagsOfMonitoring = ['--max-semi-space-size=32'];

/** The limits of people and devices are lifted: what is measured is the machine, not its courtesy. */
const unlimited = {
  CARILLON_LIMIT_CALLS_DEVICE: '10000000',
  CARILLON_LIMIT_CALLS_STAFF: '10000000',
  CARILLON_LIMIT_CONNECTIONS_STAFF: '10000',
  CARILLON_LIMIT_HANDSHAKES_TOTAL: '1000000',
  CARILLON_LIMIT_HANDSHAKES: '10000',
};

/**
 * @param isOneProcess as `npm start` runs the services; else a process each, as docker-compose does
 * @param more services that run once more, in a process of their own
 */
export async function startHouse(isOneProcess: boolean, more: readonly ServiceName[] = []): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  const postgresFolder = join(folder, 'postgres');
  const [nats, postgres] = await Promise.all([
    startNatsServer({ folder: join(folder, 'nats') }),
    // The time of each commit is kept, which is when a reading was stored.
    startPostgres({ folder: postgresFolder, settings: { track_commit_timestamp: 'on' } }),
  ]);
  const httpPort = await freePort();
  const signer = createSigner();
  // Flags of this process are the services' too: `node --cpu-prof bench/dist/ingest.js`.
  const startProcess = (names: readonly string[]): ChildProcessByStdio<null, Readable, null> =>
    spawn(
      process.execPath,
      [...(names.join() === 'monitoring' ? flagsOfMonitoring : []), ...process.execArgv, servicesProgram, ...names],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          ...unlimited,
          NODE_ENV: 'production',
          CARILLON_HTTP_PORT: String(httpPort),
          CARILLON_INTERNAL_PORT: '0',
          CARILLON_JWT_SECRET: signer.secret,
          CARILLON_LOG_LEVEL: 'warn',
          // Nobody's pages but those that are measured.
          CARILLON_CANARY_SECONDS: '0',
          BENCH_NATS_URLS: JSON.stringify(Object.fromEntries(serviceNames.map((name) => [name, nats.urlOf(name)]))),
          DATABASE_URL: postgres.url,
        },
      },
    );
  const programs = [
    ...(isOneProcess ? [serviceNames] : serviceNames.map((name) => [name])),
    ...more.map((name) => [name]),
  ];
  const processes = programs.map(startProcess);
  const end = async (each: (typeof processes)[number]): Promise<void> => {
    const exited = each.exitCode === null ? once(each, 'exit') : Promise.resolve();
    each.kill('SIGTERM');
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 12_000).unref())]);
    each.kill('SIGKILL');
  };
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map(end));
    await Promise.all([nats.stop(), postgres.stop()]);
    // As root the data lies where the database's user may go; a note says where.
    const place = await readFile(join(postgresFolder, 'data-is-in'), 'utf8').catch(() => '');
    for (const each of [place.trim(), folder]) if (each !== '') await rm(each, { recursive: true, force: true });
  };
  const untilReady = (each: ChildProcessByStdio<null, Readable, null>): Promise<void> =>
    new Promise((resolve, reject) => {
      let said = '';
      each.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('ready')) resolve();
      });
      each.once('exit', (code) => reject(new Error(`a service ended with ${code}`)));
      setTimeout(() => reject(new Error('a service did not start')), startWithinMs).unref();
    });
  try {
    await Promise.all(processes.map(untilReady));
  } catch (error) {
    await stop();
    throw error;
  }
  const usageOfServices = (): Usage => {
    const each = processes.map(({ pid }) => usageOf(pid ?? 0));
    return {
      cpuSeconds: each.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      residentMiB: each.reduce((sum, { residentMiB }) => sum + residentMiB, 0),
    };
  };
  return {
    httpPort,
    natsUrl: nats.url,
    databaseUrl: postgres.url,
    signer,
    usage: () => ({
      services: usageOfServices(),
      'nats-server': usageOf(nats.pid),
      PostgreSQL: usageOf(postgres.pid),
      'load and boards': ownUsage(),
    }),
    async keepOnly(name) {
      const kept = programs.findIndex((names) => names.join() === name);
      await Promise.all(processes.filter((_, index) => index !== kept).map(end));
    },
    stop,
  };
}
