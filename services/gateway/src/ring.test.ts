import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRing, toMessage, type Message } from './ring.ts';

const message = (sequence: number, { room = 'a', bytes = 10 } = {}): Message => ({
  sequence,
  rooms: [room],
  event: 'e',
  id: String(sequence),
  at: '',
  version: '1',
  isAckWanted: false,
  lane: undefined,
  key: 'k',
  body: new Uint8Array(bytes),
});
const sequences = (found: readonly Message[]): number[] => found.map((each) => each.sequence);
const filled = (count: number, maxMessages: number, maxBytes = Infinity) => {
  const ring = createRing(maxMessages, maxBytes, 0);
  for (let sequence = 1; sequence <= count; sequence++) ring.push(message(sequence));
  return ring;
};

const only = (room: string): ReadonlySet<string> => new Set([room]);

test('it keeps the newest and says from where on it has everything', () => {
  const ring = filled(25, 10);
  expect(ring.after()).toBe(15);
  expect(sequences(ring.of(only('a'), 0))).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  expect(sequences(ring.of(only('a'), 22))).toEqual([23, 24, 25]);
  expect(sequences(ring.of(only('a'), 25))).toEqual([]);
  expect(sequences(ring.of(only('a'), 99))).toEqual([]);
});

test('it begins where the reader began, before anything came', () => {
  expect(createRing(10, Infinity, 41).after()).toBe(41);
});

test('it is bounded by bytes as well as by count', () => {
  const ring = filled(100, 1_000, 95);
  expect(ring.of(only('a'), 0)).toHaveLength(9);
  expect(ring.after()).toBe(91);
});

test('a message that is larger than all it may hold is passed on and not kept', () => {
  const ring = filled(3, 10, 100);
  ring.push(message(4, { bytes: 1_000 }));
  expect(ring.of(only('a'), 0)).toEqual([]);
  expect(ring.after()).toBe(4);
  ring.push(message(5));
  expect(sequences(ring.of(only('a'), 0))).toEqual([5]);
});

test('a room is asked for alone, and gaps in the sequence are as good as none', () => {
  const ring = createRing(10, Infinity, 0);
  for (const [sequence, room] of [
    [2, 'a'],
    [5, 'b'],
    [9, 'a'],
  ] as const) {
    ring.push(message(sequence, { room }));
  }
  expect(sequences(ring.of(only('a'), 2))).toEqual([9]);
  expect(sequences(ring.of(only('a'), 3))).toEqual([9]);
  expect(sequences(ring.of(only('b'), 0))).toEqual([5]);
  expect(ring.of(only('c'), 0)).toEqual([]);
});

test('rooms have what a look at every message would find, whatever came and went', () => {
  const names = ['a', 'b', 'c', 'd'];
  const pushed = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.subarray(names)), { maxLength: 150 });
  fc.assert(
    fc.property(
      pushed,
      fc.subarray(names),
      fc.nat(300),
      fc.integer({ min: 1, max: 60 }),
      (steps, asked, after, most) => {
        const ring = createRing(most, Infinity, 0);
        const all: Message[] = [];
        for (const [gap, rooms] of steps) {
          all.push({ ...message((all.at(-1)?.sequence ?? 0) + gap), rooms });
          ring.push(all.at(-1) as Message);
        }
        const due = all
          .slice(-most)
          .filter(({ sequence, rooms }) => sequence > after && rooms.some((each) => asked.includes(each)));
        expect(ring.of(new Set(asked), after)).toEqual(due);
        expect(ring.size()).toBe(Math.min(most, all.length));
      },
    ),
  );
});

test('after a break nothing of before is left', () => {
  const ring = filled(5, 10);
  ring.clear(70);
  expect(ring.after()).toBe(70);
  expect(ring.of(only('a'), 0)).toEqual([]);
  ring.push(message(71));
  expect(sequences(ring.of(only('a'), 70))).toEqual([71]);
});

test('what was dropped for its bytes is let go of at once', async () => {
  const ring = createRing(1_000_000, 10, 0);
  let big: Message | undefined = message(1, { bytes: 1_000 });
  const weak = new WeakRef(big);
  ring.push(big);
  big = undefined;
  ring.push(message(2));
  // A WeakRef holds until the end of the turn in which it was made.
  await new Promise((resolve) => setImmediate(resolve));
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  expect(weak.deref()).toBeUndefined();
  expect(ring.after()).toBe(1);
});

test('a message that asks for receipts is found by its id while it is held', () => {
  const ring = createRing(2, Infinity, 0);
  ring.push({ ...message(1), isAckWanted: true });
  ring.push(message(2));
  expect([ring.find('1')?.sequence, ring.find('2')]).toEqual([1, undefined]);
  ring.push(message(3));
  expect(ring.find('1')).toBeUndefined();
  ring.push({ ...message(4), isAckWanted: true });
  ring.clear(9);
  expect(ring.find('4')).toBeUndefined();
});

test('a message keeps its own bytes and not the chunk that it came in', () => {
  const chunk = Buffer.alloc(65_536);
  const kept = toMessage({ sequence: 1, subject: 's', body: chunk.subarray(0, 10), header: () => undefined }, []);
  expect(kept.body.buffer.byteLength).toBe(10);
  expect(kept).toMatchObject({ id: '1', version: '0', key: 's', isAckWanted: false });
});
