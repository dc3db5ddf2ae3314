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
