/** What the gateway answers to frames, good and bad, over a real socket. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CodedError, errorBody } from '@carillon/contracts/errors';
import { openRealtime, type Frame, type RealtimeClient } from '@carillon/testkit/client';
import { WebSocket } from 'ws';
import { alertOf, startDesk, type Desk } from './desk.ts';
import { claimsOf, signed } from './tokens.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const isReady = (frame: Frame): boolean => frame.t === 'ready';
const isError = (frame: Frame): boolean => frame.t === 'err';
/** Sends what closes the connection, and tells how. */
const fate = async (client: RealtimeClient): Promise<{ code: number; reason: string; error: Frame | undefined }> => ({
  ...(await client.closed),
  error: client.frames.find(isError),
});

test('a token in the header is answered with ready by the server itself, and the person’s own room is joined', async () => {
  const client = await desk.connect('n1');
  const ready = await client.expect(isReady);
  expect(ready).toEqual({
    t: 'ready',
    connection: expect.stringMatching(/^c-/),
    person: 'n1',
    now: expect.stringMatching(/Z$/),
    expiresAt: expect.stringMatching(/Z$/),
    ping: { everyMs: 15_000, waitMs: 7_000 },
    bulk: { messages: 16, bytes: 4_096 },
    limits: { frameBytes: 32_768, rooms: 128, callsPerMinute: 6_000 },
    rooms: ['person:n1'],
  });
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new', data: { level: 1 } });
  expect(await client.expect((frame) => frame.t === 'msg')).toMatchObject({ room: 'person:n1', data: { level: 1 } });
  expect(await client.ask({ t: 'connect' })).toMatchObject({ t: 'ready', person: 'n1' });
  client.close();
});

test('a token in the first frame connects, and the answer carries its id', async () => {
  const client = await openRealtime(desk.baseUrl);
  const token = await desk.tokenOf('p1');
  const frame = { t: 'connect', token, client: { name: 'ward-board', version: '3.2' }, tab: 'a8f' };
  expect(await client.ask(frame)).toMatchObject({ t: 'ready', id: 1, person: 'p1', limits: { callsPerMinute: 30 } });
  client.close();
});

test('a token as a second subprotocol connects, and the negotiated one is carillon.v1', async () => {
  const token = await desk.tokenOf('n1');
  const socket = new WebSocket(desk.baseUrl.replace('http', 'ws') + '/realtime/ws', ['carillon.v1', `bearer.${token}`]);
  const first = await new Promise<string>((resolve) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()));
  });
  expect(socket.protocol).toBe('carillon.v1');
  expect(JSON.parse(first)).toMatchObject({ t: 'ready', person: 'n1' });
  socket.close();
});

test('a frame before connect is unauthorised and closes with 4401', async () => {
  const client = await openRealtime(desk.baseUrl);
  expect(await client.ask({ t: 'subscribe', room: 'patient:p1' })).toMatchObject({
    code: 'unauthorised',
    retry: 'reauth',
  });
  expect(await client.closed).toEqual({ code: 4401, reason: 'unauthorised' });
});

test('a connect without a token is bad input and closes', async () => {
  const client = await openRealtime(desk.baseUrl);
  expect(await client.ask({ t: 'connect' })).toMatchObject({ code: 'bad_input', issues: [{ path: 'token' }] });
  expect((await client.closed).code).toBe(4401);
});

test('a forged token closes with 4401, an expired one with 4100, in frame and header alike', async () => {
  const forged = await signed(claimsOf('n1', ['nurse']), 'another secret of more than 32 characters');
  const expired = await desk.tokenOf('n1', { exp: Math.floor(Date.now() / 1000) - 60 });
  for (const [token, code, reason] of [
    [forged, 4401, 'unauthorised'],
    [expired, 4100, 'tokenExpired'],
  ] as const) {
    const byHeader = await openRealtime(desk.baseUrl, { token });
    const byFrame = await openRealtime(desk.baseUrl);
    expect(await byFrame.ask({ t: 'connect', token })).toMatchObject({ code: 'unauthorised', retry: 'reauth' });
    for (const client of [byHeader, byFrame]) {
      const end = await fate(client);
      expect(end).toMatchObject({ code, reason, error: { code: 'unauthorised' } });
      expect(JSON.stringify(end)).not.toContain(token.slice(-20));
    }
  }
});

test('frames behind a refused connect are not looked at', async () => {
  const client = await openRealtime(desk.baseUrl);
  const good = await desk.tokenOf('n1');
  client.sendRaw(
    [
      { t: 'connect', id: 1, token: 'x' },
      { t: 'connect', id: 2, token: good },
      { t: 'subscribe', id: 3, room: 'patient:p1' },
    ]
      .map((frame) => JSON.stringify(frame))
      .join('\n'),
  );
  expect((await client.closed).code).toBe(4401);
  expect(client.frames).toHaveLength(1);
});

test.each<[string, string | Uint8Array, number, string]>([
  ['what is no JSON', '{"t":', 4400, 'bad_frame'],
  ['a binary frame', new Uint8Array([123, 125]), 4400, 'bad_frame'],
  ['a frame of an unknown type', '{"t":"dance","id":9}', 4400, 'bad_frame'],
  ['a frame without a type', '{"id":9}', 4400, 'bad_frame'],
  ['a list', '[]', 4400, 'bad_frame'],
  ['null', 'null', 4400, 'bad_frame'],
  ['a call without an id', '{"t":"call","op":"alert:list"}', 4400, 'bad_frame'],
  ['an id that is a text', '{"t":"call","id":"9","op":"alert:list"}', 4400, 'bad_frame'],
  ['an id that is a fraction', '{"t":"call","id":9.5,"op":"alert:list"}', 4400, 'bad_frame'],
  ['a frame of 32 KiB and a byte', `"${'x'.repeat(32_767)}"`, 4413, 'too_large'],
  ['a frame nested 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 4400, 'bad_frame'],
])('%s closes the connection, and its neighbour does not notice', async (_, raw, code, errorCode) => {
  const [client, neighbour] = await Promise.all([desk.connect('n1'), desk.connect('n1')]);
  await client.expect(isReady);
  client.sendRaw(raw);
  expect(await fate(client)).toMatchObject({ code, error: { code: errorCode, retry: 'never' } });
  expect(await neighbour.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  neighbour.close();
});

test('an id that does not grow closes the connection with 4400', async () => {
  for (const second of [5, 4]) {
    const client = await desk.connect('n1');
    client.send({ t: 'call', id: 5, op: 'alert:list' });
    await client.expect((frame) => frame['id'] === 5);
    client.send({ t: 'call', id: second, op: 'alert:list' });
    expect((await client.closed).code).toBe(4400);
  }
});

test('a frame beyond a megabyte is closed with 1009, text that is no UTF-8 with 1007', async () => {
  const tooBig = await desk.connect('n1');
  tooBig.sendRaw('x'.repeat(1024 * 1024 + 1));
  expect((await tooBig.closed).code).toBe(1009);
  const socket = new WebSocket(desk.baseUrl.replace('http', 'ws') + '/realtime/ws', ['carillon.v1']);
  await new Promise((resolve) => socket.once('open', resolve));
  const closed = new Promise<number>((resolve) => {
    socket.once('close', resolve);
  });
  socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
  expect(await closed).toBe(1007);
});

test('a frame holds several messages, one a line, and each has its own answer', async () => {
  const client = await desk.connect('n1');
  client.sendRaw(
    '{"t":"call","id":1,"op":"alert:list"}\n\n{"t":"rx","n":3}\r\n{"t":"subscribe","id":2,"room":"patient:p1"}\n',
  );
  await client.expect((frame) => frame['id'] === 1 && frame.t === 'ok');
  await client.expect((frame) => frame['id'] === 2 && frame.t === 'subscribed');
  client.close();
});

test('what belongs to later parts of the protocol is taken without harm', async () => {
  const client = await desk.connect('n1');
  client.send({ t: 'signal', op: 'typing:start', data: { conversationId: 'c9' } });
  client.send({ t: 'ack', mid: ['m1'], level: 'displayed' });
  client.send({ t: 'rx', n: 128 });
  client.send({ t: 'pong' });
  expect(await client.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  client.close();
});

test('more than 256 frames that wait for their answers close the connection with 4429', async () => {
  const client = await desk.connect('n1');
  await client.expect(isReady);
  desk.answerCommand = () => undefined;
  for (let id = 1; id <= 257; id++)
    client.send({ t: 'call', id, op: 'alert:acknowledge', data: { alertId: `a${id}` } });
  expect((await client.closed).code).toBe(4429);
  desk.answerCommand = (operation, { data }) => ({ ok: true, data: { operation, data } });
});

test('frames that have no answer wait for none, however many come at once', async () => {
  const client = await desk.connect('n1');
  await client.expect(isReady);
  for (const frame of [{ t: 'pong' }, { t: 'rx', n: 0 }, { t: 'ack', mid: ['m1'], level: 'read' }])
    client.sendRaw(Array.from({ length: 300 }, () => JSON.stringify(frame)).join('\n'));
  expect(await client.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  client.close();
});

test('a call of bad data is told each thing that is wrong, and the connection lives', async () => {
  const client = await desk.connect('n1');
  const answer = await client.ask({
    t: 'call',
    op: 'alert:raise',
    data: { kind: 'fall', priority: 'urgent', message: 'x', note: 1 },
  });
  expect(answer).toMatchObject({ t: 'err', code: 'bad_input', retry: 'never' });
  expect((answer['issues'] as { path: string }[]).map(({ path }) => path).sort()).toEqual(['note', 'priority']);
  for (const data of [
    null,
    [],
    'x',
    7,
    { alertId: '>' },
    { alertId: 'a.b' },
    { alertId: 'a5', __proto__: null, extra: {} },
  ]) {
    expect(await client.ask({ t: 'call', op: 'alert:acknowledge', data })).toMatchObject({ code: 'bad_input' });
  }
  for (const key of ['', 'two words', 'a\0', 'ü', 'x'.repeat(129)]) {
    expect(await client.ask({ t: 'call', op: 'alert:acknowledge', key, data: { alertId: 'a5' } })).toMatchObject({
      code: 'bad_input',
      issues: [{ path: 'key' }],
    });
  }
  expect(await client.ask({ t: 'subscribe', room: '' })).toMatchObject({
    code: 'bad_input',
    issues: [{ path: 'room' }],
  });
  expect(await client.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  client.close();
});

test('an unknown operation is not_found, one that the role may not use is forbidden', async () => {
  const [nurse, patient] = await Promise.all([desk.connect('n1'), desk.connect('p1')]);
  for (const op of ['alert:dance', '__proto__', 'constructor', 'vitals:record']) {
    expect(await nurse.ask({ t: 'call', op })).toMatchObject({ t: 'err', code: 'not_found', retry: 'never' });
  }
  expect(await patient.ask({ t: 'call', op: 'alert:resolve', data: { alertId: 'a5' } })).toMatchObject({
    code: 'forbidden',
  });
  expect(await nurse.ask({ t: 'call', op: 'limits:set', data: { patientId: 'p1', limits: [] } })).toMatchObject({
    code: 'forbidden',
  });
  for (const client of [nurse, patient]) client.close();
});

test('the answer of a service is the caller’s, errors and all', async () => {
  const client = await desk.connect('n1');
  const call = { t: 'call', op: 'alert:acknowledge', key: 'k-1', data: { alertId: 'a5' } };
  expect(await client.ask(call)).toEqual({
    t: 'ok',
    id: 1,
    data: { operation: 'alert:acknowledge', data: { alertId: 'a5' } },
  });
  expect(desk.commands.at(-1)).toMatchObject({
    operation: 'alert:acknowledge',
    key: 'k-1',
    actor: { person: 'n1', hospital: 'h1', roles: ['nurse'] },
  });
  desk.answerCommand = () => ({ ok: false, error: errorBody(new CodedError('conflict', 'It is closed already')) });
  expect(await client.ask(call)).toEqual({
    t: 'err',
    id: 2,
    code: 'conflict',
    message: 'It is closed already',
    retry: 'resnapshot',
  });
  desk.answerCommand = () => undefined;
  expect(await client.ask(call)).toEqual({ t: 'ok', id: 3, accepted: true, key: 'k-1' });
  desk.answerCommand = (operation, { data }) => ({ ok: true, data: { operation, data } });
  expect(await client.ask({ t: 'call', op: 'ward:status', data: { wardId: 'w1' } })).toMatchObject({
    code: 'unavailable',
    retry: 'backoff',
  });
  client.close();
});

test('a slow call does not hold up the frames behind it, also when both came before the token was checked', async () => {
  const client = await desk.connect('n1');
  desk.answerCommand = () => undefined;
  const slow = client.ask({ t: 'call', op: 'alert:acknowledge', data: { alertId: 'a5' } });
  expect(await client.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok', id: 2 });
  expect(client.frames.some((frame) => frame['id'] === 1)).toBe(false);
  expect(await slow).toMatchObject({ accepted: true });
  desk.answerCommand = (operation, { data }) => ({ ok: true, data: { operation, data } });
  client.close();
});

test('a room that does not exist and one that is another’s answer alike, to the letter', async () => {
  const client = await desk.connect('p1');
  const answers: Record<string, unknown>[] = [];
  for (const room of [
    'patient:p2',
    'patient:p99',
    'patient:>',
    'patient:*',
    'patient:p1.p2',
    'ward:w1:alerts',
    'no:such:room',
    'system',
    'person:n1',
  ]) {
    const { id: _, ...answer } = await client.ask({ t: 'subscribe', room });
    answers.push(answer);
  }
  for (const answer of answers) {
    expect(answer).toEqual({ t: 'err', code: 'forbidden', message: 'Not allowed', retry: 'never' });
  }
  expect(await client.ask({ t: 'subscribe', room: 'patient:p1' })).toMatchObject({ t: 'subscribed' });
  client.close();
});

test('who unsubscribed gets nothing more, who subscribes again begins anew', async () => {
  const client = await desk.connect('n1');
  const room = 'patient:p1';
  const first = await client.ask({ t: 'subscribe', room });
  expect(first).toMatchObject({ t: 'subscribed', room, lane: 'normal', recovery: 'fresh', pos: expect.any(String) });
  expect(await client.ask({ t: 'unsubscribe', room })).toEqual({ t: 'ok', id: 2 });
  expect(await client.ask({ t: 'unsubscribe', room })).toEqual({ t: 'ok', id: 3 });
  expect(await client.ask({ t: 'unsubscribe', room: 'no:such:room' })).toEqual({ t: 'ok', id: 4 });
  await desk.emit(alertOf('p1', { number: 1 }));
  const resumed = await client.ask({ t: 'subscribe', room, from: first['pos'] });
  expect(resumed).toMatchObject({ recovery: 'complete' });
  await desk.emit(alertOf('p1', { number: 2 }));
  await client.expect((frame) => frame.t === 'msg' && (frame['data'] as { number: number }).number === 2);
  expect(client.frames.filter((frame) => frame.t === 'msg').map((frame) => frame['data'])).toEqual([
    { number: 1 },
    { number: 2 },
  ]);
  client.close();
});

test('the 129th room is refused, and one that is left makes place for it', async () => {
  const client = await desk.connect('n1');
  // The person's own room is the first of the 128.
  for (let index = 0; index < 127; index++) {
    expect(await client.ask({ t: 'subscribe', room: `patient:q${index}` })).toMatchObject({ t: 'subscribed' });
  }
  expect(await client.ask({ t: 'subscribe', room: 'patient:p1' })).toMatchObject({ t: 'err', code: 'rate_limited' });
  expect(await client.ask({ t: 'subscribe', room: 'patient:q5' })).toMatchObject({ t: 'subscribed' });
  await client.ask({ t: 'unsubscribe', room: 'patient:q5' });
  expect(await client.ask({ t: 'subscribe', room: 'patient:p1' })).toMatchObject({ t: 'subscribed' });
  client.close();
});

test('a reauth of the same person goes on, of another one or a forged one ends the connection', async () => {
  const client = await desk.connect('n1');
  expect(await client.ask({ t: 'reauth', token: await desk.tokenOf('n1') })).toMatchObject({
    t: 'ok',
    data: { expiresAt: expect.any(String) },
  });
  expect(await client.ask({ t: 'reauth', token: await desk.tokenOf('n3') })).toMatchObject({ code: 'unauthorised' });
  expect((await client.closed).code).toBe(4401);
  const other = await desk.connect('n1');
  expect(await other.ask({ t: 'reauth', token: 'forged' })).toMatchObject({ code: 'unauthorised' });
  expect((await other.closed).code).toBe(4401);
});
