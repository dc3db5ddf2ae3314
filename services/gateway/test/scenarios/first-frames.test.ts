/** What a client sends before it has heard anything: with the upgrade itself, and while its token is looked at. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, startDesk, type Desk } from '../desk.ts';
import { makeKey, signedBy, startIdentityProvider } from '../identity-provider.ts';
import { claimsOf } from '../tokens.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const upgrade = (token: string | undefined): string =>
  [
    'GET /realtime/ws HTTP/1.1',
    'Host: gateway',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: carillon.v1',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    '\r\n',
  ].join('\r\n');

/** A text frame of a client, as RFC 6455 wants it: masked, here with zeros, which changes nothing. */
function masked(frame: Record<string, unknown>): Buffer {
  const text = Buffer.from(JSON.stringify(frame));
  const header = text.length < 126 ? [0x81, 0x80 | text.length] : [0x81, 0xfe, text.length >> 8, text.length & 0xff];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), text]);
}

async function open(port: number): Promise<{ socket: Socket; text: () => string }> {
  const socket = createConnection(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.on('error', () => {});
  await once(socket, 'connect');
  return { socket, text: () => text };
}
const subscribe = (id: number) => masked({ t: 'subscribe', id, room: 'ward:w1:alerts' });
const has = (text: () => string, part: string) =>
  eventually(() => text().includes(part) || undefined, { what: `${part} in ${text()}` });

test.each<[string, boolean]>([
  ['its token in the header', true],
  ['its token in the first frame', false],
])('frames in the segment of the upgrade itself are answered, with %s', async (_, isInHeader) => {
  const token = await desk.tokenOf('n1');
  const { socket, text } = await open(desk.gateway.port);
  const connect = masked({ t: 'connect', id: 1, ...(isInHeader ? {} : { token }) });
  const head = Buffer.from(upgrade(isInHeader ? token : undefined));
  socket.write(Buffer.concat([head, connect, subscribe(2), masked({ t: 'call', id: 3, op: 'alert:list' })]));
  for (const part of ['"t":"ready","id":1', '"t":"subscribed","id":2']) await has(text, part.split(',')[0] ?? part);
  await has(text, '"id":3');
  expect(text().indexOf('"t":"ready"')).toBeLessThan(text().indexOf('"t":"subscribed"'));
  await desk.emit(alertOf('p1', { number: 7 }));
  await has(text, '"number":7');
  socket.destroy();
});

test('frames that come byte by byte, the first with the upgrade, are answered', async () => {
  const { socket, text } = await open(desk.gateway.port);
  const bytes = Buffer.concat([Buffer.from(upgrade(await desk.tokenOf('n1'))), subscribe(1), subscribe(2)]);
  const inOne = bytes.length - subscribe(1).length - 3;
  socket.write(bytes.subarray(0, inOne));
  await has(text, '101 Switching');
  for (const byte of bytes.subarray(inOne)) socket.write(Buffer.of(byte));
  await has(text, '"t":"subscribed","id":2');
  expect(text()).toContain('"t":"subscribed","id":1');
  socket.destroy();
});

test('frames that come while the keys for the token are fetched wait, and are answered in order', async () => {
  const key = await makeKey('ES256', 'k1');
  const provider = await startIdentityProvider([key]);
  const gateway = await desk.startGateway({
    CARILLON_JWT_SECRET: '',
    CARILLON_DEV_TOKENS: 'off',
    CARILLON_JWT_JWKS_URL: provider.url,
  });
  const { socket, text } = await open(gateway.port);
  socket.write(upgrade(await signedBy(key, claimsOf('d1', ['doctor']))));
  await has(text, '101 Switching');
  for (let id = 1; id <= 50; id++) socket.write(subscribe(id));
  await has(text, '"t":"subscribed","id":50');
  const answered = [...text().matchAll(/"t":"subscribed","id":(\d+)/g)].map(([, id]) => Number(id));
  expect(answered).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  socket.destroy();
  await provider.stop();
});
