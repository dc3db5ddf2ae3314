/** What a changed right ends, on every gateway and within two seconds. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AccessEntry } from '@carillon/contracts/access';
import type { PersonEntry } from '@carillon/contracts/directory';
import { accessBucket, peopleBucket } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { encode } from '@carillon/bus/request';
import type { Frame, RealtimeClient } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { alertOf, startDesk, type Desk, type RunningGateway } from './desk.ts';

const promisedMs = 2_000;
let desk: Desk;
let other: RunningGateway;
beforeAll(async () => {
  desk = await startDesk();
  other = await desk.startGateway();
});
afterAll(() => desk.stop());

let version = 1;
const putPerson = async (person: string, more: Partial<PersonEntry>): Promise<void> => {
  const bucket = await desk.bus.js.views.kv(peopleBucket);
  const entry: PersonEntry = {
    person,
    hospital: 'h1',
    name: person,
    roles: ['nurse'],
    wards: [],
    caregiverOf: [],
    placement: null,
    version: ++version,
    ...more,
  };
  await bucket.put(`h1.${person}`, encode(entry));
};
let entries = 0;
const putAccess = async (entry: Pick<AccessEntry, 'kind' | 'id'> & Partial<AccessEntry>): Promise<void> => {
  const bucket = await desk.bus.js.views.kv(accessBucket);
  const whole: AccessEntry = { hospital: 'h1', at: Date.now(), until: null, ...entry };
  await bucket.put(`h1.${entry.kind}.e${++entries}`, encode(whole));
};

/** One connection to each gateway, in these rooms. */
const onBoth = (person: string, rooms: readonly string[], claims: Record<string, unknown> = {}) =>
  Promise.all(
    [desk.baseUrl, other.baseUrl].map(async (baseUrl) => {
      const client = await desk.connect(person, { baseUrl, token: await desk.tokenOf(person, claims) });
      for (const room of rooms) expect(await client.ask({ t: 'subscribe', room })).toMatchObject({ t: 'subscribed' });
      return client;
    }),
  );
const within = async <T>(work: Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(patience(promisedMs));
  return result;
};
const unsubscribed = (client: RealtimeClient, room: string): Promise<Frame> =>
  client.expect((frame) => frame.t === 'unsubscribed' && frame['room'] === room, `unsubscribed from ${room}`);
const closeAll = (clients: readonly RealtimeClient[]): void => clients.forEach((client) => client.close());

test('a nurse who leaves a ward is out of its rooms on both gateways, and stays in her own', async () => {
  await putPerson('n8', { wards: ['w1'] });
  const clients = await eventually(async () => {
    const both = await onBoth('n8', [], { roles: ['nurse'] });
    const answers = await Promise.all(both.map((each) => each.ask({ t: 'subscribe', room: 'ward:w1:alerts' })));
    if (answers.every(({ t }) => t === 'subscribed')) return both;
    closeAll(both);
    return undefined;
  });
  for (const client of clients) await client.ask({ t: 'subscribe', room: 'patient:p1:vitals' });
  await putPerson('n8', { wards: ['w2'] });
  for (const room of ['ward:w1:alerts', 'patient:p1:vitals']) {
    const ends = await within(Promise.all(clients.map((client) => unsubscribed(client, room))));
    for (const end of ends) expect(end).toMatchObject({ code: 'relation_ended' });
  }
  const seen = clients.map((client) => client.frames.length);
  await desk.emit(alertOf('p1', { after: true }));
  await desk.emit({ subject: 'person.h1.n8.critical.page.new', event: 'page:new' });
  await Promise.all(clients.map((client) => client.expect(({ t }) => t === 'msg')));
  // Her own room is all that came.
  expect(clients.map((client) => client.frames.length)).toEqual(seen.map((count) => count + 1));
  expect(await clients[0]?.ask({ t: 'subscribe', room: 'ward:w1:alerts' })).toMatchObject({ code: 'forbidden' });
  closeAll(clients);
});

test('a patient who moves to another ward ends the subscriptions of those who cared for him there, event streams too', async () => {
  await putPerson('p5', { roles: ['patient'], placement: { wardId: 'w1', bedId: 'b5' } });
  await eventually(async () => {
    const [probe] = await onBoth('n1', []);
    const answer = await probe?.ask({ t: 'subscribe', room: 'patient:p5' });
    probe?.close();
    return answer?.t === 'subscribed' ? true : undefined;
  });
  const [nurse, , patient] = [...(await onBoth('n1', ['patient:p5'])), await desk.connect('p5')];
  await patient?.ask({ t: 'subscribe', room: 'patient:p5' });
  const stream = await fetch(`${other.baseUrl}/realtime/events?room=patient:p5`, {
    headers: { authorization: `Bearer ${await desk.tokenOf('n1')}` },
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const streamed = (part: string): Promise<void> =>
    within(
      (async () => {
        while (!text.includes(part)) text += (await reader?.read())?.value ?? '';
      })(),
    );
  await streamed('"room":"patient:p5"');
  await putPerson('p5', { roles: ['patient'], placement: { wardId: 'w2', bedId: 'b5' } });
  if (nurse === undefined || patient === undefined) throw new Error('nobody is there');
  await within(unsubscribed(nurse, 'patient:p5'));
  await streamed('event: unsubscribed');
  await desk.emit({ subject: 'care.h1.w2.p5.critical.alert.raised', data: { moved: true } });
  expect(await patient.expect(({ t }) => t === 'msg')).toMatchObject({ room: 'patient:p5' });
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new' });
  await streamed('page:new');
  expect(text).not.toContain('moved');
  await reader?.cancel();
  closeAll([nurse, patient]);
});

test.each([
  ['a token', { kind: 'token', id: 't-77' }, { jti: 't-77' }, { code: 4101, reason: 'tokenRevoked' }],
  ['a device', { kind: 'device', id: 'phone-7' }, { device: 'phone-7' }, { code: 4101, reason: 'tokenRevoked' }],
  ['a logout', { kind: 'token', id: 't-78', isLogout: true }, { jti: 't-78' }, { code: 4440, reason: 'loggedOut' }],
  ['an operator', { kind: 'disconnect', id: 'd1' }, {}, { code: 4440, reason: 'loggedOut' }],
  // The last: no token of before is good any more.
  ['a person', { kind: 'person', id: 'd1' }, {}, { code: 4101, reason: 'tokenRevoked' }],
] as const)(
  '%s ends the connections that it is about on both gateways, and no others',
  async (_, entry, claims, end) => {
    const issuedAt = Math.floor(Date.now() / 1000) - 5;
    const clients = await onBoth('d1', ['ward:w1:alerts'], { iat: issuedAt, ...claims });
    const colleague = await desk.connect('n1');
    await putAccess(entry);
    expect(await within(Promise.all(clients.map((client) => client.closed)))).toEqual([end, end]);
    expect(await colleague.ask({ t: 'subscribe', room: 'ward:w1:alerts' })).toMatchObject({ t: 'subscribed' });
    colleague.close();
  },
);

test('an operator takes a person out of one room; the right to it stays', async () => {
  const clients = await onBoth('n1', ['ward:w1:alerts', 'patient:p2']);
  await putAccess({ kind: 'subscription', id: 'n1', room: 'ward:w1:alerts' });
  const ends = await within(Promise.all(clients.map((client) => unsubscribed(client, 'ward:w1:alerts'))));
  for (const end of ends) expect(end).toMatchObject({ code: 'ended' });
  const [first] = clients;
  expect(await first?.ask({ t: 'subscribe', room: 'ward:w1:alerts' })).toMatchObject({ t: 'subscribed' });
  closeAll(clients);
});

test('the room of the own hospital is ended by either of its names', async () => {
  const client = await desk.connect('n1');
  expect(await client.ask({ t: 'subscribe', room: 'hospital:h1' })).toMatchObject({ t: 'subscribed' });
  await putAccess({ kind: 'subscription', id: 'n1', room: 'system' });
  expect(await within(unsubscribed(client, 'hospital:h1'))).toMatchObject({ code: 'ended' });
  client.close();
});

test('a connection that goes on with another token loses what only the first one was for', async () => {
  const client = await desk.connect('n1');
  await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  const token = await desk.tokenOf('n1', { roles: ['operator'] });
  expect(await client.ask({ t: 'reauth', token })).toMatchObject({ t: 'ok' });
  expect(await unsubscribed(client, 'ward:w1:alerts')).toMatchObject({ code: 'relation_ended' });
  client.close();
});

test('a patient who moves while what was missed is read is not shown to those who asked for it', async () => {
  await putPerson('p8', { roles: ['patient'], placement: { wardId: 'w1', bedId: 'b8' } });
  for (let count = 0; count < 150; count++) await desk.emit(alertOf('p8', { count }));
  let goOn: () => void = () => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  let asked = 0;
  // What is older than its ring is read from the stream, and that takes until the test says so.
  const slow = await desk.startGateway({ CARILLON_RING_MESSAGES: '100' }, (bus) => ({
    ...bus,
    jsm: Object.assign(Object.create(bus.jsm) as Bus['jsm'], {
      consumers: Object.assign(Object.create(bus.jsm.consumers) as Bus['jsm']['consumers'], {
        delete: async (...args: Parameters<Bus['jsm']['consumers']['delete']>) => bus.jsm.consumers.delete(...args),
        add: async (...args: Parameters<Bus['jsm']['consumers']['add']>) => {
          asked++;
          await held;
          return bus.jsm.consumers.add(...args);
        },
      }),
    }),
  }));
  const nurse = await desk.connect('n1', { baseUrl: slow.baseUrl });
  const { pos } = (await nurse.ask({ t: 'subscribe', room: 'patient:p8' })) as { pos?: string };
  await nurse.ask({ t: 'unsubscribe', room: 'patient:p8' });
  const from = String(pos).replace(/-.*/, '-0');
  const answer = nurse.ask({ t: 'subscribe', room: 'patient:p8', from });
  const stream = await fetch(
    `${slow.baseUrl}/realtime/events?room=patient:p8&room=ward:w1:alerts&lastEventId=CARE:${from}`,
    {
      headers: { authorization: `Bearer ${await desk.tokenOf('n1')}` },
    },
  );
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  await eventually(() => (asked > 0 ? true : undefined));
  const colleague = await desk.connect('n1', { baseUrl: slow.baseUrl });
  await colleague.ask({ t: 'subscribe', room: 'patient:p8' });
  await putPerson('p8', { roles: ['patient'], placement: { wardId: 'w2', bedId: 'b8' } });
  await unsubscribed(colleague, 'patient:p8');
  goOn();
  expect(await answer).toMatchObject({ t: 'err', code: 'forbidden' });
  let text = '';
  while (!text.includes('"room":"ward:w1:alerts"')) text += (await reader?.read())?.value ?? '';
  expect(text).toContain('event: unsubscribed');
  expect(text).not.toContain('"t":"msg","room":"patient:p8"');
  expect(nurse.frames.filter(({ t }) => t === 'msg')).toEqual([]);
  await reader?.cancel();
  closeAll([nurse, colleague]);
});

test('who watched whether a patient is there is out when he moves to another ward', async () => {
  await putPerson('p9', { roles: ['patient'], placement: { wardId: 'w1', bedId: 'b9' } });
  const nurse = await desk.connect('n1');
  await eventually(async () =>
    (await nurse.ask({ t: 'subscribe', room: 'presence:person:p9' })).t === 'subscribed' ? true : undefined,
  );
  const stream = await fetch(`${desk.baseUrl}/realtime/events?room=presence:person:p9`, {
    headers: { authorization: `Bearer ${await desk.tokenOf('n1')}` },
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  await putPerson('p9', { roles: ['patient'], placement: { wardId: 'w2', bedId: 'b9' } });
  expect(await within(unsubscribed(nurse, 'presence:person:p9'))).toMatchObject({ code: 'relation_ended' });
  let text = '';
  while (!text.includes('event: unsubscribed')) text += (await reader?.read())?.value ?? '';
  await reader?.cancel();
  nurse.close();
});

test('while the news of rights may be missing nothing goes out, and then all of it does', async () => {
  const client = await desk.connect('n1');
  await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  const { nats } = desk.infrastructure;
  nats.kill();
  await desk.infrastructure.restartNats();
  // The right is taken in the moment in which everybody comes back.
  await eventually(() =>
    putPerson('n1', { wards: ['w2'] }).then(
      () => true,
      () => undefined,
    ),
  );
  const end = await unsubscribed(client, 'ward:w1:alerts');
  const endedAt = client.frames.indexOf(end);
  await desk.emit(alertOf('p1', { late: true }));
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new' });
  await client.expect((frame) => frame.t === 'msg' && frame['room'] === 'person:n1');
  expect(
    client.frames.slice(endedAt).filter((frame) => frame['room'] === 'ward:w1:alerts' && frame.t === 'msg'),
  ).toEqual([]);
  client.close();
});
