import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { createClient, type SettledCommand } from '../src/client.ts';
import { memoryStore } from '../src/queue-store.ts';
import { createTimers, startClient, stopClients, tokenFor } from './person.ts';
import { startSmallGateway, type SmallGateway } from './small-gateway.ts';

const gateways: SmallGateway[] = [];
const startGateway = async () => {
  const gateway = await startSmallGateway();
  gateways.push(gateway);
  return gateway;
};
afterEach(async () => {
  stopClients();
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});
/** Nobody answers a call; the rest goes its way. */
const silence = (gateway: SmallGateway): void => void (gateway.intercept = (_, frame) => frame.t === 'call');
const speak = (gateway: SmallGateway): void => void (gateway.intercept = () => false);

test('a call is typed by its operation and resolves with its result', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  const me = await client.call('person:me', {});
  const name: string = me.name;
  // @ts-expect-error An alert is named by its id.
  client.call('alert:acknowledge', { alert: 'a1' }).catch(() => {});
  expect(name).toBeUndefined();
  const [query, command] = gateway.peers[0]?.ofType('call') ?? [];
  expect(query).not.toHaveProperty('key');
  await gateway.peers[0]?.expect('call', 2);
  expect(command ?? gateway.peers[0]?.ofType('call')[1]).toMatchObject({
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('commands given offline go out in order, under the same keys, until each has its result', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const client = startClient({ url: gateway.url, speed: 10 });
  await client.until('live');
  const results = ['a1', 'a2', 'a3'].map((alertId) => client.call('alert:acknowledge', { alertId }));
  await gateway.peers[0]?.expect('call', 3);
  gateway.peers[0]?.cut();
  results.push(client.call('alert:resolve', { alertId: 'a4' }));
  speak(gateway);
  await Promise.all(results);
  const before = gateway.peers[0]?.ofType('call') ?? [];
  const after = gateway.peers[1]?.ofType('call') ?? [];
  expect(after.map(({ data }) => (data as { alertId: string }).alertId)).toEqual(['a1', 'a2', 'a3', 'a4']);
  expect(after.slice(0, 3).map(({ key }) => key)).toEqual(before.map(({ key }) => key));
  expect(client.waiting()).toBe(0);
});

test('a command that is stored and not done yet is asked for again under its key', async () => {
  const gateway = await startGateway();
  let times = 0;
  gateway.intercept = (peer, { t, id, key }) => {
    if (t !== 'call' || ++times > 2) return false;
    peer.say({ t: 'ok', id, accepted: true, key });
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 10 });
  const result = await client.call('alert:raise', { kind: 'fall', priority: 'high', message: 'On the floor' });
  const keys = gateway.peers[0]?.ofType('call').map(({ key }) => key) ?? [];
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  expect(result).toMatchObject({ key: keys[0] });
});

test('a refusal is rejected with its code; what is only refused for now is sent again', async () => {
  const gateway = await startGateway();
  const answers = [
    { code: 'unavailable', retry: 'backoff' },
    { code: 'rate_limited', retry: 'after', afterMs: 2_000 },
    { code: 'bad_input', retry: 'never', issues: [{ path: 'alertId', message: 'Unknown' }] },
  ];
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'call') return false;
    peer.say({ t: 'err', id, message: 'No', ...answers.shift() });
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 10 });
  await expect(client.call('alert:acknowledge', { alertId: 'a1' })).rejects.toMatchObject({
    code: 'bad_input',
    issues: [{ path: 'alertId', message: 'Unknown' }],
  });
  expect(gateway.peers[0]?.ofType('call')).toHaveLength(3);
  answers.push({ code: 'rate_limited', retry: 'after', afterMs: 2_000 });
  await expect(client.call('alert:list', {})).rejects.toMatchObject({ code: 'rate_limited', afterMs: 2_000 });
});

test('a command that is older than it may be is rejected as expired, and never sent afterwards', async () => {
  const gateway = await startGateway();
  gateway.intercept = () => true;
  const client = startClient({ url: gateway.url, speed: 1_000 });
  const settled: SettledCommand[] = [];
  client.on('command', (command) => settled.push(command));
  await expect(client.call('limits:set', { patientId: 'p1', limits: [] })).rejects.toMatchObject({
    code: 'expired',
    message: 'It could not be sent in time',
  });
  expect(settled).toMatchObject([{ op: 'limits:set', outcome: { ok: false } }]);
  speak(gateway);
  await client.until('live');
  await client.call('person:me', {});
  expect(gateway.peers.flatMap((peer) => peer.ofType('call')).map(({ op }) => op)).toEqual(['person:me']);
});

test('a query is not kept beyond its time', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const client = startClient({ url: gateway.url, speed: 10 });
  await expect(client.call('person:me', {}, { withinMs: 2_000 })).rejects.toMatchObject({ code: 'unavailable' });
});

test('what an earlier page of the same person left is sent first; what another person left is not', async () => {
  const gateway = await startGateway();
  const store = memoryStore();
  const left = { op: 'alert:acknowledge', issuedAt: Date.now(), expiresAt: Date.now() + 60_000 };
  await store.put({ ...left, key: 'k1', owner: 'h1/n1', data: { alertId: 'mine' } });
  await store.put({ ...left, key: 'k2', owner: 'h1/n2', data: { alertId: 'hers' } });
  await store.put({ ...left, key: 'k3', owner: 'h1/n1', data: { alertId: 'old' }, expiresAt: Date.now() - 1 });
  const settled: SettledCommand[] = [];
  const client = startClient({ url: gateway.url, store });
  client.on('command', (command) => settled.push(command));
  await client.call('alert:acknowledge', { alertId: 'new' }, { key: 'k4' });
  await eventually(() => (settled.length === 3 ? true : undefined));
  expect(gateway.peers[0]?.ofType('call').map(({ key }) => key)).toEqual(['k1', 'k4']);
  const earlier = settled.filter(({ isOfEarlierPage }) => isOfEarlierPage).map(({ key }) => key);
  expect(earlier.toSorted()).toEqual(['k1', 'k3']);
  expect(settled.find(({ key }) => key === 'k3')).toMatchObject({ outcome: { ok: false, error: { code: 'expired' } } });
  expect(await store.load('h1/n1')).toEqual([]);
  expect(await store.load('h1/n2')).toHaveLength(1);
});

test('when somebody else signs in, the commands of the one before are given up', async () => {
  const gateway = await startGateway();
  silence(gateway);
  let person = 'n1';
  const store = memoryStore();
  const client = startClient({ url: gateway.url, store, speed: 10, token: () => Promise.resolve(tokenFor(person)) });
  await client.until('live');
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  call.catch(() => {});
  await gateway.peers[0]?.expect('call');
  person = 'n2';
  gateway.peers[0]?.close(4100);
  await expect(call).rejects.toMatchObject({ code: 'unauthorised' });
  await gateway.peer(1);
  await client.until('live');
  expect(gateway.peers[1]?.ofType('call')).toEqual([]);
  expect(await store.load('h1/n1')).toEqual([]);
});

test('who stops hears that what waits may not have happened', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const store = memoryStore();
  const client = startClient({ url: gateway.url, store });
  await client.until('live');
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  call.catch(() => {});
  client.stop();
  await expect(call).rejects.toMatchObject({ code: 'unavailable' });
  expect(await store.load('h1/n1')).toEqual([]);
});

test('a command whose time passed while the device slept is not sent when it wakes', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const client = startClient({ url: gateway.url });
  await client.until('live');
  gateway.peers[0]?.cut();
  await client.until('waiting');
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  call.catch(() => {});
  client.clock.skip(5 * 60_000);
  await expect(call).rejects.toMatchObject({ code: 'expired' });
  await client.until('live');
  expect(gateway.peers.at(-1)?.ofType('call')).toEqual([]);
});

test('a call that is larger than a frame may be is refused here, since the server would end the connection', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  await client.until('live');
  const message = 'ü'.repeat(20_000);
  await expect(client.call('alert:raise', { kind: 'fall', priority: 'low', message })).rejects.toMatchObject({
    code: 'too_large',
  });
  await client.call('alert:raise', { kind: 'fall', priority: 'low', message: 'u'.repeat(20_000) });
});

test('a store that fails is told of once, and keeps no command from being sent', async () => {
  const gateway = await startGateway();
  const broken = (): Promise<never> => Promise.reject(new Error('no space is left'));
  const client = startClient({ url: gateway.url, store: { load: broken, put: broken, remove: broken } });
  await client.until('live');
  expect(await client.call('alert:acknowledge', { alertId: 'a1' })).toMatchObject({ op: 'alert:acknowledge' });
  await client.call('alert:acknowledge', { alertId: 'a2' });
  expect(client.problems).toHaveLength(1);
});

test('what is called is sent as it was then, and what cannot be sent is rejected and holds up nothing', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const client = startClient({ url: gateway.url, speed: 5 });
  await client.until('live');
  const data = { alertId: 'a1' };
  const call = client.call('alert:acknowledge', data);
  await gateway.peers[0]?.expect('call');
  data.alertId = 'a2';
  gateway.peers[0]?.cut();
  speak(gateway);
  await call;
  expect(gateway.peers[1]?.ofType('call')[0]).toMatchObject({ data: { alertId: 'a1' } });
  const endless: { self?: unknown; alertId: string } = { alertId: 'a3' };
  endless.self = endless;
  await expect(client.call('alert:acknowledge', endless)).rejects.toThrow(TypeError);
  await client.call('alert:acknowledge', { alertId: 'a4' });
  expect(client.waiting()).toBe(0);
});

test('after a sleep in which commands expired, no more than 16 of the others are sent at once', async () => {
  const gateway = await startGateway();
  silence(gateway);
  const client = startClient({ url: gateway.url, speed: 0.1 });
  await client.until('live');
  gateway.peers[0]?.cut();
  await client.until('waiting');
  const given: Promise<unknown>[] = [];
  for (let index = 0; index < 20; index++) {
    given.push(client.call('alert:acknowledge', { alertId: `old${index}` }));
    given.push(client.call('alert:raise', { kind: 'fall', priority: 'high', message: `new${index}` }));
  }
  given.forEach((each) => each.catch(() => {}));
  client.clock.skip(6 * 60_000);
  client.retryNow();
  const peer = await gateway.peer(1);
  await peer.expect('call', 16);
  peer.say({ t: 'ping' });
  await peer.expect('pong');
  expect(peer.ofType('call')).toHaveLength(16);
  expect(peer.ofType('call').every(({ op }) => op === 'alert:raise')).toBe(true);
});

test.each(['a timer that is a little early', 'a clock that is set back'])('%s holds up no command', async (what) => {
  const gateway = await startGateway();
  let times = 0;
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'call' || ++times > 1) return false;
    peer.say({ t: 'err', id, code: 'rate_limited', message: 'Later', retry: 'after', afterMs: 1_000 });
    return true;
  };
  const timers = createTimers(what.startsWith('a timer') ? 1.05 : 1);
  const client = startClient({ url: gateway.url, environment: { after: timers.after } });
  await client.until('live');
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  await eventually(() => (times === 1 ? true : undefined));
  if (what.startsWith('a clock')) client.clock.skip(-3_600_000);
  expect(await call).toBeDefined();
});

test('nothing is sent on the connection of somebody else who was there before', async () => {
  const gateway = await startGateway();
  gateway.intercept = (_, { t }) => t === 'reauth';
  const store = memoryStore();
  const stored = {
    op: 'alert:acknowledge',
    data: { alertId: 'a1' },
    issuedAt: Date.now(),
    expiresAt: Date.now() + 60_000,
  };
  await store.put({ ...stored, key: 'k1', owner: 'h1/n2' });
  let person = 'n1';
  const client = startClient({ url: gateway.url, store, token: () => Promise.resolve(tokenFor(person)) });
  await client.until('live');
  person = 'n2';
  const [peer] = gateway.peers;
  peer?.say({ t: 'reauth', graceMs: 25_000 });
  await peer?.expect('reauth');
  await eventually(() => (client.waiting() === 1 ? true : undefined));
  const call = client.call('alert:acknowledge', { alertId: 'a2' });
  peer?.close(4100);
  await call;
  expect(peer?.ofType('call')).toEqual([]);
  expect(gateway.peers[1]?.ofType('call').map(({ key }) => key)[0]).toBe('k1');
});

test('what waits is removed by the stop, also while it is being read, and by that of a client that never began', async () => {
  const kept = memoryStore();
  const command = {
    op: 'alert:acknowledge',
    data: { alertId: 'a1' },
    issuedAt: Date.now(),
    expiresAt: Date.now() + 60_000,
  };
  await kept.put({ ...command, key: 'k1', owner: 'h1/n1' });
  let release: () => void = () => {};
  const slow = {
    ...kept,
    load: (owner: string) => new Promise<void>((resolve) => (release = resolve)).then(() => kept.load(owner)),
  };
  const gateway = await startGateway();
  const timers = createTimers();
  const client = startClient({ url: gateway.url, store: slow, environment: { after: timers.after } });
  await client.until('live');
  client.stop();
  release();
  await eventually(async () => ((await kept.load('h1/n1')).length === 0 ? true : undefined));
  expect([client.waiting(), timers.running()]).toEqual([0, 0]);
  await expect(client.call('alert:acknowledge', { alertId: 'a2' })).rejects.toMatchObject({ code: 'unavailable' });
  const other = createClient({
    url: gateway.url,
    token: () => Promise.resolve(tokenFor('n1')),
    store: kept,
    environment: { WebSocket: undefined },
  });
  const call = other.call('alert:acknowledge', { alertId: 'a3' });
  other.stop();
  await expect(call).rejects.toMatchObject({ code: 'unavailable' });
});

test('a client that is stopped leaves no timer', async () => {
  const gateway = await startGateway();
  gateway.intercept = (peer, { t, id }) => {
    if (t !== 'call') return false;
    peer.say({ t: 'err', id, code: 'rate_limited', message: 'Later', retry: 'after', afterMs: 60_000 });
    return true;
  };
  const timers = createTimers();
  const client = startClient({ url: gateway.url, environment: { after: timers.after } });
  await client.until('live');
  const call = client.call('alert:acknowledge', { alertId: 'a1' });
  await gateway.peers[0]?.expect('call');
  gateway.peers[0]?.say({ t: 'ping' });
  await gateway.peers[0]?.expect('pong');
  client.stop();
  await expect(call).rejects.toMatchObject({ code: 'unavailable' });
  expect(timers.running()).toBe(0);
});
