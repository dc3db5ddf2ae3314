/** Who may connect, how often, and that nothing of them is left. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openRealtime, type Frame, type RealtimeClient } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startDesk, type Desk } from './desk.ts';

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

test.each([[[]], [['chat.v1']], [['carillon.v2', 'chat.v1']]])(
  'with subprotocols %j it closes with 4406',
  async (protocols) => {
    const client = await openRealtime(desk.baseUrl, { protocols, token: await desk.tokenOf('n1') });
    expect(await client.closed).toEqual({ code: 4406, reason: 'subprotocol' });
    expect(client.frames).toEqual([]);
  },
);

test('a token that is offered as a subprotocol is never sent back', async () => {
  const only = [`bearer.${await desk.tokenOf('n1')}`];
  await expect(openRealtime(desk.baseUrl, { protocols: only })).rejects.toThrow('no subprotocol');
});

test('a plain GET of the endpoint is told that it wants an upgrade', async () => {
  const response = await fetch(`${desk.baseUrl}/realtime/ws`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: 'bad_input' } });
});

test('beyond the call limit a call is told when to come again; a calculator counts against nothing', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_CALLS_STAFF: '3' });
  const client = await desk.connect('d1', { baseUrl: gateway.baseUrl });
  for (let count = 0; count < 3; count++) {
    expect(await client.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  }
  const limited = await client.ask({ t: 'call', op: 'alert:list' });
  expect(limited).toMatchObject({ t: 'err', code: 'rate_limited', retry: 'after', afterMs: expect.any(Number) });
  expect(limited['afterMs']).toBeGreaterThan(10_000);
  expect(limited['afterMs']).toBeLessThanOrEqual(20_000);
  const other = await desk.connect('d1', { baseUrl: gateway.baseUrl });
  expect(await other.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ code: 'rate_limited' });
  expect(await other.ask({ t: 'call', op: 'news2:calculate' })).toMatchObject({ code: 'unavailable' });
  const colleague = await desk.connect('n1', { baseUrl: gateway.baseUrl });
  expect(await colleague.ask({ t: 'call', op: 'alert:list' })).toMatchObject({ t: 'ok' });
  // Who has read too much still answers an alarm; what is critical has a limit of its own.
  const acknowledge = { t: 'call', op: 'alert:acknowledge', data: {} };
  for (let count = 0; count < 3; count++) expect(await client.ask(acknowledge)).toMatchObject({ code: 'bad_input' });
  expect(await client.ask(acknowledge)).toMatchObject({ code: 'rate_limited' });
  for (const each of [client, other, colleague]) each.close();
});

test('the sixth connection of a patient is refused with 4301, and one that ended makes place', async () => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => desk.connect('p2')));
  await Promise.all(clients.map((client) => client.expect(isReady)));
  const sixth = await desk.connect('p2');
  expect(await fate(sixth)).toMatchObject({
    code: 4301,
    reason: 'rateLimited',
    error: { code: 'rate_limited', retry: 'after', afterMs: expect.any(Number) },
  });
  clients[0]?.close();
  await clients[0]?.closed;
  const again = await eventually(async () => {
    const client = await desk.connect('p2');
    const frame = await client.expect((each) => isReady(each) || isError(each));
    return isReady(frame) ? client : undefined;
  });
  for (const client of [...clients, again]) client.close();
});

test('handshakes are counted by person, failed ones by address and token', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_HANDSHAKES: '3', CARILLON_LIMIT_FAILED_HANDSHAKES: '2' });
  const { baseUrl } = gateway;
  const outcome = async (token: string): Promise<string> => {
    const client = await openRealtime(baseUrl, { token });
    const frame = await client.expect((each) => isReady(each) || isError(each));
    client.terminate();
    return frame.t === 'ready' ? 'ready' : String(frame['code']);
  };
  const token = await desk.tokenOf('n1');
  expect([await outcome(token), await outcome(token), await outcome(token), await outcome(token)]).toEqual([
    'ready',
    'ready',
    'ready',
    'rate_limited',
  ]);
  expect([await outcome('bad'), await outcome('bad'), await outcome('bad'), await outcome('other')]).toEqual([
    'unauthorised',
    'unauthorised',
    'rate_limited',
    'unauthorised',
  ]);
  // However many tokens a stranger tries, those who have one come in.
  expect(await outcome(await desk.tokenOf('n3'))).toBe('ready');
});

test('no origin, the own and a listed one connect; a foreign one is refused before the upgrade', async () => {
  const gateway = await desk.startGateway({ CARILLON_ORIGINS: 'https://board.example, https://other.example' });
  const { baseUrl } = gateway;
  const token = await desk.tokenOf('n1');
  const from = (origin: string) => openRealtime(baseUrl, { token, headers: { origin } });
  for (const origin of [baseUrl, 'https://board.example', 'https://other.example']) (await from(origin)).close();
  for (const origin of [
    'https://evil.example',
    'https://board.example.evil.example',
    'null',
    'file://',
    'https://board.example:444',
  ]) {
    await expect(from(origin)).rejects.toThrow('HTTP 403');
  }
});

test('when everybody has gone nothing is left: no connection, no room, no subscription', async () => {
  const gateway = await desk.startGateway();
  const clients = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const client = await desk.connect('n1', { baseUrl: gateway.baseUrl });
      const first = await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
      await client.ask({ t: 'subscribe', room: `patient:q${index}` });
      await client.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
      // Some leave in the middle of a resume.
      client.send({ t: 'subscribe', id: 99, room: 'ward:w1:alerts', from: String(first['pos']).replace(/\d+$/, '0') });
      return client;
    }),
  );
  expect(await desk.metric('carillon_connections', gateway)).toBe(20);
  expect(await desk.metric('carillon_subscriptions', gateway)).toBeGreaterThanOrEqual(60);
  clients.forEach((client, index) => (index % 2 === 0 ? client.close() : client.terminate()));
  await Promise.all(clients.map((client) => client.closed));
  await eventually(async () => {
    const left = await Promise.all(
      ['carillon_connections', 'carillon_subscriptions', 'carillon_rooms'].map((name) => desk.metric(name, gateway)),
    );
    return left.every((count) => count === 0) ? true : undefined;
  });
});

test('a gateway that stops tells its clients to come again, with 4000', async () => {
  const gateway = await desk.startGateway();
  const clients = await Promise.all(Array.from({ length: 5 }, () => desk.connect('n1', { baseUrl: gateway.baseUrl })));
  await Promise.all(clients.map((client) => client.expect(isReady)));
  const closes = Promise.all(clients.map((client) => client.closed));
  await gateway.stop();
  expect(await closes).toEqual(clients.map(() => ({ code: 4000, reason: 'drain' })));
});

test('a gateway that is full answers the next upgrade and event stream with 503 and when to come again, and looks at no token', async () => {
  const gateway = await desk.startGateway({ CARILLON_LIMIT_CONNECTIONS: '2' });
  const { baseUrl } = gateway;
  const clients = await Promise.all([desk.connect('n1', { baseUrl }), desk.connect('n1', { baseUrl })]);
  await Promise.all(clients.map((client) => client.expect(isReady)));
  await expect(openRealtime(baseUrl, { token: 'bad' })).rejects.toThrow('HTTP 503');
  const stream = await fetch(`${baseUrl}/realtime/events`, { headers: { authorization: 'Bearer bad' } });
  expect(stream.status).toBe(503);
  expect(Number(stream.headers.get('retry-after'))).toBeGreaterThan(0);
  // Calls need no place.
  const headers = { authorization: `Bearer ${await desk.tokenOf('n1')}` };
  expect((await fetch(`${baseUrl}/v1/alerts`, { headers })).status).toBe(200);
  clients[0]?.close();
  const next = await eventually(() => desk.connect('n1', { baseUrl }).catch(() => undefined));
  for (const client of [...clients, next]) client.close();
});
