/**
 * The whole house as `npm start` runs it: every service in one process of its own, on a nats-server and a PostgreSQL that
 * are as durable as in production. The bench itself is another process on the same machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceNames } from '@carillon/contracts/define';
import { startNatsServer } from '@carillon/local/nats-server';
import { startPostgres } from '@carillon/local/postgres';
import { ownUsage, usageOf, type Usage } from './processes.ts';
import { createSigner, type Signer } from './tokens.ts';

export type Part = 'services' | 'nats-server' | 'PostgreSQL' | 'load and boards';
export type House = {
  httpPort: number;
  internalPort: number;
  natsUrl: string;
  databaseUrl: string;
  signer: Signer;
  usage(): Record<Part, Usage>;
  stop(): Promise<void>;
};

const servicesProgram = fileURLToPath(new URL('./services.js', import.meta.url));
const startWithinMs = 60_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The limits of people and devices are lifted: what is measured is the machine, not its courtesy. */
const unlimited = {
  CARILLON_LIMIT_CALLS_DEVICE: '10000000',
  CARILLON_LIMIT_CALLS_STAFF: '10000000',
  CARILLON_LIMIT_CONNECTIONS_STAFF: '10000',
  CARILLON_LIMIT_HANDSHAKES: '10000',
};

export async function startHouse(): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  const postgresFolder = join(folder, 'postgres');
  const [nats, postgres] = await Promise.all([
    startNatsServer({ folder: join(folder, 'nats') }),
    // The time of each commit is kept, which is when a reading was stored.
    startPostgres({ folder: postgresFolder, settings: { track_commit_timestamp: 'on' } }),
  ]);
  const [httpPort, internalPort] = [await freePort(), await freePort()];
  const signer = createSigner();
  // Flags of this process are the services' too: `node --cpu-prof bench/dist/ingest.js`.
  const services = spawn(process.execPath, [...process.execArgv, servicesProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...unlimited,
      NODE_ENV: 'production',
      CARILLON_HTTP_PORT: String(httpPort),
      CARILLON_INTERNAL_PORT: String(internalPort),
      CARILLON_JWT_SECRET: signer.secret,
      CARILLON_LOG_LEVEL: 'warn',
      BENCH_NATS_URLS: JSON.stringify(Object.fromEntries(serviceNames.map((name) => [name, nats.urlOf(name)]))),
      DATABASE_URL: postgres.url,
    },
  });
  const pids = { services: services.pid ?? 0, nats: nats.pid, postgres: postgres.pid };
  const exited = once(services, 'exit');
  const stop = async (): Promise<void> => {
    services.kill('SIGTERM');
    await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 12_000).unref())]);
    services.kill('SIGKILL');
    await Promise.all([nats.stop(), postgres.stop()]);
    // As root the data lies where the database's user may go; a note says where.
    const place = await readFile(join(postgresFolder, 'data-is-in'), 'utf8').catch(() => '');
    for (const each of [place.trim(), folder]) if (each !== '') await rm(each, { recursive: true, force: true });
  };
  try {
    await new Promise<void>((resolve, reject) => {
      let said = '';
      services.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('ready')) resolve();
      });
      services.once('exit', (code) => reject(new Error(`the services ended with ${code}`)));
      setTimeout(() => reject(new Error('the services did not start')), startWithinMs).unref();
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    httpPort,
    internalPort,
    natsUrl: nats.url,
    databaseUrl: postgres.url,
    signer,
    usage: () => ({
      services: usageOf(pids.services),
      'nats-server': usageOf(pids.nats),
      PostgreSQL: usageOf(pids.postgres),
      'load and boards': ownUsage(),
    }),
    stop,
  };
}
