import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { createTimers, startClient, stopClients } from './person.ts';
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
const alerts = 'ward:w1:alerts';

test('a room resumes from the last message that was handed on, on any gateway', async () => {
  const history = createHistory();
  const [first, second] = [await startGateway(history), await startGateway(history)];
  let target = first.url;
  const client = startClient({
    url: first.url,
    speed: 10,
    environment: { WebSocket: await redirecting(() => target) },
  });
  client.enter(alerts);
  await eventually(() => client.loads[0]);
  const pos = history.publish(alerts, 'a');
  await eventually(() => client.messages[0]);
  target = second.url;
  first.peers[0]?.cut();
  history.publish(alerts, 'b');
  const peer = await second.peer(0);
  expect(await peer.expect('subscribe')).toMatchObject({ room: alerts, from: pos });
  history.publish(alerts, 'c');
  await eventually(() => (client.messages.length === 3 ? true : undefined));
  expect(client.messages.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
  expect(client.loads).toEqual([`${alerts} fresh`]);
});

test('state is loaded when completeness is lost, when positions are void, and again when loading fails', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const client = startClient({ url: gateway.url, speed: 10 });
  const reasons: string[] = [];
  client.subscribe(alerts, {
    loadState: (reason) => {
      reasons.push(reason);
      return reasons.length === 2 ? Promise.reject(new Error('the list could not be read')) : Promise.resolve();
    },
  });
  await eventually(() => reasons[0]);
  history.epoch = 'e8';
  gateway.peers[0]?.cut();
  await eventually(() => reasons[2]);
  expect(client.problems).toHaveLength(1);
  gateway.peers[1]?.say({ t: 'reset', room: alerts, reason: 'epoch' });
  await eventually(() => reasons[3]);
  gateway.peers[1]?.close(4200);
  const third = await gateway.peer(2);
  expect(await third.expect('subscribe')).not.toHaveProperty('from');
  await eventually(() => reasons[4]);
  expect(reasons).toEqual(['fresh', 'lost', 'lost', 'reset', 'lost']);
});

test('a hole is repaired by a replay from the last good message', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const client = startClient({ url: gateway.url });
  client.enter(alerts);
  await eventually(() => client.loads[0]);
  history.publish(alerts, 1);
  const [peer] = gateway.peers;
  peer?.rooms.delete(alerts);
  history.publish(alerts, 2);
  peer?.rooms.add(alerts);
  history.publish(alerts, 3);
  expect(await peer?.expect('subscribe', 2)).toMatchObject({ from: 'e7-1' });
  await eventually(() => (client.messages.length === 3 ? true : undefined));
  expect(client.messages.map(({ data }) => data)).toEqual([1, 2, 3]);
});

test('a room that is refused or ended is told and not tried again, and one that is left is left', async () => {
  const gateway = await startGateway();
  gateway.intercept = (peer, frame) => {
    if (frame.t !== 'subscribe' || frame['room'] !== 'patient:p9') return false;
    peer.say({ t: 'err', id: frame['id'], code: 'forbidden', message: 'Not allowed', retry: 'never' });
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 10 });
  client.enter('patient:p9');
  client.enter('patient:p1');
  const left = client.enter('patient:p2');
  await eventually(() => (client.loads.length === 2 ? true : undefined));
  gateway.peers[0]?.say({ t: 'unsubscribed', room: 'patient:p1', code: 'relation_ended' });
  left.leave();
  await eventually(() => client.ends[1]);
  expect(client.ends).toEqual(['patient:p9 forbidden', 'patient:p1 relation_ended']);
  await gateway.peers[0]?.expect('unsubscribe');
  gateway.peers[0]?.cut();
  await gateway.peer(1);
  await client.until('live');
  expect(gateway.peers[1]?.ofType('subscribe')).toEqual([]);
});

test('a room that cannot be served now is asked for again', async () => {
  const gateway = await startGateway();
  let refusals = 0;
  gateway.intercept = (peer, frame) => {
    if (frame.t !== 'subscribe' || ++refusals > 2) return false;
    peer.say({ t: 'err', id: frame['id'], code: 'unavailable', message: 'Not now', retry: 'backoff' });
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 10 });
  client.enter(alerts);
  await eventually(() => client.loads[0]);
  expect(refusals).toBe(3);
});

test('handlers go by the name of the event, and one that throws loses nothing', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const client = startClient({ url: gateway.url });
  const seen: string[] = [];
  client.subscribe(alerts, {
    on: {
      'alert:raised': ({ data }) => {
        seen.push(data.alertId);
        if (data.alertId === 'a1') throw new Error('a defect of the program');
      },
    },
  });
  const peer = await gateway.peer(0);
  await peer.expect('subscribe');
  history.publish(alerts, { alertId: 'a1' });
  history.publish(alerts, { alertId: 'x' }, { ev: 'alert:resolved' });
  history.publish(alerts, { alertId: 'a2' });
  await eventually(() => (seen.length === 2 ? true : undefined));
  expect(seen).toEqual(['a1', 'a2']);
  expect(client.problems).toHaveLength(1);
});

test('a room that shows a state brings it on every join, and changes as messages', async () => {
  const gateway = await startGateway();
  const room = 'presence:ward:w1';
  let online = 1;
  gateway.intercept = (peer, frame) => {
    if (frame.t !== 'subscribe') return false;
    peer.say({ t: 'subscribed', id: frame['id'], room, lane: 'bulk', recovery: 'snapshot', data: { online } });
    return true;
  };
  const client = startClient({ url: gateway.url, speed: 10 });
  const states: unknown[] = [];
  const changes: string[] = [];
  const subscriber = {
    onState: (state: unknown) => void states.push(state),
    onMessage: ({ event }: { event: string }) => void changes.push(event),
  };
  client.subscribe(room, subscriber);
  await eventually(() => states[0]);
  const change = { t: 'msg', room, ev: 'presence:changed', mid: 'm1', at: '2026-11-21T08:00:00.000Z', version: 0 };
  gateway.peers[0]?.say({ ...change, data: {} }, { ...change, data: {} });
  await eventually(() => changes[1]);
  online = 2;
  gateway.peers[0]?.cut();
  await eventually(() => states[1]);
  const later: unknown[] = [];
  client.subscribe(room, { onState: (state) => void later.push(state) });
  await eventually(() => later[0]);
  expect(states.slice(0, 2)).toEqual([{ online: 1 }, { online: 2 }]);
});

test('credit is given from the start, counts what bulk rooms brought and nothing else, and never waits for a quarter of the window', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const client = startClient({ url: gateway.url });
  client.enter('ward:w1:vitals');
  client.enter(alerts);
  const peer = await gateway.peer(0);
  expect(await peer.expect('rx')).toEqual({ t: 'rx', n: 0 });
  await eventually(() => (client.loads.length === 2 ? true : undefined));
  for (let index = 0; index < 20; index++) history.publish('ward:w1:vitals', index);
  for (let index = 0; index < 5; index++) history.publish(alerts, index);
  await eventually(() => peer.ofType('rx').find(({ n }) => n === 20));
  const steps = peer.ofType('rx').map(({ n }) => Number(n));
  steps.forEach((step, index) => expect(step - (steps[index - 1] ?? 0)).toBeLessThanOrEqual(8));
  expect(steps.length).toBeLessThan(7);
  history.publish('ward:w1:vitals', 'x'.repeat(3_000));
  await eventually(() => peer.ofType('rx').find(({ n }) => n === 21));
  peer.cut();
  const next = await gateway.peer(1);
  expect(await next.expect('rx')).toEqual({ t: 'rx', n: 0 });
});

/** A WebSocket to wherever the test says now, as a load balancer does it. */
async function redirecting(target: () => string) {
  const { WebSocket } = await import('ws');
  return class extends WebSocket {
    constructor(_: string, protocols: string[]) {
      super(`${target().replace('http', 'ws')}/realtime/ws`, protocols);
    }
  } as never;
}

test('messages of a bulk room that is left before it was entered count as read', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  let enter: () => void = () => {};
  gateway.intercept = (peer, { t, id, room }) => {
    if (t === 'unsubscribe') return true;
    if (t !== 'subscribe') return false;
    enter = () => {
      peer.say({ t: 'subscribed', id, room, pos: 'e7-0', lane: 'bulk', recovery: 'latest' });
      peer.rooms.add(String(room));
    };
    return true;
  };
  const client = startClient({ url: gateway.url });
  const peer = await gateway.peer(0);
  const subscription = client.enter('ward:w1:vitals');
  await peer.expect('subscribe');
  subscription.leave();
  enter();
  for (let number = 0; number < 8; number++) history.publish('ward:w1:vitals', { number });
  await eventually(() => peer.ofType('rx').find(({ n }) => n === 8));
  expect(client.messages).toEqual([]);
});

test('two subscriptions of one subscriber are two: the room is left with the second', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  const got: unknown[] = [];
  const subscriber = { onMessage: ({ data }: { data: unknown }) => void got.push(data) };
  const [first, second] = [client.subscribe(alerts, subscriber), client.subscribe(alerts, subscriber)];
  const peer = await gateway.peer(0);
  await peer.expect('subscribe');
  first.leave();
  first.leave();
  gateway.history.publish(alerts, 'still there');
  await eventually(() => got[0]);
  expect(got).toEqual(['still there']);
  second.leave();
  await peer.expect('unsubscribe');
});

test('a room of alerts that was left brings nothing into the room of its hospital', async () => {
  const gateway = await startGateway();
  const client = startClient({ url: gateway.url });
  client.enter('system');
  await eventually(() => client.loads[0]);
  const [peer] = gateway.peers;
  peer?.rooms.add('hospital:h1:alerts').add('hospital:h1');
  gateway.history.publish('hospital:h1:alerts', 'of another room');
  peer?.say({ t: 'unsubscribed', room: 'hospital:h1:alerts', code: 'ended' });
  gateway.history.publish('hospital:h1', 'of this one', { prev: 'e7-0' });
  await eventually(() => client.messages[0]);
  expect(client.messages.map(({ data }) => data)).toEqual(['of this one']);
  expect(client.ends).toEqual([]);
});

test('what loads state is asked again by the newest reason alone, also when it throws at once, and not after the stop', async () => {
  const history = createHistory();
  const gateway = await startGateway(history);
  const timers = createTimers(10);
  const client = startClient({ url: gateway.url, speed: 10, environment: { after: timers.after } });
  const reasons: string[] = [];
  let isBroken = true;
  client.subscribe(alerts, {
    loadState(reason) {
      reasons.push(reason);
      if (isBroken) throw new Error('the list could not be read');
    },
  });
  await eventually(() => reasons[0]);
  for (let index = 0; index < 5; index++) {
    gateway.peers[0]?.say({ t: 'reset', room: alerts, reason: 'epoch' });
  }
  await eventually(() => (reasons.filter((reason) => reason === 'reset').length > 5 ? true : undefined));
  expect(reasons.filter((reason) => reason === 'fresh')).toEqual(['fresh']);
  // From here on it could resume; but what was there before was never read.
  history.publish(alerts);
  gateway.peers[0]?.say({ t: 'ping' });
  await gateway.peers[0]?.expect('pong');
  client.stop();
  expect(timers.running()).toBe(0);
  isBroken = false;
  reasons.length = 0;
  client.start();
  await eventually(() => reasons[0]);
  expect(reasons).toEqual(['lost']);
});
