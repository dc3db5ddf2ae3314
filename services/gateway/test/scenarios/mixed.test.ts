/** Faults as they come: the seed chooses what breaks, where and when, and nobody may be told less than the truth. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FaultProxy } from '@carillon/testkit/fault-proxy';
import { figure } from '@carillon/testkit/figures';
import { alertOf, startDesk, type Desk, type EventSpec, type RunningGateway } from '../desk.ts';
import { startGatewayProcess, type GatewayProcess } from './gateway-process.ts';
import { lossesOf } from './judge.ts';
import type { Random } from './random.ts';
import { startSdkClient } from './sdk-client.ts';
import { runScenario } from './world.ts';

let desk: Desk;
let second: RunningGateway;
beforeAll(async () => {
  desk = await startDesk();
  second = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' });
});
afterAll(() => desk.stop());

/** `CARILLON_SOAK_SECONDS` for a longer look. */
const lengthMs = Number(process.env['CARILLON_SOAK_SECONDS'] ?? 12) * 1_000;

const events = (random: Random): EventSpec => {
  const patient = `q${random.between(0, 5)}`;
  const filling = 'x'.repeat(random.between(0, 400));
  switch (random.between(0, 4)) {
    case 0:
    case 1:
      return alertOf(patient, { filling });
    case 2:
      return { subject: 'person.h1.n1.critical.page.new', event: 'page:new', data: { filling } };
    default:
      return {
        subject: `vitals.h1.w1.${patient}`,
        event: 'vitals:recorded',
        key: `${patient}.${random.pick(['heartRate', 'spo2'])}`,
        data: { filling },
      };
  }
};

/** One fault of a line, and how it ends. */
type Fault = (line: FaultProxy, random: Random) => (() => unknown) | undefined;
const mended = (line: FaultProxy) => () => line.heal();
const faults: Readonly<Record<string, Fault>> = {
  cut(line, random) {
    line.cut(random.pick(['fin', 'reset'] as const));
    return undefined;
  },
  cutAtByte(line, random) {
    const cutBy = random.pick(['fin', 'reset'] as const);
    line.inject('toClient', { cutAfterBytes: random.between(200, 60_000), cutBy });
    return mended(line);
  },
  delay(line, random) {
    line.inject('both', { delayMs: random.between(5, 200) });
    return mended(line);
  },
  throttle(line, random) {
    line.inject('toClient', { bytesPerSecond: random.between(5_000, 100_000) });
    return mended(line);
  },
  stall(line) {
    line.inject('toClient', { isStalled: true });
    return mended(line);
  },
  halfOpen(line) {
    line.inject('both', { isSwallowing: true });
    return mended(line);
  },
  vanish(line) {
    line.vanish('client');
    return undefined;
  },
  refuse(line) {
    void line.refuse();
    line.cut('fin');
    return () => line.accept();
  },
};

test(
  'whatever breaks in whichever order, nobody misses what he was not told of, and nobody gets anything twice',
  async () => {
    const happened: string[] = [];
    await runScenario(
      desk,
      async (world) => {
        const { random } = world;
        let third: GatewayProcess = await startGatewayProcess(desk);
        world.onEnd(() => third.process.signal('SIGKILL'));
        const lines = await Promise.all([desk.gateway, desk.gateway, second, second, third].map(world.line));
        const places = random.fork();
        const port = (): number => places.pick(lines).port;
        const rooms = (): string[] => ['ward:w1:alerts', `patient:q${random.between(0, 5)}`, 'ward:w1:vitals'];
        for (let index = 0; index < 20; index++) {
          const person = random.pick(['n1', 'd1']);
          world.client({ person, rooms: [...rooms(), `person:${person}`], port });
        }
        const calm = [1, 2].map(() => world.client({ person: 'n1', rooms: ['ward:w1:alerts', 'person:n1'] }));
        const programs = Array.from({ length: 4 }, (_, index) =>
          startSdkClient(world, { name: `program ${index}`, person: 'n1', rooms: rooms().slice(0, 2), port }),
        );
        await world.live(world.clients);
        const ofEvents = random.fork();
        const flow = world.flow(100, () => events(ofEvents));
        const endAt = performance.now() + lengthMs;
        const killAt = performance.now() + lengthMs * random.next();
        const natsAt = performance.now() + lengthMs * random.next();
        let [isKilled, isNatsKilled] = [false, false];
        while (performance.now() < endAt) {
          if (!isKilled && performance.now() > killAt) {
            isKilled = true;
            happened.push('kill -9 of a gateway');
            third.process.signal('SIGKILL');
          }
          if (!isNatsKilled && performance.now() > natsAt) {
            isNatsKilled = true;
            happened.push('kill -9 of nats-server');
            desk.infrastructure.nats.kill();
            await desk.infrastructure.restartNats();
          }
          const line = random.pick(lines);
          const [name, fault] = random.pick(Object.entries(faults));
          happened.push(`${name} at ${lines.indexOf(line)}`);
          const end = fault(line, random);
          await new Promise((resolve) => setTimeout(resolve, random.between(50, 500)));
          // Some last until others have begun.
          if (end !== undefined && random.next() < 0.7) await end();
        }
        // The clients that chance sends there would never come in.
        third.process.signal('SIGKILL');
        await third.process.exited;
        third = await startGatewayProcess(desk, { CARILLON_HTTP_PORT: String(third.port) });
        await flow.stop();
        expect(calm.map(({ connections }) => connections.length)).toEqual([1, 1]);
        expect(programs.every(({ states }) => states().includes('live'))).toBe(true);
        expect(programs.flatMap(({ problems }) => problems)).toEqual([]);
        const breaks = world.clients.reduce((sum, { connections }) => sum + connections.length - 1, 0);
        const losses = world.clients.flatMap(({ journal }) => lossesOf(journal)).length;
        figure(
          `${losses} losses told; ${breaks} connections broken by ${happened.length} faults: ${happened.join(', ')}`,
        );
      },
      { mayLose: true },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\nWhat happened: ${happened.join(', ')}`, { cause: error });
    });
  },
  120_000 + lengthMs,
);
