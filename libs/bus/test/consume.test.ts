import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { consumeDurable, type Consumption, type Delivery, type DurableOptions } from '@carillon/bus/consume';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { startProxy } from './proxy.ts';

let infrastructure: Infrastructure;
let bus: Bus;
let other: Bus;
const running: Consumption[] = [];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
  other = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
  await provisionStreams(bus, ['COMMANDS'], { replicas: 1 });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((consumption) => consumption.stop(0)));
});
afterAll(async () => {
  await Promise.all([bus.close(), other.close()]);
  await infrastructure.stop();
});

/** Each test has a subject, and so a durable, of its own. */
async function consume(on: Bus, entity: string, more: Partial<DurableOptions> & Pick<DurableOptions, 'onDelivery'>) {
  const consumption = await consumeDurable(on, {
    stream: 'COMMANDS',
    durable: entity,
    filter: `cmd.directory.normal.${entity}.>`,
    ackWaitMs: 4_000,
    maxInFlight: 64,
    ...more,
  });
  running.push(consumption);
  return consumption;
}
const send = (entity: string, value: unknown): Promise<void> =>
  publish(bus, { subject: `cmd.directory.normal.${entity}.do`, body: encode(value), headers: {} });

test('deliveries go on within 3 s of the return of a killed server, and nothing that was stored is lost', async () => {
  const seen = new Set<unknown>();
  let lastAt = 0;
  await consume(bus, 'kill', {
    onDelivery(delivery) {
      seen.add(decode(delivery.body));
      lastAt = performance.now();
      delivery.ack();
    },
  });
  const stored: number[] = [];
  let isOver = false;
  const producing = (async () => {
    for (let value = 0; !isOver; value++) {
      await send('kill', value).then(
        () => stored.push(value),
        () => {},
      );
    }
  })();
  for (let kill = 0; kill < 3; kill++) {
    const before = stored.length;
    await eventually(() => (stored.length > before + 100 ? true : undefined), { what: 'load' });
    infrastructure.nats.kill();
    await infrastructure.restartNats();
    const backAt = performance.now();
    await eventually(() => (lastAt > backAt ? true : undefined), {
      withinMs: patience(3_000),
      what: 'a delivery',
    });
    figure(`delivering ${Math.round(lastAt - backAt)} ms after the return of the server`);
  }
  isOver = true;
  await producing;
  await eventually(() => (stored.every((value) => seen.has(value)) ? true : undefined), { what: 'the last' });
});

test('a message that is worked on for longer than ack_wait is delivered to nobody else', async () => {
  const deliveries: Delivery[] = [];
  const elsewhere: Delivery[] = [];
  const first = await consume(bus, 'slow', { ackWaitMs: 2_000, onDelivery: (delivery) => deliveries.push(delivery) });
  await send('slow', 1);
  const held = await eventually(() => deliveries[0]);
  await consume(other, 'slow', { ackWaitMs: 2_000, onDelivery: (delivery) => elsewhere.push(delivery) });
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  held.ack();
  await eventually(async () => ((await first.pending()) === 0 ? true : undefined), { what: 'the ack' });
  expect([deliveries.length, elsewhere.length]).toEqual([1, 0]);
});

test('when one stops, another gets what it had not answered, at once', async () => {
  const elsewhere: Delivery[] = [];
  const taken: Delivery[] = [];
  // Long after the test has given up: what comes was given back.
  const ackWaitMs = 60_000;
  const first = await consume(bus, 'stop', { ackWaitMs, onDelivery: (delivery) => taken.push(delivery) });
  await send('stop', 1);
  const held = await eventually(() => taken[0]);
  await consume(other, 'stop', { ackWaitMs, onDelivery: (delivery) => elsewhere.push(delivery) });
  const stoppedAt = performance.now();
  await first.stop(0);
  expect(held.isHeld()).toBe(false);
  const again = await eventually(() => elsewhere[0]);
  figure(`taken over after ${Math.round(performance.now() - stoppedAt)} ms`);
  expect(again).toMatchObject({ sequence: held.sequence, deliveryCount: 2 });
  // Too late: it is the other's now.
  held.ack();
  expect(again.isHeld()).toBe(true);
  again.ack();
});

test('a drain waits for the answer of what is being worked on', async () => {
  const taken: Delivery[] = [];
  const consumption = await consume(bus, 'drain', { onDelivery: (delivery) => taken.push(delivery) });
  await send('drain', 1);
  const held = await eventually(() => taken[0]);
  setTimeout(() => held.ack(), 100);
  await consumption.stop(5_000);
  await eventually(async () => ((await consumption.pending()) === 0 ? true : undefined), { what: 'the ack' });
});

test('one who pauses gives back what he holds and takes nothing; he who resumes takes again', async () => {
  const mine: Delivery[] = [];
  const elsewhere: Delivery[] = [];
  const ackWaitMs = 60_000;
  const first = await consume(bus, 'pause', { ackWaitMs, onDelivery: (delivery) => mine.push(delivery) });
  await send('pause', 1);
  await eventually(() => mine[0]);
  await consume(other, 'pause', { ackWaitMs, onDelivery: (delivery) => elsewhere.push(delivery) });
  first.pause();
  (await eventually(() => elsewhere[0])).ack();
  for (let value = 0; value < 20; value++) await send('pause', value);
  await eventually(() => (elsewhere.length === 21 ? true : undefined));
  expect(mine).toHaveLength(1);
  for (const delivery of elsewhere) delivery.ack();
  first.resume();
  first.pause();
  first.resume();
  for (let sent = 0; mine.length < 2; sent++) {
    expect(sent).toBeLessThan(500);
    await send('pause', sent);
    for (const delivery of elsewhere) delivery.ack();
  }
  for (const delivery of mine) delivery.ack();
});

test('what is delivered again while it is held is not worked on twice, and its ack counts', async () => {
  const taken: Delivery[] = [];
  const options = { ackWaitMs: 600, onDelivery: (delivery: Delivery) => taken.push(delivery) };
  const consumption = await consume(bus, 'again', options);
  await send('again', 1);
  const held = await eventually(() => taken[0]);
  infrastructure.nats.kill();
  await infrastructure.restartNats();
  await send('again', 2);
  // The second shows that deliveries go on; the first came again by then, or its ack is still known.
  await eventually(() => taken[1]);
  const info = () => bus.jsm.consumers.info('COMMANDS', 'again');
  await eventually(async () => ((await info()).num_ack_pending === 2 ? true : undefined));
  held.ack();
  taken[1]?.ack();
  await eventually(async () => ((await consumption.pending()) === 0 ? true : undefined), { what: 'both acks' });
  expect(taken.map((delivery) => delivery.sequence)).toEqual([...new Set(taken.map((delivery) => delivery.sequence))]);
});

test('a durable that an operator deleted is made anew', async () => {
  const taken: Delivery[] = [];
  const trouble: string[] = [];
  const onDelivery = (delivery: Delivery): void => {
    taken.push(delivery);
    delivery.ack();
  };
  await consume(bus, 'deleted', { onDelivery, onTrouble: (what) => trouble.push(what) });
  await other.whenConnected(5_000);
  await other.jsm.consumers.delete('COMMANDS', 'deleted');
  await send('deleted', 1);
  await eventually(() => taken[0]);
  expect(trouble).not.toEqual([]);
});

test('a durable that was deleted while its service was cut off is made anew', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const lossy = await connectBus({ url, name: 'directory' });
  try {
    const taken: Delivery[] = [];
    const consumption = await consume(lossy, 'away', { onDelivery: (delivery) => taken.push(delivery) });
    // What the service asks for from now on reaches nobody.
    proxy.swallow();
    await other.jsm.consumers.delete('COMMANDS', 'away');
    proxy.cut();
    proxy.restore();
    await send('away', 1);
    (await eventually(() => taken[0])).ack();
    await consumption.stop(0);
  } finally {
    await lossy.close();
    await proxy.close();
  }
});

test('no more is received and unanswered than was asked for', async () => {
  const waiting: Delivery[] = [];
  let handled = 0;
  await consume(bus, 'bound', { maxInFlight: 10, onDelivery: (delivery) => waiting.push(delivery) });
  await Promise.all(Array.from({ length: 60 }, (_, value) => send('bound', value)));
  await eventually(() => (waiting.length === 10 ? true : undefined));
  while (handled < 60) {
    expect(waiting.length).toBeLessThanOrEqual(10);
    const next = await eventually(() => waiting.shift());
    next.ack();
    handled++;
  }
});
