/**
 * Subscribing races publishing: a stream whose every answer and every message comes when the test says, so that each order
 * of the two can be tried. Whatever it is, nobody has a hole that he was not told of, and nobody has a message twice.
 */
import { expect, test } from '@jest/globals';
import type { Bus } from '@carillon/bus/connection';
import type { ReaderOptions, StreamMessage } from '@carillon/bus/stream-reader';
import { createLogger } from '@carillon/runtime/log';
import fc from 'fast-check';
import { createHub, type Hub } from '../src/hub.ts';
import type { Member } from '../src/member.ts';
import { parseRoom, type Room } from '../src/rooms.ts';
import type { StreamSource } from '../src/stream-source.ts';
import { sequenceOf } from './desk.ts';

const log = createLogger('test', { level: 'silent', file: '' });
const nobody = {} as Bus;
const roomOf = (name: string): Room => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  return room;
};
const patients = ['p1', 'p2'] as const;
const rooms = [roomOf('patient:p1'), roomOf('patient:p2'), roomOf('ward:w1:alerts')];
const isOf = (room: Room, subject: string): boolean =>
  room.name === 'ward:w1:alerts' || subject.includes(`.${room.tokens['id']}.`);

type Life = { epoch: string; first: number; messages: StreamMessage[] };

/** A stream in memory. `schedule` decides when what is asked of it is answered. */
function fakeStream(schedule: <T>(value: Promise<T>) => Promise<T>) {
  let life: Life = { epoch: 'e0', first: 1, messages: [] };
  let reader: ReaderOptions | undefined;
  let given = 0;
  const stateOf = ({ epoch, first, messages }: Life) => ({
    epoch,
    firstSequence: Math.max(first, 1),
    lastSequence: messages.length,
  });
  const source: StreamSource = {
    streamState: async () => schedule(Promise.resolve()).then(() => stateOf(life)),
    async readRange(_, { filter, afterSequence, toSequence, limit }) {
      await schedule(Promise.resolve());
      const tokens = filter.split('.');
      const fits = ({ subject }: StreamMessage): boolean => {
        const parts = subject.split('.');
        return tokens.every((token, index) => token === '>' || token === '*' || token === parts[index]);
      };
      const found = life.messages.filter(
        (message) =>
          message.sequence >= life.first &&
          message.sequence > afterSequence &&
          message.sequence <= toSequence &&
          fits(message),
      );
      await schedule(Promise.resolve());
      return found.length > limit ? undefined : found;
    },
    readStream(_, options) {
      reader = options;
      given = options.afterSequence;
      return { stop: () => (reader = undefined) };
    },
  };
  return {
    source,
    last: () => life.messages.length,
    epoch: () => life.epoch,
    first: () => life.first,
    of: (room: Room): number[] =>
      life.messages.filter(({ subject }) => isOf(room, subject)).map(({ sequence }) => sequence),
    publish(patient: string): void {
      const subject = `care.h1.w1.${patient}.critical.alert.raised`;
      const body = Buffer.from('{}');
      life.messages.push({ sequence: life.messages.length + 1, subject, body, header: () => undefined });
    },
    /** The gateway reads one more. */
    read(): boolean {
      const next = life.messages[given];
      if (next === undefined || reader === undefined) return false;
      given++;
      reader.onMessage(next);
      return true;
    },
    /** Age takes what the gateway has read. */
    expire(): void {
      life.first = Math.max(life.first, Math.min(given, life.messages.length) + 1);
    },
    makeAnew(): void {
      life = { epoch: `e${Number(life.epoch.slice(1)) + 1}`, first: 1, messages: [] };
      given = 0;
      reader?.onBreak?.(stateOf(life), 0);
    },
  };
}
type FakeStream = ReturnType<typeof fakeStream>;

/** What one subscription was told, and what it must have been told. */
type Subscription = {
  room: Room;
  epoch: string;
  from: number | undefined;
  recovery: string | undefined;
  floor: number;
  got: number[];
  isOver: boolean;
  member: Member;
};

function subscribe(hub: Hub, stream: FakeStream, room: Room, from: number | undefined): Subscription {
  const mine: Subscription = {
    room,
    epoch: stream.epoch(),
    from,
    recovery: undefined,
    floor: 0,
    got: [],
    isOver: false,
    member: {
      deliver: ({ frames }) => {
        if (mine.isOver) return;
        for (const frame of frames) mine.got.push(frame.message.sequence);
      },
      reset: () => {
        // From here on another life: what was proved before is over.
        mine.epoch = stream.epoch();
        mine.recovery = 'fresh';
        mine.floor = 0;
        mine.got = [];
      },
    },
  };
  const asked = from === undefined ? undefined : `${stream.epoch()}-${from}`;
  void hub.join([room], mine.member, asked, (_, { recovery, position }) => {
    mine.epoch = position.split('-')[0] ?? '';
    mine.recovery = recovery;
    mine.floor = recovery === 'complete' ? (from ?? 0) : sequenceOf(position);
    mine.got = [];
  });
  return mine;
}

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish' as const), patient: fc.constantFrom(...patients) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      room: fc.integer({ min: 0, max: rooms.length - 1 }),
      back: fc.option(fc.integer({ min: -2, max: 15 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.constant({ do: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'hold' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'release' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'makeAnew' as const }) },
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('whatever the order of subscribing and publishing, no hole goes untold and nothing comes twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...patients), { maxLength: 12 }),
      fc.array(command, { minLength: 1, maxLength: 40 }),
      async (scheduler, before, commands) => {
        let isFree = true;
        const stream = fakeStream((value) => (isFree ? value : scheduler.schedule(value)));
        for (const patient of before) stream.publish(patient);
        const starting = createHub({ bus: nobody, stream: 'CARE', ringMessages: 4, log, source: stream.source });
        let isStarted = false;
        void starting.then(() => (isStarted = true));
        while (!isStarted) {
          stream.read();
          await turn();
        }
        const hub = await starting;
        isFree = false;
        const subscriptions: Subscription[] = [];
        for (const each of commands) {
          if (each.do === 'publish') stream.publish(each.patient);
          if (each.do === 'read') for (let count = 0; count < each.count; count++) stream.read();
          if (each.do === 'subscribe') {
            const room = rooms[each.room] ?? roomOf('patient:p1');
            const from = each.back === null ? undefined : Math.max(0, stream.last() - each.back);
            subscriptions.push(subscribe(hub, stream, room, from));
          }
          if (each.do === 'leave') {
            const leaver = subscriptions[each.which];
            if (leaver?.recovery !== undefined) {
              leaver.isOver = true;
              hub.leave(leaver.room, leaver.member);
            }
          }
          if (each.do === 'answer') {
            for (let count = 0; count < each.count && scheduler.count() > 0; count++) await scheduler.waitOne();
          }
          if (each.do === 'turn') await turn();
          if (each.do === 'expire') stream.expire();
          if (each.do === 'hold') hub.hold();
          if (each.do === 'release') hub.release();
          if (each.do === 'makeAnew') stream.makeAnew();
        }
        // Everything comes to rest.
        isFree = true;
        hub.release();
        const isAnswered = (): boolean => subscriptions.every(({ recovery }) => recovery !== undefined);
        for (let quiet = 0; quiet < 3 || !isAnswered(); quiet++) {
          while (stream.read());
          while (scheduler.count() > 0) await scheduler.waitOne();
          await turn();
          // Who is ahead of the gateway waits for it, by a clock of his own.
          if (!isAnswered()) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        for (const { room, epoch, from, recovery, floor, got, isOver } of subscriptions) {
          if (isOver) continue;
          expect(recovery).toBeDefined();
          expect(epoch).toBe(stream.epoch());
          if (from === undefined) expect(recovery).toBe('fresh');
          // All of his room after where he stood, each once, in order; what he was told is lost he loads by himself.
          expect(got).toEqual(stream.of(room).filter((sequence) => sequence > floor));
        }
        hub.stop();
      },
    ),
    { numRuns: 1_500 },
  );
}, 120_000);
