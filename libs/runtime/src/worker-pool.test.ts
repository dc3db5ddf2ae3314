import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createWorkerPool } from './worker-pool.ts';

type Item = { id: number; key: string };

/** Works until it is told to finish, so that the test decides what overlaps. */
function startPool(width: number, keyOf?: (item: Item) => string) {
  const started: Item[] = [];
  const finishes = new Map<number, () => void>();
  const pool = createWorkerPool<Item>(
    width,
    (item) => {
      started.push(item);
      return new Promise((resolve) => finishes.set(item.id, resolve));
    },
    keyOf,
  );
  const running = (): Item[] => started.filter(({ id }) => finishes.has(id));
  const finish = async (id: number): Promise<void> => {
    finishes.get(id)?.();
    finishes.delete(id);
    // What the end of one starts, starts in the turns of its promise.
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  };
  return { pool, started, running, finish };
}

test('those of one key are worked on one after another, in their order, whatever else there is', async () => {
  const items = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat()), async (keys, width, picks) => {
      const { pool, started, running, finish } = startPool(width, ({ key }) => key);
      keys.forEach((key, id) => pool.push({ id, key }));
      for (let left = keys.length; left > 0; left--) {
        const now = running();
        expect(now.length).toBeLessThanOrEqual(width);
        expect(new Set(now.map(({ key }) => key)).size).toBe(now.length);
        // Whoever can work, works: as many as there are keys left, up to the width.
        const waitingKeys = new Set(keys.filter((_, id) => !started.some((item) => item.id === id)));
        const possible = new Set([...waitingKeys, ...now.map(({ key }) => key)]).size;
        expect(now.length).toBe(Math.min(width, possible));
        const next = now[(picks.next().value as number) % now.length];
        if (next !== undefined) await finish(next.id);
      }
      for (const key of new Set(keys)) {
        const ids = started.filter((item) => item.key === key).map(({ id }) => id);
        expect(ids).toEqual([...ids].sort((a, b) => a - b));
      }
      expect(started).toHaveLength(keys.length);
    }),
    { numRuns: 200 },
  );
});

test('without keys as many are worked on as the pool is wide, in order', async () => {
  const { pool, started, finish } = startPool(2);
  for (let id = 0; id < 4; id++) pool.push({ id, key: 'same' });
  expect(started.map(({ id }) => id)).toEqual([0, 1]);
  expect(pool.waiting()).toBe(2);
  await finish(1);
  expect(started.map(({ id }) => id)).toEqual([0, 1, 2]);
});

test('what waits for something gives its place to others, to none of its own key, and goes on before them', async () => {
  const log: string[] = [];
  let isThere: () => void = () => {};
  const until = new Promise<void>((resolve) => (isThere = resolve));
  const pool = createWorkerPool<Item>(
    1,
    async ({ id, key }, pause) => {
      log.push(`${key}${id}`);
      if (id === 0) await pause(until);
      log.push(`${key}${id} done`);
    },
    ({ key }) => key,
  );
  pool.push({ id: 0, key: 'unknown' });
  pool.push({ id: 1, key: 'unknown' });
  pool.push({ id: 2, key: 'known' });
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  };
  await settled();
  expect(log).toEqual(['unknown0', 'known2', 'known2 done']);
  isThere();
  await settled();
  expect(log.slice(3)).toEqual(['unknown0 done', 'unknown1', 'unknown1 done']);
});
