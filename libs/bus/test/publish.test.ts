import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { createBatchPublisher, type BatchPublisher, type Publication } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';

let infrastructure: Infrastructure;
let bus: Bus;
let publisher: BatchPublisher;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
  publisher = createBatchPublisher(bus);
});
beforeEach(async () => {
  await bus.jsm.streams.delete('CARE').catch(() => false);
  await provisionStreams(bus, ['CARE'], { replicas: 1 });
});
afterAll(async () => {
  publisher.stop();
  await bus.close();
  await infrastructure.stop();
});

const care = (number: number): Publication => ({
  subject: `care.h1.w1.p${number % 7}.bulk.test.told`,
  body: encode(number),
  headers: { 'Nats-Msg-Id': `row-${number}` },
});
const nobodys: Publication = { subject: 'nobody.listens', body: encode(0), headers: {} };
const countStored = async (): Promise<number> => (await bus.jsm.streams.info('CARE')).state.messages;

test('many are stored in their order, several batches beside each other', async () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  const batches = [numbers.slice(0, 400), numbers.slice(400, 401), [], numbers.slice(401)];
  const answers = await Promise.all(batches.map((batch) => publisher.publishAll(batch.map(care))));
  expect(answers).toEqual(batches.map((batch) => batch.map(() => true)));
  const seen: unknown[] = [];
  const reader = readStream(bus, {
    stream: 'CARE',
    afterSequence: 0,
    onMessage: (message) => seen.push(decode(message.body)),
  });
  await eventually(() => (seen.length >= 1_000 ? true : undefined), { what: 'all' });
  reader.stop();
  expect(seen).toEqual(numbers);
});

test('what was stored before is said to be stored, and is stored once', async () => {
  expect(await publisher.publishAll([care(1), care(2)])).toEqual([true, true]);
  expect(await publisher.publishAll([care(2), care(3)])).toEqual([true, true]);
  expect(await countStored()).toBe(3);
});

test('each is answered for itself: without a stream, and too large for the server', async () => {
  const tooLarge = { ...care(2), body: new Uint8Array(2_000_000) };
  expect(await publisher.publishAll([care(1), nobodys, tooLarge, care(3)])).toEqual([true, false, false, true]);
  expect(await countStored()).toBe(2);
});

test('a stream that refuses is no store', async () => {
  const { config } = await bus.jsm.streams.info('CARE');
  await bus.jsm.streams.update('CARE', { ...config, max_msgs: 2, discard: 'new' as typeof config.discard });
  expect(await publisher.publishAll([care(1), care(2), care(3), care(4)])).toEqual([true, true, false, false]);
});

test('a lost connection is known at once, and what was not answered is stored once when it is repeated', async () => {
  const publications = Array.from({ length: 5_000 }, (_, index) => care(index));
  // It takes what it can while it is stopped, and answers nothing.
  process.kill(infrastructure.nats.pid, 'SIGSTOP');
  const answering = publisher.publishAll(publications);
  await new Promise((resolve) => setTimeout(resolve, 100));
  infrastructure.nats.kill();
  const killedAt = performance.now();
  const before = await answering;
  expect(performance.now() - killedAt).toBeLessThan(patience(1_000));
  expect(before).toEqual(publications.map(() => false));
  await infrastructure.restartNats();
  const rest = publications.filter((_, position) => before[position] === false);
  let open = rest;
  while (open.length > 0) {
    const answers = await publisher.publishAll(open);
    open = open.filter((_, position) => answers[position] === false);
  }
  expect(await countStored()).toBe(5_000);
});
