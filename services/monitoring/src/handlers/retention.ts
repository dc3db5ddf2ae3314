/**
 * Makes the days that are to come and drops those that are too old. Never in the way of readings: a lock that is not
 * free at once is asked for again later.
 */
import { isPassing, type Sql } from '@carillon/database/database';
import type { Config } from '@carillon/runtime/config';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { ServiceTools } from '@carillon/runtime/service';
import type { configSchema } from '../config.ts';
import { createDay, dayMs, dayOf, deleteOldHistory, dropDay, isRetainer, listDays } from '../store-history.ts';
import { deleteOldAlarms } from '../store-alarms.ts';
import { deleteOldReplays } from '../store-replays.ts';

/** An empty partition costs nothing, and whatever keeps days from being made has a week to be mended. */
const daysAhead = 7;
const fewDaysAhead = 2;
const keepReplaysMs = 30 * dayMs;
const everyMs = 3_600_000;
const againMs = 10_000;

export type Retained = { made: number[]; dropped: number[] };

/** @returns which days were made and dropped; undefined where another replica is at it */
export async function retain(
  { database, log }: Pick<ServiceTools, 'database' | 'log'>,
  config: Config<typeof configSchema>,
  now: number,
): Promise<Retained | undefined> {
  const inTurn = async (change: (tx: Sql) => Promise<void>): Promise<boolean> =>
    database.transaction(async (tx) => {
      if (!(await isRetainer(tx))) return false;
      await change(tx);
      return true;
    });
  const today = dayOf(now);
  const keptFrom = now - config.CARILLON_VITALS_KEEP_DAYS * dayMs;
  const days = await listDays(database);
  const retained: Retained = { made: [], dropped: [] };
  // Yesterday as well: an edge takes what is up to a day old as it was measured.
  for (let day = today - dayMs; day <= today + daysAhead * dayMs; day += dayMs) {
    if (days.includes(day)) continue;
    if (!(await inTurn((tx) => createDay(tx, day)))) return undefined;
    retained.made.push(day);
  }
  for (const day of days) {
    if (day + dayMs > keptFrom) break;
    if (!(await inTurn((tx) => dropDay(tx, day)))) return undefined;
    retained.dropped.push(day);
  }
  while ((await deleteOldHistory(database, keptFrom)) > 0);
  await deleteOldAlarms(database, now - config.CARILLON_ALARMS_KEEP_DAYS * dayMs);
  await deleteOldReplays(database, now - keepReplaysMs);
  if (retained.made.length + retained.dropped.length > 0) {
    log.info({ made: retained.made.length, dropped: retained.dropped.length }, 'days of vital signs');
  }
  return retained;
}

export function retentionTimer(tools: ServiceTools, config: Config<typeof configSchema>): DueWork {
  let lookAt = 0;
  return {
    name: 'retention',
    nextDueAt: () => Promise.resolve(lookAt),
    async run(now) {
      const labels = { kind: 'timer', name: 'vitals:retain' };
      try {
        await retain(tools, config, now);
        lookAt = now + everyMs;
        tools.metrics.handled.inc({ ...labels, outcome: 'ok' });
      } catch (error) {
        // A lock that was not free is no database that is away: the service goes on.
        if (!isPassing(error)) throw error;
        lookAt = now + againMs;
        tools.metrics.handled.inc({ ...labels, outcome: 'later' });
        await warnOfFewDays(tools, now);
      }
      return 1;
    },
  };
}

async function warnOfFewDays({ database, log }: ServiceTools, now: number): Promise<void> {
  const last = (await listDays(database)).at(-1) ?? 0;
  const ahead = Math.round((last - dayOf(now)) / dayMs);
  if (ahead < fewDaysAhead) log.warn({ ahead }, 'days of vital signs cannot be made: readings go to the default one');
}
