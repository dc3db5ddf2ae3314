import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startClient, stopClients, tokenFor } from './person.ts';

const servers: Server[] = [];
afterEach(() => {
  stopClients();
  servers.splice(0).forEach((server) => server.close());
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the figures of the gateway are read with the token, and with another one when it has ended', async () => {
  const asked: unknown[] = [];
  const url = await serve((request, response) => {
    if (request.url !== '/realtime/stats') return response.writeHead(404).end();
    asked.push(request.headers.authorization);
    const isFirst = asked.length === 1;
    response.statusCode = isFirst ? 401 : 200;
    return response.end(
      JSON.stringify(isFirst ? { error: { code: 'unauthorised', message: 'It has ended' } } : { rooms: 3 }),
    );
  });
  const given = [tokenFor('o1', { n: 1 }), tokenFor('o1', { n: 2 })];
  const client = startClient({ url, token: () => Promise.resolve(given[asked.length] ?? '') });
  expect(await client.stats()).toEqual({ rooms: 3 });
  expect(asked).toEqual(given.map((token) => `Bearer ${token}`));
});

test('a refusal of the figures has the words of the server, and a server that is away is unavailable', async () => {
  const url = await serve((_request, response) => {
    response.statusCode = 403;
    response.end(JSON.stringify({ error: { code: 'forbidden', message: 'For operators' } }));
  });
  await expect(startClient({ url }).stats()).rejects.toMatchObject({ code: 'forbidden', message: 'For operators' });
  servers.splice(0).forEach((server) => server.close());
  await expect(startClient({ url: 'http://127.0.0.1:9' }).stats()).rejects.toMatchObject({ code: 'unavailable' });
});
