import { availableParallelism, loadavg } from 'node:os';

/**
 * How long a test waits for what is promised within a time. Beside other tests, four times as long: a test that fails
 * for its neighbours says nothing. So a promise is held strictly when a file runs alone on a quiet machine.
 */
export function patience(promisedMs: number): number {
  const isBusy = (loadavg()[0] ?? 0) > availableParallelism() / 2;
  return isBusy ? promisedMs * 4 : promisedMs;
}
