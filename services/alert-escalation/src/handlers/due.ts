import type { ClockStep } from '@carillon/runtime/clock';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { timeFor, type AlertState } from '../domain/alert.ts';
import { onDue } from '../domain/due.ts';
import { claimDueAlerts, findWardToStay, listDueAlerts, nextDueTime, postponeAlert, type DueLane } from '../store.ts';
import { raise } from './alerts.ts';
import { factsOf, loadFacts } from './facts.ts';
import { saveChanges } from './save.ts';

/** An answer to an alert of a batch waits until the batch is done: a lower one that becomes high must not wait long. */
const batchSizes: Readonly<Record<DueLane, number>> = { critical: 100, normal: 50 };

type Due = { lane: DueLane; steps: readonly ClockStep[] };
type Decided = { before: AlertState; change: ReturnType<typeof onDue> };

/** By the time of the transaction: a process that stood still before it knows an old one. */
async function decide({ tx, now }: Work, { lane, steps }: Due, only?: string): Promise<readonly Decided[]> {
  const due = await claimDueAlerts(tx, { now, lane, limit: batchSizes[lane], only });
  const facts = await loadFacts(tx, due, now);
  return due.map((before) => ({
    before,
    change: onDue(before, timeFor(before, now), { ...factsOf(facts, before.alertId), steps }),
  }));
}

/**
 * Does what is due, in one transaction. Not what opens anew: it may wait for the open alert of its episode, and whoever has
 * that one may wait for another of this batch.
 * @returns how many alerts had something due, and which of them open anew
 */
async function handleDueAlerts(work: Work, due: Due): Promise<{ claimed: number; outlasted: readonly string[] }> {
  const decided = await decide(work, due);
  const isOutlasted = ({ change }: Decided): boolean => change.reopen === true;
  await saveChanges(
    work,
    decided.filter((each) => !isOutlasted(each)),
  );
  return { claimed: decided.length, outlasted: decided.filter(isOutlasted).map(({ before }) => before.alertId) };
}

/** One alert alone, whatever is due of it. @returns whether anything was */
async function handleDueAlert(work: Work, due: Due, alertId: string): Promise<boolean> {
  const [decided] = await decide(work, due, alertId);
  if (decided === undefined) return false;
  await saveChanges(work, [decided]);
  if (decided.change.reopen !== true) return true;
  const { hospital, patientId, wardId, kind, priority, message, source } = decided.before;
  const reason = 'the condition outlasted the resolution';
  // He may have been moved since; whoever moves him now waits for us, and then finds the alert.
  const ward = patientId === null ? undefined : await findWardToStay(work.tx, hospital, patientId);
  const place = { hospital, patientId, wardId: ward ?? wardId, kind };
  await raise(work, { ...place, priority, message, source, reason });
  return true;
}

const isPassing = (error: unknown): boolean => ['later', 'notYet'].includes(judge(error).kind);

/** An alert that fails for itself comes again after this; the others of its batch do not wait for it. */
const failedAgainMs = 5_000;

/** Each alone, so that one that cannot be handled holds up nobody. @returns how many were handled */
async function handleEach(
  tools: ServiceTools,
  due: Due,
  { now, alertIds }: { now: number; alertIds: readonly string[] },
): Promise<number> {
  let handled = 0;
  for (const alertId of alertIds) {
    try {
      const isDone = await tools.work(childTrace(undefined), (work) => handleDueAlert(work, due, alertId));
      if (isDone) handled++;
    } catch (error) {
      if (isPassing(error)) throw error;
      tools.log.error({ err: error, alertId }, 'an alert cannot be escalated');
      tools.metrics.handled.inc({ kind: 'timer', name: 'alert:due', outcome: 'poison' });
      await postponeAlert(tools.database, alertId, now, now + failedAgainMs);
    }
  }
  return handled;
}

/** High priority has a loop of its own, and connections: no number of lower ones delays it. */
export function escalationTimers(toolsOf: Readonly<Record<DueLane, ServiceTools>>): readonly DueWork[] {
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  toolsOf.normal.metrics.handled.inc({ kind: 'timer', name: 'alert:due', outcome: 'poison' }, 0);
  return (['critical', 'normal'] as const).map((lane) => {
    const tools = toolsOf[lane];
    return {
      name: `escalate ${lane}`,
      nextDueAt: () => nextDueTime(tools.database, lane),
      async run(now) {
        const due = { lane, steps: tools.clock.steps() };
        try {
          const { claimed, outlasted } = await tools.work(childTrace(undefined), (work) => handleDueAlerts(work, due));
          await handleEach(tools, due, { now, alertIds: outlasted });
          return claimed;
        } catch (error) {
          if (isPassing(error)) throw error;
          const alertIds = await listDueAlerts(tools.database, now, lane, batchSizes[lane]);
          return handleEach(tools, due, { now, alertIds });
        }
      },
    };
  });
}
