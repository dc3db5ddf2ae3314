/** Frames of ours on a real socket, read by `ws`. */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketFrame } from './frames.ts';
import { plainSocketOf, writeWire } from './wire.ts';

let server: WebSocketServer;
let client: WebSocket;
let served: WebSocket;
beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  const connected = new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  served = await connected;
  await new Promise((resolve) => client.once('open', resolve));
});
afterAll(() => {
  client.terminate();
  server.close();
});

const texts = (count: number): Promise<string[]> =>
  new Promise((resolve) => {
    const got: string[] = [];
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      got.push(isBinary ? 'binary' : data.toString());
      if (got.length < count) return;
      client.off('message', onMessage);
      resolve(got);
    };
    client.on('message', onMessage);
  });
const write = (wire: Buffer): boolean => {
  const plain = plainSocketOf(served);
  if (plain === undefined) throw new Error('not plain');
  return writeWire(served, plain, wire);
};

test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])('a text of %i bytes arrives as it was', async (length) => {
  const text = 'x'.repeat(length);
  const got = texts(1);
  write(webSocketFrame(Buffer.from(text)));
  expect(await got).toEqual([text]);
});

test('frames that were joined, and those of ws between them, arrive one by one and in order', async () => {
  const got = texts(4);
  write(Buffer.concat(['a', 'b'].map((text) => webSocketFrame(Buffer.from(text)))));
  served.send('c');
  write(webSocketFrame(Buffer.from('grüß')));
  expect(await got).toEqual(['a', 'b', 'c', 'grüß']);
});

test('behind a close nothing is written', async () => {
  const code = new Promise((resolve) => client.once('close', resolve));
  served.close(4000, 'drain');
  expect(write(webSocketFrame(Buffer.from('late')))).toBe(false);
  expect(await code).toBe(4000);
});
