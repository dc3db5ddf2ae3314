/** What people say of themselves, who may see it, and what a room shows when the directory changes. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { hospitalPresenceRoom, maxPresenceList, presenceSnapshotSchema } from '@carillon/contracts/presence';
import { validate } from '@carillon/contracts/schema';
import { eventually } from '@carillon/testkit/eventually';
import { startHouse, type House, type HouseGateway } from './presence-house.ts';

let house: House;
let gateway: HouseGateway;
beforeAll(async () => {
  const people: Parameters<typeof startHouse>[0] = [
    { person: 'n1', roles: ['nurse'], wards: ['w1'] },
    { person: 'n3', roles: ['nurse'], wards: ['w2'] },
    { person: 'd1', roles: ['doctor'], wards: ['w1'] },
    { person: 'p1', roles: ['patient'], placement: { wardId: 'w1', bedId: 'b1' } },
    { person: 'p2', roles: ['patient'], placement: { wardId: 'w2', bedId: 'b2' } },
    { person: 'c1', roles: ['caregiver'], caregiverOf: ['p1'] },
    { person: 'o1', roles: ['operator'] },
    { person: 'dev1', roles: ['device'] },
  ];
  house = await startHouse(people, { graceMs: 100, writeAgainMs: 100 });
  gateway = await house.startGateway('a');
});
const connections: { leave(): void }[] = [];
afterEach(async () => {
  for (const each of connections.splice(0)) each.leave();
  await eventually(() => (gateway.presence.counts().people === 0 ? true : undefined));
});
afterAll(() => house.stop());

const arrive = (person: string, id: string, at = gateway) => {
  at.presence.arrive(house.who(person), { id });
  connections.push({ leave: () => at.presence.leave(house.who(person), id) });
};
const call = (person: string, operation: string, data: unknown, connection?: string) =>
  gateway.presence.call({ who: house.who(person), connection, operation, data });

test.each([
  ['n1', 'presence:ward:w1', true],
  ['n1', 'presence:ward:w2', false],
  ['o1', 'presence:ward:w1', false],
  ['p1', 'presence:ward:w1', false],
  ['n1', 'presence:hospital:h1', true],
  ['o1', 'presence:hospital:h1', true],
  ['n1', 'presence:hospital:h2', false],
  ['p1', 'presence:hospital:h1', false],
  ['n1', 'presence:person:n3', true],
  ['o1', 'presence:person:d1', true],
  ['n1', 'presence:person:p1', true],
  ['n1', 'presence:person:p2', false],
  ['o1', 'presence:person:p1', false],
  ['p1', 'presence:person:p1', true],
  ['p1', 'presence:person:n1', false],
  ['c1', 'presence:person:p1', false],
  ['n1', 'presence:person:nobody', false],
  ['n1', 'presence:person:dev1', false],
  ['dev1', 'presence:person:dev1', false],
  ['n1', 'presence:ward:*', false],
  ['n1', 'presence:ward', false],
  ['n1', 'presence:ward:w1:more', false],
  ['n1', 'presence:team:w1', false],
  ['n1', 'ward:w1:alerts', false],
])('%s at %s: %s', async (person, room, isAllowed) => {
  expect(gateway.presence.openRoom(room, house.who(person)) !== undefined).toBe(isAllowed);
  const [, scope, id] = /^presence:(ward|hospital|person):(\w+)$/.exec(room) ?? [];
  if (scope === undefined) return;
  const listed = call(person, 'presence:list', { scope, id });
  if (isAllowed) expect(validate(presenceSnapshotSchema, await listed)).toMatchObject({ ok: true });
  else await expect(listed).rejects.toMatchObject({ code: 'forbidden' });
});

test('whom one may not see, and who is unknown, is left out of an answer alike', async () => {
  arrive('d1', 'k1');
  const answer = await call('n1', 'presence:get', { persons: ['p2', 'd1', 'nobody', 'p1'] });
  expect(answer).toMatchObject({
    people: [
      { person: 'd1', state: 'online' },
      { person: 'p1', state: 'offline', since: null, lastSeenAt: null },
    ],
  });
});

test('an entry that does not change is written again before it goes by age', async () => {
  arrive('n1', 'k1');
  const bucket = await house.administrator.js.views.kv('presence');
  const revision = async () => (await bucket.get(`device.${gateway.name}.h1.n1`))?.revision;
  const first = await eventually(revision);
  await eventually(async () => (((await revision()) ?? 0) > first ? true : undefined));
});

test('devices and services have no presence', () => {
  arrive('dev1', 'k1');
  expect(gateway.presence.counts().people).toBe(0);
});

test('what is said without a connection holds for all devices that are connected, on every gateway', async () => {
  const other = await house.startGateway('b');
  arrive('n1', 'k1');
  arrive('n1', 'k2', other);
  await house.agreed('n1', 'online');
  expect(await call('n1', 'presence:set', { state: 'busy' })).toEqual({ state: 'busy', until: null });
  await house.agreed('n1', 'busy');
  await other.presence.call({
    who: house.who('n1'),
    connection: undefined,
    operation: 'presence:set',
    data: { state: 'away' },
  });
  await house.agreed('n1', 'away');
  // Away, both of them: either alone would have left the other to count.
  await call('n1', 'presence:set', { state: 'online' }, 'k1');
  await house.agreed('n1', 'online');
  await other.stop();
});

test('who has no device connected has nothing to say', async () => {
  await expect(call('d1', 'presence:set', { state: 'busy' })).rejects.toMatchObject({ code: 'conflict' });
  await expect(call('d1', 'presence:set', { state: 'busy' }, 'foreign')).rejects.toMatchObject({ code: 'conflict' });
});

test('a connection speaks for its own person only', async () => {
  arrive('n1', 'k1');
  arrive('d1', 'k2');
  await call('d1', 'presence:set', { state: 'busy' }, 'k1');
  expect(await gateway.stateOf('n1')).toBe('online');
});

test('what is said until a time ends then', async () => {
  arrive('n1', 'k1');
  const listener = gateway.listen('d1', 'presence:person:n1');
  const until = new Date(Date.now() + 700).toISOString();
  expect(await call('n1', 'presence:set', { state: 'busy', until }, 'k1')).toEqual({ state: 'busy', until });
  await eventually(() => (listener.frames.length === 2 ? true : undefined));
  expect(listener.frames.map(({ ev, data }) => [ev, data.state])).toEqual([
    ['presence:changed', 'busy'],
    ['presence:changed', 'online'],
  ]);
  listener.leave();
});

test.each([
  { state: 'offline' },
  { state: 'busy', until: '2020-01-01T00:00:00Z' },
  { state: 'busy', until: '2999-01-01T00:00:00Z' },
  { state: 'busy', until: 'noon' },
  { state: 'busy', why: 'lunch' },
  null,
])('%j is no word of presence', async (data) => {
  arrive('n1', 'k1');
  await expect(call('n1', 'presence:set', data, 'k1')).rejects.toMatchObject({ code: 'bad_input' });
});

test('every frame fits the contract', async () => {
  const listener = gateway.listen('o1', 'presence:hospital:h1');
  expect(validate(presenceSnapshotSchema, listener.snapshot)).toMatchObject({ ok: true });
  arrive('n1', 'k1');
  await eventually(() => (listener.frames.length >= 2 ? true : undefined));
  for (const { ev, data } of listener.frames) {
    const event = hospitalPresenceRoom.events.find(({ name }) => name === ev);
    expect(event === undefined ? ev : validate(event.data, data)).toMatchObject({ ok: true });
  }
  listener.leave();
});

test('a hospital shows its staff, and of patients and caregivers how many', async () => {
  const listener = gateway.listen('o1', 'presence:hospital:h1');
  expect(listener.snapshot.people.map(({ person }) => person).sort()).toEqual(['d1', 'n1', 'n3', 'o1']);
  arrive('p1', 'k1');
  await eventually(() => (listener.frames.length > 0 ? true : undefined));
  expect(listener.frames.map(({ ev }) => ev)).toEqual(['presence:counted']);
  expect(listener.frames[0]?.data).toMatchObject({
    counts: { online: 0, offline: 4 },
    byRole: { patient: { online: 1, offline: 1 }, nurse: { online: 0, offline: 2 }, caregiver: { offline: 1 } },
  });
  listener.leave();
});

test('who moves to another ward leaves the room of the one and comes to the other', async () => {
  arrive('n3', 'k1');
  const old = gateway.listen('n3', 'presence:ward:w2');
  const next = gateway.listen('n1', 'presence:ward:w1');
  await house.putPerson({ person: 'n3', roles: ['nurse'], wards: ['w1'] });
  await eventually(() => (old.frames.length >= 2 && next.frames.length >= 2 ? true : undefined));
  expect(old.frames.map(({ ev, data }) => [ev, data.person])).toEqual([
    ['presence:left', 'n3'],
    ['presence:counted', undefined],
  ]);
  expect(next.frames[0]).toMatchObject({ ev: 'presence:changed', data: { person: 'n3', state: 'online' } });
  expect(gateway.presence.openRoom('presence:ward:w2', house.who('n3'))).toBeUndefined();
  await house.putPerson({ person: 'n3', roles: ['nurse'], wards: ['w2'] });
  await eventually(() =>
    gateway.presence.openRoom('presence:ward:w2', house.who('n3')) === undefined ? undefined : true,
  );
  old.leave();
  next.leave();
});

test('a room that everybody has left is forgotten', () => {
  const listeners = [gateway.listen('n1', 'presence:ward:w1'), gateway.listen('d1', 'presence:ward:w1')];
  expect(gateway.presence.counts()).toMatchObject({ rooms: 1, members: 2 });
  for (const listener of listeners) listener.leave();
  listeners[0]?.leave();
  expect(gateway.presence.counts()).toMatchObject({ rooms: 0, members: 0 });
});

test('a hospital with more people than a list holds shows counts only', async () => {
  const many = Array.from({ length: maxPresenceList }, (_, index) => `m${index}`);
  await Promise.all(many.map((person) => house.putPerson({ person, roles: ['nurse'] })));
  const listener = await eventually(() => {
    const opened = gateway.listen('o1', 'presence:hospital:h1');
    if (!opened.snapshot.isListed) return opened;
    opened.leave();
    return undefined;
  });
  expect(listener.snapshot).toMatchObject({ people: [], counts: { offline: maxPresenceList + 4 } });
  arrive('m7', 'k1');
  await eventually(() => (listener.frames.length > 0 ? true : undefined));
  expect(listener.frames.map(({ ev, data }) => [ev, data.counts.online])).toEqual([['presence:counted', 1]]);
  listener.leave();
});
