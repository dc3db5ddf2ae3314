import type { Fact, ReceiptLevel } from '@carillon/contracts/receipts';
import type { Sql } from '@carillon/database/database';
import type { Kept } from './domain/receipts.ts';

/**
 * Keeps those that name a call of the same person in the hospital and that nobody has told before, none earlier than the
 * call. Alerts and their pages are read as they are, not locked.
 * @returns what was new
 */
export async function insertReceipts(tx: Sql, hospital: string, facts: readonly Fact[]): Promise<Kept[]> {
  const { rows } = await tx.query<Omit<Kept, 'at' | 'pagedAt'> & { level: ReceiptLevel; at: Date; pagedAt: Date }>(
    `with kept as (
       insert into page_receipt (mid, level, at)
       select page.mid, given.level, greatest(given.at, page.at)
       from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as given (mid, person, level, at)
       join page on page.mid = given.mid and page.person = given.person
       join alert on alert.alert_id = page.alert_id and alert.hospital = $1
       -- In one order for everybody: two that keep the same ones wait for each other, and never both.
       order by page.mid, given.level, given.at
       on conflict do nothing
       returning mid, level, at)
     select kept.level, kept.at, page.alert_id as "alertId", page.person, page.level as "pageLevel",
       page.at as "pagedAt", alert.priority, alert.patient_id as "patientId", alert.ward_id as "wardId", alert.version
     from kept join page using (mid) join alert using (alert_id)
     order by page.alert_id, kept.level, kept.at, page.person`,
    [
      hospital,
      facts.map((fact) => fact.mid),
      facts.map((fact) => fact.person),
      facts.map((fact) => fact.level),
      facts.map((fact) => new Date(fact.at)),
    ],
  );
  return rows.map((row) => ({ ...row, at: row.at.getTime(), pagedAt: row.pagedAt.getTime() }));
}
