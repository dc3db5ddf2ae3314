/** The client against the gateway as it is, on servers of its own. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { publish as publishOnBus } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { eventHeaders } from '@carillon/contracts/streams';
import { eventually } from '@carillon/testkit/eventually';
import { startFaultProxy, type FaultProxy } from '@carillon/testkit/fault-proxy';
import { builtFile, freePort, startNode } from '@carillon/testkit/node-process';
import { jwtSecret } from '../../../services/gateway/test/config.ts';
import { alertOf, startDesk, type Desk } from '../../../services/gateway/test/desk.ts';
import { startClient, stopClients } from './person.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
const ends: (() => unknown)[] = [];
afterEach(async () => {
  stopClients();
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => desk.stop());

const room = 'ward:w1:alerts';
const numbers = (client: ReturnType<typeof startClient>): unknown[] =>
  client.messages.map(({ data }) => (data as { number: number }).number);
const publish = async (from: number, to: number): Promise<void> => {
  for (let number = from; number <= to; number++) await desk.emit(alertOf('p1', { number }));
};
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const until = (client: ReturnType<typeof startClient>, count: number) =>
  eventually(() => (client.messages.length >= count ? true : undefined), {
    what: `${count} messages`,
    withinMs: 20_000,
  });

/** A gateway behind a proxy that a test can break. */
async function behindProxy(port: number): Promise<FaultProxy & { url: string }> {
  const proxy = await startFaultProxy({ port });
  ends.push(() => proxy.close());
  return Object.assign(proxy, { url: `http://127.0.0.1:${proxy.port}` });
}

/** What lets HTTP through and refuses every upgrade, as firewalls and old proxies do. */
async function withoutWebSocket(target: number): Promise<{ url: string; allow(): void; upgrades(): number }> {
  let isAllowed = false;
  let upgrades = 0;
  const forward = (method: string, incoming: Parameters<Parameters<typeof createServer>[1] & object>[0]) =>
    request({ port: target, host: '127.0.0.1', method, path: incoming.url, headers: incoming.headers });
  const server: Server = createServer((incoming, response) => {
    const outgoing = forward(incoming.method ?? 'GET', incoming);
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('upgrade', (incoming, socket, head) => {
    upgrades++;
    if (!isAllowed) return socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    const outgoing = forward('GET', incoming).end();
    outgoing.on('upgrade', (answer, upstream, rest) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      upstream.unshift(rest);
      socket.unshift(head);
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
      socket.on('close', () => upstream.destroy());
      upstream.pipe(socket).pipe(upstream);
    });
    outgoing.on('error', () => socket.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, allow: () => void (isAllowed = true), upgrades: () => upgrades };
}

test('messages come in order, calls are answered, and receipts are no fault', async () => {
  const client = startClient({ url: desk.baseUrl, token: () => desk.tokenOf('n1') });
  client.enter(room);
  await eventually(() => client.loads[0]);
  await publish(1, 5);
  await until(client, 5);
  expect(numbers(client)).toEqual(upTo(5));
  expect(await client.call('alert:acknowledge', { alertId: 'a1' })).toMatchObject({ operation: 'alert:acknowledge' });
  expect(await client.call('alert:list', {}, { over: 'http' })).toMatchObject({ operation: 'alert:list' });
  expect(client.problems).toEqual([]);
});

test('a client whose gateway is gone without a word goes on at another one, with nothing lost and nothing twice', async () => {
  const other = await desk.startGateway();
  const [first, second] = [await behindProxy(desk.gateway.port), await behindProxy(other.port)];
  let target = first.url;
  class Balanced extends WebSocket {
    constructor(_: string, protocols: string[]) {
      super(`${target.replace('http', 'ws')}/realtime/ws`, protocols);
    }
  }
  const client = startClient({
    url: first.url,
    token: () => desk.tokenOf('n1'),
    environment: { WebSocket: Balanced },
  });
  client.enter(room);
  await eventually(() => client.loads[0]);
  await publish(1, 10);
  await until(client, 10);
  target = second.url;
  first.cut('reset');
  await publish(11, 20);
  await until(client, 20);
  target = first.url;
  second.cut('fin');
  await publish(21, 25);
  await until(client, 25);
  expect(numbers(client)).toEqual(upTo(25));
  expect(client.loads).toHaveLength(1);
});

test('a gateway that is killed leaves its clients nothing but another one, and that is enough', async () => {
  const environment = {
    ...desk.infrastructure.environmentOf('gateway'),
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_CONSOLE_DIR: '',
  };
  const start = async () => {
    const port = await freePort();
    const variables = { ...environment, CARILLON_HTTP_PORT: String(port), CARILLON_INTERNAL_PORT: '0' };
    const node = startNode([builtFile('services/gateway/dist/main.js')], variables);
    ends.push(() => node.signal('SIGKILL'));
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(`${url}/v1/dev/people`)).status, { withinMs: 20_000 });
    return { node, url };
  };
  const [first, second] = [await start(), await start()];
  let target = first.url;
  class Balanced extends WebSocket {
    constructor(_: string, protocols: string[]) {
      super(`${target.replace('http', 'ws')}/realtime/ws`, protocols);
    }
  }
  const client = startClient({
    url: first.url,
    token: () => desk.tokenOf('n1'),
    environment: { WebSocket: Balanced },
  });
  client.enter(room);
  await eventually(() => client.loads[0]);
  await publish(1, 5);
  await until(client, 5);
  target = second.url;
  first.node.signal('SIGKILL');
  await publish(6, 10);
  await until(client, 10);
  expect(numbers(client)).toEqual(upTo(10));
  expect(client.loads).toHaveLength(1);
});

test('a link that is half open is found by its silence', async () => {
  const gateway = await desk.startGateway({ CARILLON_PING_MS: '500' });
  const proxy = await behindProxy(gateway.port);
  const client = startClient({ url: proxy.url, token: () => desk.tokenOf('n1'), speed: 4 });
  client.enter(room);
  await eventually(() => client.loads[0]);
  proxy.inject('both', { isSwallowing: true });
  await eventually(() => client.links.find(({ state }) => state === 'stale'), { withinMs: 15_000 });
  proxy.heal();
  await client.until('live');
});

test('a token that ends soon is renewed in place', async () => {
  const seconds = (from: number): number => Math.floor(Date.now() / 1_000) + from;
  let asked = 0;
  const client = startClient({
    url: desk.baseUrl,
    token: () => desk.tokenOf('n1', { exp: seconds([30, 3_600][asked++] ?? 3_600) }),
  });
  const connections = new Set<string>();
  client.on('ready', ({ connection }) => connections.add(connection));
  client.enter(room);
  await eventually(() => (asked === 2 ? true : undefined));
  await client.call('alert:list', {});
  expect(connections.size).toBe(1);
});

test('where WebSocket is blocked it goes on by event streams and posts, and comes back when it may', async () => {
  const proxy = await withoutWebSocket(desk.gateway.port);
  const client = startClient({ url: proxy.url, token: () => desk.tokenOf('n1'), speed: 20 });
  client.enter(room);
  client.enter('patient:p7');
  client.enter('patient:p1');
  expect(await eventually(() => (client.link().state === 'live' ? client.link() : undefined))).toMatchObject({
    transport: 'sse',
  });
  // A refusal names no room: it is found, and the others stay.
  await eventually(() => client.ends[0]);
  expect(client.ends).toEqual(['patient:p7 forbidden']);
  await eventually(() => (client.loads.length >= 2 ? true : undefined));
  await desk.emit(alertOf('p2', { number: 1 }));
  await until(client, 1);
  expect(await client.call('alert:acknowledge', { alertId: 'a1' })).toMatchObject({ operation: 'alert:acknowledge' });
  const late = client.enter('patient:p2');
  await eventually(() => client.loads.find((load) => load.startsWith('patient:p2')));
  await desk.emit(alertOf('p2', { number: 2 }));
  await until(client, 3);
  late.leave();
  proxy.allow();
  await eventually(() => {
    const link = client.link();
    return link.state === 'live' && link.transport === 'webSocket' ? true : undefined;
  });
  await desk.emit(alertOf('p2', { number: 3 }));
  await until(client, 4);
  expect(numbers(client)).toEqual([1, 2, 2, 3]);
  expect(client.links.some(({ state }) => state === 'stale')).toBe(false);
});

test('of many rooms of an event stream, those that are refused are found with few requests, and all others stay', async () => {
  let requests = 0;
  const client = startClient({
    url: desk.baseUrl,
    token: () => desk.tokenOf('n1'),
    transports: ['sse'],
    environment: {
      fetch: (url, init) => {
        requests++;
        return fetch(url, init);
      },
    },
  });
  const good = Array.from({ length: 60 }, (_, index) => `patient:q${index}`);
  for (const name of [...good.slice(0, 37), 'patient:p7', ...good.slice(37), 'patient:nobody']) client.enter(name);
  await eventually(() => (client.ends.length === 2 && client.loads.length >= 60 ? true : undefined));
  expect(client.ends.toSorted()).toEqual(['patient:nobody forbidden', 'patient:p7 forbidden']);
  expect(new Set(client.loads).size).toBe(60);
  expect(requests).toBeLessThan(20);
  await desk.emit(alertOf('q59', { number: 1 }));
  await until(client, 1);
});

test('receipts reach the service whose message it is, and each level once', async () => {
  const client = startClient({ url: desk.baseUrl, token: () => desk.tokenOf('n1') });
  client.enter('person:n1');
  await eventually(() => client.loads[0]);
  const mid = randomUUID();
  await publishOnBus(desk.bus, {
    subject: 'person.h1.n1.critical.page.new',
    body: encode({ alertId: 'a1', level: 1 }),
    headers: {
      [eventHeaders.id]: mid,
      [eventHeaders.event]: 'page:new',
      [eventHeaders.at]: new Date().toISOString(),
      [eventHeaders.version]: '1',
      [eventHeaders.ack]: 'true',
    },
  });
  const message = await eventually(() => client.messages[0]);
  expect(message).toMatchObject({ id: mid, wantsReceipts: true });
  message.displayed();
  message.displayed();
  const levels = (): string[] =>
    desk.commands
      .filter(({ operation }) => operation === 'receipt:record')
      .flatMap(({ data }) => (data as { items: { mid: string; level: string }[] }).items)
      .filter((item) => item.mid === mid)
      .map(({ level }) => level);
  await eventually(() => (levels().includes('displayed') ? true : undefined));
  expect(levels().toSorted()).toEqual(['delivered', 'displayed']);
});

test('credit keeps a flood of vital signs coming, with the newest of each bed at its end', async () => {
  const client = startClient({ url: desk.baseUrl, token: () => desk.tokenOf('n1') });
  client.enter('ward:w1:vitals');
  await eventually(() => client.loads[0]);
  for (let number = 1; number <= 300; number++) {
    const patient = `p${(number % 2) + 1}`;
    const data = { number, text: 'x'.repeat(200) };
    await desk.emit({ subject: `vitals.h1.w1.${patient}`, event: 'vitals:recorded', data });
  }
  await eventually(() => ([299, 300].every((each) => numbers(client).includes(each)) ? true : undefined));
  const skipped = client.messages.reduce((sum, message) => sum + message.skipped, 0);
  expect(client.messages.length + skipped).toBe(300);
});

test('a room that shows a state comes whole, and then what changes', async () => {
  const client = startClient({ url: desk.baseUrl, token: () => desk.tokenOf('n1') });
  const states: { people: { person: string; state: string }[] }[] = [];
  const changes: string[] = [];
  const ends: string[] = [];
  client.subscribe('presence:ward:w1', {
    onState: (state) => void states.push(state as (typeof states)[number]),
    on: { 'presence:changed': ({ data }) => void changes.push(`${data.person} ${data.state}`) },
    onEnd: ({ code }) => void ends.push(code),
  });
  const first = await eventually(() => states[0]);
  expect(ends).toEqual([]);
  expect(first.people.map(({ person }) => person)).toEqual(expect.arrayContaining(['d1', 'n1']));
  const doctor = startClient({ url: desk.baseUrl, token: () => desk.tokenOf('d1') });
  await doctor.until('live');
  await eventually(() => changes.find((change) => change === 'd1 online'));
});

test('a gateway that is stopped hands its clients over', async () => {
  const [going, staying] = [await desk.startGateway(), await desk.startGateway()];
  let target = going.baseUrl;
  class Balanced extends WebSocket {
    constructor(_: string, protocols: string[]) {
      super(`${target.replace('http', 'ws')}/realtime/ws`, protocols);
    }
  }
  const client = startClient({
    url: going.baseUrl,
    token: () => desk.tokenOf('n1'),
    environment: { WebSocket: Balanced },
  });
  client.enter(room);
  await eventually(() => client.loads[0]);
  await publish(1, 3);
  await until(client, 3);
  target = staying.baseUrl;
  const stopping = going.stop();
  await publish(4, 12);
  await until(client, 12);
  expect(numbers(client)).toEqual(upTo(12));
  await stopping;
});
