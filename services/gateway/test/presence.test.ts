/** Who is there, over several gateways, whatever happens to them and to NATS. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { lastSeenBucket } from '@carillon/contracts/presence';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { watchEntries } from '../src/presence/watch.ts';
import { startHouse, timing, type House, type HouseGateway, type Listener } from './presence-house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse([
    { person: 'n1', roles: ['nurse'], wards: ['w1'] },
    { person: 'n2', roles: ['nurse'], wards: ['w1'] },
    { person: 'd1', roles: ['doctor'], wards: ['w1', 'w2'] },
  ]);
});
afterEach(() => house.clear());
afterAll(() => house.stop());

const ward = 'presence:ward:w1';
const arrive = (gateway: HouseGateway, person: string, id: string, tab?: string) => {
  gateway.presence.arrive(house.who(person), { id, tab });
  return { leave: () => gateway.presence.leave(house.who(person), id) };
};
const set = (gateway: HouseGateway, person: string, connection: string | undefined, data: unknown) =>
  gateway.presence.call({ who: house.who(person), connection, operation: 'presence:set', data });
const saidOf = ({ frames }: Listener, person: string): string[] =>
  frames.flatMap(({ ev, data }) => (ev === 'presence:changed' && data.person === person ? [data.state] : []));
const heard = (listener: Listener, person: string, state: string) =>
  eventually(() => (saidOf(listener, person).at(-1) === state ? listener.frames : undefined), {
    what: `${person} ${state} in the room`,
  });
const twoGateways = () => Promise.all([house.startGateway('a'), house.startGateway('b')]);
const stored = async (person: string): Promise<number | undefined> => {
  const bucket = await house.administrator.js.views.kv(lastSeenBucket);
  return (await bucket.get(`h1.${person}`))?.json<{ at: number }>().at;
};

test('who comes to one gateway is seen on the other, with counts', async () => {
  const [a, b] = await twoGateways();
  const listener = b.listen('n2', ward);
  expect(listener.snapshot).toMatchObject({
    scope: 'ward',
    id: 'w1',
    isListed: true,
    counts: { offline: 3, online: 0 },
  });
  expect(listener.snapshot.people.map(({ person }) => person).sort()).toEqual(['d1', 'n1', 'n2']);
  arrive(a, 'n1', 'c1');
  await heard(listener, 'n1', 'online');
  expect(listener.frames).toEqual([
    expect.objectContaining({
      t: 'msg',
      room: ward,
      ev: 'presence:changed',
      data: {
        person: 'n1',
        name: 'n1',
        roles: ['nurse'],
        state: 'online',
        since: expect.any(String),
        lastSeenAt: null,
      },
    }),
    expect.objectContaining({
      ev: 'presence:counted',
      data: { counts: { offline: 2, away: 0, online: 1, busy: 0, inCall: 0 } },
    }),
  ]);
  expect(listener.keys).toEqual(['n1', 'counts']);
  arrive(b, 'd1', 'c2');
  await heard(listener, 'd1', 'online');
  const versions = ['n1', 'd1'].map((id) => listener.frames.find(({ data }) => data.person === id)?.version ?? 0);
  expect(versions).toEqual([...versions].sort((one, other) => one - other));
  expect(Math.abs((versions[0] ?? 0) - Date.now())).toBeLessThan(10_000);
});

test('of several devices the most telling counts, wherever they are connected', async () => {
  const [a, b] = await twoGateways();
  const listener = b.listen('n2', ward);
  arrive(a, 'n1', 'desk');
  arrive(b, 'n1', 'phone');
  await house.agreed('n1', 'online');
  await set(a, 'n1', 'desk', { state: 'away' });
  await set(b, 'n1', 'phone', { state: 'inCall' });
  await house.agreed('n1', 'inCall');
  await set(a, 'n1', 'desk', { state: 'busy' });
  await set(b, 'n1', 'phone', { state: 'away' });
  await house.agreed('n1', 'busy');
  await set(a, 'n1', 'desk', { state: 'away' });
  await house.agreed('n1', 'away');
  await set(a, 'n1', 'desk', { state: 'online' });
  await heard(listener, 'n1', 'online');
  expect(a.presence.counts()).toMatchObject({ people: 1, gateways: 1 });
});

test('who connects again within the grace, on another gateway, is as busy as before, and nobody sees anything', async () => {
  const [a, b] = await twoGateways();
  const before = arrive(a, 'n1', 'c1', 'tab1');
  const other = arrive(a, 'd1', 'c3');
  await set(a, 'n1', 'c1', { state: 'busy' });
  await house.agreed('d1', 'online');
  await house.agreed('n1', 'busy');
  const listeners = [a.listen('n2', ward), b.listen('n2', ward)];
  before.leave();
  // Another who leaves with him; when he is seen to have gone, whatever there was to see has been seen.
  other.leave();
  arrive(b, 'n1', 'c2', 'tab1');
  for (const listener of listeners) await heard(listener, 'd1', 'offline');
  for (const listener of listeners) expect(saidOf(listener, 'n1')).toEqual([]);
  await house.agreed('n1', 'busy');
});

test('who leaves counts as there for the grace, and was last seen when he left, over restarts of everything', async () => {
  const [a, b] = await twoGateways();
  const connection = arrive(a, 'n1', 'c1');
  const listener = b.listen('n2', ward);
  await house.agreed('n1', 'online');
  const leftAt = Date.now();
  connection.leave();
  connection.leave();
  await heard(listener, 'n1', 'offline');
  expect(Date.now() - leftAt).toBeGreaterThanOrEqual(timing.graceMs - 20);
  const said = listener.frames.findLast(({ ev }) => ev === 'presence:changed');
  expect(Math.abs(Date.parse(said?.data.lastSeenAt ?? '') - leftAt)).toBeLessThan(patience(1_000));
  const at = await eventually(() => stored('n1'));
  expect(Math.abs(at - leftAt)).toBeLessThan(patience(1_000));
  await Promise.all([a.stop(), b.stop()]);
  house.infrastructure.nats.kill();
  await house.infrastructure.restartNats();
  const later = await house.startGateway('later');
  const shown = later.listen('n2', ward).snapshot.people.find(({ person }) => person === 'n1');
  expect(shown).toMatchObject({ state: 'offline', lastSeenAt: new Date(at).toISOString() });
});

test('people of a gateway that was killed leave by age, those that came to another one never left', async () => {
  const [a, b] = await twoGateways();
  arrive(a, 'n1', 'c1', 'tab1');
  arrive(a, 'd1', 'c2', 'tab2');
  await house.agreed('n1', 'online');
  await house.agreed('d1', 'online');
  const listener = b.listen('n2', ward);
  const killedAt = Date.now();
  await a.kill();
  arrive(b, 'd1', 'c3', 'tab2');
  await heard(listener, 'n1', 'offline');
  expect(Date.now() - killedAt).toBeGreaterThanOrEqual(timing.graceMs + timing.deadAfterMs - timing.heartbeatMs * 2);
  expect(saidOf(listener, 'd1')).toEqual([]);
  const at = await eventually(() => stored('n1'));
  expect(Math.abs(at - killedAt)).toBeLessThan(patience(1_000));
  // Who starts later does not take for present what it has left behind.
  const later = await house.startGateway('c');
  expect([await later.stateOf('n1'), await later.stateOf('d1')]).toEqual(['offline', 'online']);
});

test('the only gateway is killed: the next one sees its people leave by age', async () => {
  const a = await house.startGateway('a');
  arrive(a, 'n1', 'c1');
  await eventually(async () => ((await house.keys()).length === 2 ? true : undefined));
  const killedAt = Date.now();
  await a.kill();
  const b = await house.startGateway('b');
  expect(await b.stateOf('n1')).toBe('online');
  await house.agreed('n1', 'offline');
  const at = await eventually(() => stored('n1').then((found) => (found ?? 0) > killedAt - 1_000 || undefined));
  expect(at).toBe(true);
});

test('people of a gateway that ended long ago are gone for who starts now, and were seen when it ended', async () => {
  const first = await house.startGateway('a');
  const bucket = await house.administrator.js.views.kv('presence');
  const endedAt = Date.now() - 60_000;
  const device = { id: 'c1', state: 'busy', since: endedAt - 1_000 };
  await bucket.put('device.old.h1.d1', JSON.stringify({ devices: [device] }));
  await house.agreed('d1', 'busy');
  await first.kill();
  await bucket.put('gateway.old', JSON.stringify({ n: 0, at: endedAt, ended: true }));
  const later = await house.startGateway('b');
  expect(await later.stateOf('d1')).toBe('offline');
});

test('a watch catches up although what it reads is written anew meanwhile', async () => {
  await house.startGateway('a');
  const bucket = await house.administrator.js.views.kv(lastSeenBucket);
  for (let round = 0; round < 40; round++) {
    for (const key of ['x.1', 'x.2', 'x.3']) await bucket.put(key, '{"at":1}');
    const watching = watchEntries(house.administrator, lastSeenBucket, { onEntry: () => {}, onAnew: () => {} });
    // At any moment of its start.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
    await bucket.put(`x.${(round % 3) + 1}`, '{"at":2}');
    (await watching).stop();
  }
});

test('of a gateway that stops in order those who go on to another are not seen to move', async () => {
  const [a, b] = await twoGateways();
  arrive(a, 'n1', 'c1', 'tab1');
  arrive(a, 'd1', 'c2');
  await house.agreed('n1', 'online');
  await house.agreed('d1', 'online');
  const listener = b.listen('n2', ward);
  await a.stop();
  arrive(b, 'n1', 'c3', 'tab1');
  await heard(listener, 'd1', 'offline');
  expect(saidOf(listener, 'n1')).toEqual([]);
  expect(await eventually(() => stored('d1'))).toEqual(expect.any(Number));
});

test('the last gateway to stop remembers when its people were last seen', async () => {
  const a = await house.startGateway('a');
  arrive(a, 'n2', 'c1');
  const stoppedAt = Date.now();
  await a.stop();
  expect(Math.abs(((await stored('n2')) ?? 0) - stoppedAt)).toBeLessThan(patience(1_000));
});

test('a living gateway that was taken for dead says everything anew', async () => {
  const [a, b] = await twoGateways();
  arrive(a, 'n1', 'c1');
  await house.agreed('n1', 'online');
  const listener = b.listen('n2', ward);
  const bucket = await house.administrator.js.views.kv('presence');
  const revision = async () => (await bucket.get(`device.${a.name}.h1.n1`))?.revision ?? 0;
  const before = await revision();
  await bucket.delete(`gateway.${a.name}`);
  await eventually(async () => ((await revision()) > before ? true : undefined), { what: 'the entry written anew' });
  const marker = arrive(a, 'd1', 'c2');
  await heard(listener, 'd1', 'online');
  marker.leave();
  await heard(listener, 'd1', 'offline');
  expect(saidOf(listener, 'n1')).toEqual([]);
  expect(await revision()).toBeGreaterThan(before);
});

test('a bucket that is deleted is made and filled again, and nobody is seen to leave', async () => {
  const [a, b] = await twoGateways();
  arrive(a, 'n1', 'c1');
  arrive(b, 'd1', 'c2');
  await house.agreed('n1', 'online');
  await house.agreed('d1', 'online');
  const listeners = [a.listen('n2', ward), b.listen('n2', ward)];
  await house.administrator.jsm.streams.delete('KV_presence');
  await eventually(
    async () => ((await house.keys()).filter((key) => key.startsWith('device')).length === 2 ? true : undefined),
    { what: 'the bucket made anew' },
  );
  const marker = arrive(a, 'n2', 'c3');
  for (const listener of listeners) await heard(listener, 'n2', 'online');
  marker.leave();
  for (const listener of listeners) await heard(listener, 'n2', 'offline');
  for (const listener of listeners) expect([...saidOf(listener, 'n1'), ...saidOf(listener, 'd1')]).toEqual([]);
});

test('over a kill of nats-server nobody is seen to leave who is connected, and who left meanwhile leaves', async () => {
  const [a, b] = await twoGateways();
  arrive(a, 'n1', 'c1');
  const leaver = arrive(a, 'd1', 'c2');
  await house.agreed('d1', 'online');
  await house.agreed('n1', 'online');
  const listeners = [a.listen('n2', ward), b.listen('n2', ward)];
  house.infrastructure.nats.kill();
  leaver.leave();
  await house.infrastructure.restartNats();
  for (const listener of listeners) {
    await heard(listener, 'd1', 'offline');
    expect(saidOf(listener, 'n1')).toEqual([]);
  }
  await eventually(async () => ((await house.keys()).includes(`device.${a.name}.h1.n1`) ? true : undefined));
});
