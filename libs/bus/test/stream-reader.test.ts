import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { readRange } from '@carillon/bus/read-range';
import { encode } from '@carillon/bus/request';
import { readStream, streamState, type ReaderOptions, type StreamReader } from '@carillon/bus/stream-reader';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { startProxy } from './proxy.ts';

let infrastructure: Infrastructure;
let bus: Bus;
const readers: StreamReader[] = [];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
});
beforeEach(async () => {
  await bus.jsm.streams.delete('CARE').catch(() => false);
  await provisionStreams(bus, ['CARE'], { replicas: 1 });
});
afterEach(() => {
  for (const reader of readers.splice(0)) reader.stop();
});
afterAll(async () => {
  await bus.close();
  await infrastructure.stop();
});

const tell = (value: number, patient = 'p1'): Promise<void> =>
  publish(bus, {
    subject: `care.h1.w1.${patient}.normal.score.updated`,
    body: encode(value),
    headers: { 'Nats-Msg-Id': `${patient}-${value}` },
  });
async function tellAll(from: number, to: number): Promise<void> {
  for (let value = from; value <= to; value++) await tell(value);
}

type Reading = { sequences: number[]; breaks: { epoch: string; continuesAfter: number }[] };
function read(on: Bus, options: Partial<ReaderOptions> = {}): Reading {
  const reading: Reading = { sequences: [], breaks: [] };
  readers.push(
    readStream(on, {
      stream: 'CARE',
      afterSequence: 0,
      onMessage: (message) => reading.sequences.push(message.sequence),
      onBreak: ({ epoch }, continuesAfter) => reading.breaks.push({ epoch, continuesAfter }),
      ...options,
    }),
  );
  return reading;
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const untilRead = (reading: Reading, sequence: number): Promise<true> =>
  eventually(() => (reading.sequences.at(-1) === sequence ? true : undefined), { what: `message ${sequence}` });

test('over kills of the server every message comes once and in order', async () => {
  let lastAt = 0;
  const reading: Reading = { sequences: [], breaks: [] };
  read(bus, {
    onMessage({ sequence }) {
      reading.sequences.push(sequence);
      lastAt = performance.now();
    },
  });
  let stored = 0;
  let isOver = false;
  const producing = (async () => {
    for (let value = 1; !isOver;) {
      // The same message until it is known to be stored.
      const isStored = await tell(value).then(
        () => true,
        () => false,
      );
      if (isStored) stored = value++;
    }
  })();
  for (let kill = 0; kill < 3; kill++) {
    const before = stored;
    await eventually(() => (stored > before + 200 ? true : undefined), { what: 'load' });
    infrastructure.nats.kill();
    await infrastructure.restartNats();
    const backAt = performance.now();
    await eventually(() => (lastAt > backAt ? true : undefined), {
      withinMs: patience(3_000),
      what: 'a message',
    });
    figure(`reading on ${Math.round(lastAt - backAt)} ms after the return of the server`);
  }
  isOver = true;
  await producing;
  const { lastSequence } = await streamState(bus, 'CARE');
  await untilRead(reading, lastSequence);
  expect(reading.sequences).toEqual(range(1, lastSequence));
  expect(reading.breaks).toEqual([]);
});

test('the last message before a silence is delivered though it went down with the connection', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const lossy = await connectBus({ url, name: 'gateway' });
  try {
    const reading = read(lossy);
    const filtered = read(lossy, { filter: 'care.h1.w1.p1.>' });
    await tell(1);
    await untilRead(reading, 1);
    await untilRead(filtered, 1);
    proxy.swallow();
    await tell(2);
    await eventually(async () => {
      const consumers = await bus.jsm.consumers.list('CARE').next();
      return consumers.filter((consumer) => consumer.delivered.stream_seq === 2).length === 2 ? true : undefined;
    });
    proxy.cut();
    proxy.restore();
    await untilRead(reading, 2);
    await untilRead(filtered, 2);
    expect(reading).toEqual({ sequences: [1, 2], breaks: [] });
    expect(filtered).toEqual({ sequences: [1, 2], breaks: [] });
  } finally {
    await lossy.close();
    await proxy.close();
  }
});

test('the first messages of a stream that was empty are not missed though the line lost them', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const lossy = await connectBus({ url, name: 'gateway' });
  try {
    const reading = read(lossy);
    await eventually(async () => (await bus.jsm.consumers.list('CARE').next())[0]);
    proxy.swallow();
    await tellAll(1, 3);
    proxy.cut();
    proxy.restore();
    await tellAll(4, 5);
    await untilRead(reading, 5);
    expect(reading.sequences).toEqual(range(1, 5));
  } finally {
    await lossy.close();
    await proxy.close();
  }
});

test('a message that was deleted by hand is passed over, and reading goes on', async () => {
  await tellAll(1, 10);
  for (const sequence of [4, 5, 8]) await bus.jsm.streams.deleteMessage('CARE', sequence);
  const reading = read(bus);
  await untilRead(reading, 10);
  expect(reading.sequences).toEqual([1, 2, 3, 6, 7, 9, 10]);
  await bus.jsm.streams.deleteMessage('CARE', 10);
  await tellAll(11, 12);
  await untilRead(reading, 12);
  expect(reading.breaks).toEqual([]);
});

test('a stream that is deleted and made again is told as a break, and read from its beginning', async () => {
  await tellAll(1, 5);
  const before = await streamState(bus, 'CARE');
  const reading = read(bus, { afterSequence: 3 });
  await untilRead(reading, 5);
  await bus.jsm.streams.delete('CARE');
  await provisionStreams(bus, ['CARE'], { replicas: 1 });
  await publish(bus, { subject: 'care.h1.w1.p1.normal.score.updated', body: encode(1), headers: {} });
  await untilRead(reading, 1);
  expect(reading.sequences).toEqual([4, 5, 1]);
  const after = await streamState(bus, 'CARE');
  expect(after.epoch).not.toBe(before.epoch);
  expect(reading.breaks).toEqual([{ epoch: after.epoch, continuesAfter: 0 }]);
});

test('a stream that was made again and has grown past the old position is a break, too', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const cut = await connectBus({ url, name: 'gateway' });
  try {
    await tellAll(1, 3);
    const reading = read(cut);
    await untilRead(reading, 3);
    proxy.cut();
    await bus.jsm.streams.delete('CARE');
    await provisionStreams(bus, ['CARE'], { replicas: 1 });
    await tellAll(1, 8);
    proxy.restore();
    await untilRead(reading, 8);
    expect(reading.sequences).toEqual([1, 2, 3, ...range(1, 8)]);
    expect(reading.breaks).toEqual([expect.objectContaining({ continuesAfter: 0 })]);
  } finally {
    await cut.close();
    await proxy.close();
  }
});

test('what retention took before it was read is told as a break', async () => {
  const proxy = await startProxy(infrastructure.nats.port);
  const url = infrastructure.nats.url.replace(`:${infrastructure.nats.port}`, `:${proxy.port}`);
  const cut = await connectBus({ url, name: 'gateway' });
  try {
    await tellAll(1, 3);
    const reading = read(cut);
    await untilRead(reading, 3);
    proxy.cut();
    await tellAll(4, 9);
    await bus.jsm.streams.purge('CARE', { seq: 8 });
    proxy.restore();
    await untilRead(reading, 9);
    expect(reading.sequences).toEqual([1, 2, 3, 8, 9]);
    expect(reading.breaks).toEqual([expect.objectContaining({ continuesAfter: 7 })]);
  } finally {
    await cut.close();
    await proxy.close();
  }
});

test('who begins before the first message that is kept begins with it, and that is no break', async () => {
  await tellAll(1, 6);
  await bus.jsm.streams.purge('CARE', { seq: 4 });
  const reading = read(bus);
  await untilRead(reading, 6);
  expect(reading).toEqual({ sequences: [4, 5, 6], breaks: [] });
});

test('a filtered reader sees its subject only, in order', async () => {
  for (let value = 1; value <= 6; value++) await tell(value, value % 2 === 0 ? 'p2' : 'p1');
  const reading = read(bus, { filter: 'care.h1.w1.p2.>' });
  await untilRead(reading, 6);
  expect(reading).toEqual({ sequences: [2, 4, 6], breaks: [] });
});

test('a range is read to its end and no further, by its filter, up to a limit', async () => {
  for (let value = 1; value <= 1_200; value++) await tell(value, value % 2 === 0 ? 'p2' : 'p1');
  const base = { stream: 'CARE', filter: 'care.h1.w1.p2.>', afterSequence: 2, limit: 1_000 } as const;
  const sequences = async (more: { toSequence: number; limit?: number }) =>
    (await readRange(bus, { ...base, ...more }))?.map((message) => message.sequence);
  expect(await sequences({ toSequence: 9 })).toEqual([4, 6, 8]);
  expect(await sequences({ toSequence: 1_200 })).toHaveLength(599);
  expect(await sequences({ toSequence: 1_200, limit: 598 })).toBeUndefined();
  expect(await sequences({ toSequence: 3 })).toEqual([]);
  expect(await readRange(bus, { ...base, filter: 'care.h1.w9.>', toSequence: 1_200 })).toEqual([]);
});
