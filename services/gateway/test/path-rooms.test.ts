/** WebSocket with the rooms of a path, and rooms of devices and of the hospital. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openRealtime, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, startDesk, type Desk } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const isReady = (frame: Frame): boolean => frame.t === 'ready';
const isNumber = (number: number) => (frame: Frame) =>
  frame.t === 'msg' && (frame['data'] as { number?: number }).number === number;

test.each([
  ['n1', '/realtime/ws/patient/p1', ['person:n1', 'patient:p1', 'patient:p1:vitals']],
  ['p1', '/realtime/ws/patient/p1', ['person:p1', 'patient:p1', 'patient:p1:vitals']],
  ['n1', '/realtime/ws/hospital/h1', ['person:n1', 'hospital:h1']],
  ['o1', '/realtime/ws/hospital/h1', ['person:o1', 'hospital:h1', 'hospital:h1:alerts']],
])('for %s %s begins with the rooms %j', async (person, path, rooms) => {
  const client = await desk.connect(person, { path });
  expect((await client.expect(isReady))['rooms']).toEqual(rooms);
  client.close();
});

test.each(['/realtime/ws/ward/w1', '/realtime/events', '/v1/alerts'])('an upgrade on %s is 404', async (path) => {
  const asking = request(desk.baseUrl + path, {
    agent: false,
    headers: {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': 'carillon.v1',
      'sec-websocket-version': '13',
    },
  });
  const status = new Promise((resolve, reject) => {
    asking.once('upgrade', (_, socket) => resolve(socket.destroy() && 101));
    asking.once('response', (response) => resolve(response.resume().statusCode));
    asking.once('error', reject);
  });
  asking.end();
  expect(await status).toBe(404);
});

test('messages of the rooms of a path come without a subscribe', async () => {
  const client = await desk.connect('n1', { path: '/realtime/ws/patient/q1' });
  await client.expect(isReady);
  await desk.emit(alertOf('q1', { number: 1 }));
  await desk.emit({ subject: 'vitals.h1.w1.q1', event: 'vitals:recorded', data: { number: 2 } });
  expect(await client.expect(isNumber(1))).toMatchObject({ room: 'patient:q1' });
  expect(await client.expect(isNumber(2))).toMatchObject({ room: 'patient:q1:vitals' });
  client.close();
});

test('a token of the first frame is as good', async () => {
  const client = await openRealtime(desk.baseUrl, { path: '/realtime/ws/patient/q1' });
  const ready = await client.ask({ t: 'connect', token: await desk.tokenOf('n1') });
  expect(ready).toMatchObject({ t: 'ready', rooms: ['person:n1', 'patient:q1', 'patient:q1:vitals'] });
  client.close();
});

test('a later subscribe with a position takes the place of the one from the start', async () => {
  const first = await desk.connect('n1', { path: '/realtime/ws/patient/q2' });
  const { pos } = await first.ask({ t: 'subscribe', room: 'patient:q2' });
  first.close();
  await desk.emit(alertOf('q2', { number: 1 }));
  const again = await desk.connect('n1', { path: '/realtime/ws/patient/q2' });
  await again.expect(isReady);
  const resumed = await again.ask({ t: 'subscribe', room: 'patient:q2', from: pos });
  expect(resumed).toMatchObject({ recovery: 'complete' });
  await desk.emit(alertOf('q2', { number: 2 }));
  await again.expect(isNumber(2));
  expect(again.frames.filter((frame) => frame.t === 'msg')).toHaveLength(2);
  again.close();
});

test.each([
  ['n3', '/realtime/ws/patient/p1'],
  ['n1', '/realtime/ws/patient/unknown'],
  ['n1', '/realtime/ws/patient/%3E'],
  ['p1', '/realtime/ws/hospital/h1'],
  ['n1', '/realtime/ws/hospital/h2'],
])('%s is refused %s with forbidden and 4403', async (person, path) => {
  const client = await desk.connect(person, { path });
  expect(await client.closed).toEqual({ code: 4403, reason: 'forbidden' });
  expect(client.frames).toEqual([{ t: 'err', code: 'forbidden', message: expect.any(String), retry: 'never' }]);
  await eventually(async () => ((await desk.metric('carillon_connections')) === 0 ? true : undefined));
});

test('a room of a device gives the newest of each key, the room of the hospital all, under either name', async () => {
  const client = await desk.connect('n1');
  const device = (number: number, key: string) =>
    desk.emit({ subject: 'device.h1.monitor.dev5.status', event: 'device:changed', key, data: { number } });
  const capacity = (number: number) =>
    desk.emit({ subject: 'ops.h1.capacity.changed', event: 'capacity:changed', data: { number } });
  const joinedDevice = await client.ask({ t: 'subscribe', room: 'device:monitor:dev5' });
  const joinedHospital = await client.ask({ t: 'subscribe', room: 'system' });
  expect(joinedDevice).toMatchObject({ lane: 'bulk', recovery: 'fresh' });
  expect(joinedHospital).toMatchObject({ room: 'hospital:h1', recovery: 'fresh' });
  expect(await client.ask({ t: 'unsubscribe', room: 'system' })).toMatchObject({ t: 'ok' });
  for (const number of [1, 2]) await capacity(number);
  for (const number of [3, 4]) await device(number, 'status');
  await client.expect(isNumber(4));
  const again = await desk.connect('n1');
  await again.ask({ t: 'subscribe', room: 'device:monitor:dev5', from: joinedDevice['pos'] });
  const resumed = await again.ask({ t: 'subscribe', room: 'hospital:h1', from: joinedHospital['pos'] });
  expect(resumed).toMatchObject({ room: 'hospital:h1', recovery: 'complete' });
  await again.expect(isNumber(2));
  const numbers = again.frames.filter((frame) => frame.t === 'msg').map((frame) => frame['data']);
  expect(numbers).toEqual([{ number: 4 }, { number: 1 }, { number: 2 }]);
  expect(client.frames.filter((frame) => frame['room'] === 'hospital:h1' && frame.t === 'msg')).toEqual([]);
  for (const each of [client, again]) each.close();
});
