import type { DataOf } from '@carillon/contracts/define';
import type { alertAcknowledged } from '@carillon/contracts/alert-escalation';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { keepOutcome } from './alarm-load.ts';
import { runMonitors } from './patients.ts';

type Answered = DataOf<typeof alertAcknowledged>;

/** What latches ends only after somebody answered its alert; of a kind that does not latch nothing changes. */
export async function onAlertAcknowledged(work: EventWork, { patientId, kind }: Answered): Promise<void> {
  if (patientId === null) return;
  const answers = new Map([[patientId, [kind]]]);
  await runMonitors(work, work.hospital, new Map([[patientId, []]]), { answers });
}

/**
 * An alert that was acknowledged is resolved when its condition ends: that answer has counted, and must not count for
 * the next condition, which may have begun by then.
 */
export async function onAlertResolved(work: EventWork, alert: Answered): Promise<void> {
  if ((alert.acknowledgedBy ?? null) === null) await onAlertAcknowledged(work, alert);
  await keepOutcome(work, alert);
}
