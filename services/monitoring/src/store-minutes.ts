/** What vital signs came to in each minute, and the hours of which that is to be made. */
import { numericVitals } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';

/** `hourMs`: its beginning, ms since the epoch. */
export type PatientHour = { hospital: string; patientId: string; hourMs: number };

/** @returns the beginning of the oldest one, ms since the epoch */
export async function findDueHour(sql: Sql): Promise<number | undefined> {
  const { rows } = await sql.query<{ at: number | null }>('select epoch_ms(min(hour)) as at from minutes_due');
  return rows[0]?.at ?? undefined;
}

/** Hours that began until then, newest first; another replica takes others. Those that readings come to just now wait. */
export async function claimHours(
  tx: Sql,
  { begunUntil, limit }: { begunUntil: number; limit: number },
): Promise<PatientHour[]> {
  const { rows } = await tx.query<PatientHour>(
    `delete from minutes_due where ctid = any(array(
       select ctid from minutes_due where hour <= $1 order by hour desc limit $2 for update skip locked))
     returning hospital, patient_id as "patientId", epoch_ms(hour) as "hourMs"`,
    [new Date(begunUntil), limit],
  );
  return rows;
}

/**
 * Makes the minutes of hours, also anew. A statement after the claim: it sees what was stored before. Readings that are
 * gone take no extreme and no count with them, when a late one of their minute comes.
 */
export async function insertMinutes(tx: Sql, hours: readonly PatientHour[]): Promise<void> {
  await tx.query(
    `insert into vital_minute as known (hospital, patient_id, vital, minute, count, suspect, sum, lowest, lowest_at,
       highest, highest_at)
     select due.hospital, due.patient_id, name, made.*
     from unnest($1::text[], $2::text[], $3::timestamptz[]) as due (hospital, patient_id, hour),
       unnest($4::text[]) as name,
       lateral (
         select date_trunc('minute', measured_at, 'UTC') as minute, count(*) filter (where quality = 'good'),
           count(*) filter (where quality <> 'good'), coalesce(sum(value) filter (where quality = 'good'), 0),
           min(value) filter (where quality = 'good'),
           (array_agg(measured_at order by value, measured_at) filter (where quality = 'good'))[1],
           max(value) filter (where quality = 'good'),
           (array_agg(measured_at order by value desc, measured_at) filter (where quality = 'good'))[1]
         from vital_sign
         where hospital = due.hospital and patient_id = due.patient_id and vital = name and measured_at >= due.hour
           and measured_at < due.hour + interval '1 hour' and mode is null
         group by 1) made
     on conflict (hospital, patient_id, vital, minute) do update set
       count = case when excluded.count + excluded.suspect >= known.count + known.suspect then excluded.count
         else known.count end,
       suspect = case when excluded.count + excluded.suspect >= known.count + known.suspect then excluded.suspect
         else known.suspect end,
       sum = case when excluded.count + excluded.suspect >= known.count + known.suspect then excluded.sum
         else known.sum end,
       lowest = least(known.lowest, excluded.lowest),
       lowest_at = case when known.lowest < excluded.lowest then known.lowest_at
         when known.lowest = excluded.lowest then least(known.lowest_at, excluded.lowest_at)
         else coalesce(excluded.lowest_at, known.lowest_at) end,
       highest = greatest(known.highest, excluded.highest),
       highest_at = case when known.highest > excluded.highest then known.highest_at
         when known.highest = excluded.highest then least(known.highest_at, excluded.highest_at)
         else coalesce(excluded.highest_at, known.highest_at) end`,
    [
      hours.map(({ hospital }) => hospital),
      hours.map(({ patientId }) => patientId),
      hours.map(({ hourMs }) => new Date(hourMs)),
      numericVitals,
    ],
  );
}
