/** What a gateway needs around it and no more: nats-server, on the core of the clients, and people who may enter the rooms. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { encode } from '@carillon/bus/request';
import type { PersonEntry } from '@carillon/contracts/directory';
import { peopleBucket } from '@carillon/contracts/streams';
import { startNatsServer, type NatsServer } from '@carillon/local/nats-server';
import { freePort } from '../free-port.ts';
import { hospitalId, nurseId, patientId, wardId } from '../hospital.ts';
import { createSigner } from '../tokens.ts';
import { clientCore, startPinned, type Pinned } from './pinned.ts';
import { roomCount, spreads } from './rooms.ts';

export type Gateway = Pinned & { port: number };
export type Desk = {
  nats: () => NatsServer;
  bus: Bus;
  /** One token a line, of as many nurses as there are connections. */
  tokenFile: string;
  tokens: readonly string[];
  startGateway(environment?: Readonly<Record<string, string>>): Promise<Gateway>;
  /** As a crash would, and again on the same data. */
  killNats(): Promise<void>;
  restartNats(): Promise<void>;
  stop(): Promise<void>;
};

const builtGateway = fileURLToPath(new URL('../../../services/gateway/dist/main.js', import.meta.url));

/** Storms come from one machine here, which are many people; what is measured is not the gateway's courtesy. */
const unlimited = {
  CARILLON_LIMIT_HANDSHAKES: '10000',
  CARILLON_LIMIT_CONNECTIONS_STAFF: '10000',
  CARILLON_LIMIT_HANDSHAKES_TOTAL: '1000000',
};

const pin = (nats: NatsServer): Promise<unknown> =>
  promisify(execFile)('taskset', ['-acp', clientCore, String(nats.pid)]);

async function seedPeople(bus: Bus, nurses: number): Promise<void> {
  const everybody = { hospital: hospitalId, caregiverOf: [], wards: [], placement: null, version: 1 };
  const entries: PersonEntry[] = [
    ...Array.from({ length: nurses }, (_, index): PersonEntry => ({
      ...everybody,
      person: nurseId(index),
      name: `Nurse ${index}`,
      roles: ['nurse'],
      wards: [...new Set(spreads.map((rooms) => wardId(index % rooms)))],
    })),
    ...Array.from({ length: roomCount }, (_, index): PersonEntry => ({
      ...everybody,
      person: patientId(index),
      name: `Patient ${index}`,
      roles: ['patient'],
      placement: { wardId: wardId(index), bedId: `b${index}` },
    })),
  ];
  const bucket = await bus.js.views.kv(peopleBucket);
  const atOnce = 200;
  for (let first = 0; first < entries.length; first += atOnce) {
    await Promise.all(
      entries
        .slice(first, first + atOnce)
        .map((entry) => bucket.put(`${entry.hospital}.${entry.person}`, encode(entry))),
    );
  }
}

/** @param program the built `main.js` of a gateway, to compare builds; this tree's when absent */
export async function startDesk({ nurses, program }: { nurses: number; program?: string | undefined }): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
  const natsFolder = join(folder, 'nats');
  let nats = await startNatsServer({ folder: natsFolder });
  await pin(nats);
  const bus = await connectBus({ url: nats.url, name: 'bench' });
  await provisionStreams(bus, ['CARE', 'VITALS'], { replicas: 1 });
  await provisionPeople(bus, { replicas: 1 });
  await seedPeople(bus, nurses);
  const signer = createSigner();
  const tokens: string[] = [];
  for (let index = 0; index < nurses; index++) tokens.push(await signer.sign(nurseId(index), 'nurse'));
  const tokenFile = join(folder, 'tokens');
  await writeFile(tokenFile, `${tokens.join('\n')}\n`, { mode: 0o600 });
  const running = new Set<Gateway>();
  return {
    nats: () => nats,
    bus,
    tokens,
    tokenFile,
    async startGateway(environment = {}) {
      const port = await freePort();
      const pinned = await startPinned(program ?? builtGateway, [], {
        ...unlimited,
        NATS_URL: nats.urlOf('gateway'),
        CARILLON_HTTP_PORT: String(port),
        CARILLON_INTERNAL_PORT: '0',
        CARILLON_JWT_SECRET: signer.secret,
        CARILLON_LOG_LEVEL: 'error',
        ...environment,
      });
      const gateway = { ...pinned, port };
      running.add(gateway);
      void pinned.exited.then(() => running.delete(gateway));
      return gateway;
    },
    async killNats() {
      nats.kill();
      await nats.exited;
    },
    async restartNats() {
      nats = await startNatsServer({ folder: natsFolder, port: nats.port });
      await pin(nats);
    },
    async stop() {
      // Nothing of nats-server keeps this process alive: without a timer it would end before all is cleared away.
      const alive = setInterval(() => {}, 1_000);
      await Promise.all([...running].map((gateway) => gateway.stop()));
      await bus.close();
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
      clearInterval(alive);
    },
  };
}
