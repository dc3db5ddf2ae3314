/** What is behind the clients ends, and comes again: gateways, nats-server, a stream. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { provisionStreams } from '@carillon/bus/provision';
import { eventually } from '@carillon/testkit/eventually';
import { figure } from '@carillon/testkit/figures';
import { patience } from '@carillon/testkit/patience';
import { alertOf, startDesk, type Desk, type RunningGateway } from '../desk.ts';
import { startGatewayProcess } from './gateway-process.ts';
import { startSdkClient } from './sdk-client.ts';
import { runScenario, type World } from './world.ts';

let desk: Desk;
let second: RunningGateway;
beforeAll(async () => {
  desk = await startDesk();
  second = await desk.startGateway();
});
afterAll(() => desk.stop());

const rooms = (index: number) => [`patient:q${index % 10}`, ...(index % 4 === 0 ? ['ward:w1:alerts'] : [])];
const alerts = ({ random }: World) => alertOf(`q${random.between(0, 9)}`, { filling: 'x'.repeat(200) });
const counts = ({ clients }: World): number =>
  clients.reduce((sum, { journal }) => sum + journal.entries.filter(({ kind }) => kind === 'message').length, 0);
const messagesFlow = async (world: World, count: number): Promise<void> => {
  const before = counts(world);
  await eventually(() => counts(world) > before + count || undefined, {
    withinMs: patience(10_000),
    what: 'messages at clients',
  });
};

test('after kill -9 of their gateway clients resume on another, and nothing is missing or double', async () => {
  await runScenario(desk, async (world) => {
    const killed = await startGatewayProcess(desk);
    world.onEnd(() => killed.process.signal('SIGKILL'));
    let isDead = false;
    const port = (): number => (isDead ? second.port : killed.port);
    const moving = Array.from({ length: 60 }, (_, index) => world.client({ person: 'n1', rooms: rooms(index), port }));
    const staying = Array.from({ length: 4 }, (_, index) => world.client({ person: 'd1', rooms: rooms(index) }));
    await world.live([...moving, ...staying]);
    world.healthy(staying, { room: (room) => room.endsWith(':alerts'), withinMs: patience(1_500) });
    const flow = world.flow(80, () => alerts(world));
    await messagesFlow(world, 500);
    killed.process.signal('SIGKILL');
    const startedAt = performance.now();
    await killed.process.exited;
    isDead = true;
    await eventually(() => moving.every(({ connections }) => connections.length > 1) || undefined);
    await world.live(moving);
    figure(`60 clients live on the other gateway ${Math.round(performance.now() - startedAt)} ms after kill -9`);
    await messagesFlow(world, 200);
    await flow.stop();
  });
});

test('while nats-server is killed and started again connections stay, and what is published meanwhile comes to all', async () => {
  await runScenario(desk, async (world) => {
    const clients = [desk.gateway, second].flatMap(({ port }) =>
      Array.from({ length: 15 }, (_, index) =>
        world.client({ person: 'n1', rooms: [...rooms(index), 'person:n1'], port: () => port }),
      ),
    );
    await world.live(clients);
    const flow = world.flow(80, () => alerts(world));
    await messagesFlow(world, 200);
    for (let times = 0; times < 2; times++) {
      desk.infrastructure.nats.kill();
      await desk.infrastructure.restartNats();
      const startedAt = performance.now();
      await messagesFlow(world, 200);
      figure(`messages flow ${Math.round(performance.now() - startedAt)} ms after nats-server was back`);
    }
    await flow.stop();
    for (const { connections } of clients) expect(connections).toHaveLength(1);
  });
}, 90_000);

test('a stream that is deleted and made again is told to all who are in its rooms, and to those who come back', async () => {
  await runScenario(
    desk,
    async (world) => {
      const line = await world.line(second);
      const there = [desk.gateway, second].flatMap(({ port }) =>
        Array.from({ length: 5 }, (_, index) => world.client({ person: 'n1', rooms: rooms(index), port: () => port })),
      );
      const away = world.client({ person: 'n1', rooms: rooms(0), port: () => line.port });
      await world.live([...there, away]);
      const before = world.flow(50, () => alerts(world));
      await messagesFlow(world, 100);
      line.cut('reset');
      await line.refuse();
      // What is stored now and not captured would be in nobody's account.
      await before.stop();
      await world.truth.capture();
      await desk.bus.jsm.streams.delete('CARE');
      await provisionStreams(desk.bus, ['CARE'], { replicas: 1 });
      const voids = (entries: readonly { kind: string }[]): number =>
        entries.filter(({ kind }) => kind === 'voided').length;
      await eventually(
        () => there.every(({ journal, rooms: his }) => voids(journal.entries) === his().length) || undefined,
        {
          withinMs: patience(10_000),
          what: 'reset of each room',
        },
      );
      const after = world.flow(50, () => alerts(world));
      await messagesFlow(world, 100);
      await line.accept();
      await world.live([away]);
      const joins = away.journal.entries.flatMap((entry) => (entry.kind === 'joined' ? [entry.recovery] : []));
      expect(joins).toEqual(['fresh', 'fresh', 'lost', 'lost']);
      await after.stop();
    },
    { mayLose: true },
  );
});

test('a gateway that drains under load loses nothing for anybody, and all have moved within the time', async () => {
  await runScenario(desk, async (world) => {
    const spreadMs = 3_000;
    const leaving = await startGatewayProcess(desk, { CARILLON_DRAIN_MS: String(spreadMs) });
    world.onEnd(() => leaving.process.signal('SIGKILL'));
    let isDraining = false;
    const port = (): number => (isDraining ? desk.gateway.port : leaving.port);
    const clients = Array.from({ length: 30 }, (_, index) => world.client({ person: 'n1', rooms: rooms(index), port }));
    const programs = Array.from({ length: 10 }, (_, index) =>
      startSdkClient(world, { name: `program ${index}`, person: 'd1', rooms: rooms(index), port }),
    );
    await world.live(clients);
    await eventually(() => programs.every(({ isLive }) => isLive()) || undefined, { what: 'that programs live' });
    const flow = world.flow(80, () => alerts(world));
    await messagesFlow(world, 200);
    isDraining = true;
    leaving.process.signal('SIGTERM');
    const startedAt = performance.now();
    expect(await leaving.process.exited).toBe(0);
    const tookMs = performance.now() - startedAt;
    figure(`a gateway with 40 clients ended after ${Math.round(tookMs)} ms, of ${spreadMs} to move in`);
    expect(tookMs).toBeLessThan(patience(spreadMs + 3_000));
    await world.live(clients);
    expect(clients.map(({ connections }) => connections[0]?.code)).toEqual(clients.map(() => 4000));
    // Those who take the new connection before they leave the old one were never without.
    expect(programs.flatMap(({ states }) => states())).not.toContain('waiting');
    expect(programs.flatMap(({ problems }) => problems)).toEqual([]);
    await flow.stop();
  });
});
