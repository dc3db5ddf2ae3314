import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { CodedError } from '../src/client.ts';
import { startClient, stopClients, tokenFor } from './person.ts';
import { createHistory, startSmallGateway, type SmallGateway } from './small-gateway.ts';

const gateways: SmallGateway[] = [];
const startGateway = async (...args: Parameters<typeof startSmallGateway>) => {
  const gateway = await startSmallGateway(...args);
  gateways.push(gateway);
  return gateway;
};
afterEach(async () => {
  stopClients();
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});

test('the first frame carries the token, and the states of the link are told', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url, name: 'a-test' });
  const peer = await gateway.peer(0);
  expect(await peer.expect('connect')).toMatchObject({ id: 1, token: tokenFor('n1'), client: { name: 'a-test' } });
  await client.until('live');
  expect(client.links.map(({ state }) => state)).toEqual(['connecting', 'live']);
  client.stop();
  expect(client.link()).toMatchObject({ state: 'stopped', code: undefined });
});

test('a ping is answered, and several frames may come in one message', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  const [peer] = gateway.peers;
  peer?.say({ t: 'ping' }, { t: 'ping' });
  await peer?.expect('pong', 2);
});

test('a silent link is called stale within everyMs + waitMs, and another one is opened at once', async () => {
  const gateway = await startGateway();
  gateway.ready = { ping: { everyMs: 4_000, waitMs: 2_000 } };
  const client = startClient({ url: gateway.url, speed: 10 });
  const began = performance.now();
  await client.until('live');
  await eventually(() => client.links.find(({ state }) => state === 'stale'));
  const took = (performance.now() - began) * 10;
  expect(took).toBeGreaterThan(5_900);
  expect(took).toBeLessThan(patience(9_500));
  await gateway.peer(1);
  await client.until('live');
  expect(client.links.map(({ state }) => state)).toEqual(['connecting', 'live', 'stale', 'live']);
});

test('pings keep a link on which nothing else comes', async () => {
  const gateway = await startGateway();
  gateway.ready = { ping: { everyMs: 1_000, waitMs: 500 } };
  const client = startClient({ url: gateway.url, speed: 5 });
  await client.until('live');
  const [peer] = gateway.peers;
  const pings = setInterval(() => peer?.say({ t: 'ping' }), 150);
  await peer?.expect('pong', 8);
  clearInterval(pings);
  expect(client.links.map(({ state }) => state)).toEqual(['connecting', 'live']);
});

test.each([
  [4000, 'waiting'],
  [1012, 'waiting'],
  [4100, 'waiting'],
  [4200, 'waiting'],
])('after %i the client comes again', async (code, state) => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url, speed: 10 });
  await client.until('live');
  gateway.peers[0]?.close(code);
  await eventually(() => client.links.find((link) => link.state === state));
  await gateway.peer(1);
  await client.until('live');
});

test.each([4400, 4401, 4403, 4406, 4413, 4429, 4440, 1009])('after %i the client stops and says why', async (code) => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url, speed: 10 });
  await client.until('live');
  gateway.intercept = () => true;
  const call = client.call('alert:acknowledge', { alertId: 'a2' });
  call.catch(() => {});
  gateway.peers[0]?.close(code);
  const link = await client.until('stopped');
  expect(link).toMatchObject({ code, reason: expect.stringMatching(/\w+.*\./) });
  await expect(call).rejects.toMatchObject({ code: 'unavailable' });
  await expect(client.call('alert:list', {})).rejects.toMatchObject({ message: expect.stringMatching(/\.$/) });
  expect(gateway.peers).toHaveLength(1);
});

test('an overloaded server is left alone for as long as it says, even when the page is shown again', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url, speed: 10 });
  await client.until('live');
  const [peer] = gateway.peers;
  peer?.say({ t: 'err', code: 'rate_limited', message: 'Later', retry: 'after', afterMs: 9_000 });
  peer?.close(4301);
  const link = await client.until('waiting');
  const waitMs = link.state === 'waiting' ? link.nextAttemptAt - link.heardAt : 0;
  expect(waitMs).toBeGreaterThan(8_900);
  client.page.tell('shown');
  client.page.tell('online');
  expect(client.link().state).toBe('waiting');
  await gateway.peer(1);
});

test('a token that has ended is asked for anew, once for all who need it', async () => {
  const gateway = await startGateway();
  let asked = 0;
  const client = startClient({
    url: gateway.url,
    speed: 10,
    token: () => Promise.resolve(tokenFor('n1', { jti: String(++asked) })),
  });
  await client.until('live');
  gateway.peers[0]?.close(4100);
  const peer = await gateway.peer(1);
  expect(await peer.expect('connect')).toMatchObject({ token: tokenFor('n1', { jti: '2' }) });
  peer.say({ t: 'reauth', graceMs: 25_000 }, { t: 'reauth', graceMs: 25_000 });
  expect(await peer.expect('reauth')).toMatchObject({ token: tokenFor('n1', { jti: '3' }) });
  await client.until('live');
  expect(asked).toBe(3);
});

test('a token is renewed before it ends, without being asked', async () => {
  const gateway = await startGateway();
  gateway.ready = { expiresAt: new Date(Date.now() + 20_000).toISOString() };
  startClient({ url: gateway.url, speed: 10 });
  const peer = await gateway.peer(0);
  await peer.expect('reauth');
});

test('a token provider that fails is asked again, and one that says that the sign-in is over ends it', async () => {
  const gateway = await startGateway();
  let asked = 0;
  const client = startClient({
    url: gateway.url,
    speed: 10,
    token: () =>
      ++asked < 3
        ? Promise.reject(new Error('no network'))
        : asked === 3
          ? Promise.resolve(tokenFor('n1'))
          : Promise.reject(new CodedError('unauthorised', 'Please sign in again.')),
  });
  await client.until('live');
  gateway.peers[0]?.close(4101);
  expect(await client.until('stopped')).toMatchObject({ reason: 'Please sign in again.' });
});

test('waits grow while a server that takes connections loses them again, and only a steady link starts them anew', async () => {
  const gateway = await startGateway();
  gateway.ready = { ping: { everyMs: 60_000, waitMs: 7_000 } };
  const waits: number[] = [];
  const client = startClient({ url: gateway.url, speed: 20, environment: { random: () => 0.999 } });
  client.on('link', (link) => {
    if (link.state === 'waiting') waits.push(Math.round((link.nextAttemptAt - client.clock.now()) / 500) / 2);
  });
  for (let index = 0; index < 3; index++) {
    (await gateway.peer(index)).expect('connect').catch(() => {});
    await client.until('live');
    gateway.peers[index]?.close(4004);
    await eventually(() => (waits.length > index ? true : undefined));
  }
  expect(waits).toEqual([1, 1.5, 2.5]);
  await client.until('live');
  const steadyAt = client.clock.now() + 31_000;
  await eventually(() => (client.clock.now() > steadyAt ? true : undefined));
  gateway.peers.at(-1)?.close(4004);
  await eventually(() => (waits.length > 3 ? true : undefined));
  expect(waits[3]).toBe(1);
});

test('a page that comes back to the network, or is shown, does not sit out a wait', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url, environment: { random: () => 0.999 } });
  await client.until('live');
  client.clock.skip(1_000);
  client.page.set({ isOnline: false });
  gateway.peers[0]?.cut();
  await client.until('offline');
  client.page.set({ isOnline: true });
  client.page.tell('online');
  expect(client.link().state).toBe('connecting');
  await client.until('live');
});

test('offline is told at once on a living link, taken back when something comes, and another link is opened when the network is back', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  client.page.tell('offline');
  expect(client.link().state).toBe('offline');
  gateway.peers[0]?.say({ t: 'ping' });
  await client.until('live');
  client.page.tell('offline');
  client.page.tell('online');
  await gateway.peer(1);
  await client.until('live');
  await eventually(() => (gateway.peers[0]?.isOpen === false ? true : undefined));
  expect(gateway.peers[1]?.isOpen).toBe(true);
});

test('after a sleep, seen by a jump of the clock, a link that cannot be trusted is replaced at once', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  client.clock.skip(3_600_000);
  await eventually(() => client.links.find(({ state }) => state === 'stale'));
  await gateway.peer(1);
  await client.until('live');
});

test('a clock that is set back lets no silent link pass for a living one', async () => {
  const gateway = await startGateway();
  gateway.ready = { ping: { everyMs: 4_000, waitMs: 2_000 } };
  const client = startClient({ url: gateway.url, speed: 10 });
  await client.until('live');
  client.clock.skip(-3_600_000);
  await eventually(() => client.links.find(({ state }) => state === 'stale'));
});

test('a page that is put away leaves the server, and comes back when it is shown again', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  client.page.tell('putAway');
  await eventually(() => (gateway.peers[0]?.isOpen === false ? true : undefined));
  expect(gateway.peers).toHaveLength(1);
  client.page.tell('broughtBack');
  await gateway.peer(1);
  await client.until('live');
});

test('a gateway that drains is left only when another connection has the rooms, and nothing is lost or doubled', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const client = startClient({ url: gateway.url });
  client.enter('ward:w1:alerts');
  await eventually(() => client.loads[0]);
  history.publish('ward:w1:alerts', 1);
  const [old] = gateway.peers;
  // The new connection is answered late: what comes meanwhile comes over the old one.
  let release: () => void = () => {};
  gateway.intercept = (peer, frame) => {
    if (peer === old || frame.t !== 'subscribe') return false;
    release = () => {
      gateway.intercept = () => false;
      const from = Number(String(frame['from']).split('-')[1]);
      peer.rooms.add('ward:w1:alerts');
      peer.say(
        { t: 'subscribed', id: frame['id'], room: 'ward:w1:alerts', pos: 'e7-3', lane: 'normal', recovery: 'complete' },
        ...history.entries.filter(({ sequence }) => sequence > from).map((entry) => entry.frame),
      );
    };
    return true;
  };
  old?.say({ t: 'goaway', reason: 'drain', spreadMs: 100 });
  await eventually(() => client.links.find(({ state }) => state === 'draining'));
  const next = await gateway.peer(1);
  await next.expect('subscribe');
  history.publish('ward:w1:alerts', 2);
  history.publish('ward:w1:alerts', 3);
  await eventually(() => (client.messages.length === 3 ? true : undefined));
  expect(old?.isOpen).toBe(true);
  release();
  history.publish('ward:w1:alerts', 4);
  await eventually(() => (client.messages.length === 4 ? true : undefined));
  await eventually(() => (old?.isOpen === false ? true : undefined));
  expect(client.messages.map(({ data }) => data)).toEqual([1, 2, 3, 4]);
  expect(client.loads).toEqual(['ward:w1:alerts fresh']);
  expect(client.links.map(({ state }) => state)).toEqual(['connecting', 'live', 'draining', 'live']);
});

test('a call in flight on a gateway that drains is answered there', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  const [old] = gateway.peers;
  gateway.intercept = (peer, frame) => peer === old && frame.t === 'call';
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  const id = (await old?.expect('call'))?.['id'];
  old?.say({ t: 'goaway', reason: 'drain', spreadMs: 10 });
  await gateway.peer(1);
  await client.until('live');
  old?.say({ t: 'ok', id, data: 'from the old one' });
  expect(await call).toBe('from the old one');
  expect(gateway.peers[1]?.ofType('call')).toEqual([]);
  await eventually(() => (old?.isOpen === false ? true : undefined));
});

test('a program that throws at what it hears does not stop the link, and is told of it', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  const fail = (): void => {
    throw new Error('a defect of the program');
  };
  for (const event of ['link', 'ready', 'command'] as const) client.on(event, fail);
  client.enter('ward:w1:alerts');
  await eventually(() => client.loads[0]);
  await Promise.all([
    client.call('alert:acknowledge', { alertId: 'a1' }),
    client.call('alert:acknowledge', { alertId: 'a2' }),
  ]);
  expect(client.problems.length).toBeGreaterThan(2);
});

test('a provider that gives the same short-lived token again and again is not asked without end', async () => {
  const gateway = await startGateway();
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'reauth') return false;
    peer.say({ t: 'ok', id, data: { expiresAt: new Date(Date.now() - 1_000).toISOString() } });
    return true;
  };
  gateway.ready = { expiresAt: new Date(Date.now() + 100).toISOString() };
  const client = startClient({ url: gateway.url });
  const peer = await gateway.peer(0);
  await peer.expect('reauth', 2);
  expect(client.clock.now() - (await client.until('live')).heardAt).toBeLessThan(patience(1_000));
  expect(peer.ofType('reauth')).toHaveLength(2);
});

test('a token that cannot be checked just now is given again', async () => {
  const gateway = await startGateway();
  let times = 0;
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'reauth' || ++times > 1) return false;
    peer.say({ t: 'err', id, code: 'unavailable', message: 'No keys', retry: 'backoff' });
    return true;
  };
  startClient({ url: gateway.url });
  const peer = await gateway.peer(0);
  await peer.expect('connect');
  peer.say({ t: 'reauth', graceMs: 25_000 });
  await peer.expect('reauth', 2);
});

test('why no token could be had is told, also of a provider that throws at once', async () => {
  const gateway = await startGateway();
  let asked = 0;
  const client = startClient({
    url: gateway.url,
    speed: 5,
    token: () => {
      if (++asked === 1) throw new Error('a defect of the program');
      return Promise.resolve(tokenFor('n1'));
    },
  });
  await client.until('live');
  expect(client.problems).toEqual([new Error('a defect of the program')]);
});

test('a server that says how long to wait is not asked before, even when the connection that is left ends', async () => {
  const gateway = await startGateway();
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'connect' || peer === gateway.peers[0]) return false;
    peer.say({ t: 'err', id, code: 'rate_limited', message: 'Full', retry: 'after', afterMs: 9_000 });
    peer.close(4301);
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 5 });
  await client.until('live');
  const [old] = gateway.peers;
  old?.say({ t: 'goaway', reason: 'drain', spreadMs: 10 });
  await eventually(() => (gateway.peers[1]?.isOpen === false ? true : undefined));
  old?.close(4000);
  const link = await client.until('waiting');
  const waitMs = link.state === 'waiting' ? link.nextAttemptAt - client.clock.now() : 0;
  expect(waitMs).toBeGreaterThan(7_000);
});
