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
/** How much of a backward step is taken in at each measurement: 1 ms a second. */
const slewMs = 5;

/** @returns a clock that follows the database's; `stop` ends the measuring */
export async function followDatabaseClock(sql: Sql, log: Logger): Promise<Clock & { stop(): void }> {
  const measure = async (): Promise<{ offset: number; uncertainty: number }> => {
    const before = performance.now();
    const theirs = await databaseTime(sql);
    const after = performance.now();
    return { offset: theirs - (before + after) / 2, uncertainty: (after - before) / 2 };
  };
  let { offset } = await measure();
  let lastMeasured = offset;
  const timer = setInterval(() => {
    measure()
      .then((measured) => {
        const step = measured.offset - lastMeasured;
        // What lies within the uncertainty of an answer may be the answer's own delay.
        if (Math.abs(step) > alarmingStepMs + measured.uncertainty) {
          log.error({ stepMs: Math.round(step) }, 'the clock of the database stepped');
        }
        if (Math.abs(step) > measured.uncertainty) lastMeasured = measured.offset;
        const behind = lastMeasured - offset;
        // Backward steps would delay deadlines that were set by the later time: they are taken in slowly.
        offset += Math.max(behind, -slewMs);
      })
      .catch(() => {
        // Unreachable now: the monotonic clock goes on with the offset that it has.
      });
  }, measureEveryMs);
  timer.unref();
  return { now: () => performance.now() + offset, wakeAfter, stop: () => clearInterval(timer) };
}
