import type { Sql } from '@carillon/database/database';

/**
 * Whose deadline has passed, without skip locked: what a stuck process holds is seen, which is what is looked for. So is
 * what fails for itself and was therefore postponed.
 */
export async function countOverdue(
  sql: Sql,
  after: { highSeconds: number; othersSeconds: number },
): Promise<{ isHigh: boolean; count: number; oldestSeconds: number }[]> {
  const { rows } = await sql.query<{ isHigh: boolean; count: number; oldestSeconds: number }>(
    `with bound (lane, before) as (
       values ('critical', now() - $1 * interval '1 second'), ('normal', now() - $2 * interval '1 second')
     ), late as (
       select alert_id, lane, due_at as since from bound join alert using (lane) where due_at < before
       union all
       select alert_id, lane, failing_since from bound join alert using (lane) where failing_since < before
     )
     select lane = 'critical' as "isHigh", count(distinct alert_id) as count,
       extract(epoch from now() - min(since))::double precision as "oldestSeconds"
     from late group by lane`,
    [after.highSeconds, after.othersSeconds],
  );
  return rows;
}

/** Ends the record of old alerts of one hospital, so many at most. @returns how many */
export async function deleteOldAlerts(
  sql: Sql,
  { hospital, before, limit }: { hospital: string; before: number; limit: number },
): Promise<number> {
  const { rowCount } = await sql.query(
    `with old as materialized (
       select alert_id from alert
       where hospital = $1 and opened_at < $2 and state = 'resolved' and due_at is null limit $3
     ), receipts as (
       delete from page_receipt using page join old using (alert_id) where page_receipt.mid = page.mid
     ), pages as (
       delete from page using old where page.alert_id = old.alert_id
     ), entries as (
       delete from alert_log using old where alert_log.alert_id = old.alert_id
     )
     delete from alert using old where alert.alert_id = old.alert_id`,
    [hospital, new Date(before), limit],
  );
  return rowCount ?? 0;
}
