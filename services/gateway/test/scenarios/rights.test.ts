/** Rights that end while messages flow: within two seconds nothing more comes, on whichever gateway. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AccessEntry } from '@carillon/contracts/access';
import type { PersonEntry } from '@carillon/contracts/directory';
import { accessSubject, peopleSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { alertOf, startDesk, type Desk, type RunningGateway } from '../desk.ts';
import { runScenario, type World } from './world.ts';

let desk: Desk;
let second: RunningGateway;
/** It waits for the grace of a token, which is 25 s; the others run meanwhile. */
let expired: Promise<void>;
beforeAll(async () => {
  desk = await startDesk();
  second = await desk.startGateway();
  expired = runScenario(desk, expiry, { isAlone: false });
  // Told by its test.
  expired.catch(() => {});
});
afterAll(() => desk.stop());

/** Promised; a busy machine is given more, and not by so much that a right that never ends would pass. */
const withinMs = (): number => patience(2_000);
const seconds = (): number => Math.floor(Date.now() / 1_000);
const put = (entry: Pick<AccessEntry, 'kind' | 'id'> & Partial<AccessEntry>): Promise<void> =>
  publish(desk.bus, {
    subject: accessSubject('h1', entry.kind, crypto.randomUUID()),
    body: encode({ hospital: 'h1', at: Date.now(), until: null, ...entry }),
    headers: {},
  });
let version = 1;
const putPerson = (person: string, more: Partial<PersonEntry>): Promise<void> => {
  const entry: PersonEntry = {
    person,
    hospital: 'h1',
    name: person,
    roles: ['nurse'],
    wards: ['w1'],
    caregiverOf: [],
    placement: null,
    version: ++version,
    ...more,
  };
  return publish(desk.bus, { subject: peopleSubject('h1', person), body: encode(entry), headers: {} });
};
const countOf = (client: { journal: { entries: readonly unknown[] } }): number => client.journal.entries.length;

test('whose token or person is revoked gets nothing two seconds later on either gateway, and does not come in again', async () => {
  await runScenario(desk, async (world) => {
    const iat = seconds() - 60;
    const on = [desk.gateway, second];
    const revoked = on.flatMap(({ port }) => [
      world.client({
        person: 'n3',
        rooms: ['ward:w2:alerts', 'patient:p7'],
        port: () => port,
        token: () => desk.tokenOf('n3', { iat }),
      }),
      world.client({ person: 'd1', port: () => port, token: () => desk.tokenOf('d1', { iat, jti: 'lost' }) }),
    ]);
    const others = on.map(({ port }) => world.client({ person: 'd1', port: () => port }));
    await world.live([...revoked, ...others]);
    const flow = world.flow(50, () => (world.random.next() < 0.5 ? alertOf('p1') : alertOf('p7', {}, 'w2')));
    await eventually(() => revoked.every((client) => countOf(client) > 10) || undefined, { what: 'messages' });
    const at = Date.now();
    await Promise.all([put({ kind: 'person', id: 'n3' }), put({ kind: 'token', id: 'lost' })]);
    for (const client of revoked) world.excuse(client);
    await eventually(() => revoked.every(({ connections }) => connections.length > 2) || undefined, {
      what: 'that they tried again',
    });
    for (const { connections } of revoked) {
      expect(connections[0]?.code).toBe(4101);
      expect(connections.slice(1).every(({ readyAt }) => readyAt === undefined)).toBe(true);
    }
    world.ended({ person: 'n3', at, withinMs: withinMs() });
    // d1 has another token, on whose connections all goes on.
    const countsThen = others.map(countOf);
    await eventually(
      () => others.every((client, index) => countOf(client) > (countsThen[index] ?? 0) + 100) || undefined,
    );
    expect(
      revoked.flatMap(({ journal }) => journal.entries).filter(({ at: cameAt }) => cameAt > at + withinMs()),
    ).toEqual([]);
    await flow.stop();
  });
});

test('whose relation ends is put out of the room within two seconds, also while his replay is read', async () => {
  await putPerson('n5', {});
  await runScenario(desk, async (world) => {
    const rooms = ['ward:w1:alerts', 'patient:q1'];
    const nurses = [desk.gateway, second].map(({ port }) => world.client({ person: 'n1', rooms, port: () => port }));
    const small = await world.gateway({ CARILLON_RING_MESSAGES: '100' });
    const line = await world.line(small);
    const replaying = world.client({
      person: 'n5',
      rooms,
      port: () => line.port,
      token: () => desk.tokenOf('n5', { roles: ['nurse'] }),
    });
    const doctor = world.client({ person: 'd1' });
    await world.live([...nurses, replaying, doctor]);
    // He comes back to eight megabytes in each room, over a link that takes very long for it.
    line.cut('reset');
    await line.refuse();
    const filling = 'x'.repeat(40_000);
    for (let count = 0; count < 200; count++) await world.emit(alertOf('q1', { filling }));
    line.inject('toClient', { bytesPerSecond: 100_000 });
    await line.accept();
    const flow = world.flow(50, () => alertOf('q1'));
    const before = countOf(replaying);
    await eventually(() => countOf(replaying) > before + 10 || undefined, { what: 'the replay' });
    const at = Date.now();
    await Promise.all(['n1', 'n5'].map((person) => putPerson(person, { wards: [] })));
    await eventually(() => nurses.every((client) => client.rooms().length === 0) || undefined, {
      withinMs: withinMs(),
      what: 'that they are out',
    });
    for (const { journal } of nurses) {
      const ends = journal.entries.flatMap((entry) => (entry.kind === 'left' ? [`${entry.room} ${entry.reason}`] : []));
      expect(ends.sort()).toEqual(['patient:q1 relation_ended', 'ward:w1:alerts relation_ended']);
    }
    world.ended({ person: 'n1', at, withinMs: withinMs() });
    world.ended({ person: 'n5', at, withinMs: withinMs(), isOnSlowLine: true });
    const then = countOf(doctor);
    await eventually(() => countOf(doctor) > then + 50 || undefined, { what: 'that the others go on' });
    line.heal();
    await eventually(() => replaying.rooms().length === 0 || undefined, { what: 'that he is out' });
    // What waited for the line was thrown away.
    expect(countOf(replaying)).toBeLessThan(before + 350);
    await flow.stop();
  });
});

/** A patient of another ward, whose messages come to nobody of the other scenarios. */
const expiry = async (world: World): Promise<void> => {
  const gateway = await world.gateway({ CARILLON_RING_MESSAGES: '100', CARILLON_PING_MS: '60000' });
  const line = await world.line(gateway);
  const expiresAt = seconds() + 20;
  let isOld = true;
  const client = world.client({
    person: 'p8',
    rooms: ['patient:p8'],
    port: () => line.port,
    token: () => desk.tokenOf('p8', isOld ? { exp: expiresAt } : {}),
    isForgetful: true,
  });
  await world.live([client]);
  line.cut('reset');
  await line.refuse();
  for (let count = 0; count < 100; count++) await world.emit(alertOf('p8', { filling: 'x'.repeat(60_000) }, 'w3'));
  line.inject('toClient', { bytesPerSecond: 100_000 });
  await line.accept();
  const before = countOf(client);
  await eventually(() => countOf(client) > before + 2 || undefined, { what: 'the replay' });
  // It is asked for a new one at once, and has the grace of 25 s.
  await eventually(async () => ((await desk.metric('carillon_connections', gateway)) === 0 ? true : undefined), {
    withinMs: patience(40_000),
    what: 'the end of the token',
  });
  expect(countOf(client)).toBeLessThan(before + 100);
  isOld = false;
  line.heal();
  await eventually(() => client.connections.some(({ code }) => code === 4100) || undefined, { what: '4100' });
  await world.live([client]);
};

test(
  'a token that expires in the middle of a replay ends the connection with 4100, and the rest comes with a new one',
  () => expired,
  120_000,
);
