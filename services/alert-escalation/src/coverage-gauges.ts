/** Keeps an eye on coverage for those who are not looking: as gauges and findings, judged anew every minute. */
import { setImmediate } from 'node:timers/promises';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import { readGauge } from '@carillon/runtime/metrics';
import type { ServiceTools } from '@carillon/runtime/service';
import { coverageOf, hoursOf } from './domain/coverage.ts';
import type { HospitalSight } from './domain/findings.ts';
import { isZone } from './domain/local-time.ts';
import { loadPlans } from './handlers/coverage.ts';
import { listHospitals, listWards, listZones } from './store-coverage.ts';

const lookEveryMs = 60_000;
const weekMs = 7 * 86_400_000;
/** So few at once that an alarm that comes meanwhile waits for no more than a few milliseconds. */
const wardsAtOnce = 10;

type Figures = Record<Priority, { uncoveredWards: number; gapHours: number }>;

/** Of one hospital: wards that are not covered now, and hours of all its wards in the next seven days. */
async function measureCoverage(sql: Sql, hospital: string, now: number): Promise<Figures> {
  const figures = Object.fromEntries(
    priorities.map((priority) => [priority, { uncoveredWards: 0, gapHours: 0 }]),
  ) as Figures;
  const plans = await loadPlans(sql, hospital, now, now + weekMs);
  for (let after: string | undefined = ''; after !== undefined;) {
    await setImmediate();
    const wards = await listWards(sql, hospital, { after, limit: wardsAtOnce });
    const gaps = coverageOf(
      plans,
      wards.map(({ wardId }) => wardId),
      now,
      now + weekMs,
    );
    for (const priority of priorities) {
      const own = gaps.filter((gap) => gap.priority === priority);
      const uncovered = own.filter(({ from }) => from === now).map(({ wardId }) => wardId);
      figures[priority].uncoveredWards += new Set(uncovered).size;
      figures[priority].gapHours += hoursOf(own);
    }
    after = wards.length < wardsAtOnce ? undefined : wards.at(-1)?.wardId;
  }
  return figures;
}

type Seen = HospitalSight & { figures: Figures };
export type CoverageWatch = {
  /** As of the last look; none before the first. */
  hospitals(): readonly HospitalSight[];
  stop(): Promise<void>;
};

type CoverageTools = Pick<ServiceTools, 'database' | 'metrics' | 'now' | 'log'>;

export function startCoverage({ database, metrics, now, log }: CoverageTools): CoverageWatch {
  let seen: ReadonlyMap<string, Seen> | undefined;
  const startedAt = now();
  measureFigures(metrics.registry, () => (seen === undefined ? undefined : [...seen.values()]));

  const lookAt = async (hospital: string, unreadable: readonly string[]): Promise<Seen> => {
    const at = now();
    const figures = await measureCoverage(database, hospital, at);
    const before = seen?.get(hospital);
    const uncoveredWards = figures.high.uncoveredWards;
    return {
      hospital,
      figures,
      uncoveredWards,
      uncoveredSince: uncoveredWards === 0 ? at : (before?.uncoveredSince ?? startedAt),
      unreadable,
      unreadableSince: unreadable.length === 0 ? at : (before?.unreadableSince ?? startedAt),
    };
  };
  let isStopped = false;
  const lookAtAll = async (): Promise<void> => {
    const unknown = (await listZones(database)).filter(({ zone }) => !isZone(zone));
    const looked = new Map<string, Seen>();
    for (const hospital of await listHospitals(database)) {
      if (isStopped) return;
      const before = seen?.get(hospital);
      const schedules = unknown.filter((each) => each.hospital === hospital).map(({ scheduleId }) => scheduleId);
      // What is wrong with the plans of one hospital hides nothing of another.
      const found = await lookAt(hospital, schedules).catch((error: unknown) => {
        log.warn({ err: error, hospital }, 'coverage could not be judged');
        return before;
      });
      if (found !== undefined) looked.set(hospital, found);
    }
    seen = looked;
  };

  let timer: ReturnType<typeof setTimeout>;
  const look = async (): Promise<void> => {
    await lookAtAll().catch((error: unknown) => {
      if (!isStopped) log.warn({ err: error }, 'coverage could not be judged');
    });
    if (!isStopped) timer = setTimeout(() => (looking = look()), lookEveryMs).unref();
  };
  let looking = look();
  return {
    hospitals: () => [...(seen?.values() ?? [])],
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** Sums over all hospitals: whoever scrapes runs all of them. */
function measureFigures(
  registry: ServiceTools['metrics']['registry'],
  seen: () => readonly { figures: Figures }[] | undefined,
): void {
  const read = (figure: keyof Figures[Priority]) => (): [Priority, number][] => {
    const known = seen();
    if (known === undefined) return [];
    return priorities.map((priority) => [
      priority,
      known.reduce((sum, { figures }) => sum + figures[priority][figure], 0),
    ]);
  };
  readGauge(
    registry,
    {
      name: 'carillon_coverage_uncovered_wards',
      help: 'Wards of which an alert that was opened now would call nobody but the failsafe',
      label: 'priority',
    },
    read('uncoveredWards'),
  );
  readGauge(
    registry,
    {
      name: 'carillon_coverage_gap_hours',
      help: 'Hours of all wards in the next seven days in which an alert would call nobody but the failsafe',
      label: 'priority',
    },
    read('gapHours'),
  );
}
