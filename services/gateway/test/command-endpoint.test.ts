/** Frames of clients that read by event streams: answered by HTTP as a connection would. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, type Answer } from '@carillon/testkit/client';
import { startDesk, type Desk } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const send = async (person: string, body: unknown, baseUrl = desk.baseUrl): Promise<Answer> =>
  call(baseUrl, 'POST', '/realtime/command', { token: await desk.tokenOf(person), body });
const acknowledge = (id: number, key?: string, alertId = 'a5') => ({
  t: 'call',
  id,
  op: 'alert:acknowledge',
  ...(key === undefined ? {} : { key }),
  data: { alertId },
});

test('a call is answered with the frame that WebSocket gives', async () => {
  const frame = { t: 'call', id: 4, op: 'alert:list', data: {} };
  const socket = await desk.connect('n1');
  const { id: _, ...overWebSocket } = await socket.ask({ t: 'call', op: 'alert:list', data: {} });
  const answer = await send('n1', frame);
  expect([answer.status, answer.body]).toEqual([200, { ...overWebSocket, id: 4 }]);
  expect(await send('n1', { t: 'call', id: 0, op: 'alert:list' })).toMatchObject({ status: 200, body: { id: 0 } });
  socket.close();
});

test('a command carries its key and its actor, and any gateway serves it by itself', async () => {
  const other = await desk.startGateway();
  const before = desk.commands.length;
  expect(await send('n1', acknowledge(7, 'k-7'), other.baseUrl)).toMatchObject({
    status: 200,
    body: { t: 'ok', id: 7 },
  });
  expect(desk.commands.slice(before)).toMatchObject([
    { operation: 'alert:acknowledge', key: 'k-7', actor: { person: 'n1', hospital: 'h1' }, data: { alertId: 'a5' } },
  ]);
});

test('a command that is stored and not done in time is 202, with its key', async () => {
  const { answerCommand } = desk;
  desk.answerCommand = () => undefined;
  const answer = await send('n1', acknowledge(8, 'k-8'));
  desk.answerCommand = answerCommand;
  expect([answer.status, answer.body]).toEqual([202, { t: 'ok', id: 8, accepted: true, key: 'k-8' }]);
});

test('a signal and an ack are taken without a word', async () => {
  for (const frame of [
    { t: 'signal', op: 'typing:start', data: { conversationId: 'c9' } },
    { t: 'ack', mid: ['m1', 'm2'], level: 'displayed' },
  ]) {
    expect(await send('n1', frame)).toMatchObject({ status: 204, body: {} });
  }
});

test.each<[unknown, number, string, number | undefined]>([
  [{ t: 'call', id: 9, op: 'no:such' }, 404, 'not_found', 9],
  [{ t: 'call', id: 9, op: 'alert:acknowledge', data: {} }, 400, 'bad_input', 9],
  [{ t: 'call', id: 9, op: 'alert:list', more: 1 }, 400, 'bad_input', 9],
  [{ t: 'call', id: 9, op: 'alert:acknowledge', key: 'a b', data: { alertId: 'a5' } }, 400, 'bad_input', 9],
  [{ t: 'call', id: 9, op: 'limits:set', data: { patientId: 'p1', limits: [] } }, 403, 'forbidden', 9],
  [{ t: 'call', op: 'alert:list' }, 400, 'bad_frame', undefined],
  [{ t: 'call', id: '9', op: 'alert:list' }, 400, 'bad_frame', undefined],
  [{ t: 'subscribe', id: 9, room: 'patient:p1' }, 400, 'bad_frame', 9],
  [{ t: 'connect', id: 9 }, 400, 'bad_frame', 9],
  [{ t: '__proto__', id: 9 }, 400, 'bad_frame', 9],
  [{ t: 'ack', mid: ['m'], level: 'eaten' }, 400, 'bad_input', undefined],
  [{ t: 'signal' }, 400, 'bad_input', undefined],
  [[{ t: 'call', id: 9, op: 'alert:list' }], 400, 'bad_frame', undefined],
  [null, 400, 'bad_frame', undefined],
  ['{"t":"call"', 400, 'bad_input', undefined],
  ['', 400, 'bad_frame', undefined],
  [{ t: 'call', id: 9, op: 'alert:list', data: 'x'.repeat(40_000) }, 413, 'too_large', undefined],
])('%j is answered %d %s', async (body, status, code, id) => {
  const answer = await send('n1', body);
  expect([answer.status, answer.body['t'], answer.body['code'], answer.body['id']]).toEqual([status, 'err', code, id]);
  expect(answer.body).toMatchObject({ message: expect.any(String), retry: 'never' });
});

test('what the service refuses comes with its status', async () => {
  const { answerCommand } = desk;
  desk.answerCommand = () => ({ ok: false, error: { code: 'conflict', message: 'Somebody was faster' } });
  const answer = await send('n1', acknowledge(11));
  desk.answerCommand = answerCommand;
  expect([answer.status, answer.body]).toEqual([
    409,
    { t: 'err', id: 11, code: 'conflict', message: 'Somebody was faster', retry: 'resnapshot' },
  ]);
});

test('without a good token it is 401, from a foreign origin 403', async () => {
  const body = { t: 'call', id: 1, op: 'alert:list' };
  const stranger = await call(desk.baseUrl, 'POST', '/realtime/command', { body });
  expect([stranger.status, stranger.body]).toEqual([401, expect.objectContaining({ t: 'err', code: 'unauthorised' })]);
  const headers = { origin: 'https://evil.example' };
  const token = await desk.tokenOf('n1');
  expect(await call(desk.baseUrl, 'POST', '/realtime/command', { body, token, headers })).toMatchObject({
    status: 403,
    body: { t: 'err', code: 'forbidden' },
  });
});

test('calls count against the same limit as everywhere, signals and acks against one of their own', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_CALLS_STAFF: '3' });
  const { baseUrl } = gateway;
  const list = { t: 'call', id: 1, op: 'alert:list' };
  const socket = await desk.connect('d1', { baseUrl });
  expect(await socket.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  expect((await send('d1', list, baseUrl)).status).toBe(200);
  const overHttp = await call(baseUrl, 'GET', '/v1/alerts', { token: await desk.tokenOf('d1') });
  expect(overHttp.status).toBe(200);
  const limited = await send('d1', list, baseUrl);
  expect(limited).toMatchObject({
    status: 429,
    body: { t: 'err', id: 1, code: 'rate_limited', retry: 'after', afterMs: expect.any(Number) },
  });
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  const ack = { t: 'ack', mid: ['m'], level: 'read' };
  const statuses = [];
  for (let count = 0; count < 4; count++) statuses.push((await send('d1', ack, baseUrl)).status);
  expect(statuses).toEqual([204, 204, 204, 429]);
  // Who has read too much still answers an alarm.
  expect((await send('d1', acknowledge(2), baseUrl)).status).toBe(200);
  socket.close();
});
