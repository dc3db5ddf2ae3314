import { expect, test } from '@jest/globals';
import { runChecks, shared } from '@carillon/runtime/readiness';
import { patience } from '@carillon/testkit/patience';

test('a check that fails or hangs does not hold, and delays no probe beyond a second', async () => {
  const startedAt = performance.now();
  const found = await runChecks({
    sound: () => true,
    slow: () => new Promise((resolve) => setTimeout(() => resolve(true), 50)),
    no: () => Promise.resolve(false),
    failing: () => Promise.reject(new Error('postgres://carillon:secret@10.0.0.1')),
    throwing: () => {
      throw new Error('at once');
    },
    hanging: () => new Promise(() => {}),
  });
  expect(found).toEqual({ sound: true, slow: true, no: false, failing: false, throwing: false, hanging: false });
  expect(performance.now() - startedAt).toBeLessThan(patience(1_500));
});

test('probes that come together share one run, and the next begins another', async () => {
  let runs = 0;
  let finish: () => void = () => {};
  const probe = shared(async () => {
    const mine = ++runs;
    await new Promise<void>((resolve) => (finish = resolve));
    return mine;
  });
  const together = [probe(), probe(), probe()];
  finish();
  expect(await Promise.all(together)).toEqual([1, 1, 1]);
  const next = probe();
  finish();
  expect(await next).toBe(2);
});

test('a run that fails is not remembered', async () => {
  let runs = 0;
  const probe = shared(() => (++runs === 1 ? Promise.reject(new Error('once')) : Promise.resolve('well')));
  await expect(probe()).rejects.toThrow('once');
  expect(await probe()).toBe('well');
});
