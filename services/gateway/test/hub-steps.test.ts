/** A hub over a stream in memory, where each message comes at the very step that a test wants. */
import { expect, test } from '@jest/globals';
import type { Bus } from '@carillon/bus/connection';
import type { ReaderOptions, StreamMessage } from '@carillon/bus/stream-reader';
import { createLogger } from '@carillon/runtime/log';
import { createHub, type Hub } from '../src/hub.ts';
import type { Member } from '../src/member.ts';
import { parseRoom, type Room } from '../src/rooms.ts';
import type { StreamSource } from '../src/stream-source.ts';

const log = createLogger('test', { level: 'silent', file: '' });
const roomOf = (name: string): Room => {
  const room = parseRoom(name, 'h1');
  if (room === undefined) throw new Error(`no room ${name}`);
  return room;
};
const ward = roomOf('ward:w1:alerts');
const message = (sequence: number, patient = 'p1'): StreamMessage => ({
  sequence,
  subject: `care.h1.w1.${patient}.critical.alert.raised`,
  body: Buffer.from('{}'),
  header: () => undefined,
});

/** Holds `stored` messages at first; of them only the newest `ringMessages` are in memory. */
async function start(before: readonly StreamMessage[], ringMessages: number) {
  const stored = [...before];
  let reader: ReaderOptions | undefined;
  let epoch = 'e0';
  let lastSequence = stored.at(-1)?.sequence ?? 0;
  const reads: { filter: string; afterSequence: number }[] = [];
  const source: StreamSource = {
    streamState: () => Promise.resolve({ epoch, firstSequence: 1, lastSequence }),
    async readRange(_, { filter, afterSequence, toSequence, limit }) {
      reads.push({ filter, afterSequence });
      const tokens = filter.split('.');
      const found = stored.filter(({ sequence, subject }) => {
        const parts = subject.split('.');
        const isRest = tokens.at(-1) === '>';
        if (isRest ? parts.length < tokens.length : parts.length !== tokens.length) return false;
        const fits = tokens.every((token, index) => token === '>' || token === '*' || token === parts[index]);
        return fits && sequence > afterSequence && sequence <= toSequence;
      });
      return Promise.resolve(found.length > limit ? undefined : found);
    },
    readStream(_, options) {
      reader = options;
      return { stop: () => {} };
    },
  };
  const starting = createHub({ bus: {} as Bus, stream: 'CARE', ringMessages, log, source });
  for (let step = 0; step < 5; step++) await Promise.resolve();
  for (const each of before.slice(-ringMessages)) reader?.onMessage(each);
  const hub = await starting;
  return {
    hub,
    reads,
    take(next: StreamMessage): void {
      lastSequence = next.sequence;
      stored.push(next);
      reader?.onMessage(next);
    },
    makeAnew(): void {
      epoch = 'e1';
      lastSequence = 0;
      reader?.onBreak?.({ epoch, firstSequence: 1, lastSequence }, 0);
    },
  };
}

type Listener = Member & { got: number[]; recovery: string };
async function join(hub: Hub, from: string | undefined, room = ward): Promise<Listener> {
  const self: Listener = {
    got: [],
    recovery: '',
    deliver: ({ frames }) => frames.forEach((frame) => self.got.push(frame.message.sequence)),
    reset: () => self.got.splice(0),
  };
  await hub.join([room], self, from, (_, { recovery }) => (self.recovery = recovery));
  return self;
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a message that comes at any step of a resume is given once', async () => {
  for (const ringMessages of [2, 10]) {
    for (let steps = 0; steps < 60; steps++) {
      const { hub, take } = await start(
        range(1, 4).map((sequence) => message(sequence)),
        ringMessages,
      );
      const joining = join(hub, 'e0-1');
      for (let step = 0; step < steps; step++) await Promise.resolve();
      take(message(5));
      const member = await joining;
      await turn();
      expect({ ringMessages, steps, got: member.got }).toEqual({ ringMessages, steps, got: [2, 3, 4, 5] });
      hub.stop();
    }
  }
});

test('who came while a room was handed out hears the new life of a stream from its first message', async () => {
  const { hub, take, makeAnew } = await start([message(1)], 10);
  await join(hub, undefined);
  take(message(2));
  // Message 2 waits for the end of this turn.
  const late = await join(hub, undefined);
  makeAnew();
  take(message(1));
  await turn();
  expect(late.got).toEqual([1]);
  hub.stop();
});

test('while nobody can tell who may see what, what was missed does not go out either', async () => {
  for (const ringMessages of [2, 10]) {
    for (let steps = 0; steps < 30; steps++) {
      const stored = range(1, 4).map((sequence) => message(sequence));
      const { hub, take } = await start(stored, ringMessages);
      let mayEnter = true;
      const got: number[] = [];
      const deliver: Member['deliver'] = ({ frames }) => frames.forEach((each) => got.push(each.message.sequence));
      const joining = hub.join(
        [ward],
        { deliver, reset: () => {} },
        'e0-1',
        () => {},
        () => mayEnter,
      );
      for (let step = 0; step < steps; step++) await Promise.resolve();
      if (got.length === 0) {
        hub.hold();
        take(message(5));
        await turn();
        expect(got).toEqual([]);
        // The news that was missing.
        mayEnter = steps % 2 === 0;
        hub.release();
        expect(await joining).toBe(mayEnter);
        await turn();
        expect(got).toEqual(mayEnter ? [2, 3, 4, 5] : []);
      }
      hub.stop();
    }
  }
});

test('many who come back to one room too late cost a few reads, however many they are', async () => {
  const { hub, reads } = await start(
    range(1, 6_000).map((sequence) => message(sequence)),
    100,
  );
  const late = range(1, 200).map((index) => join(hub, `e0-${index}`, ward));
  const sameTime = range(1, 200).map(() => join(hub, 'e0-10', ward));
  const inTime = range(1, 20).map((index) => join(hub, `e0-${1_500 + index}`, ward));
  expect(new Set((await Promise.all([...late, ...sameTime])).map(({ recovery }) => recovery))).toEqual(
    new Set(['lost']),
  );
  for (const { recovery, got } of await Promise.all(inTime)) {
    expect(recovery).toBe('complete');
    expect(got.at(-1)).toBe(6_000);
  }
  expect(reads.length).toBeLessThan(30);
  hub.stop();
});

test('more than one reading may bring is read room by room, and not again for each who asks', async () => {
  // Most of it is of a patient for whom nobody asks.
  const stored = range(1, 101_000).map((sequence) =>
    message(sequence, sequence % 100 < 20 ? `p${sequence % 20}` : 'q'),
  );
  const { hub, reads } = await start(stored, 100);
  const joined = await Promise.all(
    range(0, 59).map((index) => join(hub, `e0-${index % 7}`, roomOf(`patient:p${index % 20}`))),
  );
  expect(new Set(joined.map(({ recovery }) => recovery))).toEqual(new Set(['complete']));
  expect(Math.min(...joined.map(({ got }) => got.length))).toBeGreaterThanOrEqual(1_009);
  expect(reads.length).toBeLessThan(30);
  hub.stop();
});
