/** What is known of the messages of calls. Pure, and apart from what an alert decides. */
import type { Priority } from '@carillon/contracts/monitoring';
import type { ReceiptLevel } from '@carillon/contracts/receipts';

/** When the message of a call first came how far, ms since the epoch. */
export type Receipts = Partial<Record<ReceiptLevel, number>>;
/** One that was new, with the call that it is about. */
export type Kept = {
  alertId: string;
  patientId: string | null;
  wardId: string | null;
  priority: Priority;
  /** Of the alert. */
  version: number;
  person: string;
  pageLevel: number;
  pagedAt: number;
  level: ReceiptLevel;
  at: number;
};

/** What of one alert came so far in one batch, told together. */
export function groupByAlert(kept: readonly Kept[], level: ReceiptLevel): Kept[][] {
  const groups = new Map<string, Kept[]>();
  for (const each of kept) {
    if (each.level !== level) continue;
    const group = groups.get(each.alertId);
    if (group === undefined) groups.set(each.alertId, [each]);
    else group.push(each);
  }
  return [...groups.values()];
}
