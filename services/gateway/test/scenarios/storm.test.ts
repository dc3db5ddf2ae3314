/** Many who come back at once, and those who come back before the server has noticed that they had gone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { figure } from '@carillon/testkit/figures';
import { patience } from '@carillon/testkit/patience';
import { alertOf, startDesk, type Desk } from '../desk.ts';
import { runScenario } from './world.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

test('hundreds of clients that are cut at once resume while messages flow, and those who were not cut notice nothing', async () => {
  await runScenario(desk, async (world) => {
    const { random } = world;
    const small = await world.gateway({ CARILLON_RING_MESSAGES: '100' });
    const lines = await Promise.all([desk.gateway, small, small].map((gateway) => world.line(gateway)));
    const calm = [1, 2].map(() => world.client({ person: 'd1', rooms: ['ward:w1:alerts', 'ward:w1:vitals'] }));
    const cut = Array.from({ length: 200 }, (_, index) => {
      const line = lines[index % lines.length];
      // The room of the ward would be a flood for this one process that is all clients and gateways at once.
      const rooms = [`patient:q${index % 20}`, ...(index % 5 === 0 ? ['ward:w1:alerts'] : [])];
      return world.client({ person: 'n1', rooms, port: () => line?.port ?? 0 });
    });
    await world.live([...calm, ...cut]);
    const alert = () => alertOf(`q${random.between(0, 19)}`, { filling: 'x'.repeat(200) });
    const flow = world.flow(20, alert);
    world.healthy(calm, { room: (room) => room.endsWith(':alerts'), withinMs: patience(1_000) });
    const reaches = (count: number) =>
      eventually(() => (calm[0]?.journal.entries.length ?? 0) > count || undefined, { what: `${count} messages` });
    await reaches(20);
    for (const line of lines) {
      line.cut(random.pick(['fin', 'reset'] as const));
      await line.refuse();
    }
    // More than the ring of the second gateway holds.
    const burst = world.flow(200, alert);
    await reaches(200);
    await burst.stop();
    for (const line of lines) await line.accept();
    const startedAt = performance.now();
    await world.live(cut);
    figure(`200 clients were back and live after ${Math.round(performance.now() - startedAt)} ms`);
    await flow.stop();
  });
});

test('who reconnects before the server has noticed that he had gone gets in, and gets nothing twice', async () => {
  await runScenario(desk, async (world) => {
    const line = await world.line(desk.gateway);
    // A patient may have five connections at once.
    const client = world.client({ person: 'q1', rooms: ['patient:q1', 'person:q1'], port: () => line.port });
    await world.live([client]);
    const flow = world.flow(50, () => alertOf('q1'));
    for (let times = 1; times <= 8; times++) {
      // The gateway hears nothing of its end.
      line.vanish('client');
      await eventually(() => (client.connections.length > times && client.isLive()) || undefined, {
        withinMs: patience(5_000),
        what: 'the next connection',
      });
    }
    await flow.stop();
    expect(client.connections.map(({ refused }) => refused)).not.toContain('rate_limited');
    line.cut('reset');
  });
});
