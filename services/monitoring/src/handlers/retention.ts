/**
 * Makes the partitions that are to come and drops those that are too old. Never in the way of readings: a lock that is not
 * free at once is asked for again later.
 */
import { canary } from '@carillon/contracts/canary';
import type { Sql } from '@carillon/database/database';
import type { Config } from '@carillon/runtime/config';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { ServiceTools } from '@carillon/runtime/service';
import { minutesKeepDays, type configSchema } from '../config.ts';
import {
  createPart,
  dayMs,
  dayOf,
  deleteOldHistory,
  dropPart,
  isRetainer,
  listParts,
  minuteMonths,
  partitionOf,
  readingDays,
} from '../store-history.ts';
import { deleteAlarmsOf, deleteOldAlarms } from '../store-alarms.ts';
import { deleteOldReplays } from '../store-replays.ts';
import { isDoneInBackground } from './background.ts';

/** An empty partition costs nothing, and whatever keeps days from being made has a week to be mended. */
const daysAhead = 7;
const fewDaysAhead = 2;
const keepReplaysMs = 30 * dayMs;
const everyMs = 3_600_000;
const againMs = 10_000;

/** Names of partitions. */
export type Retained = { made: string[]; dropped: string[] };

/** @returns what was made and dropped; undefined where another replica is at it */
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
  const keptFrom = now - config.CARILLON_VITALS_KEEP_DAYS * dayMs;
  const minutesKeptFrom = now - minutesKeepDays(config) * dayMs;
  const kept = [
    // Yesterday as well: an edge takes what is up to a day old as it was measured.
    { table: readingDays, keptFrom, neededFrom: now - dayMs },
    // All of them: an upgrade, and what comes late, makes minutes of long ago.
    { table: minuteMonths, keptFrom: minutesKeptFrom, neededFrom: minutesKeptFrom },
  ];
  const retained: Retained = { made: [], dropped: [] };
  for (const { table, keptFrom: tableKeptFrom, neededFrom } of kept) {
    const parts = await listParts(database, table);
    for (let part = table.beginOf(neededFrom); part <= now + daysAhead * dayMs; part = table.endOf(part)) {
      if (parts.includes(part)) continue;
      if (!(await inTurn((tx) => createPart(tx, table, part)))) return undefined;
      retained.made.push(partitionOf(table, part));
    }
    for (const part of parts) {
      if (table.endOf(part) > tableKeptFrom) break;
      if (!(await inTurn((tx) => dropPart(tx, table, part)))) return undefined;
      retained.dropped.push(partitionOf(table, part));
    }
  }
  while ((await deleteOldHistory(database, keptFrom)) > 0);
  while ((await deleteOldAlarms(database, now - config.CARILLON_ALARMS_KEEP_DAYS * dayMs)) > 0);
  // Thousands a day, for the alarm load of which nobody asks.
  while ((await deleteAlarmsOf(database, canary.hospital, now - dayMs)) > 0);
  await deleteOldReplays(database, now - keepReplaysMs);
  if (retained.made.length + retained.dropped.length > 0) log.info(retained, 'partitions of vital signs');
  return retained;
}

export function retentionTimer(tools: ServiceTools, config: Config<typeof configSchema>): DueWork {
  let lookAt = 0;
  return {
    name: 'retention',
    nextDueAt: () => Promise.resolve(lookAt),
    async run(now) {
      const isDone = await isDoneInBackground(tools, 'vitals:retain', () => retain(tools, config, now));
      lookAt = now + (isDone ? everyMs : againMs);
      if (!isDone) await warnOfFewDays(tools, now);
      return 1;
    },
  };
}

async function warnOfFewDays({ database, log }: ServiceTools, now: number): Promise<void> {
  const last = (await listParts(database, readingDays)).at(-1) ?? 0;
  const ahead = Math.round((last - dayOf(now)) / dayMs);
  if (ahead < fewDaysAhead) log.warn({ ahead }, 'days of vital signs cannot be made: readings go to the default one');
}
