/** Presence as clients see it: a snapshot, changes, calls; over two gateways. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serverFrames } from '@carillon/contracts/server-frames';
import { validate } from '@carillon/contracts/schema';
import type { Frame } from '@carillon/testkit/client';
import { call } from '@carillon/testkit/client';
import { startDesk, type Desk, type RunningGateway } from './desk.ts';

let desk: Desk;
let other: RunningGateway;
beforeAll(async () => {
  desk = await startDesk({ CARILLON_PRESENCE_GRACE_MS: '200' });
  other = await desk.startGateway();
});
afterAll(() => desk.stop());

const room = 'presence:ward:w1';
const becomes =
  (person: string, state: string) =>
  (frame: Frame): boolean => {
    const data = frame['data'] as { person?: string; state?: string } | undefined;
    return frame.t === 'msg' && frame['ev'] === 'presence:changed' && data?.person === person && data.state === state;
  };

test('who enters sees who is there, and then each change, whichever gateway it is on', async () => {
  const nurse = await desk.connect('n1');
  const subscribed = await nurse.ask({ t: 'subscribe', room });
  expect(subscribed).toMatchObject({ t: 'subscribed', room, lane: 'bulk', recovery: 'snapshot' });
  expect(subscribed).not.toHaveProperty('pos');
  const { people } = subscribed['data'] as { people: { person: string; state: string }[] };
  expect(people).toContainEqual(expect.objectContaining({ person: 'n1', state: 'online' }));
  expect(people).toContainEqual(expect.objectContaining({ person: 'd1', state: 'offline' }));

  const doctor = await desk.connect('d1', { baseUrl: other.baseUrl });
  const change = await nurse.expect(becomes('d1', 'online'));
  expect(change).not.toHaveProperty('pos');
  expect(validate(serverFrames.msg, change)).toMatchObject({ ok: true });
  expect(await doctor.ask({ t: 'call', op: 'presence:set', data: { state: 'busy' } })).toMatchObject({ t: 'ok' });
  await nurse.expect(becomes('d1', 'busy'));
  const token = await desk.tokenOf('n1');
  const asked = await call(desk.baseUrl, 'GET', '/v1/presence/ward/w1', { token });
  expect(asked.body['people']).toContainEqual(expect.objectContaining({ person: 'd1', state: 'busy' }));
  doctor.close();
  await nurse.expect(becomes('d1', 'offline'));
  expect(await nurse.ask({ t: 'unsubscribe', room })).toMatchObject({ t: 'ok' });
  const seen = nurse.frames.length;
  const back = await desk.connect('d1');
  await back.expect(({ t }) => t === 'ready');
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new' });
  await nurse.expect((frame) => frame['room'] === 'person:n1');
  expect(nurse.frames.length).toBe(seen + 1);
  for (const client of [nurse, back]) client.close();
});

test('an event stream brings a presence room as well, and no more of it when the right ends', async () => {
  const token = await desk.tokenOf('n1');
  const stream = await fetch(`${desk.baseUrl}/realtime/events?room=${room}&room=ward:w1:alerts`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const streamed = async (part: RegExp): Promise<void> => {
    while (!part.test(text)) text += (await reader?.read())?.value ?? '';
  };
  await streamed(/event: subscribed\n(id: .*\n)?data: \{"t":"subscribed","room":"presence:ward:w1".*"snapshot"/);
  const doctor = await desk.connect('d1', { baseUrl: other.baseUrl });
  await streamed(/event: presence:changed\n(id: .*\n)?data: .*"person":"d1"/);
  doctor.close();
  await reader?.cancel();
});

test('a stranger, a patient and a room that is not there are answered alike', async () => {
  const [stranger, patient] = await Promise.all([desk.connect('n3'), desk.connect('p1')]);
  for (const client of [stranger, patient]) {
    expect(await client.ask({ t: 'subscribe', room })).toMatchObject({ t: 'err', code: 'forbidden' });
    expect(await client.ask({ t: 'subscribe', room: 'presence:moon:w1' })).toMatchObject({ code: 'forbidden' });
    client.close();
  }
});
