/** Rooms as Server-Sent Events: who gets which, in which form, and how it begins and ends. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, openRealtime } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { expectError } from './answers.ts';
import { alertOf, startDesk, type Desk, type RunningGateway } from './desk.ts';
import { openEvents, type EventClient, type EventOptions } from './events.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

type Opening = EventOptions & { gateway?: RunningGateway };
const open = async (person: string, path: string, { gateway, ...options }: Opening = {}): Promise<EventClient> =>
  openEvents((gateway ?? desk.gateway).baseUrl + path, { token: await desk.tokenOf(person), ...options });
const subscribed = (client: EventClient, room: string) =>
  client.expect(({ frame }) => frame.t === 'subscribed' && frame['room'] === room, `subscribed to ${room}`);
const isNumber = (number: number) => (event: { frame: Record<string, unknown> }) =>
  (event.frame['data'] as { number?: number } | undefined)?.number === number;
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

test('a stream begins with ready and one subscribed a room, and then brings what WebSocket would', async () => {
  const client = await open('n1', '/realtime/events?room=patient:p1&room=ward:w1:vitals');
  expect(client.status).toBe(200);
  expect(client.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  for (const room of ['person:n1', 'patient:p1', 'ward:w1:vitals']) await subscribed(client, room);
  expect(client.events[0]?.event).toBe('ready');
  expect(client.events[0]?.frame).toMatchObject({
    t: 'ready',
    person: 'n1',
    ping: { everyMs: 15_000, waitMs: 7_000 },
    rooms: ['person:n1', 'patient:p1', 'ward:w1:vitals'],
  });
  expect(client.others[0]).toMatch(/^retry: \d{4}$/);
  const socket = await desk.connect('n1');
  await socket.ask({ t: 'subscribe', room: 'patient:p1' });
  await desk.emit(alertOf('p1', { number: 1, text: 'grüß "dich" \\ 心电图' }));
  const event = await client.expect(isNumber(1));
  expect(event.event).toBe('alert:raised');
  expect(event.frame).toMatchObject({ t: 'msg', room: 'patient:p1', ev: 'alert:raised', version: 1 });
  expect(event.frame).toEqual(await socket.expect((frame) => frame.t === 'msg'));
  expect(event.id).toMatch(/^PERSON:\w+-\d+,CARE:\w+-\d+,VITALS:\w+-\d+$/);
  client.close();
  socket.close();
});

test.each([
  ['n1', '/realtime/events', ['person:n1']],
  ['n1', '/realtime/events/patient/p1', ['person:n1', 'patient:p1', 'patient:p1:vitals']],
  ['o1', '/realtime/events/hospital/h1', ['person:o1', 'hospital:h1', 'hospital:h1:alerts']],
  ['n1', '/realtime/events/hospital/h1', ['person:n1', 'hospital:h1']],
  ['n1', '/realtime/events/device/monitor/dev1?room=system', ['person:n1', 'device:monitor:dev1', 'hospital:h1']],
  ['dev1', '/realtime/events/device/monitor/dev1', ['person:dev1', 'device:monitor:dev1']],
  [
    'p1',
    '/realtime/events/patient/p1?room=patient:p1&room=person:p1',
    ['person:p1', 'patient:p1', 'patient:p1:vitals'],
  ],
])('for %s %s has the rooms %j', async (person, path, rooms) => {
  const client = await open(person, path);
  const { frame } = await client.expect((event) => event.event === 'ready');
  expect(frame['rooms']).toEqual(rooms);
  for (const room of rooms) await subscribed(client, room);
  client.close();
});

test('a message of an own page, a device and the hospital arrives', async () => {
  const client = await open('n1', '/realtime/events/device/monitor/dev7?room=system');
  for (const room of ['person:n1', 'device:monitor:dev7', 'hospital:h1']) await subscribed(client, room);
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new', data: { number: 1 } });
  await desk.bus.js.publish('device.h1.monitor.dev7.connected', JSON.stringify({ number: 2 }));
  await desk.bus.js.publish('ops.h1.capacity.changed', JSON.stringify({ number: 3 }));
  expect((await client.expect(isNumber(1))).frame).toMatchObject({ room: 'person:n1' });
  expect((await client.expect(isNumber(2))).frame).toMatchObject({ room: 'device:monitor:dev7' });
  expect((await client.expect(isNumber(3))).frame).toMatchObject({ room: 'hospital:h1' });
  client.close();
});

test.each([
  ['n3', '/realtime/events?room=patient:p1', 403, 'forbidden'],
  ['n1', '/realtime/events?room=patient:unknown', 403, 'forbidden'],
  ['n1', '/realtime/events?room=no-room', 403, 'forbidden'],
  ['n1', '/realtime/events?room=', 403, 'forbidden'],
  ['n1', '/realtime/events?room=patient:p1&room=patient:*', 403, 'forbidden'],
  ['n1', '/realtime/events/patient/p7', 403, 'forbidden'],
  ['n1', '/realtime/events/patient/%2A', 403, 'forbidden'],
  ['n1', '/realtime/events/patient/p1%0A', 403, 'forbidden'],
  ['p1', '/realtime/events/hospital/h1', 403, 'forbidden'],
  ['n1', '/realtime/events/hospital/h2', 403, 'forbidden'],
  ['p1', '/realtime/events/device/monitor/dev1', 403, 'forbidden'],
  ['n1', '/realtime/events?rooms=patient:p1', 400, 'bad_input'],
])('%s is refused %s before the stream begins: %d %s', async (person, path, status, code) => {
  expectError(await call(desk.baseUrl, 'GET', path, { token: await desk.tokenOf(person) }), status, code);
});

test('without a token, with a bad one and with one in the query there is no stream', async () => {
  const token = await desk.tokenOf('n1');
  expectError(await call(desk.baseUrl, 'GET', '/realtime/events'), 401, 'unauthorised');
  expectError(await call(desk.baseUrl, 'GET', '/realtime/events', { token: 'x' }), 401, 'unauthorised');
  expectError(await call(desk.baseUrl, 'GET', `/realtime/events?token=${token}`), 401, 'unauthorised');
  expectError(
    await call(desk.baseUrl, 'GET', '/realtime/events', { token: await desk.tokenOf('n1', { exp: inSeconds(-60) }) }),
    401,
    'unauthorised',
  );
});

test('where that is allowed, a token in the query opens a stream and a WebSocket, and is in no log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-log-'));
  const log = join(folder, 'gateway.log');
  const gateway = await desk.startGateway({
    CARILLON_QUERY_TOKEN: 'allow',
    CARILLON_LOG_LEVEL: 'trace',
    CARILLON_LOG_FILE: log,
  });
  const token = await desk.tokenOf('n1');
  const client = await openEvents(`${gateway.baseUrl}/realtime/events?token=${token}&room=patient:p1`);
  await subscribed(client, 'patient:p1');
  const socket = await openRealtime(gateway.baseUrl, { path: `/realtime/ws?token=${token}` });
  expect(await socket.expect((frame) => frame.t === 'ready')).toMatchObject({ person: 'n1' });
  expectError(await call(gateway.baseUrl, 'GET', '/realtime/events?token=x'), 401, 'unauthorised');
  const refused = await openRealtime(gateway.baseUrl, { path: '/realtime/ws?token=x' });
  expect(await refused.closed).toMatchObject({ code: 4401 });
  client.close();
  socket.close();
  await gateway.stop();
  const logged = await eventually(async () => {
    const text = await readFile(log, 'utf8');
    return text.includes('started') ? text : undefined;
  });
  expect(logged).not.toContain(token.slice(0, 20));
  expect(logged).not.toContain('token=');
  await rm(folder, { recursive: true });
});

test('a foreign origin is refused, a listed one may read', async () => {
  const gateway = await desk.startGateway({ CARILLON_ORIGINS: 'https://board.example' });
  const token = await desk.tokenOf('n1');
  const from = (origin: string, method = 'GET') =>
    fetch(`${gateway.baseUrl}/realtime/events`, { method, headers: { origin, authorization: `Bearer ${token}` } });
  expect((await from('https://evil.example')).status).toBe(403);
  expect((await from('null')).status).toBe(403);
  const listed = await from('https://board.example');
  expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://board.example']);
  await listed.body?.cancel();
  const own = await from(gateway.baseUrl);
  expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  await own.body?.cancel();
  const refused = await fetch(`${gateway.baseUrl}/realtime/events`, { headers: { origin: 'https://board.example' } });
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, 'https://board.example']);
  expect(refused.headers.get('access-control-expose-headers')).toBe('retry-after');
  await refused.body?.cancel();
  const asked = await from('https://board.example', 'OPTIONS');
  expect([asked.status, asked.headers.get('access-control-allow-headers')]).toEqual([
    204,
    expect.stringContaining('authorization'),
  ]);
  expect((await from('https://evil.example', 'OPTIONS')).status).toBe(403);
});

test('connections and handshakes of a person are limited over both transports, with 429 and Retry-After', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_CONNECTIONS_PERSON: '2', CARILLON_LIMIT_HANDSHAKES: '6' });
  const path = '/realtime/events';
  const token = await desk.tokenOf('p2');
  const first = await open('p2', path, { gateway });
  const socket = await desk.connect('p2', { baseUrl: gateway.baseUrl });
  await socket.expect((frame) => frame.t === 'ready');
  const refused = await call(gateway.baseUrl, 'GET', path, { token });
  expectError(refused, 429, 'rate_limited');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  first.close();
  const again = await eventually(async () => {
    const client = await open('p2', path, { gateway });
    return client.status === 200 ? client : undefined;
  });
  // A refused room counts as a handshake, and not as a connection.
  let status = 0;
  for (let count = 0; count < 6 && status !== 429; count++) {
    ({ status } = await call(gateway.baseUrl, 'GET', `${path}?room=patient:p1`, { token }));
  }
  expect(status).toBe(429);
  again.close();
  socket.close();
});

test('beyond the rooms of a connection there is no stream', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_ROOMS: '3' });
  const path = (count: number): string =>
    `/realtime/events?${Array.from({ length: count }, (_, index) => `room=patient:q${index}`).join('&')}`;
  const token = await desk.tokenOf('n1');
  expectError(await call(gateway.baseUrl, 'GET', path(3), { token }), 429, 'rate_limited');
  const client = await open('n1', path(2), { gateway });
  await subscribed(client, 'patient:q1');
  client.close();
});

test('hostile headers and bodies do not break the framing', async () => {
  const client = await open('n1', '/realtime/events/patient/q20');
  const socket = await desk.connect('n1');
  await socket.ask({ t: 'subscribe', room: 'patient:q20' });
  await subscribed(client, 'patient:q20');
  const breaking = 'x\n\nevent: evil\rdata: {"t":"evil"}\r\n';
  const hostile = 'x\0: "y"\u2028\u0085\u001b id: 7';
  // The client library refuses such headers; the wire does not.
  const { hostname, port, username, password } = new URL(desk.infrastructure.nats.url.replace('nats:', 'http:'));
  const wire = connect(Number(port), hostname);
  const login = {
    verbose: false,
    headers: true,
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
  };
  wire.write(`CONNECT ${JSON.stringify(login)}\r\n`);
  const publishRaw = (fields: Record<string, string>, body: string): void => {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `NATS/1.0\r\n${lines.join('')}\r\n`;
    const [headBytes, allBytes] = [Buffer.byteLength(head), Buffer.byteLength(head + body)];
    wire.write(`HPUB care.h1.w1.q20.critical.alert.raised ${headBytes} ${allBytes}\r\n${head}${body}\r\n`);
  };
  const everywhere = (value: string): Record<string, string> =>
    Object.fromEntries(
      ['Nats-Msg-Id', 'Carillon-Event', 'Carillon-At', 'Carillon-Version'].map((name) => [name, value]),
    );
  const textInBody = { number: 1, text: breaking + hostile };
  publishRaw(everywhere(breaking.trim()), JSON.stringify(textInBody));
  publishRaw(everywhere(hostile), '{\r\n  "number": 2,\r\r\n\n  "more": [\n1\r]\n}\n\n');
  publishRaw({ 'Carillon-Event': '' }, '');
  publishRaw({ 'Carillon-Event': 'ready' }, '{"number":3}');
  await client.expect(isNumber(3));
  const messages = client.events.filter(({ frame }) => frame.t === 'msg');
  expect(messages.map(({ frame }) => frame['data'])).toEqual([
    textInBody,
    { number: 2, more: [1] },
    null,
    { number: 3 },
  ]);
  expect(messages.map(({ event }) => event)).toEqual([
    'message',
    'x : "y"\u2028\u0085\u001b id: 7',
    'message',
    'ready',
  ]);
  expect(messages[0]?.frame).toMatchObject({ ev: '', version: 0 });
  expect(messages[1]?.frame).toMatchObject({ ev: hostile, mid: hostile, at: hostile, version: 0 });
  expect(client.events.map(({ frame }) => frame.t)).not.toContain('evil');
  for (const { id } of messages) expect(id).toMatch(/^PERSON:\w+-\d+,CARE:\w+-\d+,VITALS:\w+-\d+$/);
  // Over WebSocket a frame may hold several messages, one a line: each of these is one.
  await socket.expect(isFrameNumber(3));
  expect(socket.frames.filter((frame) => frame.t === 'msg')).toEqual(messages.map(({ frame }) => frame));
  wire.destroy();
  client.close();
  socket.close();
});
const isFrameNumber = (number: number) => (frame: Record<string, unknown>) =>
  (frame['data'] as { number?: number } | null | undefined)?.number === number;

test('a body that is no JSON stays within its event', async () => {
  const client = await open('n1', '/realtime/events/patient/q21');
  await subscribed(client, 'patient:q21');
  await desk.bus.js.publish(
    'care.h1.w1.q21.critical.alert.raised',
    'no\n\nevent: evil\ndata: {"t":"evil"}\n\nJSON\r\0',
  );
  await eventually(() => (client.text().includes('JSON') ? true : undefined));
  expect(client.text().split('\n')).not.toContain('event: evil');
  expect(client.text()).toContain('"data":no  event: evil data: {"t":"evil"}  JSON  }\n\n');
  client.close();
});

test('comments come while nothing happens', async () => {
  const gateway = await desk.startGateway({ CARILLON_PING_MS: '50' });
  const client = await open('n1', '/realtime/events', { gateway });
  await eventually(() => (client.others.filter((line) => line === ': ping').length > 2 ? true : undefined));
  expect(client.events[0]?.frame).toMatchObject({ ping: { everyMs: 50 } });
  client.close();
});

test('before its token expires a stream asks for another, and ends when it does', async () => {
  const client = await open('n1', '/realtime/events?room=patient:p1', {
    token: await desk.tokenOf('n1', { exp: inSeconds(3) }),
  });
  const startedAt = performance.now();
  const { frame } = await client.expect((event) => event.event === 'reauth');
  expect(frame).toEqual({ t: 'reauth', graceMs: expect.any(Number) });
  expect(frame['graceMs']).toBeLessThanOrEqual(3_000);
  expect(await client.ended).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(patience(5_000));
});

test('a gateway that stops ends its streams in order, and is not held up by one who does not read', async () => {
  const gateway = await desk.startGateway();
  const clients = await Promise.all(['n1', 'd1', 'n3'].map((person) => open(person, '/realtime/events', { gateway })));
  await Promise.all(clients.map((client) => client.expect(({ event }) => event === 'subscribed')));
  const stuck = await open('n1', '/realtime/events/patient/q22', { gateway });
  await subscribed(stuck, 'patient:q22');
  stuck.pause();
  const filling = 'x'.repeat(500_000);
  for (let count = 0; count < 24; count++) await desk.emit(alertOf('q22', { filling }));
  const startedAt = performance.now();
  const stopping = gateway.stop();
  // It waits for the one still: who comes meanwhile is sent away in order, and so comes again.
  const late = await open('d1', '/realtime/events', { gateway });
  expect([late.status, await late.ended]).toEqual([200, true]);
  expect(await Promise.all(clients.map((client) => client.ended))).toEqual([true, true, true]);
  await stopping;
  expect(performance.now() - startedAt).toBeLessThan(patience(5_000));
  stuck.close();
});

test('when everybody has gone nothing is left: no connection, no room, no subscription', async () => {
  const gateway = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' });
  const first = await open('n1', '/realtime/events?room=patient:p1&room=ward:w1:alerts', { gateway });
  await subscribed(first, 'ward:w1:alerts');
  const old = first.lastEventId().replaceAll(/-\d+/g, '-0');
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      // Some leave in the middle of a resume.
      open(
        'n1',
        `/realtime/events/patient/q${index}?room=ward:w1:alerts`,
        index % 2 ? { gateway, lastEventId: old } : { gateway },
      ),
    ),
  );
  expect(await desk.metric('carillon_connections', gateway)).toBe(11);
  for (const client of [first, ...clients]) client.close();
  await eventually(async () => {
    const left = await Promise.all(
      ['carillon_connections', 'carillon_subscriptions', 'carillon_rooms'].map((name) => desk.metric(name, gateway)),
    );
    return left.every((count) => count === 0) ? true : undefined;
  });
});

test('streams that wait behind another on one connection end with it', async () => {
  const gateway = await desk.startGateway();
  const { hostname, port } = new URL(gateway.baseUrl);
  const socket = connect(Number(port), hostname);
  const asking =
    'GET /realtime/events?room=patient:p1 HTTP/1.1\r\nHost: gateway\r\n' +
    `Authorization: Bearer ${await desk.tokenOf('n1')}\r\n\r\n`;
  socket.write(asking.repeat(3));
  const count = (wanted: number) =>
    eventually(async () => ((await desk.metric('carillon_connections', gateway)) === wanted ? true : undefined));
  await count(3);
  socket.destroy();
  await count(0);
  expect(await desk.metric('carillon_subscriptions', gateway)).toBe(0);
});
