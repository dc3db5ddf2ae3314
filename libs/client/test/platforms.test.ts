/** The bundle of a page in Node, with the WebSocket that Node has of its own. */
import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@carillon/testkit/eventually';
import { startNode } from '@carillon/testkit/node-process';
import type { WebSocketConstructor } from '../src/environment.ts';
import { bundleClient } from './bundle.ts';
import { startClient, tokenFor } from './person.ts';
import { createHistory, startSmallGateway } from './small-gateway.ts';

const program = (url: string): string => `
import { createClient } from './client.mjs';
const client = createClient({ url: '${url}', token: async () => '${tokenFor('n1')}' });
client.subscribe('ward:w1:alerts', {
  loadState: (reason) => console.log('load', reason),
  onMessage: ({ data }) => { console.log('message', data.number); client.stop(); },
});
client.on('link', ({ state }) => console.log('link', state));
client.start();
`;

test('it runs on the WebSocket of Node itself, and nothing keeps the process alive once it is stopped', async () => {
  const gateway = await startSmallGateway(createHistory());
  const folder = await mkdtemp(join(tmpdir(), 'carillon-client-'));
  try {
    await writeFile(join(folder, 'client.mjs'), await bundleClient());
    await writeFile(join(folder, 'program.mjs'), program(gateway.url));
    // Node 22 has it without the flag, and takes the flag all the same.
    const node = startNode(['--experimental-websocket', join(folder, 'program.mjs')]);
    await node.line('load fresh');
    gateway.history.publish('ward:w1:alerts', { number: 7 });
    await node.line('message 7');
    expect(await node.exited).toBe(0);
    expect(node.lines.filter((line) => line.startsWith('link'))).toEqual([
      'link connecting',
      'link live',
      'link stopped',
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await gateway.stop();
  }
});

test('where a WebSocket cannot be made at all, an event stream is tried', async () => {
  const gateway = await startSmallGateway();
  const asked: string[] = [];
  const Forbidden = function (): void {
    throw new Error('a page with TLS may not');
  } as unknown as WebSocketConstructor;
  const client = startClient({
    url: gateway.url,
    speed: 50,
    environment: {
      WebSocket: Forbidden,
      fetch: (url) => {
        asked.push(url);
        return Promise.resolve(new Response(null, { status: 404 }));
      },
    },
  });
  await eventually(() => asked.find((url) => url.endsWith('/realtime/events')));
  client.stop();
  await gateway.stop();
});
