import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createIntakeQueue } from './intake-queue.ts';

type Post = { name: string; body: Uint8Array; isHeld(): boolean };
const post = (name: string, { bytes = 1, isHeld = true } = {}): Post => ({
  name,
  body: new Uint8Array(bytes),
  isHeld: () => isHeld,
});
const wide = { posts: 100, bytes: 1_000 };
const queueOf = (bounds: typeof wide, ...posts: readonly string[]) => {
  const queue = createIntakeQueue<Post>(bounds);
  for (const name of posts) queue.push(name.slice(0, 1), post(name));
  return queue;
};
const namesOf = (batch: readonly { delivery: Post }[]): string[] => batch.map(({ delivery }) => delivery.name);

test('what waits goes together, partition by partition, whoever has waited longest first', () => {
  const queue = queueOf(wide, 'b1', 'a1', 'b2', 'c1', 'a2');
  expect(queue.take().map(({ partition, delivery }) => `${partition} ${delivery.name}`)).toEqual([
    'b b1',
    'b b2',
    'a a1',
    'a a2',
    'c c1',
  ]);
  expect(queue.isEmpty()).toBe(true);
  expect(queue.take()).toEqual([]);
});

test('a house that is behind takes all of one partition, and the next time that whose post is the oldest then', () => {
  const queue = queueOf({ posts: 3, bytes: 1_000 }, 'a1', 'b1', 'a2', 'b2', 'a3', 'a4', 'b3');
  expect(namesOf(queue.take())).toEqual(['a1', 'a2', 'a3']);
  queue.push('a', post('a5'));
  // The rest of a came after the first of b, so b is next, and a is not before it was b's turn.
  expect(namesOf(queue.take())).toEqual(['b1', 'b2', 'b3']);
  expect(namesOf(queue.take())).toEqual(['a4', 'a5']);
});

test('a transaction ends with the post that reaches its bytes, and takes one that is larger than all', () => {
  const queue = createIntakeQueue<Post>({ posts: 100, bytes: 10 });
  queue.push('a', post('a1', { bytes: 9 }));
  expect(queue.isFull()).toBe(false);
  queue.push('a', post('a2', { bytes: 1 }));
  expect(queue.isFull()).toBe(true);
  queue.push('a', post('a3', { bytes: 50 }));
  expect(namesOf(queue.take())).toEqual(['a1', 'a2']);
  expect(queue.isFull()).toBe(true);
  expect(namesOf(queue.take())).toEqual(['a3']);
  expect([queue.isEmpty(), queue.isFull()]).toEqual([true, false]);
});

test('what was given back meanwhile is left out, and counts for nothing', () => {
  const queue = createIntakeQueue<Post>({ posts: 1, bytes: 1_000 });
  queue.push('a', post('a1', { isHeld: false }));
  queue.push('b', post('b1'));
  queue.push('a', post('a2', { isHeld: false }));
  expect(namesOf(queue.take())).toEqual(['b1']);
  expect(queue.take()).toEqual([]);
  expect(queue.isEmpty()).toBe(true);
});

test('everything comes out once, in the order of its partition, and the oldest is always in the next transaction', () => {
  const step = fc.oneof(
    fc.record({ partition: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.integer({ min: 0, max: 12 }) }),
    fc.constant('take' as const),
  );
  fc.assert(
    fc.property(
      fc.record({ posts: fc.integer({ min: 1, max: 4 }), bytes: fc.integer({ min: 1, max: 20 }) }),
      fc.array(step, { maxLength: 60 }),
      (bounds, steps) => {
        const queue = createIntakeQueue<Post>(bounds);
        let waiting: { partition: string; name: string; bytes: number }[] = [];
        const take = (): void => {
          const batch = queue.take();
          const names = namesOf(batch);
          expect(names.includes(waiting[0]?.name ?? '')).toBe(waiting.length > 0);
          for (const of of new Set(batch.map(({ partition }) => partition))) {
            const own = batch.filter(({ partition }) => partition === of);
            const expected = waiting.filter(({ partition }) => partition === of).slice(0, own.length);
            expect(namesOf(own)).toEqual(expected.map(({ name }) => name));
          }
          // Without the last it is within its bounds.
          expect(batch.length).toBeLessThanOrEqual(bounds.posts);
          const before = batch.slice(0, -1).reduce((sum, { delivery }) => sum + delivery.body.length, 0);
          expect(before < bounds.bytes).toBe(true);
          waiting = waiting.filter(({ name }) => !names.includes(name));
        };
        for (const [index, each] of steps.entries()) {
          if (each === 'take') take();
          else {
            waiting.push({ ...each, name: String(index) });
            queue.push(each.partition, post(String(index), each));
          }
          const bytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(queue.isEmpty()).toBe(waiting.length === 0);
          expect(queue.isFull()).toBe(waiting.length >= bounds.posts || bytes >= bounds.bytes);
        }
        while (!queue.isEmpty()) take();
        expect(waiting).toEqual([]);
      },
    ),
  );
});
