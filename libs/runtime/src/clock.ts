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
  /** How the time that it follows stepped, as far as that is remembered; oldest first. */
  steps(): readonly ClockStep[];
};
/** `at` by this clock, when the step was seen; `ms` forward, or backward where below 0. */
export type ClockStep = { at: number; ms: number };

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
const keptSteps = 50;
/** How far two clocks may come apart between two measurements: 200 ppm. */
const driftMs = 1;

/**
 * @param processNow the clock of this process: monotonic, ms since whenever
 * @returns a clock that follows the database's; `stop` ends the measuring
 */
export async function followDatabaseClock(
  sql: Sql,
  log: Logger,
  processNow: () => number = () => performance.now(),
): Promise<Clock & { stop(): void }> {
  const steps: ClockStep[] = [];
  const measure = async (): Promise<{ offset: number; uncertainty: number }> => {
    const before = processNow();
    const theirs = await databaseTime(sql);
    const after = processNow();
    return { offset: theirs - (before + after) / 2, uncertainty: (after - before) / 2 };
  };
  let { offset, uncertainty: lastUncertainty } = await measure();
  let lastMeasured = offset;
  const timer = setInterval(() => {
    measure()
      .then((measured) => {
        const step = measured.offset - lastMeasured;
        // What lies within the uncertainty of both answers may be their own delay.
        const isStep = Math.abs(step) > alarmingStepMs + measured.uncertainty + lastUncertainty;
        if (isStep) log.error({ stepMs: Math.round(step) }, 'the clock of the database stepped');
        lastUncertainty += driftMs;
        // One that waited for a connection is wrong by all of its uncertainty: it counts only where it proves a change.
        const isBetter = measured.uncertainty <= lastUncertainty;
        if (isBetter || Math.abs(step) > measured.uncertainty + lastUncertainty) {
          lastMeasured = measured.offset;
          lastUncertainty = measured.uncertainty;
        }
        const behind = lastMeasured - offset;
        // Backward steps would delay deadlines that were set by the later time: they are taken in slowly.
        offset += Math.max(behind, -slewMs);
        if (isStep) steps.push({ at: processNow() + offset, ms: Math.round(step) });
        if (steps.length > keptSteps) steps.shift();
      })
      .catch(() => {
        // Unreachable now: the monotonic clock goes on with the offset that it has.
      });
  }, measureEveryMs);
  timer.unref();
  return { now: () => processNow() + offset, wakeAfter, steps: () => steps, stop: () => clearInterval(timer) };
}
