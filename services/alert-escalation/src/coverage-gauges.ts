/** Keeps an eye on coverage for those who are not looking: as gauges, judged anew every minute. */
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import { readGauge } from '@carillon/runtime/metrics';
import type { ServiceTools } from '@carillon/runtime/service';
import { coverageOf, hoursOf } from './domain/coverage.ts';
import { loadPlans } from './handlers/coverage.ts';
import { listHospitals, listWards } from './store-coverage.ts';

const lookEveryMs = 60_000;
const weekMs = 7 * 86_400_000;
/** So few at once that an alarm that comes meanwhile waits for no more than a few milliseconds. */
const wardsAtOnce = 10;

type Figures = { uncoveredWards: number; gapHours: number };

/** Over all hospitals: wards that are not covered now, and hours of all wards in the next seven days. */
async function measureCoverage(sql: Sql, now: number): Promise<Record<Priority, Figures>> {
  const figures = Object.fromEntries(
    priorities.map((priority) => [priority, { uncoveredWards: 0, gapHours: 0 }]),
  ) as Record<Priority, Figures>;
  for (const hospital of await listHospitals(sql)) {
    const plans = await loadPlans(sql, hospital, now, now + weekMs);
    let after = '';
    for (;;) {
      const wards = await listWards(sql, hospital, { after, limit: wardsAtOnce });
      const gaps = coverageOf(
        plans,
        wards.map(({ wardId }) => wardId),
        now,
        now + weekMs,
      );
      for (const priority of priorities) {
        const own = gaps.filter((gap) => gap.priority === priority);
        figures[priority].uncoveredWards += new Set(
          own.filter(({ from }) => from === now).map(({ wardId }) => wardId),
        ).size;
        figures[priority].gapHours += hoursOf(own);
      }
      const last = wards.at(-1);
      if (last === undefined || wards.length < wardsAtOnce) break;
      after = last.wardId;
    }
  }
  return figures;
}

export type CoverageWatch = {
  /** How many wards are not covered now for high priority, and since when that is known (ms since the epoch). */
  uncovered(): { wards: number; since: number };
  stop(): Promise<void>;
};

export function startCoverage({ database, metrics, now, log }: ServiceTools): CoverageWatch {
  let figures: Record<Priority, Figures> | undefined;
  let coveredAt = now();
  const read = (figure: keyof Figures) => (): [Priority, number][] => {
    const known = figures;
    return known === undefined ? [] : priorities.map((priority) => [priority, known[priority][figure]]);
  };
  readGauge(
    metrics.registry,
    {
      name: 'carillon_coverage_uncovered_wards',
      help: 'Wards of which an alert that was opened now would call nobody but the failsafe',
      label: 'priority',
    },
    read('uncoveredWards'),
  );
  readGauge(
    metrics.registry,
    {
      name: 'carillon_coverage_gap_hours',
      help: 'Hours of all wards in the next seven days in which an alert would call nobody but the failsafe',
      label: 'priority',
    },
    read('gapHours'),
  );
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout>;
  const look = async (): Promise<void> => {
    try {
      figures = await measureCoverage(database, now());
      if (figures.high.uncoveredWards === 0) coveredAt = now();
    } catch (error) {
      if (!isStopped) log.warn({ err: error }, 'coverage could not be judged');
    }
    if (isStopped) return;
    timer = setTimeout(() => (looking = look()), lookEveryMs).unref();
  };
  let looking = look();
  return {
    uncovered: () => ({ wards: figures?.high.uncoveredWards ?? 0, since: coveredAt }),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
