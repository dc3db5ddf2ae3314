import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import { patience } from './patience.ts';

/** One end of a connection, and what has become of it. */
type End = { socket: Socket; received: () => Buffer; state: 'open' | 'ended' | 'reset' };

const watch = (socket: Socket): End => {
  const chunks: Buffer[] = [];
  const end: End = { socket, received: () => Buffer.concat(chunks), state: 'open' };
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => (end.state = 'ended'));
  socket.on('error', () => (end.state = 'reset'));
  return end;
};

let target: Server;
let proxy: FaultProxy;
const opened: Socket[] = [];

beforeEach(async () => {
  target = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(target, 'listening');
  const address = target.address();
  proxy = await startFaultProxy({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
afterEach(async () => {
  await proxy.close();
  for (const socket of opened.splice(0)) socket.destroy();
  target.close();
});

async function connect(): Promise<{ client: End; server: End }> {
  const accepted = once(target, 'connection') as Promise<[Socket]>;
  const socket = createConnection({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  opened.push(socket);
  const [other] = await accepted;
  opened.push(other);
  return { client: watch(socket), server: watch(other) };
}
const arrives = (end: End, text: string) =>
  eventually(() => end.received().toString() === text || undefined, { what: `the text ${text}` });
const becomes = (end: End, state: End['state']) =>
  eventually(() => end.state === state || undefined, { what: `that it is ${state}` });
/** Nothing reached these ends: what was done later, on a connection of its own, has come through. */
async function laterThingsHappened(): Promise<void> {
  const probe = createServer((socket) => socket.end('later')).listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const end = watch(createConnection(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1'));
  await arrives(end, 'later');
  await becomes(end, 'ended');
  end.socket.destroy();
  probe.close();
}

test('without faults bytes and the end of each direction pass, and both are counted', async () => {
  const { client, server } = await connect();
  client.socket.end('question');
  await arrives(server, 'question');
  await becomes(server, 'ended');
  server.socket.end('answer!');
  await arrives(client, 'answer!');
  await becomes(client, 'ended');
  await eventually(() => proxy.counts().open === 0 || undefined);
  expect(proxy.counts()).toEqual({
    open: 0,
    ever: 1,
    toServer: { read: 8, forwarded: 8 },
    toClient: { read: 7, forwarded: 7 },
  });
});

test('a delay holds back each byte and the end, and keeps their order', async () => {
  const { client, server } = await connect();
  proxy.inject('toServer', { delayMs: 1_000 });
  const sentAt = performance.now();
  client.socket.write('a');
  client.socket.end('b');
  server.socket.write('at once');
  await arrives(client, 'at once');
  expect(server.received()).toHaveLength(0);
  await arrives(server, 'ab');
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(999);
  await becomes(server, 'ended');
});

test('a throttled line carries its rate, loses nothing, and holds the sender back', async () => {
  const { client, server } = await connect();
  proxy.inject('toClient', { bytesPerSecond: 100_000 });
  const body = Buffer.alloc(50_000, 'x');
  const sentAt = performance.now();
  server.socket.write(body);
  await eventually(() => client.received().length === body.length || undefined);
  expect(performance.now() - sentAt).toBeGreaterThan(400);
  expect(performance.now() - sentAt).toBeLessThan(patience(2_000));
  proxy.inject('toClient', { bytesPerSecond: 1_000 });
  const { forwarded } = proxy.counts().toClient;
  server.socket.write(Buffer.alloc(20_000_000, 'y'));
  await eventually(() => proxy.counts().toClient.forwarded > forwarded || undefined);
  expect(server.socket.writableLength).toBeGreaterThan(0);
  // What it keeps itself stays below one read and its own bound.
  expect(proxy.counts().toClient.read - proxy.counts().toClient.forwarded).toBeLessThanOrEqual(80 * 1024);
});

test('what is swallowed in one direction is lost without a word, and the other direction goes on', async () => {
  const { client, server } = await connect();
  proxy.inject('toServer', { isSwallowing: true });
  client.socket.write('lost');
  await eventually(() => proxy.counts().toServer.read === 4 || undefined);
  server.socket.write('heard');
  await arrives(client, 'heard');
  proxy.heal();
  client.socket.write('again');
  await arrives(server, 'again');
});

test('a half-open connection carries nothing and tells neither side that the other has gone', async () => {
  const { client, server } = await connect();
  proxy.inject('both', { isSwallowing: true });
  server.socket.write('into the void');
  client.socket.resetAndDestroy();
  await eventually(() => proxy.counts().toClient.read === 13 || undefined);
  await laterThingsHappened();
  expect(server.state).toBe('open');
  expect(client.received()).toHaveLength(0);
  expect(proxy.counts().open).toBe(1);
});

test.each(['client', 'server'] as const)('the other side is not told that the %s has vanished', async (side) => {
  const ends = await connect();
  const left = side === 'client' ? ends.server : ends.client;
  ends.client.socket.write('x');
  await arrives(ends.server, 'x');
  proxy.vanish(side);
  await becomes(ends[side], 'reset');
  const direction = side === 'client' ? 'toClient' : 'toServer';
  const before = proxy.counts()[direction].read;
  left.socket.write('are you there?');
  await eventually(() => proxy.counts()[direction].read === before + 14 || undefined);
  await laterThingsHappened();
  expect(left.state).toBe('open');
});

test.each([
  ['fin', 'ended'],
  ['reset', 'reset'],
] as const)('a connection that is cut by %s after byte 7 has carried seven bytes', async (cutBy, state) => {
  proxy.inject('toServer', { cutAfterBytes: 7, cutBy });
  const { client, server } = await connect();
  client.socket.write('first');
  await arrives(server, 'first');
  expect(client.state).toBe('open');
  client.socket.write('second');
  await becomes(server, state);
  await becomes(client, state);
  expect(server.received().toString()).toBe('firstse');
  expect(proxy.counts().toServer.forwarded).toBe(7);
});

test('the window of who is not read closes, and opens again', async () => {
  const { client, server } = await connect();
  proxy.inject('toClient', { isStalled: true });
  const body = Buffer.alloc(20_000_000, 'z');
  server.socket.write(body);
  client.socket.write('the other way');
  await arrives(server, 'the other way');
  expect(server.socket.writableLength).toBeGreaterThan(0);
  expect(client.received()).toHaveLength(0);
  proxy.heal();
  await eventually(() => client.received().length === body.length || undefined);
  expect(server.socket.writableLength).toBe(0);
});

test('new connections are refused while those that are open go on, until it accepts again', async () => {
  const { client, server } = await connect();
  await proxy.refuse();
  const refused = createConnection({ port: proxy.port, host: '127.0.0.1' });
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
  client.socket.write('still here');
  await arrives(server, 'still here');
  await proxy.accept();
  const second = await connect();
  second.client.socket.write('hello');
  await arrives(second.server, 'hello');
  expect(proxy.counts()).toMatchObject({ open: 2, ever: 2 });
});

test.each([
  ['fin', 'ended'],
  ['reset', 'reset'],
] as const)('all connections are cut by %s at once', async (by, state) => {
  const both = [await connect(), await connect()];
  proxy.cut(by);
  for (const { client, server } of both) {
    await becomes(client, state);
    await becomes(server, state);
  }
});

test('who connects while the target is not there is reset', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const address = gone.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  gone.close();
  await once(gone, 'close');
  const toNobody = await startFaultProxy({ port });
  const end = watch(createConnection({ port: toNobody.port, host: '127.0.0.1' }));
  await becomes(end, 'reset');
  await toNobody.close();
});

test('closing ends everything that waits, whatever the faults', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const { client, server } = await connect();
  const before = timers();
  proxy.inject('both', { delayMs: 60_000, bytesPerSecond: 1 });
  client.socket.write('never');
  server.socket.write('never');
  await eventually(() => proxy.counts().toServer.read * proxy.counts().toClient.read === 25 || undefined);
  expect(timers()).toBeGreaterThan(before);
  proxy.inject('both', { isStalled: true });
  await proxy.close();
  await becomes(client, 'reset');
  await becomes(server, 'reset');
  expect(proxy.counts().open).toBe(0);
  await eventually(() => timers() <= before || undefined, { what: 'that no timer of a minute is left' });
});
