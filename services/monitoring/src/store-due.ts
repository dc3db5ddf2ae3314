import type { Sql } from '@carillon/database/database';

/** @returns ms since the epoch */
export async function nextDueMonitor(sql: Sql, parts: readonly number[]): Promise<number | undefined> {
  const { rows } = await sql.query<{ due_at: Date | null }>(
    // The first entry of the index for each: over all of them together PostgreSQL reads every patient's.
    `select min(first.due_at) as due_at from unnest($1::smallint[]) as own, lateral (
       select due_at from patient_monitor where part = own and due_at is not null order by due_at limit 1) first`,
    [parts],
  );
  return rows[0]?.due_at?.getTime();
}

export type DueMonitor = { hospital: string; patientId: string };

/** Patients of these partitions at whom it is time to look; their engines are locked. */
export async function claimDueMonitors(
  tx: Sql,
  { parts, now, limit }: { parts: readonly number[]; now: number; limit: number },
): Promise<DueMonitor[]> {
  const { rows } = await tx.query<DueMonitor>(
    `select hospital, patient_id as "patientId" from patient_monitor
     where part = any($1::smallint[]) and due_at <= $2 order by due_at limit $3 for update skip locked`,
    [parts, new Date(now), limit],
  );
  return rows;
}

export async function postponeMonitor(sql: Sql, { hospital, patientId }: DueMonitor, until: number): Promise<void> {
  await sql.query('update patient_monitor set due_at = $3 where hospital = $1 and patient_id = $2', [
    hospital,
    patientId,
    new Date(until),
  ]);
}
