/** Makes the minutes of hours that are over, a few patients at a time. */
import type { Database } from '@carillon/database/database';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { ServiceTools } from '@carillon/runtime/service';
import { dayMs } from '../store-history.ts';
import { claimHours, findDueHour, insertMinutes } from '../store-minutes.ts';
import { isDoneInBackground } from './background.ts';

const hourMs = 3_600_000;
/** After its end: by then what comes in time is there, and what comes later makes the hour due again. */
const settleMs = 10 * 60_000;
/** Up to 18,000 readings each, of five vital signs a second. */
const hoursAtOnce = 4;
/** Of what a turn took. All patients are due at once, and after an upgrade all that is kept: so it takes a third of the time. */
const restShare = 2;
const againMs = 10_000;

/** @returns how many hours of patients were made, or were older than minutes are kept */
export const makeMinutes = (
  database: Database,
  { now, keepDays }: { now: number; keepDays: number },
): Promise<number> =>
  database.transaction(async (tx) => {
    const hours = await claimHours(tx, { begunUntil: now - hourMs - settleMs, limit: hoursAtOnce });
    const kept = hours.filter((hour) => hour.hourMs >= now - keepDays * dayMs);
    if (kept.length > 0) await insertMinutes(tx, kept);
    return hours.length;
  });

export function minutesTimer(tools: ServiceTools, keepDays: number): DueWork {
  let restUntil = 0;
  return {
    name: 'minutes',
    async nextDueAt() {
      const hour = await findDueHour(tools.database);
      return hour === undefined ? undefined : Math.max(hour + hourMs + settleMs, restUntil);
    },
    async run(now) {
      const startedAt = performance.now();
      let made = 0;
      const isDone = await isDoneInBackground(tools, 'vitals:sum', async () => {
        made = await makeMinutes(tools.database, { now, keepDays });
      });
      restUntil = tools.now() + (isDone ? restShare * (performance.now() - startedAt) : againMs);
      return made;
    },
  };
}
