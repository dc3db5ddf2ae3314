/** The promise of a room: everything after its position, in order, once. Members join while messages flow. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { encode } from '@carillon/bus/request';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { streamState } from '@carillon/bus/stream-reader';
import { createLogger } from '@carillon/runtime/log';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createHub, type Hub, type Joined } from '../src/hub.ts';
import type { Member } from '../src/member.ts';
import { parseRoom, type Room } from '../src/rooms.ts';
import { sequenceOf } from './desk.ts';

let infrastructure: Infrastructure;
let bus: Bus;
const hubs: Hub[] = [];
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'hubs' });
});
afterEach(async () => {
  for (const hub of hubs.splice(0)) hub.stop();
  await bus.jsm.streams.delete('CARE').catch(() => false);
});
afterAll(async () => {
  await bus.close();
  await infrastructure.stop();
});

const log = createLogger('test', { level: 'silent', file: '' });
const freshStream = () => provisionStreams(bus, ['CARE'], { replicas: 1 });
const startHub = async (ringMessages: number): Promise<Hub> => {
  const hub = await createHub({ bus, stream: 'CARE', ringMessages, log });
  hubs.push(hub);
  return hub;
};
const roomOf = (name: string): Room => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  return room;
};
const ward = roomOf('ward:w1:alerts');
const publish = (count: number, patient = 'p1'): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, () => bus.js.publish(`care.h1.w1.${patient}.critical.alert.raised`, encode({}))),
  );

type Listener = Member & { joined: Joined[]; got: { pos: number; prev: number }[]; resets: string[] };
const listener = (): Listener => {
  const self: Listener = {
    joined: [],
    got: [],
    resets: [],
    deliver({ frames }) {
      for (const { text } of frames) {
        const { pos, prev } = JSON.parse(text.toString()) as { pos: string; prev: string };
        self.got.push({ pos: sequenceOf(pos), prev: sequenceOf(prev) });
      }
    },
    reset: (_, reason) => self.resets.push(reason),
  };
  return self;
};
const join = async (hub: Hub, from?: string, member = listener(), room = ward): Promise<Listener> => {
  await hub.join([room], member, from, (_, joined) => member.joined.push(joined));
  return member;
};
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
const positions = (member: Listener): number[] => member.got.map(({ pos }) => pos);
const seen = (member: Listener, last: number) =>
  eventually(() => (positions(member).at(-1) === last ? true : undefined), { what: `message ${last}` });
const epochOf = async (): Promise<string> => (await streamState(bus, 'CARE')).epoch;

/** The rule of protocol.md, by which a client knows a hole. */
const holes = ({ got, joined }: Listener): number => {
  const floor = sequenceOf(joined.at(-1)?.position);
  let last = 0;
  return got.filter(({ pos, prev }) => {
    const isHole = prev > floor && prev > last;
    last = pos;
    return isHole;
  }).length;
};

test('many who join while messages flow each see everything after their position once and in order', async () => {
  await freshStream();
  let total = 900;
  await publish(total);
  // A ring smaller than what is asked for: some are served from it, some from the stream, some from both.
  const hub = await startHub(500);
  const epoch = await epochOf();
  let isFlowing = true;
  const flow = (async () => {
    // Never more than a replay may hold, or `lost` would be the right answer.
    while (isFlowing && total < 4_900) {
      await publish(5);
      total += 5;
    }
  })();
  const joining: Promise<{ member: Listener; from: number | undefined }>[] = [];
  for (let index = 0; index < 120; index++) {
    const from = index % 4 === 0 ? undefined : (index * 31) % 900;
    joining.push(join(hub, from === undefined ? undefined : `${epoch}-${from}`).then((member) => ({ member, from })));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const joined = await Promise.all(joining);
  isFlowing = false;
  await flow;
  await Promise.all(joined.map(({ member }) => seen(member, total)));
  for (const { member, from } of joined) {
    expect(member.joined).toHaveLength(1);
    expect(member.joined[0]?.recovery).toBe(from === undefined ? 'fresh' : 'complete');
    const first = from ?? sequenceOf(member.joined[0]?.position);
    expect(positions(member)).toEqual(range(first + 1, total));
    expect(holes(member)).toBe(0);
  }
});

test('a resume that is older than a full ring ends, though messages never stop', async () => {
  await freshStream();
  for (let batch = 0; batch < 6; batch++) await publish(500);
  const hub = await startHub(2_000);
  let isFlowing = true;
  const flow = (async () => {
    while (isFlowing) await publish(5);
  })();
  const quiet = await join(hub, `${await epochOf()}-10`, listener(), roomOf('patient:p2'));
  isFlowing = false;
  await flow;
  expect(quiet.joined[0]?.recovery).toBe('complete');
});

test('the chain of prev goes through one room, whatever else passes in the stream', async () => {
  await freshStream();
  const hub = await startHub(1_000);
  const first = await join(hub, undefined, listener(), roomOf('patient:p1'));
  await publish(1, 'p1');
  await publish(2, 'p2');
  await publish(1, 'p1');
  await seen(first, 4);
  expect(first.got).toEqual([
    { pos: 1, prev: 0 },
    { pos: 4, prev: 1 },
  ]);
  const second = await join(hub, `${await epochOf()}-2`, listener(), roomOf('patient:p1'));
  await publish(1, 'p2');
  await publish(1, 'p1');
  await seen(second, 6);
  expect(second.got).toEqual([
    { pos: 4, prev: 2 },
    { pos: 6, prev: 4 },
  ]);
  expect([holes(first), holes(second)]).toEqual([0, 0]);
});

test('who joined and left while others stay gets nothing, and a room that nobody is in is forgotten', async () => {
  await freshStream();
  const hub = await startHub(1_000);
  const [stays, leaves] = [await join(hub), await join(hub)];
  expect(hub.counts()).toMatchObject({ rooms: 1, members: 2 });
  hub.leave(ward, leaves);
  hub.leave(ward, leaves);
  await publish(3);
  await seen(stays, 3);
  expect(leaves.got).toEqual([]);
  hub.leave(ward, stays);
  expect(hub.counts()).toMatchObject({ rooms: 0, members: 0 });
});

test('a member that leaves while a message goes round keeps nobody else from it', async () => {
  await freshStream();
  const hub = await startHub(1_000);
  const leaver = listener();
  leaver.deliver = () => hub.leave(ward, leaver);
  await join(hub, undefined, leaver);
  const stays = await join(hub);
  await publish(2);
  await seen(stays, 2);
  expect(hub.counts().members).toBe(1);
});

test.each([
  ['no position', 'what'],
  ['an old epoch', 'zz-1'],
  ['a position that is to come', 'EPOCH-999'],
  ['a position with a sign', 'EPOCH--1'],
])('from %s is lost, and what comes then is live', async (_, from) => {
  await freshStream();
  await publish(5);
  const hub = await startHub(1_000);
  const member = await join(hub, from.replace('EPOCH', await epochOf()));
  const position = `${await epochOf()}-5`;
  expect(member.joined).toEqual([{ position, recovery: 'lost', resumeAt: position }]);
  await publish(1);
  await seen(member, 6);
  expect(positions(member)).toEqual([6]);
});

test('5,000 messages are replayed, 5,001 are lost, from the ring and from the stream', async () => {
  await freshStream();
  for (let batch = 0; batch < 6; batch++) await publish(1_000);
  const epoch = await epochOf();
  for (const ringMessages of [100, 20_000]) {
    const hub = await startHub(ringMessages);
    const complete = await join(hub, `${epoch}-1000`);
    expect(complete.joined[0]?.recovery).toBe('complete');
    expect(positions(complete)).toEqual(range(1_001, 6_000));
    const lost = await join(hub, `${epoch}-999`);
    expect(lost.joined[0]).toMatchObject({ position: `${epoch}-6000`, recovery: 'lost' });
    expect(lost.got).toEqual([]);
  }
});

test('two rooms joined at once while messages flow get one replay in order, each copy once', async () => {
  await freshStream();
  await publish(400);
  // A ring smaller than what is asked for, so that rooms are read one by one and brought together.
  const hub = await startHub(100);
  const epoch = await epochOf();
  const both = [ward, roomOf('patient:p1')];
  let isFlowing = true;
  let total = 400;
  const flow = (async () => {
    while (isFlowing && total < 2_400) {
      await publish(3);
      await publish(2, 'p2');
      total += 5;
    }
  })();
  const copies = new Map<Member, string[]>();
  const joins = await Promise.all(
    range(0, 11).map(async (index) => {
      const got: string[] = [];
      const member: Member = {
        isInStreamOrder: true,
        deliver: ({ frames }) => frames.forEach(({ message, room }) => got.push(`${message.sequence} ${room.name}`)),
        reset: () => {},
      };
      copies.set(member, got);
      const joined: Joined[] = [];
      await hub.join(both, member, `${epoch}-${index * 35}`, (_, each) => joined.push(each));
      return { member, joined, from: index * 35 };
    }),
  );
  isFlowing = false;
  await flow;
  const { lastSequence } = await streamState(bus, 'CARE');
  const witness = await join(hub, `${epoch}-0`);
  await seen(witness, lastSequence);
  const patients = new Set(positions(await join(hub, `${epoch}-0`, listener(), roomOf('patient:p1'))));
  for (const { member, joined, from } of joins) {
    expect(joined.map(({ recovery }) => recovery)).toEqual(['complete', 'complete']);
    expect(joined[1]?.resumeAt).toBe(`${epoch}-${from}`);
    const due = range(from + 1, lastSequence).flatMap((sequence) =>
      patients.has(sequence)
        ? [`${sequence} patient:p1`, `${sequence} ward:w1:alerts`]
        : [`${sequence} ward:w1:alerts`],
    );
    expect(copies.get(member)).toEqual(due);
  }
});

test('who is in several rooms hears of a break once, with the position from which he goes on', async () => {
  await freshStream();
  await publish(10);
  const hub = await startHub(100);
  const resets: string[] = [];
  const member: Member = {
    deliver: () => {},
    reset: (rooms, reason, position) => resets.push([...rooms.map(({ name }) => name), reason, position].join(' ')),
  };
  await hub.join([ward, roomOf('patient:p1')], member, undefined, () => {});
  await bus.jsm.streams.delete('CARE');
  await freshStream();
  await eventually(() => (resets.length > 0 ? true : undefined), { what: 'the reset' });
  expect(resets).toEqual([`ward:w1:alerts patient:p1 epoch ${await epochOf()}-0`]);
});

test('what retention took is lost, the position right before what is left is complete', async () => {
  await freshStream();
  await publish(200);
  const hub = await startHub(100);
  // As age or bytes would take them.
  await bus.jsm.streams.purge('CARE', { seq: 51 });
  const epoch = await epochOf();
  expect((await join(hub, `${epoch}-49`)).joined[0]?.recovery).toBe('lost');
  const held = await join(hub, `${epoch}-50`);
  expect(held.joined[0]?.recovery).toBe('complete');
  expect(positions(held)).toEqual(range(51, 200));
});

test('what retention takes while it is read is lost, and not called complete', async () => {
  await freshStream();
  await publish(200);
  const epoch = await epochOf();
  // Between the look at the stream and the reading of it.
  const purging: Bus = {
    ...bus,
    jsm: Object.assign(Object.create(bus.jsm) as Bus['jsm'], {
      consumers: Object.assign(Object.create(bus.jsm.consumers) as Bus['jsm']['consumers'], {
        add: async (...args: Parameters<Bus['jsm']['consumers']['add']>) => {
          await bus.jsm.streams.purge('CARE', { seq: 51 });
          return bus.jsm.consumers.add(...args);
        },
      }),
    }),
  };
  const hub = await createHub({ bus: purging, stream: 'CARE', ringMessages: 100, log });
  hubs.push(hub);
  const member = await join(hub, `${epoch}-10`);
  expect(member.joined[0]?.recovery).toBe('lost');
  expect(member.got).toEqual([]);
});

test('a stream that was deleted and made again resets who is there, and makes every old position worthless', async () => {
  await freshStream();
  await publish(10);
  const hub = await startHub(1_000);
  const oldEpoch = await epochOf();
  const member = await join(hub);
  await bus.jsm.streams.delete('CARE');
  await freshStream();
  await publish(12);
  await eventually(() => (member.resets.length > 0 ? true : undefined), { what: 'the reset' });
  expect(member.resets).toEqual(['epoch']);
  await seen(member, 12);
  expect(positions(member)).toEqual(range(1, 12));
  expect(await epochOf()).not.toBe(oldEpoch);
  for (const sequence of [0, 5, 10]) {
    expect((await join(hub, `${oldEpoch}-${sequence}`)).joined[0]?.recovery).toBe('lost');
  }
  const resumed = await join(hub, `${await epochOf()}-4`);
  expect(resumed.joined[0]?.recovery).toBe('complete');
  expect(positions(resumed)).toEqual(range(5, 12));
});

test('a resume that was under way when the stream became another is lost', async () => {
  await freshStream();
  await publish(200);
  const oldEpoch = await epochOf();
  let goOn: () => void = () => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const holding: Bus = {
    ...bus,
    jsm: Object.assign(Object.create(bus.jsm) as Bus['jsm'], {
      consumers: Object.assign(Object.create(bus.jsm.consumers) as Bus['jsm']['consumers'], {
        delete: async (...args: Parameters<Bus['jsm']['consumers']['delete']>) => bus.jsm.consumers.delete(...args),
        add: async (...args: Parameters<Bus['jsm']['consumers']['add']>) => {
          const added = await bus.jsm.consumers.add(...args);
          await held;
          return added;
        },
      }),
    }),
  };
  const hub = await createHub({ bus: holding, stream: 'CARE', ringMessages: 100, log });
  hubs.push(hub);
  const witness = await join(hub);
  const resuming = join(hub, `${oldEpoch}-10`);
  await bus.jsm.streams.delete('CARE');
  await freshStream();
  await eventually(() => (witness.resets.length > 0 ? true : undefined), { what: 'the reset' });
  goOn();
  expect((await resuming).joined[0]?.recovery).toBe('lost');
});

test('a hub starts on a stream whose messages have all expired', async () => {
  await freshStream();
  await publish(10);
  await bus.jsm.streams.purge('CARE');
  const hub = await startHub(100);
  const member = await join(hub, `${await epochOf()}-10`);
  expect(member.joined[0]?.recovery).toBe('complete');
  await publish(1);
  await seen(member, 11);
});

test('over a kill of nats-server under load nobody misses anything or sees it twice', async () => {
  await freshStream();
  const hub = await startHub(1_000);
  const member = await join(hub);
  const acknowledged = new Set<number>();
  let isFlowing = true;
  const flow = (async () => {
    while (isFlowing) {
      await bus.js
        .publish('care.h1.w1.p1.critical.alert.raised', encode({}), { timeout: 500 })
        .then(({ seq }) => acknowledged.add(seq))
        .catch(() => {});
    }
  })();
  await eventually(() => (acknowledged.size > 200 ? true : undefined));
  infrastructure.nats.kill();
  await infrastructure.restartNats();
  const before = acknowledged.size;
  await eventually(() => (acknowledged.size > before + 200 ? true : undefined), { withinMs: 60_000 });
  isFlowing = false;
  await flow;
  const { lastSequence } = await streamState(bus, 'CARE');
  await seen(member, lastSequence);
  expect(member.resets).toEqual([]);
  expect(positions(member)).toEqual(range(1, lastSequence));
  expect(holes(member)).toBe(0);
});

test('what is not told again leaves no hole, and who missed nothing else is where the stream is', async () => {
  await freshStream();
  await publish(3);
  await publish(2, 'gone');
  await publish(1);
  await publish(1, 'gone');
  const isDeparted = ({ rooms }: { rooms: readonly string[] }): boolean => rooms.includes('h1/patient:gone');
  const hub = await createHub({ bus, stream: 'CARE', ringMessages: 100, log, isDeparted });
  hubs.push(hub);
  const epoch = await epochOf();
  const member = await join(hub, `${epoch}-1`);
  expect(member.got.map(({ prev }) => prev)).toEqual([1, 2, 3]);
  const other = await join(hub, `${epoch}-6`);
  expect(other.joined[0]).toMatchObject({ recovery: 'complete', position: `${epoch}-7`, resumeAt: `${epoch}-7` });
  await publish(1, 'gone');
  await publish(1);
  await Promise.all([member, other].map((each) => seen(each, 9)));
  expect(positions(member)).toEqual([2, 3, 6, 8, 9]);
  expect([holes(member), holes(other)]).toEqual([0, 0]);
});
