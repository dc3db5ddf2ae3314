import { priorities, type Priority } from '@carillon/contracts/monitoring';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { onDue, type AlertState } from '../domain/alert.ts';
import { claimDueAlerts, loadStaffing, nextDueTime } from '../store.ts';
import { raise } from './alerts.ts';
import { saveChange } from './save.ts';

const batchSize = 25;

/** Does what is due, in one transaction. @returns how many alerts had something due */
export async function handleDueAlerts(work: Work, now: number, of: readonly Priority[]): Promise<number> {
  const due = await claimDueAlerts(work.tx, now, of, batchSize);
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

/** High priority has a loop of its own: no number of lower ones delays it. */
export const escalationTimers = (tools: ServiceTools): readonly DueWork[] =>
  [['high'] as const, priorities.filter((priority) => priority !== 'high')].map((of) => ({
    name: `escalate ${of.join(', ')}`,
    nextDueAt: () => nextDueTime(tools.database, of),
    run: (now) => tools.work(childTrace(undefined), (work) => handleDueAlerts(work, now, of)),
  }));
