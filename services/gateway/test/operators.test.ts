/** What operators see of a gateway, and the events that they make up. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { realtimeStatsSchema, type RealtimeStats } from '@carillon/contracts/gateway-stats';
import { validate } from '@carillon/contracts/schema';
import { rooms } from '@carillon/contracts/surface';
import { testSubject } from '@carillon/contracts/streams';
import { call, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { expectError } from './answers.ts';
import { alertOf, startDesk, type Desk } from './desk.ts';
import { openEvents } from './events.ts';
import { start } from '../src/service.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk({ CARILLON_TEST_PUBLISH: 'on' });
});
afterAll(() => desk.stop());

const publish = async (person: string, body: unknown, baseUrl = desk.baseUrl) =>
  call(baseUrl, 'POST', '/realtime/test/publish', { token: await desk.tokenOf(person), body });
const stats = async (person: string, baseUrl = desk.baseUrl) =>
  call(baseUrl, 'GET', '/realtime/stats', { token: await desk.tokenOf(person) });

test.each([
  ['o1', 'person:o1', 'person.h1.o1.critical.test.test'],
  ['n1', 'patient:p1', 'care.h1._.p1.normal.test.test'],
  ['n1', 'patient:p1:vitals', 'vitals.h1._.p1'],
  ['n1', 'ward:w1:vitals', 'vitals.h1.w1._'],
  ['n1', 'ward:w1:alerts', 'care.h1.w1._.critical.alert.test'],
  ['o1', 'hospital:h1:alerts', 'care.h1._._.critical.alert.test'],
  ['n1', 'device:monitor:dev9', 'device.h1.monitor.dev9.test'],
  ['n1', 'hospital:h1', 'ops.h1.test.test'],
])('%s gets a test event of %s, on %s', async (person, room, subject) => {
  const client = await desk.connect(person);
  if (!room.startsWith('person:')) await client.ask({ t: 'subscribe', room });
  const answer = await publish('o1', { room, event: 'alert:raised', data: { text: room } });
  expect([answer.status, answer.body]).toEqual([202, { mid: expect.any(String), subject }]);
  const message = await client.expect((frame) => frame.t === 'msg' && frame['room'] === room);
  expect(message).toMatchObject({
    ev: 'alert:raised',
    mid: answer.body['mid'],
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    version: 1,
    data: { text: room },
  });
  client.close();
});

test('system is the own hospital, and an admin may publish as well', async () => {
  const client = await desk.connect('n1');
  await client.ask({ t: 'subscribe', room: 'system' });
  expect(await publish('a1', { room: 'system', event: 'notice:posted', data: [1] })).toMatchObject({ status: 202 });
  expect(await client.expect((frame: Frame) => frame.t === 'msg')).toMatchObject({ ev: 'notice:posted', data: [1] });
  client.close();
});

test.each([
  [{ room: 'patient:p99', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'patient:n1', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'person:p99', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'ward:w9:alerts', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'hospital:h2', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'patient:*', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'nowhere', event: 'a:b', data: 1 }, 403, 'forbidden'],
  [{ room: 'hospital:h1', event: 'a\nb', data: 1 }, 400, 'bad_input'],
  [{ room: 'hospital:h1', event: 'a:b' }, 400, 'bad_input'],
  [{ room: 'hospital:h1', event: 'a:b', data: 1, more: 1 }, 400, 'bad_input'],
  [{}, 400, 'bad_input'],
  [{ room: 'hospital:h1', event: `a:${'b'.repeat(100)}`, data: 1 }, 400, 'bad_input'],
  [{ room: 'hospital:h1', event: 'a:b', data: 'x'.repeat(1_100_000) }, 413, 'too_large'],
])('an operator who publishes %j is refused with %d %s', async (body, status, code) => {
  expectError(await publish('o1', body), status, code);
});

test('what nests deeper than it could be written is refused', async () => {
  const depth = 100_000;
  const body = `{"room":"hospital:h1","event":"a:b","data":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  const answer = await fetch(`${desk.baseUrl}/realtime/test/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await desk.tokenOf('o1')}`, 'content-type': 'application/json' },
    body,
  });
  const error = { code: 'bad_input', issues: [{ path: 'data', message: 'Nested too deeply' }] };
  expect([answer.status, await answer.json()]).toEqual([400, { error: expect.objectContaining(error) }]);
});

test('nobody else publishes, and where it is off there is no such path', async () => {
  const body = { room: 'patient:p1', event: 'alert:raised', data: {} };
  for (const person of ['n1', 'd1', 'p1', 'dev1']) expectError(await publish(person, body), 403, 'forbidden');
  expectError(await call(desk.baseUrl, 'POST', '/realtime/test/publish', { body }), 401, 'unauthorised');
  const { baseUrl } = await desk.startGateway({ CARILLON_TEST_PUBLISH: 'off' });
  expectError(await publish('o1', body, baseUrl), 404, 'not_found');
});

test('production refuses to start with it', async () => {
  const environment = { ...desk.infrastructure.environment, CARILLON_JWT_SECRET: 'x'.repeat(32) };
  await expect(start({ ...environment, CARILLON_TEST_PUBLISH: 'on', NODE_ENV: 'production' })).rejects.toThrow(
    'CARILLON_TEST_PUBLISH must be off in production',
  );
});

test('the subject of every room is within its filter', () => {
  for (const room of rooms) {
    const subject = testSubject(room, { hospital: 'h1', id: 'h1', type: 't' }).split('.');
    const filter = room.filter.split('.');
    expect(filter.at(-1) === '>' || filter.length === subject.length).toBe(true);
    expect(subject.every((token) => /^[A-Za-z0-9_-]+$/.test(token))).toBe(true);
    const pattern = testSubject(room, {}).split('.');
    expect(pattern.every((token, index) => token === '*' || token === subject[index])).toBe(true);
  }
});

test('operators and admins see what the gateway holds, and nobody else does', async () => {
  const { baseUrl } = await desk.startGateway();
  const socket = await desk.connect('n1', { baseUrl });
  await socket.ask({ t: 'subscribe', room: 'patient:q1' });
  const stream = await openEvents(`${baseUrl}/realtime/events/patient/q1`, {
    token: await desk.tokenOf('p1', { roles: ['nurse', 'doctor'], sub: 'd1' }),
  });
  await stream.expect(({ frame }) => frame['room'] === 'patient:q1:vitals');
  await desk.emit(alertOf('q1', { number: 1 }));
  await stream.expect(({ frame }) => frame.t === 'msg');
  await socket.expect((frame) => frame.t === 'msg');
  const answer = await stats('o1', baseUrl);
  expect(answer.status).toBe(200);
  expect(validate(realtimeStatsSchema, answer.body)).toMatchObject({ ok: true });
  const seen = answer.body as RealtimeStats;
  expect(seen.connections).toEqual({
    total: 2,
    byTransport: { webSocket: 1, sse: 1 },
    byRole: { nurse: 2, doctor: 1 },
  });
  expect(seen.streams['CARE']).toMatchObject({
    rooms: 1,
    subscriptions: 2,
    received: expect.any(Number),
    delivered: 2,
  });
  expect(seen.streams['PERSON']).toMatchObject({ rooms: 2, subscriptions: 2 });
  // Their own rooms, the patient's for both, and his vital signs for one.
  expect(seen).toMatchObject({ rooms: 4, subscriptions: 5 });
  expect(seen.streams['CARE']?.ringMessages).toBeGreaterThan(0);
  expect(seen.messages.framesIn).toBe(1);
  // ready, subscribed and the message by WebSocket; ready, three times subscribed and the message by event stream.
  expect(seen.messages.framesOut).toBe(8);
  expect(seen.queues).toEqual({ bytes: 0, largestBytes: 0, full: 0 });
  expect((await stats('a1', baseUrl)).status).toBe(200);
  for (const person of ['n1', 'p1', 'dev1']) expectError(await stats(person, baseUrl), 403, 'forbidden');
  stream.close();
  socket.close();
  await eventually(async () => {
    const { connections, streams } = (await stats('o1', baseUrl)).body as RealtimeStats;
    const left = Object.values(streams).reduce((sum, each) => sum + each.subscriptions, connections.total);
    return left === 0 ? true : undefined;
  });
});
