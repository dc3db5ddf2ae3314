/** Looks at patients when it is time to, although no sample came: each by whoever listens to his partition. */
import { areLeasesHeld } from '@carillon/database/lease';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { claimDueMonitors, nextDueMonitor, postponeMonitor, type DueMonitor } from '../store-due.ts';
import type { Ears } from './ears.ts';
import { runMonitors } from './patients.ts';

const batchSize = 200;
/** A patient whose look fails for itself is looked at again after this; the others of his batch do not wait for him. */
const failedAgainMs = 60_000;

export function monitorTimer(tools: ServiceTools, ears: Ears): DueWork {
  const { clock, database, instance, log, metrics, work } = tools;
  const labels = { kind: 'timer', name: 'monitor:due' };
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  metrics.handled.inc({ ...labels, outcome: 'poison' }, 0);

  const partsOf = (attended: ReturnType<Ears['attended']>): number[] =>
    attended.map(({ partition }) => Number(partition));
  /** @returns undefined where a partition is another's by now: an owner that slept would find everybody silent */
  const claim = async ({ tx }: Work, now: number, limit: number): Promise<DueMonitor[] | undefined> => {
    const attended = ears.attended();
    const leases = attended.map(({ lease }) => lease);
    if (!(await areLeasesHeld(tx, leases, instance))) return undefined;
    return claimDueMonitors(tx, { parts: partsOf(attended), now, limit });
  };
  const look = async (unit: Work, due: readonly DueMonitor[]): Promise<void> => {
    for (const hospital of new Set(due.map((row) => row.hospital))) {
      const own = due.filter((row) => row.hospital === hospital);
      const patients = new Map(own.map(({ patientId }) => [patientId, []]));
      await runMonitors(unit, hospital, patients, { hearingOf: ears.hearingOf });
    }
  };
  const lookAtOne = async (now: number): Promise<number> => {
    let failing: DueMonitor | undefined;
    try {
      return await work(childTrace(undefined), async (unit) => {
        const due = (await claim(unit, now, 1)) ?? [];
        failing = due[0];
        await look(unit, due);
        return due.length;
      });
    } catch (error) {
      if (failing === undefined || judge(error).kind !== 'poison') throw error;
      log.error({ err: error, patientId: failing.patientId }, 'a patient cannot be looked at');
      metrics.handled.inc({ ...labels, outcome: 'poison' });
      await postponeMonitor(database, failing, now + failedAgainMs);
      return 1;
    }
  };
  return {
    name: 'monitors',
    async nextDueAt() {
      await ears.attend(clock.now());
      const parts = partsOf(ears.attended());
      return parts.length === 0 ? undefined : nextDueMonitor(database, parts);
    },
    async run(now) {
      try {
        return await work(childTrace(undefined), async (unit) => {
          const due = (await claim(unit, now, batchSize)) ?? [];
          await look(unit, due);
          return due.length;
        });
      } catch (error) {
        if (judge(error).kind !== 'poison') throw error;
        // One of them fails: the oldest is looked at alone, until it was that one.
        return lookAtOne(now);
      }
    },
  };
}
