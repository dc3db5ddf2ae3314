import { availableParallelism, loadavg } from 'node:os';

/**
 * How long a test waits for what is promised within a time. On a busy machine four times as long: a test that fails for
 * its neighbours says nothing.
 */
export function patience(promisedMs: number): number {
  const isBusy = (loadavg()[0] ?? 0) > availableParallelism();
  return isBusy ? promisedMs * 4 : promisedMs;
}
