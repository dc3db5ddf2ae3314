/** A gateway that stops: its clients are told first, move while both are there, and nothing is lost on the way. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sendReply } from '@carillon/bus/request';
import type { Frame, RealtimeClient } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, startDesk, type Desk } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const isGoaway = (frame: Frame): boolean => frame.t === 'goaway';
const numbersOf = (frames: readonly Frame[]): number[] =>
  frames.filter(({ t }) => t === 'msg').map(({ data }) => (data as { number: number }).number);
const last = (client: RealtimeClient): unknown => client.frames.findLast(({ t }) => t === 'msg')?.['pos'];

test('readiness goes first, then goaway, and closes are spread over the second half of the time', async () => {
  const spreadMs = 1_200;
  const gateway = await desk.startGateway({ CARILLON_DRAIN_MS: String(spreadMs) });
  const clients = await Promise.all(Array.from({ length: 12 }, () => desk.connect('n1', { baseUrl: gateway.baseUrl })));
  await Promise.all(clients.map((client) => client.ask({ t: 'subscribe', room: 'ward:w1:alerts' })));
  const startedAt = performance.now();
  const stopped = gateway.stop();
  expect(await gateway.checks()).toMatchObject({ running: false });
  for (const client of clients) {
    expect(await client.expect(isGoaway)).toEqual({ t: 'goaway', reason: 'drain', spreadMs });
  }
  // Told, and still served.
  await desk.emit(alertOf('p1', { number: 1 }));
  await Promise.all(clients.map((client) => client.expect(({ t }) => t === 'msg')));
  expect(performance.now() - startedAt).toBeLessThan(spreadMs / 2);
  const closedAt = await Promise.all(
    clients.map((client) =>
      client.closed.then((end) => {
        expect(end).toEqual({ code: 4000, reason: 'drain' });
        return performance.now() - startedAt;
      }),
    ),
  );
  await stopped;
  expect(Math.min(...closedAt)).toBeGreaterThan(spreadMs / 2 - 20);
  expect(Math.max(...closedAt) - Math.min(...closedAt)).toBeGreaterThan(spreadMs / 3);
});

test('when everybody has moved the gateway does not wait any longer', async () => {
  const gateway = await desk.startGateway({ CARILLON_DRAIN_MS: '60000' });
  const client = await desk.connect('n1', { baseUrl: gateway.baseUrl });
  await client.expect(({ t }) => t === 'ready');
  const stopped = gateway.stop();
  await client.expect(isGoaway);
  client.close();
  await stopped;
});

test('who was refused and does not hang up does not keep a gateway from its end', async () => {
  const gateway = await desk.startGateway({ CARILLON_DRAIN_MS: '100' });
  const socket = connect(gateway.port, '127.0.0.1');
  socket.write(
    'GET /realtime/ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: another\r\n\r\n',
  );
  await once(socket, 'data');
  const startedAt = performance.now();
  await gateway.stop();
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  socket.destroy();
});

test('who moves at goaway while messages flow has each of them once, and calls under way are answered', async () => {
  const gateway = await desk.startGateway({ CARILLON_DRAIN_MS: '1000' });
  const old = await desk.connect('n1', { baseUrl: gateway.baseUrl });
  await old.ask({ t: 'subscribe', room: 'patient:q1' });
  let isFlowing = true;
  let count = 0;
  const flow = (async () => {
    while (isFlowing) await desk.emit(alertOf('q1', { number: ++count }));
  })();
  await eventually(() => (numbersOf(old.frames).length > 20 ? true : undefined));
  const { answerCommand } = desk;
  let replyTo = '';
  desk.answerCommand = (_, envelope) => {
    replyTo = envelope.replyTo ?? '';
    return undefined;
  };
  old.send({ t: 'call', id: 90, op: 'alert:acknowledge', key: 'k-drain', data: { alertId: 'a1' } });
  await eventually(() => (replyTo !== '' ? true : undefined));
  const stopped = gateway.stop();
  await old.expect(isGoaway);
  const next = await desk.connect('n1');
  expect(await next.ask({ t: 'subscribe', room: 'patient:q1', from: last(old) })).toMatchObject({
    recovery: 'complete',
  });
  const moved = numbersOf(old.frames).length;
  // Its turn to be closed has come, and it waits for the answer.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  sendReply(desk.bus, replyTo, { ok: true, data: { isDone: true } });
  desk.answerCommand = answerCommand;
  expect(await old.closed).toEqual({ code: 4000, reason: 'drain' });
  expect(old.frames.find(({ id }) => id === 90)).toMatchObject({ t: 'ok', data: { isDone: true } });
  await stopped;
  isFlowing = false;
  await flow;
  await eventually(() => (numbersOf(next.frames).at(-1) === count ? true : undefined));
  const got = new Set([...numbersOf(old.frames), ...numbersOf(next.frames)]);
  expect(got.size).toBe(count);
  expect(numbersOf(next.frames)[0]).toBeLessThanOrEqual(moved + 1);
  next.close();
});
