/**
 * The time by which decisions are made: this process's monotonic clock plus its offset to the database's time. So two
 * engines whose machines' clocks differ agree, and a step of the local clock changes nothing.
 */
import { databaseTime, type Sql } from '@carillon/database/database';
import type { Logger } from './log.ts';

export type Clock = {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Wakes once, after `delayMs` by this clock. @returns how to cancel */
  wakeAfter(delayMs: number, wake: () => void): () => void;
};

/** setTimeout fires at once for delays above 2^31 − 1 ms; the sleeper looks again after a day. */
const longestSleepMs = 86_400_000;

export const wakeAfter: Clock['wakeAfter'] = (delayMs, wake) => {
  const timer = setTimeout(wake, Math.min(Math.max(delayMs, 0), longestSleepMs));
  return () => clearTimeout(timer);
};

const measureEveryMs = 5_000;
const alarmingStepMs = 2_000;

/** @returns a clock that follows the database's; `stop` ends the measuring */
export async function followDatabaseClock(sql: Sql, log: Logger): Promise<Clock & { stop(): void }> {
  const measure = async (): Promise<{ offset: number; uncertainty: number }> => {
    const before = performance.now();
    const theirs = await databaseTime(sql);
    const after = performance.now();
    return { offset: theirs - (before + after) / 2, uncertainty: (after - before) / 2 };
  };
  let { offset } = await measure();
  const timer = setInterval(() => {
    measure()
      .then((measured) => {
        const step = measured.offset - offset;
        // A slow answer says little; a jump beyond its uncertainty is real.
        if (measured.uncertainty > 500 && Math.abs(step) < measured.uncertainty) return;
        if (Math.abs(step) > alarmingStepMs)
          log.error({ stepMs: Math.round(step) }, 'the clock of the database stepped');
        // Backward steps would delay deadlines that were set by the later time: they are taken in slowly.
        offset = step < 0 ? Math.max(measured.offset, offset - 5) : measured.offset;
      })
      .catch(() => {
        // Unreachable now: the monotonic clock goes on with the offset that it has.
      });
  }, measureEveryMs);
  timer.unref();
  return { now: () => performance.now() + offset, wakeAfter, stop: () => clearInterval(timer) };
}
