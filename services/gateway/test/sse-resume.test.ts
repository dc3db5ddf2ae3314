/** What a client of event streams can rely on when it comes back: everything once, or the word that it is lost. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { eventually } from '@carillon/testkit/eventually';
import { builtFile, freePort, startNode } from '@carillon/testkit/node-process';
import { jwtSecret } from './config.ts';
import { alertOf, startDesk, type Desk, type RunningGateway } from './desk.ts';
import { openEvents, type EventClient, type EventOptions } from './events.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

type Opening = Omit<EventOptions, 'token'> & { gateway?: RunningGateway };
const open = async (person: string, path: string, { gateway, ...options }: Opening = {}): Promise<EventClient> =>
  openEvents((gateway ?? desk.gateway).baseUrl + path, { token: await desk.tokenOf(person), ...options });
const subscribed = (client: EventClient, room: string) =>
  client.expect(({ frame }) => frame.t === 'subscribed' && frame['room'] === room, `subscribed to ${room}`);
const recoveryOf = async (client: EventClient, room: string) => (await subscribed(client, room)).frame['recovery'];
const numberOf = (frame: Record<string, unknown>): number => (frame['data'] as { number: number }).number;
const reaches = (client: EventClient, number: number, room?: string) =>
  client.expect(
    ({ frame }) => frame.t === 'msg' && numberOf(frame) === number && (room === undefined || frame['room'] === room),
    `message ${number}`,
  );
const numbers = (client: EventClient, room?: string): number[] => client.messages(room).map(numberOf);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const emit = async (patient: string, from: number, to: number): Promise<void> => {
  for (const number of range(from, to)) await desk.emit(alertOf(patient, { number }));
};

test('after its gateway ended a client resumes on another, whose ring or stream has what it missed', async () => {
  const dying = await desk.startGateway();
  const path = '/realtime/events?room=patient:q1&room=ward:w1:alerts';
  const client = await open('n1', path, { gateway: dying });
  await subscribed(client, 'ward:w1:alerts');
  await subscribed(client, 'patient:q1');
  await emit('q1', 1, 5);
  await reaches(client, 5, 'ward:w1:alerts');
  await dying.stop();
  await client.ended;
  await emit('q1', 6, 150);
  await emit('q2', 151, 152);
  for (const ring of ['20000', '100']) {
    const gateway = await desk.startGateway({ CARILLON_RING_MESSAGES: ring });
    const again = await open('n1', path, { gateway, lastEventId: client.lastEventId() });
    expect(await recoveryOf(again, 'patient:q1')).toBe('complete');
    expect(await recoveryOf(again, 'ward:w1:alerts')).toBe('complete');
    expect(await recoveryOf(again, 'person:n1')).toBe('complete');
    await reaches(again, 152);
    expect(numbers(again, 'patient:q1')).toEqual(range(6, 150));
    expect(numbers(again, 'ward:w1:alerts')).toEqual(range(6, 152));
    // One replay in the order of the stream, the copies of one message side by side.
    const positions = again.messages().map((frame) => String(frame['pos']));
    expect(positions).toEqual([...positions].sort((a, b) => sequence(a) - sequence(b)));
    again.close();
  }
});
const sequence = (position: string): number => Number(position.split('-')[1]);

test('a gateway that is killed while messages flow loses and doubles nothing for those who go to another', async () => {
  const [port, internal] = [await freePort(), await freePort()];
  const killed = startNode([builtFile('services/gateway/dist/main.js')], {
    ...desk.infrastructure.environmentOf('gateway'),
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_HTTP_PORT: String(port),
    CARILLON_INTERNAL_PORT: String(internal),
  });
  await killed.line('gateway ready');
  const path = '/realtime/events?room=patient:q11&room=ward:w1:alerts';
  const token = await desk.tokenOf('n1');
  const client = await openEvents(`http://127.0.0.1:${port}${path}`, { token });
  await subscribed(client, 'patient:q11');
  await subscribed(client, 'ward:w1:alerts');
  let last = 0;
  let isFlowing = true;
  const flow = (async () => {
    while (isFlowing) await desk.emit(alertOf('q11', { number: ++last }));
  })();
  await reaches(client, 100);
  killed.signal('SIGKILL');
  expect(await killed.exited).toBe('SIGKILL');
  expect(await client.ended).toBe(false);
  const again = await openEvents(desk.baseUrl + path, { token, lastEventId: client.lastEventId() });
  expect(await recoveryOf(again, 'patient:q11')).toBe('complete');
  isFlowing = false;
  await flow;
  await reaches(again, last, 'ward:w1:alerts');
  for (const room of ['patient:q11', 'ward:w1:alerts']) {
    expect([...numbers(client, room), ...numbers(again, room)]).toEqual(range(1, last));
  }
  again.close();
});

test('wherever the connection breaks, also between the two copies of a message, nothing is lost or doubled', async () => {
  const path = '/realtime/events?room=patient:q3&room=ward:w1:alerts';
  const client = await open('n1', path);
  await subscribed(client, 'ward:w1:alerts');
  await subscribed(client, 'patient:q3');
  const small = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' });
  await emit('q3', 1, 3);
  await emit('q4', 4, 4);
  await emit('q3', 5, 5);
  await reaches(client, 5, 'ward:w1:alerts');
  const copiesOf = (events: EventClient['events']): string[] =>
    events.filter(({ frame }) => frame.t === 'msg').map(({ frame }) => `${String(frame['room'])} ${numberOf(frame)}`);
  const all = copiesOf(client.events);
  expect(all).toHaveLength(9);
  // So that the ring of the other gateway has none of it.
  await Promise.all(range(1, 150).map(() => desk.emit(alertOf('p7', {}, 'w2'))));
  const firstMessage = client.events.findIndex(({ frame }) => frame.t === 'msg');
  for (const gateway of [desk.gateway, small]) {
    for (let cut = firstMessage - 1; cut < client.events.length; cut++) {
      const before = client.events.slice(0, cut + 1);
      const again = await open('n1', path, { gateway, lastEventId: before.at(-1)?.id ?? '' });
      expect(await recoveryOf(again, 'ward:w1:alerts')).toBe('complete');
      expect(await recoveryOf(again, 'patient:q3')).toBe('complete');
      const due = all.length - copiesOf(before).length;
      await eventually(() => (again.messages().length >= due ? true : undefined), { withinMs: 60_000 });
      expect([...copiesOf(before), ...copiesOf(again.events)]).toEqual(all);
      again.close();
    }
  }
  client.close();
}, 120_000);

test('a client that breaks off within the replay resumes from there', async () => {
  const path = '/realtime/events?room=patient:q5';
  const client = await open('n1', path);
  const { id } = await subscribed(client, 'patient:q5');
  client.close();
  await emit('q5', 1, 50);
  const replayed = await open('n1', path, { lastEventId: id });
  await reaches(replayed, 50);
  for (const cut of [0, 20, 48]) {
    const at = replayed.events.filter(({ frame }) => frame.t === 'msg')[cut];
    const again = await open('n1', path, { lastEventId: at?.id ?? '' });
    await reaches(again, 50);
    expect(numbers(again)).toEqual(range(cut + 2, 50));
    again.close();
  }
  // The word `subscribed` alone, before the first message of the replay, gives nothing away.
  const early = await subscribed(replayed, 'patient:q5');
  const again = await open('n1', path, { lastEventId: early.id });
  await reaches(again, 50);
  expect(numbers(again)).toEqual(range(1, 50));
  for (const each of [again, replayed]) each.close();
});

test('who got nothing but subscribed resumes from there, by header or query', async () => {
  const path = '/realtime/events?room=patient:q6';
  const client = await open('n1', path);
  const { id } = await subscribed(client, 'patient:q6');
  expect(id).toMatch(/CARE:/);
  client.close();
  await emit('q6', 1, 3);
  const byQuery = await open('n1', `${path}&lastEventId=${encodeURIComponent(id)}`);
  await reaches(byQuery, 3);
  expect(numbers(byQuery)).toEqual([1, 2, 3]);
  const both = await open('n1', `${path}&lastEventId=x`, { lastEventId: id });
  expect(await recoveryOf(both, 'patient:q6')).toBe('complete');
  for (const each of [byQuery, both]) each.close();
});

test('a position that proves nothing is lost, none is fresh, and rooms of vital signs say latest', async () => {
  const path = '/realtime/events?room=patient:q7&room=patient:q7:vitals';
  const vitals = (key: string, number: number) =>
    desk.emit({ subject: 'vitals.h1.w1.q7', event: 'vitals:recorded', key, data: { number } });
  await vitals('q7.heartRate', 1);
  await vitals('q7.heartRate', 2);
  await vitals('q7.spo2', 3);
  const recoveries = async (client: EventClient) => [
    await recoveryOf(client, 'person:n1'),
    await recoveryOf(client, 'patient:q7'),
    await recoveryOf(client, 'patient:q7:vitals'),
  ];
  const first = await open('n1', path);
  expect(await recoveries(first)).toEqual(['fresh', 'fresh', 'fresh']);
  const id = (await subscribed(first, 'patient:q7:vitals')).id;
  first.close();
  for (const [lastEventId, expected] of [
    ['no id', ['lost', 'lost', 'latest']],
    ['CARE:e7-1', ['fresh', 'lost', 'fresh']],
    [id.replace(/CARE:\w+-/, 'CARE:other-'), ['complete', 'lost', 'latest']],
    [id.replace(/CARE:(\w+)-\d+/, 'CARE:$1-999999999'), ['complete', 'lost', 'latest']],
    [id, ['complete', 'complete', 'latest']],
  ] as const) {
    const client = await open('n1', path, { lastEventId });
    expect(await recoveries(client)).toEqual(expected);
    if (expected[2] === 'latest') {
      await reaches(client, 3);
      expect(numbers(client, 'patient:q7:vitals')).toEqual([2, 3]);
    }
    // Told once that it is lost, it has a position from which it goes on.
    expect(client.lastEventId()).not.toMatch(/other|999999999|:0-0/);
    client.close();
  }
});

test('more than 5,000 over the rooms of a stream are lost for all of them', async () => {
  const path = '/realtime/events?room=patient:q8&room=patient:q9';
  const client = await open('n1', path);
  const { id } = await subscribed(client, 'patient:q9');
  client.close();
  const many = async (patient: string, count: number): Promise<void> => {
    for (let done = 0; done < count; done += 250) {
      await Promise.all(Array.from({ length: 250 }, () => desk.emit(alertOf(patient, { number: done }))));
    }
  };
  await many('q8', 2_500);
  await many('q9', 2_500);
  const full = await open('n1', path, { lastEventId: id });
  expect(await recoveryOf(full, 'patient:q8')).toBe('complete');
  await eventually(() => (full.messages().length === 5_000 ? true : undefined), { withinMs: 60_000 });
  await desk.emit(alertOf('q9', { number: 1 }));
  const small = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' });
  for (const gateway of [desk.gateway, small]) {
    const beyond = await open('n1', path, { gateway, lastEventId: id });
    expect(await recoveryOf(beyond, 'patient:q8')).toBe('lost');
    expect(await recoveryOf(beyond, 'patient:q9')).toBe('lost');
    beyond.close();
  }
  full.close();
});

test('replay applies today’s rights', async () => {
  const client = await open('n1', '/realtime/events?room=patient:p1');
  const { id } = await subscribed(client, 'patient:p1');
  client.close();
  const stranger = await open('n3', '/realtime/events?room=patient:p1', { lastEventId: id });
  expect(stranger.status).toBe(403);
});

test('a reader that does not read is cut off, its neighbours are served, and it resumes complete', async () => {
  const path = '/realtime/events?room=patient:q10';
  const neighbour = await open('d1', path);
  await subscribed(neighbour, 'patient:q10');
  const slow = await open('n1', path);
  await subscribed(slow, 'patient:q10');
  const before = await desk.metric('carillon_connections');
  slow.pause();
  const filling = 'x'.repeat(200_000);
  let last = 0;
  while ((await desk.metric('carillon_connections')) === before) {
    await desk.emit(alertOf('q10', { number: ++last, filling }));
    if (last > 1_000) throw new Error('was never cut off');
  }
  slow.resume();
  await slow.ended;
  const got = numbers(slow);
  expect(got).toEqual(range(1, got.length));
  await reaches(neighbour, last);
  expect(numbers(neighbour)).toEqual(range(1, last));
  const again = await open('n1', path, { lastEventId: slow.lastEventId() });
  expect(await recoveryOf(again, 'patient:q10')).toBe('complete');
  await reaches(again, last);
  expect(numbers(again)).toEqual(range(got.length + 1, last));
  for (const each of [neighbour, again]) each.close();
}, 120_000);

test('a stream that was made anew says reset in each room, and who goes on from there is complete', async () => {
  const path = '/realtime/events?room=patient:q12&room=ward:w1:alerts';
  const client = await open('n1', path);
  const before = (await subscribed(client, 'ward:w1:alerts')).id;
  const administrator = await connectBus({ url: desk.infrastructure.nats.url, name: 'administrator' });
  await administrator.jsm.streams.delete('CARE');
  await provisionStreams(administrator, ['CARE'], { replicas: 1 });
  await administrator.close();
  const isReset = (room: string) =>
    client.expect(({ frame }) => frame.t === 'reset' && frame['room'] === room, `reset of ${room}`);
  const resets = [await isReset('patient:q12'), await isReset('ward:w1:alerts')];
  const [first, second] = resets.sort((a, b) => client.events.indexOf(a) - client.events.indexOf(b));
  expect(first?.frame).toMatchObject({ reason: 'epoch' });
  await emit('q12', 1, 2);
  await reaches(client, 2, 'ward:w1:alerts');
  // Who heard it of one room only hears of both that they are lost.
  for (const [lastEventId, recovery, expected] of [
    [before, 'lost', []],
    [first?.id, 'lost', []],
    [second?.id, 'complete', [1, 2]],
  ] as const) {
    const again = await open('n1', path, { lastEventId: lastEventId ?? '' });
    expect(await recoveryOf(again, 'patient:q12')).toBe(recovery);
    expect(await recoveryOf(again, 'ward:w1:alerts')).toBe(recovery);
    if (recovery === 'complete') await reaches(again, 2, 'ward:w1:alerts');
    expect(numbers(again, 'patient:q12')).toEqual(expected);
    again.close();
  }
  client.close();
});
