/**
 * What nobody needs any more goes after a while, a little at a time. Alerts of people and their timelines are a record: they
 * stay.
 */
import { canary } from '@carillon/contracts/canary';
import { streams } from '@carillon/contracts/streams';
import type { Sql } from '@carillon/database/database';
import type { Config } from '@carillon/runtime/config';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import type { configSchema } from './config.ts';
import {
  deleteOldAlerts,
  deleteOldConditions,
  deleteOldOverrides,
  deleteOldSilences,
  deleteRepeatedPages,
  type Old,
} from './store-sweeps.ts';

const dayMs = 86_400_000;
const everyMs = 10 * 60_000;
/** So few at once that nobody waits for it. */
const limit = 200;

/** Thousands a day: what is to be learned of them is in metrics by then. */
const canaryKeepMs = dayMs;
/** Longer than any event can come again: put back from the dead letters at last. */
const conditionsKeepMs = streams.DEADLETTERS.maxAgeMs + 10 * dayMs;

type Sweep = { keepMs: number; sweep(sql: Sql, old: Old): Promise<number> };
type SweepConfig = Pick<Config<typeof configSchema>, 'CARILLON_PAGES_KEEP_DAYS' | 'CARILLON_PLANS_KEEP_DAYS'>;

const sweepsOf = ({ CARILLON_PAGES_KEEP_DAYS: pages, CARILLON_PLANS_KEEP_DAYS: plans }: SweepConfig): Sweep[] => [
  { keepMs: canaryKeepMs, sweep: (sql, old) => deleteOldAlerts(sql, { ...old, hospital: canary.hospital }) },
  { keepMs: pages * dayMs, sweep: deleteRepeatedPages },
  { keepMs: conditionsKeepMs, sweep: deleteOldConditions },
  { keepMs: plans * dayMs, sweep: deleteOldSilences },
  { keepMs: plans * dayMs, sweep: deleteOldOverrides },
];

type SweepTools = Pick<ServiceTools, 'database' | 'now' | 'isStopping' | 'log' | 'metrics'>;
const labels = { kind: 'timer', name: 'alerts:sweep' };

/** Until nothing is left that is too old, or the service stops. What cannot be deleted now is told, and left for the next time. */
export async function sweepAll(
  { database, now, isStopping, log, metrics }: SweepTools,
  config: SweepConfig,
): Promise<void> {
  for (const { keepMs, sweep } of sweepsOf(config)) {
    try {
      const old = { before: now() - keepMs, limit };
      while (!isStopping() && (await sweep(database, old)) === limit);
      metrics.handled.inc({ ...labels, outcome: 'ok' });
    } catch (error) {
      log.warn({ err: error }, 'what is too old could not be deleted');
      metrics.handled.inc({ ...labels, outcome: judge(error).kind });
    }
  }
}

export function startSweeps(tools: SweepTools, config: SweepConfig): { stop(): Promise<void> } {
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  tools.metrics.handled.inc({ ...labels, outcome: 'poison' }, 0);
  let timer: ReturnType<typeof setTimeout>;
  let sweeping = Promise.resolve();
  const wait = (): void => {
    timer = setTimeout(() => {
      sweeping = sweepAll(tools, config).then(() => {
        if (!tools.isStopping()) wait();
      });
    }, everyMs).unref();
  };
  wait();
  return {
    async stop() {
      clearTimeout(timer);
      await sweeping;
    },
  };
}
