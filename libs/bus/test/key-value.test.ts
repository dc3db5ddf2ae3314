import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { watchBucket } from '@carillon/bus/key-value';
import { provisionPeople } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { peopleBucket, peopleSubject } from '@carillon/contracts/streams';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { startProxy } from './proxy.ts';

let infrastructure: Infrastructure;
let bus: Bus;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
  await Promise.all([provisionPeople(bus, { replicas: 1 }), provisionPeople(bus, { replicas: 1 })]);
});
afterAll(async () => {
  await bus.close();
  await infrastructure.stop();
});

const put = (person: string, value: unknown): Promise<void> =>
  publish(bus, { subject: peopleSubject('h1', person), body: encode(value), headers: {} });

async function watch(on: Bus) {
  const seen = new Map<string, unknown>();
  const watching = await watchBucket(on, peopleBucket, ({ key, value }) => {
    if (value === undefined) seen.delete(key);
    else seen.set(key, decode(value));
  });
  return { seen, stop: watching.stop };
}

test('a watch of an empty bucket is ready at once, and sees what comes', async () => {
  const { seen, stop } = await watch(bus);
  expect(seen.size).toBe(0);
  await put('first', 1);
  await eventually(() => (seen.get('h1.first') === 1 ? true : undefined));
  stop();
});

test('a watch is ready when it has seen everything that is there', async () => {
  for (let index = 0; index < 300; index++) await put(`n${index}`, index);
  await put('n7', 'newer');
  const { seen, stop } = await watch(bus);
  expect(seen.size).toBe(301);
  expect(seen.get('h1.n7')).toBe('newer');
  stop();
});

test('entries of a bucket that is made anew are told as deleted, and the new ones follow', async () => {
  await put('old', 1);
  const { seen, stop } = await watch(bus);
  await bus.jsm.streams.delete(`KV_${peopleBucket}`);
  await provisionPeople(bus, { replicas: 1 });
  await put('new', 2);
  await eventually(() => (seen.get('h1.new') === 2 ? true : undefined));
  expect([...seen.keys()]).toEqual(['h1.new']);
  stop();
});

test('a deleted entry is told', async () => {
  await put('gone', 1);
  const { seen, stop } = await watch(bus);
  await (await bus.js.views.kv(peopleBucket, { bindOnly: true })).delete('h1.gone');
  await eventually(() => (seen.has('h1.gone') ? undefined : true));
  stop();
});

test('a watch goes on within 3 s of the return of a killed server', async () => {
  const { seen, stop } = await watch(bus);
  for (let kill = 0; kill < 3; kill++) {
    infrastructure.nats.kill();
    await infrastructure.restartNats();
    const backAt = performance.now();
    await eventually(async () => (await put('n1', `kill ${kill}`).catch(() => false)) ?? true, { what: 'the entry' });
    await eventually(() => (seen.get('h1.n1') === `kill ${kill}` ? true : undefined), {
      withinMs: patience(3_000),
    });
    figure(`watching ${Math.round(performance.now() - backAt)} ms after the return of the server`);
  }
  stop();
});

test('a change that went down with the connection is seen within 5 s of its return', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const lossy = await connectBus({ url, name: 'gateway' });
  try {
    const { seen, stop } = await watch(lossy);
    proxy.swallow();
    await put('n2', 'revoked');
    await put('n3', 'revoked');
    await eventually(async () => {
      const consumers = await bus.jsm.consumers.list(`KV_${peopleBucket}`).next();
      const { state } = await bus.jsm.streams.info(`KV_${peopleBucket}`);
      return consumers.some((consumer) => consumer.delivered.stream_seq === state.last_seq) ? true : undefined;
    });
    proxy.cut();
    proxy.restore();
    const backAt = performance.now();
    await eventually(() => (seen.get('h1.n3') === 'revoked' ? true : undefined), { withinMs: patience(5_000) });
    expect(seen.get('h1.n2')).toBe('revoked');
    figure(`seen ${Math.round(performance.now() - backAt)} ms after the line was back`);
    stop();
  } finally {
    await lossy.close();
    await proxy.close();
  }
});

test('a watch is not caught up from the loss of the connection until it has seen what it missed', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const lossy = await connectBus({ url, name: 'gateway' });
  try {
    const seen = new Map<string, unknown>();
    const watching = await watchBucket(lossy, peopleBucket, ({ key, value }) => {
      if (value !== undefined) seen.set(key, decode(value));
    });
    for (let round = 0; round < 3; round++) {
      expect(watching.isCaughtUp()).toBe(true);
      const seenThen = new Promise((resolve) => {
        const stopListening = watching.onCaughtUp(() => {
          stopListening();
          resolve(seen.get('h1.n4'));
        });
      });
      proxy.cut();
      await eventually(() => (watching.isCaughtUp() ? undefined : true), { what: 'the loss' });
      await put('n4', `withdrawn ${round}`);
      expect(watching.isCaughtUp()).toBe(false);
      proxy.restore();
      const backAt = performance.now();
      expect(await seenThen).toBe(`withdrawn ${round}`);
      figure(`caught up ${Math.round(performance.now() - backAt)} ms after the line was back`);
    }
    watching.stop();
  } finally {
    await lossy.close();
    await proxy.close();
  }
});

test('a watch of a bucket that was emptied, or made anew while it was away, catches up all the same', async () => {
  const watching = await watchBucket(bus, peopleBucket, () => {});
  await bus.jsm.streams.purge(`KV_${peopleBucket}`);
  const emptied = await watchBucket(bus, peopleBucket, () => {});
  infrastructure.nats.kill();
  await infrastructure.restartNats();
  await eventually(() => (watching.isCaughtUp() && emptied.isCaughtUp() ? true : undefined), { what: 'the end' });
  await bus.jsm.streams.delete(`KV_${peopleBucket}`);
  await provisionPeople(bus, { replicas: 1 });
  await put('n5', 1);
  await eventually(() => (watching.isCaughtUp() && emptied.isCaughtUp() ? true : undefined), { what: 'the end' });
  watching.stop();
  emptied.stop();
});
