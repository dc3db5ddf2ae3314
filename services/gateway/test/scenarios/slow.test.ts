/** Clients that read slowly, or not at all, or are not there any more: nobody else notices, and they miss nothing. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { alertOf, startDesk, type Desk, type EventSpec } from '../desk.ts';
import { runScenario, type World } from './world.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const kilobyte = 1024;
const vitals = ({ random }: World): EventSpec => {
  const patient = `q${random.between(0, 9)}`;
  return {
    subject: `vitals.h1.w1.${patient}`,
    event: 'vitals:recorded',
    key: `${patient}.${random.pick(['heartRate', 'spo2'])}`,
    data: { filling: 'x'.repeat(300) },
  };
};
const codeOf = (client: { connections: readonly { code: number | undefined }[] }) => client.connections[0]?.code;

test('slow and stalled readers are closed with 4001 and resume complete, while their neighbours notice nothing', async () => {
  await runScenario(desk, async (world) => {
    const [slowLine, stalledLine] = [await world.line(desk.gateway), await world.line(desk.gateway)];
    const rooms = ['ward:w1:alerts', 'patient:p2'];
    // Thirty megabytes are too much after ten seconds, twice as many at once.
    const slow = world.client({ person: 'n1', rooms: ['patient:p2'], port: () => slowLine.port });
    const stalled = world.client({ person: 'n1', rooms, port: () => stalledLine.port });
    const neighbours = [
      world.client({ person: 'n1', rooms }),
      world.client({ person: 'd1', rooms: ['patient:q1', 'ward:w1:vitals'] }),
    ];
    await world.live([slow, stalled, ...neighbours]);
    world.healthy(neighbours, { room: (room) => !room.endsWith(':vitals'), withinMs: patience(2_000) });
    slowLine.inject('toClient', { bytesPerSecond: 2_000 * kilobyte });
    stalledLine.inject('toClient', { isStalled: true });
    const calm = world.flow(20, () => alertOf('q1'));
    // More than fits into the buffers of the kernels, the proxy and the eight megabytes that make a client full.
    for (let count = 0; count < 60; count++) {
      await world.emit(alertOf('p2', { filling: 'x'.repeat(500 * kilobyte) }));
      if (count === 20) slowLine.inject('toClient', { bytesPerSecond: 8 * kilobyte });
    }
    const left = (count: number, withinMs: number) =>
      eventually(async () => (await desk.metric('carillon_connections')) === count || undefined, {
        withinMs: patience(withinMs),
        what: `that ${count} connections are left`,
      });
    await left(3, 5_000);
    expect(codeOf(slow)).toBeUndefined();
    await left(2, 15_000);
    slowLine.heal();
    stalledLine.heal();
    await eventually(() => (codeOf(slow) !== undefined && codeOf(stalled) !== undefined) || undefined, {
      what: 'both close codes',
    });
    await calm.stop();
    await world.live([slow, stalled]);
    expect(codeOf(slow)).toBe(4001);
    // Who reads nothing for two seconds more is cut off before he could see the code.
    expect([1006, 4001]).toContain(codeOf(stalled));
  });
}, 90_000);

test('on a throttled link alerts overtake vital signs, which come as the newest of each key with what they replace', async () => {
  await runScenario(desk, async (world) => {
    const line = await world.line(desk.gateway);
    const rooms = ['ward:w1:alerts', 'ward:w1:vitals'];
    const throttled = world.client({ person: 'n1', rooms, port: () => line.port });
    const neighbour = world.client({ person: 'd1', rooms });
    await world.live([throttled, neighbour]);
    line.inject('toClient', { bytesPerSecond: 32 * kilobyte });
    const bulk = world.flow(300, () => vitals(world));
    const alerts = world.flow(5, () => alertOf('q1'));
    const skipped = (): number =>
      throttled.journal.entries.reduce((sum, entry) => sum + (entry.kind === 'message' ? entry.skipped : 0), 0);
    await eventually(() => skipped() > 300 || undefined, { withinMs: patience(10_000), what: 'conflation' });
    await Promise.all([bulk.stop(), alerts.stop()]);
    const isAlert = (room: string): boolean => room.endsWith(':alerts');
    // Eight kilobytes of credit take a quarter of a second on this link.
    world.healthy([throttled], { room: isAlert, withinMs: patience(1_500) });
    world.healthy([neighbour], { room: () => true, withinMs: patience(1_500) });
  });
});

test('a peer that is silently dead is closed with 4003 in time, and all that was held for it is free', async () => {
  const everyMs = 300;
  const waitMs = 7_000;
  await runScenario(desk, async (world) => {
    const gateway = await world.gateway({ CARILLON_PING_MS: String(everyMs) });
    const line = await world.line(gateway);
    const dead = world.client({ person: 'n1', rooms: ['ward:w1:alerts', 'patient:p1'], port: () => line.port });
    const alive = world.client({ person: 'd1', port: () => gateway.port });
    await world.live([dead, alive]);
    line.inject('both', { isSwallowing: true });
    const startedAt = performance.now();
    const flow = world.flow(20, () => alertOf('p1'));
    await eventually(async () => ((await desk.metric('carillon_connections', gateway)) === 1 ? true : undefined), {
      withinMs: patience(everyMs + waitMs + 500),
      what: 'that it is gone',
    });
    expect(performance.now() - startedAt).toBeGreaterThan(waitMs - everyMs);
    expect(await desk.metric('carillon_subscriptions', gateway)).toBe(2);
    expect(await desk.metric('carillon_rooms', gateway)).toBe(2);
    expect(await desk.metric('carillon_send_queue_bytes', gateway)).toBe(0);
    line.heal();
    await world.live([dead]);
    await flow.stop();
  });
});
