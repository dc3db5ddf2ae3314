/**
 * Who got a page, and had it on his screen: facts beside the alert. They never change what it is, when it is due, or
 * whom it calls next (I17): only an answer does.
 */
import { alertDelivered, alertDisplayed } from '@carillon/contracts/alert-escalation';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { factsOf, type recordReceipts } from '@carillon/contracts/receipts';
import type { CommandWork } from '@carillon/runtime/commands';
import { observeHop } from '@carillon/runtime/metrics';
import { groupByAlert, type Kept } from '../domain/receipts.ts';
import { insertReceipts } from '../store-receipts.ts';

const iso = (at: number): string => new Date(at).toISOString();

/** `read` is told to nobody: that it was displayed is what a ward needs to know. */
const told = [
  { level: 'delivered', event: alertDelivered, hop: 'paged_delivered' },
  { level: 'displayed', event: alertDisplayed, hop: 'paged_displayed' },
] as const;

function tell(work: CommandWork, event: (typeof told)[number]['event'], kept: readonly Kept[]): void {
  const [first] = kept;
  if (first === undefined) return;
  const { alertId, patientId, wardId, version } = first;
  const pages = kept.map(({ person, pageLevel, pagedAt, at }) => ({
    person,
    level: pageLevel,
    pagedAt: iso(pagedAt),
    at: iso(at),
  }));
  work.emit(
    event,
    { alertId, patientId, wardId, pages },
    {
      lane: 'normal',
      entity: `receipts ${alertId}`,
      version,
      tokens: { hospital: work.actor.hospital, ward: wardId, patient: patientId },
    },
  );
}

export async function keepReceipts(
  work: CommandWork,
  { items }: InputOf<typeof recordReceipts>,
): Promise<ResultOf<typeof recordReceipts>> {
  const kept = await insertReceipts(work.tx, work.actor.hospital, factsOf(items, work.now));
  for (const { level, event, hop } of told) {
    for (const group of groupByAlert(kept, level)) {
      tell(work, event, group);
      const { hospital } = work.actor;
      for (const { priority, at, pagedAt } of group) observeHop(work, hop, { hospital, priority }, at - pagedAt);
    }
  }
  return { recorded: kept.length };
}
