import { expect, test } from '@jest/globals';
import { createKeyWriter } from './key-writer.ts';

/** Writes that end when the test says so. */
function heldWrites() {
  const held: { key: string; finish(): void; fail(): void }[] = [];
  const write = (key: string): Promise<void> =>
    new Promise((resolve, reject) => held.push({ key, finish: resolve, fail: () => reject(new Error('not stored')) }));
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { held, write, settled };
}

test('few are written at once, each key once however often it was touched', async () => {
  const { held, write, settled } = heldWrites();
  const writer = createKeyWriter({ write, restMs: 10, maxInFlight: 2 });
  for (const key of ['a', 'b', 'c', 'c', 'c']) writer.touch(key);
  expect(held.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(writer.pending()).toBe(3);
  held[0]?.finish();
  await settled();
  expect(held.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  held[1]?.finish();
  held[2]?.finish();
  await writer.stop(1_000);
  expect(held).toHaveLength(3);
});

test('a key that was touched while it was written, or could not be written, is written again when it has rested', async () => {
  const { held, write, settled } = heldWrites();
  const writer = createKeyWriter({ write, restMs: 20, maxInFlight: 8 });
  writer.touch('a');
  writer.touch('b');
  writer.touch('a');
  const restsFrom = performance.now();
  held[0]?.finish();
  held[1]?.fail();
  await settled();
  expect(held).toHaveLength(2);
  const stopped = writer.stop(1_000);
  while (held.length < 4) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(performance.now() - restsFrom).toBeGreaterThanOrEqual(18);
  expect(
    held
      .slice(2)
      .map(({ key }) => key)
      .sort(),
  ).toEqual(['a', 'b']);
  held[2]?.finish();
  held[3]?.finish();
  await stopped;
  expect(writer.pending()).toBe(0);
});

test('stopping waits no longer than it may, and takes no more', async () => {
  const { held, write } = heldWrites();
  const writer = createKeyWriter({ write, restMs: 10, maxInFlight: 1 });
  writer.touch('a');
  writer.touch('b');
  await writer.stop(20);
  writer.touch('c');
  expect(held.map(({ key }) => key)).toEqual(['a']);
});
