/** What a client gets, and what it can rely on when it comes back. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Frame, RealtimeClient } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { WebSocket } from 'ws';
import { alertOf, sequenceOf, startDesk, type Desk } from './desk.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

const messages = (client: RealtimeClient, room?: string): Frame[] =>
  client.frames.filter((frame) => frame.t === 'msg' && (room === undefined || frame['room'] === room));
const numberOf = (frame: Frame): number => (frame['data'] as { number: number }).number;
const numbers = (client: RealtimeClient): number[] => messages(client).map(numberOf);
const reaches = (client: RealtimeClient, number: number): Promise<Frame> =>
  client.expect((frame) => frame.t === 'msg' && numberOf(frame) === number, `message ${number}`, 20_000);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const emitNumbers = async (patient: string, from: number, to: number, filling = ''): Promise<void> => {
  for (const number of range(from, to)) await desk.emit(alertOf(patient, { number, filling }));
};
/** A socket whose text nobody parsed. */
const openRaw = async (person: string, rooms: readonly string[]) => {
  const socket = new WebSocket(desk.baseUrl.replace('http', 'ws') + '/realtime/ws', ['carillon.v1'], {
    headers: { authorization: `Bearer ${await desk.tokenOf(person)}` },
  });
  const texts: string[] = [];
  socket.on('message', (data: Buffer) => texts.push(data.toString()));
  await new Promise((resolve) => socket.once('open', resolve));
  rooms.forEach((room, index) => socket.send(JSON.stringify({ t: 'subscribe', id: index + 1, room })));
  await eventually(() =>
    texts.filter((text) => text.includes('"subscribed"')).length === rooms.length ? true : undefined,
  );
  return { socket, texts };
};

test('two subscribers of one room get identical bytes, and an event of two rooms comes once in each', async () => {
  const [first, second] = await Promise.all([
    openRaw('n1', ['patient:p1', 'ward:w1:alerts']),
    openRaw('d1', ['patient:p1']),
  ]);
  await desk.emit(alertOf('p1', { number: 1, text: 'grüß "dich" \\ 心电图' }));
  const got = (texts: string[]): string[] => texts.filter((text) => text.includes('"t":"msg"'));
  await eventually(() => (got(first.texts).length === 2 && got(second.texts).length === 1 ? true : undefined));
  const ofPatient = got(first.texts).filter((text) => text.includes('"room":"patient:p1"'));
  expect(ofPatient).toEqual(got(second.texts));
  expect(got(first.texts).filter((text) => text.includes('"room":"ward:w1:alerts"'))).toHaveLength(1);
  expect(JSON.parse(ofPatient[0] ?? '')).toMatchObject({ data: { text: 'grüß "dich" \\ 心电图' } });
  for (const { socket } of [first, second]) socket.close();
});

test('under load messages come in order, each names the one before it, and nothing of others comes in between', async () => {
  const client = await desk.connect('n1');
  const subscribed = await client.ask({ t: 'subscribe', room: 'patient:q1' });
  const stranger = await desk.connect('n3');
  await stranger.ask({ t: 'subscribe', room: 'ward:w2:alerts' });
  await Promise.all(
    range(1, 1_000).flatMap((number) => [
      desk.emit(alertOf('q1', { number })),
      desk.emit(alertOf('q2', { number: -number })),
    ]),
  );
  await eventually(() => (messages(client).length === 1_000 ? true : undefined));
  let last = sequenceOf(subscribed['pos']);
  for (const message of messages(client)) {
    expect(sequenceOf(message['prev'])).toBe(last);
    expect(sequenceOf(message['pos'])).toBeGreaterThan(last);
    last = sequenceOf(message['pos']);
  }
  expect(new Set(numbers(client))).toEqual(new Set(range(1, 1_000)));
  expect(messages(stranger)).toEqual([]);
  for (const each of [client, stranger]) each.close();
});

test('a resume on another gateway is complete, whether its ring or the stream has it', async () => {
  const client = await desk.connect('n1');
  const { pos } = await client.ask({ t: 'subscribe', room: 'patient:q3' });
  await emitNumbers('q3', 1, 150);
  await reaches(client, 150);
  client.terminate();
  // The first keeps all of it, the second only the last hundred messages of the stream.
  for (const ring of ['20000', '100']) {
    const { baseUrl } = await desk.startGateway({ CARILLON_RING_MESSAGES: ring });
    const resumed = await desk.connect('n1', { baseUrl });
    expect(await resumed.ask({ t: 'subscribe', room: 'patient:q3', from: pos })).toMatchObject({
      recovery: 'complete',
    });
    await reaches(resumed, 150);
    expect(numbers(resumed)).toEqual(range(1, 150));
    resumed.close();
  }
});

test('replay applies today’s rights', async () => {
  const client = await desk.connect('n1');
  const { pos } = await client.ask({ t: 'subscribe', room: 'patient:p1' });
  client.close();
  const stranger = await desk.connect('n3');
  expect(await stranger.ask({ t: 'subscribe', room: 'patient:p1', from: pos })).toMatchObject({ code: 'forbidden' });
  stranger.close();
});

test('a bulk room resumes with the newest of each key, and says latest', async () => {
  const vitals = (patient: string, key: string, number: number) =>
    desk.emit({ subject: `vitals.h1.w1.${patient}`, event: 'vitals:recorded', key, data: { number } });
  const client = await desk.connect('n1');
  const { pos } = await client.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
  await vitals('q4', 'q4.heartRate', 1);
  await vitals('q5', 'q5.heartRate', 2);
  await vitals('q4', 'q4.heartRate', 3);
  await vitals('q4', 'q4.spo2', 4);
  await reaches(client, 4);
  expect(messages(client)[0]).not.toHaveProperty('prev');
  client.close();
  const resumed = await desk.connect('n1');
  expect(await resumed.ask({ t: 'subscribe', room: 'ward:w1:vitals', from: pos })).toMatchObject({
    recovery: 'latest',
    lane: 'bulk',
  });
  await reaches(resumed, 4);
  expect(numbers(resumed)).toEqual([2, 3, 4]);
  resumed.close();
});

test('frames about one room are done in their order, however long a replay takes', async () => {
  const { baseUrl } = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' });
  const before = await desk.connect('n1');
  const { pos } = await before.ask({ t: 'subscribe', room: 'patient:q6' });
  before.close();
  await emitNumbers('q6', 1, 300);
  const client = await desk.connect('n1', { baseUrl });
  const room = 'patient:q6';
  client.sendRaw(
    [
      { t: 'subscribe', id: 1, room, from: pos },
      { t: 'unsubscribe', id: 2, room },
      { t: 'subscribe', id: 3, room, from: pos },
      { t: 'subscribe', id: 4, room },
    ]
      .map((frame) => JSON.stringify(frame))
      .join('\n'),
  );
  await client.expect((frame) => frame['id'] === 4);
  await emitNumbers('q6', 301, 302);
  await reaches(client, 302);
  const told = client.frames.filter((frame) => frame.t !== 'ready').map((frame) => frame['id'] ?? numberOf(frame));
  expect(told).toEqual([1, ...range(1, 300), 2, 3, ...range(1, 300), 4, 301, 302]);
  client.close();
});

test('who resumes while messages flow, again and again, misses nothing', async () => {
  let isFlowing = true;
  let last = 0;
  const first = await desk.connect('n1');
  let from = (await first.ask({ t: 'subscribe', room: 'patient:q7' }))['pos'];
  first.close();
  const flow = (async () => {
    while (isFlowing) await desk.emit(alertOf('q7', { number: ++last }));
  })();
  const got: number[] = [];
  for (let round = 0; round < 30; round++) {
    const client = await desk.connect('n1');
    expect(await client.ask({ t: 'subscribe', room: 'patient:q7', from })).toMatchObject({ recovery: 'complete' });
    await client.expect((frame) => frame.t === 'msg');
    client.terminate();
    await client.closed;
    got.push(...numbers(client));
    from = messages(client).at(-1)?.['pos'];
  }
  isFlowing = false;
  await flow;
  expect(got).toEqual(range(1, got.length));
});

test('a replay of ten megabytes does not make a client slow', async () => {
  const before = await desk.connect('n1');
  const { pos } = await before.ask({ t: 'subscribe', room: 'patient:q8' });
  before.close();
  const filling = 'x'.repeat(4_000);
  for (let first = 1; first < 3_500; first += 100) {
    await Promise.all(range(first, first + 99).map((number) => desk.emit(alertOf('q8', { number, filling }))));
  }
  const client = await desk.connect('n1');
  expect(await client.ask({ t: 'subscribe', room: 'patient:q8', from: pos })).toMatchObject({ recovery: 'complete' });
  await eventually(() => (messages(client).length === 3_500 ? true : undefined), { withinMs: 30_000 });
  client.close();
});

test('a reader that does not read is closed with 4001, its neighbours are served, and it resumes complete', async () => {
  const neighbour = await desk.connect('d1');
  await neighbour.ask({ t: 'subscribe', room: 'patient:q9' });
  const { socket, texts } = await openRaw('n1', ['patient:q9']);
  const closed = new Promise<number>((resolve) => {
    socket.once('close', resolve);
  });
  expect(await desk.metric('carillon_connections')).toBe(2);
  socket.pause();
  const filling = 'x'.repeat(200_000);
  let last = 0;
  while ((await desk.metric('carillon_connections')) === 2) {
    await desk.emit(alertOf('q9', { number: ++last, filling }));
    if (last > 1_000) throw new Error('was never closed');
  }
  socket.resume();
  expect(await closed).toBe(4001);
  const frames = texts.map((text) => JSON.parse(text) as Frame).filter((frame) => frame.t === 'msg');
  expect(frames.map(numberOf)).toEqual(range(1, frames.length));
  await reaches(neighbour, last);
  expect(numbers(neighbour)).toEqual(range(1, last));

  const resumed = await desk.connect('n1');
  const from = frames.at(-1)?.['pos'] ?? '';
  expect(await resumed.ask({ t: 'subscribe', room: 'patient:q9', from })).toMatchObject({ recovery: 'complete' });
  await reaches(resumed, last);
  expect(numbers(resumed)).toEqual(range(frames.length + 1, last));
  for (const client of [neighbour, resumed]) client.close();
});
