import { priorities, type Priority } from '@carillon/contracts/monitoring';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { onDue, type AlertState } from '../domain/alert.ts';
import { claimDueAlerts, listDueAlerts, loadStaffing, nextDueTime, postponeAlert } from '../store.ts';
import { raise } from './alerts.ts';
import { saveChange } from './save.ts';

const batchSize = 25;

/**
 * Does what is due, in one transaction.
 * @param only one alert alone, where its batch has failed
 * @returns how many alerts had something due
 */
export async function handleDueAlerts(
  work: Work,
  now: number,
  of: readonly Priority[],
  only?: string,
): Promise<number> {
  const due = await claimDueAlerts(work.tx, { now, priorities: of, limit: batchSize, only });
  const outlasted: AlertState[] = [];
  for (const alert of due) {
    const change = onDue(alert, now, await loadStaffing(work.tx, { ...alert, now }));
    await saveChange(work, alert, change);
    if (change.reopen === true) outlasted.push(alert);
  }
  // Last, since raising may change another alert of this batch: it must not have been read before that.
  for (const { hospital, patientId, wardId, kind, priority, message, source } of outlasted) {
    const reason = 'the condition outlasted the resolution';
    await raise(work, { hospital, patientId, wardId, kind, priority, message, source, reason });
  }
  return due.length;
}

const isPassing = (error: unknown): boolean => ['later', 'notYet'].includes(judge(error).kind);

/** An alert that fails for itself comes again after this; the others of its batch do not wait for it. */
const failedAgainMs = 5_000;

/** Each alone, so that one that cannot be handled holds up nobody. @returns how many were handled */
async function handleOneByOne(tools: ServiceTools, now: number, of: readonly Priority[]): Promise<number> {
  let handled = 0;
  for (const alertId of await listDueAlerts(tools.database, now, of, batchSize)) {
    try {
      handled += await tools.work(childTrace(undefined), (work) => handleDueAlerts(work, now, of, alertId));
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
  return [['high'] as const, priorities.filter((priority) => priority !== 'high')].map((of) => ({
    name: `escalate ${of.join(', ')}`,
    nextDueAt: () => nextDueTime(tools.database, of),
    async run(now) {
      try {
        return await tools.work(childTrace(undefined), (work) => handleDueAlerts(work, now, of));
      } catch (error) {
        if (isPassing(error)) throw error;
        return handleOneByOne(tools, now, of);
      }
    },
  }));
}
