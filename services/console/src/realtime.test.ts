import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type Link, type RealtimeOptions, type SocketEvents, createRealtime } from './realtime.ts';
import type { MessageFrame } from './types.ts';

type Sent = { t: string; id?: number; room?: string; from?: string; key?: string; token?: string; op?: string };
type FakeSocket = { events: SocketEvents; sent: Sent[]; isClosed: boolean; say: (...frames: object[]) => void };

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const setUp = (overrides: Partial<RealtimeOptions> = {}) => {
  const sockets: FakeSocket[] = [];
  const messages: MessageFrame[] = [];
  const reloads: string[] = [];
  const closedRooms: string[] = [];
  const links: Link[] = [];
  let keys = 0;
  const realtime = createRealtime({
    openSocket: (events) => {
      const socket: FakeSocket = {
        events,
        sent: [],
        isClosed: false,
        say: (...frames) => events.onText(frames.map((frame) => JSON.stringify(frame)).join('\n')),
      };
      sockets.push(socket);
      return {
        send: (text) => socket.sent.push(JSON.parse(text) as Sent),
        close: () => {
          socket.isClosed = true;
        },
      };
    },
    token: () => 'first-token',
    renewToken: () => Promise.resolve('second-token'),
    onMessage: (message) => messages.push(message),
    onReload: (room) => reloads.push(room),
    onRoomClosed: (room, code) => closedRooms.push(`${room} ${code}`),
    onLink: (link) => links.push(link),
    onServerTime: () => {},
    isVisible: () => true,
    random: () => 0.5,
    makeKey: () => `key-${(keys += 1)}`,
    ...overrides,
  });
  const socket = (): FakeSocket => sockets.at(-1)!;
  const connect = (): FakeSocket => {
    socket().events.onOpen();
    const id = socket().sent[0]?.id;
    const ping = { everyMs: 15_000, waitMs: 7000 };
    socket().say({ t: 'ready', id, connection: 'c1', person: 'n1', now: '2026-11-21T08:00:00.000Z', ping, rooms: [] });
    return socket();
  };
  const subscribed = (room: string, pos: string, recovery: string): void => {
    const id = socket().sent.findLast((frame) => frame.t === 'subscribe' && frame.room === room)?.id;
    socket().say({ t: 'subscribed', id, room, pos, recovery });
  };
  const subscribes = (): Sent[] => socket().sent.filter((frame) => frame.t === 'subscribe');
  return { realtime, sockets, socket, connect, subscribed, subscribes, messages, reloads, closedRooms, links };
};

const message = (pos: string, prev: string, room = 'ward:w1:alerts') => ({
  t: 'msg',
  room,
  ev: 'alert:raised',
  pos,
  prev,
  data: {},
});

test('the first frame carries the token, and rooms are subscribed once the server is ready', () => {
  const { realtime, connect, subscribes, links } = setUp();
  realtime.setRooms(['ward:w1:alerts', 'patient:p1']);
  realtime.start();
  const socket = connect();
  expect(socket.sent[0]).toMatchObject({ t: 'connect', token: 'first-token' });
  expect(subscribes().map((frame) => frame.room)).toEqual(['ward:w1:alerts', 'patient:p1']);
  expect(links.map((link) => link.state)).toEqual(['connecting', 'live']);
});

test('a frame may hold several messages, one a line, and a message that repeats is handed on once', () => {
  const { realtime, connect, subscribed, messages, reloads } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  const socket = connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  expect(reloads).toEqual(['ward:w1:alerts']);
  socket.say(message('e7-12', 'e7-9'), message('e7-15', 'e7-12'), message('e7-12', 'e7-9'));
  expect(messages.map(({ pos }) => pos)).toEqual(['e7-12', 'e7-15']);
});

test('after a lost link a room resumes from the last message that came in', () => {
  const { realtime, connect, socket, subscribed, subscribes, messages } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  socket().say(message('e7-12', 'e7-10'));
  socket().events.onClose(1006);
  jest.advanceTimersByTime(300);
  connect();
  expect(subscribes()[0]).toMatchObject({ room: 'ward:w1:alerts', from: 'e7-12' });
  subscribed('ward:w1:alerts', 'e7-20', 'complete');
  socket().say(message('e7-14', 'e7-12'), message('e7-20', 'e7-14'));
  expect(messages.map(({ pos }) => pos)).toEqual(['e7-12', 'e7-14', 'e7-20']);
});

test('a replay that is cut short is asked for again from where it ended, not from the joined position', () => {
  const { realtime, connect, socket, subscribed, subscribes } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  socket().events.onClose(1006);
  jest.advanceTimersByTime(300);
  connect();
  subscribed('ward:w1:alerts', 'e7-20', 'complete');
  socket().say(message('e7-14', 'e7-10'));
  socket().events.onClose(1006);
  jest.advanceTimersByTime(2000);
  connect();
  expect(subscribes()[0]?.from).toBe('e7-14');
});

test('a hole is repaired by joining again from the last good message', () => {
  const { realtime, connect, socket, subscribed, subscribes, messages } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  socket().say(message('e7-12', 'e7-10'), message('e7-16', 'e7-14'));
  expect(messages.map(({ pos }) => pos)).toEqual(['e7-12']);
  expect(subscribes().at(-1)?.from).toBe('e7-12');
  subscribed('ward:w1:alerts', 'e7-16', 'complete');
  socket().say(message('e7-14', 'e7-12'), message('e7-16', 'e7-14'));
  expect(messages.map(({ pos }) => pos)).toEqual(['e7-12', 'e7-14', 'e7-16']);
});

test('a silent link is given up within everyMs + waitMs, and pings keep it', () => {
  const { realtime, connect, socket, sockets, links } = setUp();
  realtime.start();
  connect();
  jest.advanceTimersByTime(20_000);
  socket().say({ t: 'ping' });
  expect(socket().sent.at(-1)).toEqual({ t: 'pong' });
  jest.advanceTimersByTime(21_999);
  expect(links.at(-1)?.state).toBe('live');
  jest.advanceTimersByTime(2);
  expect(links.at(-1)?.state).toBe('reconnecting');
  expect(sockets[0]?.isClosed).toBe(true);
});

test('a server that is away is tried at least every two seconds while the page is visible', () => {
  const { realtime, sockets } = setUp({ random: () => 0.999 });
  realtime.start();
  for (let second = 0; second < 60; second += 1) {
    sockets.at(-1)?.events.onClose(1006);
    const before = sockets.length;
    jest.advanceTimersByTime(2000);
    expect(sockets.length).toBeGreaterThan(before);
  }
});

test('a command is sent again under its key after a lost link, until it is answered', async () => {
  const { realtime, connect, socket } = setUp();
  realtime.start();
  connect();
  const result = realtime.call('alert:acknowledge', { alertId: 'a5' });
  expect(socket().sent.at(-1)).toMatchObject({ t: 'call', op: 'alert:acknowledge', key: 'key-1' });
  socket().events.onClose(1006);
  jest.advanceTimersByTime(300);
  connect();
  const again = socket().sent.find((frame) => frame.t === 'call');
  expect(again).toMatchObject({ op: 'alert:acknowledge', key: 'key-1' });
  socket().say({ t: 'ok', id: again?.id, accepted: true, key: 'key-1' });
  jest.advanceTimersByTime(1000);
  const third = socket().sent.at(-1);
  expect(third).toMatchObject({ t: 'call', key: 'key-1' });
  socket().say({ t: 'ok', id: third?.id, data: { state: 'acknowledged' } });
  await expect(result).resolves.toEqual({ state: 'acknowledged' });
});

test('a refused command is rejected with its code and not sent again', async () => {
  const { realtime, connect, socket } = setUp();
  realtime.start();
  connect();
  const result = realtime.call('alert:resolve', { alertId: 'a5' });
  socket().say({ t: 'err', id: socket().sent.at(-1)?.id, code: 'forbidden', message: 'No.', retry: 'never' });
  await expect(result).rejects.toMatchObject({ code: 'forbidden', message: 'No.' });
  jest.advanceTimersByTime(20_000);
  expect(socket().sent.filter((frame) => frame.t === 'call')).toHaveLength(1);
});

test('an expired token is renewed before the next connection, and reauth is answered with a new one', async () => {
  const { realtime, connect, socket, sockets } = setUp();
  realtime.start();
  connect();
  socket().say({ t: 'reauth', graceMs: 25_000 });
  await jest.advanceTimersByTimeAsync(0);
  expect(socket().sent.at(-1)).toMatchObject({ t: 'reauth', token: 'second-token' });
  socket().events.onClose(4100);
  await jest.advanceTimersByTimeAsync(300);
  expect(sockets).toHaveLength(2);
});

test('a 44xx close stops, says why, and gives up what waits', async () => {
  const { realtime, connect, socket, sockets, links } = setUp();
  realtime.start();
  connect();
  const result = realtime.call('alert:acknowledge', { alertId: 'a5' });
  socket().events.onClose(4403);
  await expect(result).rejects.toMatchObject({ code: 'unavailable' });
  jest.advanceTimersByTime(120_000);
  expect(sockets).toHaveLength(1);
  expect(links.at(-1)).toMatchObject({ state: 'stopped', reason: expect.stringContaining('not allowed') });
});

test('state that was invalidated drops positions, and overload waits as told', () => {
  const { realtime, connect, socket, sockets, subscribed, subscribes } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  socket().events.onClose(4200);
  jest.advanceTimersByTime(300);
  connect();
  expect(subscribes()[0]).not.toHaveProperty('from');
  socket().say({ t: 'err', code: 'rate_limited', message: 'Later.', retry: 'after', afterMs: 9000 });
  socket().events.onClose(4301);
  jest.advanceTimersByTime(8900);
  expect(sockets).toHaveLength(2);
  jest.advanceTimersByTime(200);
  expect(sockets).toHaveLength(3);
});

test('a room that ends or is refused is reported and not joined again', () => {
  const { realtime, connect, socket, subscribes, closedRooms } = setUp();
  realtime.setRooms(['patient:p1', 'patient:p9']);
  realtime.start();
  connect();
  socket().say({ t: 'err', id: subscribes()[1]?.id, code: 'forbidden', message: 'No.', retry: 'never' });
  socket().say({ t: 'unsubscribed', room: 'patient:p1', code: 'relation_ended' });
  expect(closedRooms).toEqual(['patient:p9 forbidden', 'patient:p1 relation_ended']);
  socket().events.onClose(1006);
  jest.advanceTimersByTime(300);
  connect();
  expect(subscribes()).toHaveLength(0);
});

test('reset reads the snapshot again and joins afresh', () => {
  const { realtime, connect, socket, subscribed, subscribes, reloads } = setUp();
  realtime.setRooms(['ward:w1:alerts']);
  realtime.start();
  connect();
  subscribed('ward:w1:alerts', 'e7-10', 'fresh');
  socket().say({ t: 'reset', room: 'ward:w1:alerts', reason: 'retention' });
  expect(reloads).toEqual(['ward:w1:alerts', 'ward:w1:alerts']);
  expect(subscribes().at(-1)).not.toHaveProperty('from');
});
