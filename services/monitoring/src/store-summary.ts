/** Vital signs over long times, in few rows. */
import type { NumericVital } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';

export type SummaryRow = {
  at: Date;
  count: number;
  suspect: number;
  mean: number | null;
  lowest: number | null;
  lowestAt: Date | null;
  highest: number | null;
  highestAt: Date | null;
};

/**
 * Parts of equal length from `from` on, each with its extremes and when these were first measured.
 *
 * @param range.everySeconds how long a part is; `from` inclusive, `to` exclusive, ms since the epoch
 */
export async function summariseReadings(
  sql: Sql,
  of: { hospital: string; patientId: string; vital: NumericVital },
  range: { from: number; to: number; everySeconds: number },
): Promise<SummaryRow[]> {
  const { rows } = await sql.query<SummaryRow>(
    // Extremes are looked up by a join: to sort each part by value takes several times as long.
    `with reading as materialized (
       select date_bin(make_interval(secs => $6), measured_at, $4) as at, measured_at, value, quality = 'good' as is_good
       from vital_sign
       where hospital = $1 and patient_id = $2 and vital = $3 and measured_at >= $4::timestamptz and measured_at < $5
         and mode is null),
     part as (
       select at, count(*) filter (where is_good) as count, count(*) filter (where not is_good) as suspect,
         avg(value) filter (where is_good) as mean, min(value) filter (where is_good) as lowest,
         max(value) filter (where is_good) as highest
       from reading group by at)
     select part.at, part.count, part.suspect, part.mean, part.lowest, part.highest,
       min(measured_at) filter (where is_good and value = lowest) as "lowestAt",
       min(measured_at) filter (where is_good and value = highest) as "highestAt"
     from part join reading using (at)
     group by part.at, part.count, part.suspect, part.mean, part.lowest, part.highest order by part.at`,
    [of.hospital, of.patientId, of.vital, new Date(range.from), new Date(range.to), range.everySeconds],
  );
  return rows;
}
