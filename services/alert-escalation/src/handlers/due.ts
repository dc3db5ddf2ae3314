import { findWards } from '@carillon/runtime/directory-projection';
import type { ClockStep } from '@carillon/runtime/clock';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { timeFor, type AlertState } from '../domain/alert.ts';
import { onDue } from '../domain/due.ts';
import { claimDueAlerts, listDueAlerts, nextDueTime, postponeAlert, type DueLane } from '../store.ts';
import { raise } from './alerts.ts';
import { factsOf, loadFacts } from './facts.ts';
import { saveChanges } from './save.ts';

/** An answer to an alert of a batch waits until the batch is done: a lower one that becomes high must not wait long. */
const batchSizes: Readonly<Record<DueLane, number>> = { critical: 100, normal: 50 };

/**
 * Does what is due, in one transaction.
 * @param only one alert alone, where its batch has failed
 * @returns how many alerts had something due
 */
async function handleDueAlerts(
  work: Work,
  { now, lane, steps }: { now: number; lane: DueLane; steps: readonly ClockStep[] },
  only?: string,
): Promise<number> {
  const { tx } = work;
  const due = await claimDueAlerts(tx, { now, lane, limit: batchSizes[lane], only });
  const facts = await loadFacts(tx, due, now);
  const outlasted: AlertState[] = [];
  const savings = due.map((before) => {
    const change = onDue(before, timeFor(before, now), { ...factsOf(facts, before.alertId), steps });
    if (change.reopen === true) outlasted.push(before);
    return { before, change };
  });
  await saveChanges(work, savings);
  // Last, since raising may change another alert of this batch: it must not have been read before that.
  for (const { hospital, patientId, wardId, kind, priority, message, source } of outlasted) {
    const reason = 'the condition outlasted the resolution';
    // He may have been moved since.
    const wards = await findWards(tx, hospital, patientId === null ? [] : [patientId]);
    const place = { hospital, patientId, wardId: wards.get(patientId ?? '') ?? wardId, kind };
    await raise(work, { ...place, priority, message, source, reason });
  }
  return due.length;
}

const isPassing = (error: unknown): boolean => ['later', 'notYet'].includes(judge(error).kind);

/** An alert that fails for itself comes again after this; the others of its batch do not wait for it. */
const failedAgainMs = 5_000;

/** Each alone, so that one that cannot be handled holds up nobody. @returns how many were handled */
async function handleOneByOne(tools: ServiceTools, now: number, lane: DueLane): Promise<number> {
  let handled = 0;
  for (const alertId of await listDueAlerts(tools.database, now, lane, batchSizes[lane])) {
    try {
      const due = { now, lane, steps: tools.clock.steps() };
      handled += await tools.work(childTrace(undefined), (work) => handleDueAlerts(work, due, alertId));
    } catch (error) {
      if (isPassing(error)) throw error;
      tools.log.error({ err: error, alertId }, 'an alert cannot be escalated');
      tools.metrics.handled.inc({ kind: 'timer', name: 'alert:due', outcome: 'poison' });
      await postponeAlert(tools.database, alertId, now, now + failedAgainMs);
    }
  }
  return handled;
}

/** High priority has a loop of its own: no number of lower ones delays it. */
export function escalationTimers(tools: ServiceTools): readonly DueWork[] {
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  tools.metrics.handled.inc({ kind: 'timer', name: 'alert:due', outcome: 'poison' }, 0);
  return (['critical', 'normal'] as const).map((lane) => ({
    name: `escalate ${lane}`,
    nextDueAt: () => nextDueTime(tools.database, lane),
    async run(now) {
      try {
        const due = { now, lane, steps: tools.clock.steps() };
        return await tools.work(childTrace(undefined), (work) => handleDueAlerts(work, due));
      } catch (error) {
        if (isPassing(error)) throw error;
        return handleOneByOne(tools, now, lane);
      }
    },
  }));
}
