import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { advance, comparePositions, forget, join, judge, newRoom, type RoomState } from './room.ts';

const at = (sequence: number): string => `e7-${sequence}`;
const receive = (room: RoomState, sequence: number, previous: number): { room: RoomState; isNew: boolean } => {
  const verdict = judge(room, { pos: at(sequence), prev: at(previous) });
  expect(verdict).not.toBe('hole');
  return verdict === 'deliver' ? { room: advance(room, at(sequence)), isNew: true } : { room, isNew: false };
};

test('positions compare within one life of a stream only', () => {
  expect(comparePositions('e7-9', 'e7-10')).toBeLessThan(0);
  expect(comparePositions('e7-9', 'e8-1')).toBeUndefined();
  expect(comparePositions('e7-9', 'nonsense')).toBeUndefined();
});

test('wherever replays are cut short and however they overlap, each message is handed on once and in order', () => {
  const attempts = fc.array(fc.record({ replayed: fc.nat(10), repeated: fc.nat(10) }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), attempts, (total, cuts) => {
      let room = join(newRoom, { pos: at(0), recovery: 'fresh', lane: 'normal' }).room;
      const got: number[] = [];
      const take = (sequence: number): void => {
        const next = receive(room, sequence, sequence - 1);
        room = next.room;
        if (next.isNew) got.push(sequence);
      };
      for (const { replayed, repeated } of [...cuts, { replayed: total, repeated: 0 }]) {
        const from = Number(room.last?.split('-')[1]);
        room = join(room, { pos: at(total), recovery: 'complete', lane: 'normal' }).room;
        // The server may begin earlier than asked: what was had already changes nothing.
        for (let s = Math.max(1, from - repeated + 1); s <= Math.min(total, from + replayed); s++) take(s);
      }
      expect(got).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    }),
  );
});

test('what is asked from the server after a resume is cut short is what came last, and not where it joined', () => {
  let { room } = join(newRoom, { pos: at(10), recovery: 'fresh', lane: 'normal' });
  room = join(room, { pos: at(20), recovery: 'complete', lane: 'normal' }).room;
  expect(room.last).toBe(at(10));
  expect(receive(room, 14, 9).room.last).toBe(at(14));
});

test('there is a hole exactly if prev is later than both the join and the last message', () => {
  const { room } = join(newRoom, { pos: at(10), recovery: 'fresh', lane: 'normal' });
  expect(judge(room, { pos: at(12), prev: at(3) })).toBe('deliver');
  expect(judge(advance(room, at(12)), { pos: at(16), prev: at(14) })).toBe('hole');
  expect(judge(advance(room, at(12)), { pos: at(16), prev: at(12) })).toBe('deliver');
});

test('state is loaded at the first join and when nothing proves that all came, and not after a resume', () => {
  const first = join(newRoom, { pos: at(10), recovery: 'fresh', lane: 'normal' });
  expect(first.load).toBe('fresh');
  expect(join(first.room, { pos: at(20), recovery: 'complete', lane: 'normal' }).load).toBeUndefined();
  expect(join(first.room, { pos: at(20), recovery: 'lost', lane: 'normal' }).load).toBe('lost');
  // An event stream that began anew tells nothing of what was missed.
  expect(join(first.room, { pos: at(20), recovery: 'fresh', lane: 'normal' }).load).toBe('lost');
  expect(join(forget(first.room), { pos: at(20), recovery: 'fresh', lane: 'normal' }).load).toBe('lost');
  expect(join(newRoom, { recovery: 'snapshot', lane: 'bulk' }).load).toBeUndefined();
});

test('in a bulk room the newest of each key may be older than the last message, and still comes once', () => {
  let { room } = join(newRoom, { pos: at(10), recovery: 'fresh', lane: 'bulk' });
  const take = (sequence: number): boolean => {
    const isNew = judge(room, { pos: at(sequence) }) === 'deliver';
    if (isNew) room = advance(room, at(sequence));
    return isNew;
  };
  expect([take(30), take(20)]).toEqual([true, true]);
  expect(room.last).toBe(at(30));
  room = join(room, { pos: at(40), recovery: 'latest', lane: 'bulk' }).room;
  expect([take(20), take(25), take(30), take(40)]).toEqual([false, true, false, true]);
  for (let sequence = 41; sequence < 3_000; sequence++) take(sequence);
  expect(room.seen?.size).toBeLessThanOrEqual(1_024);
});
