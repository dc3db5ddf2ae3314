/** Vital signs over long times, in few rows. */
import type { NumericVital } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';
import type { SummaryPlan } from './domain/summary-plan.ts';

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

const partOf = (instant: string): string => `date_bin(make_interval(secs => $6), ${instant}, $4) as at`;

/** As if each were a minute of its own. */
const readingColumns = `${partOf('measured_at')}, (quality = 'good')::integer as count, (quality <> 'good')::integer as suspect,
  case when quality = 'good' then value end as sum, case when quality = 'good' then value end as lowest,
  measured_at as lowest_at, case when quality = 'good' then value end as highest, measured_at as highest_at`;
const readings = `select ${readingColumns} from vital_sign
  where hospital = $1 and patient_id = $2 and vital = $3 and measured_at >= $4::timestamptz and measured_at < $5
    and mode is null`;

/** An hour whose minutes are still to be made is read from its readings, hour by hour: the table has many. */
const minutes = `select ${partOf('minute')}, count, suspect, sum, lowest, lowest_at, highest, highest_at from vital_minute
  where hospital = $1 and patient_id = $2 and vital = $3 and minute >= $4::timestamptz and minute < $5
    and date_trunc('hour', minute, 'UTC') not in (select hour from due)
  union all
  select fresh.* from due, lateral (${readings}
    and measured_at >= due.hour and measured_at < due.hour + interval '1 hour' offset 0) fresh`;

/** An extreme is found by sorting each part: a join of parts and items is quicker, and hopeless where the planner errs. */
const summaryOf = (items: string): string =>
  `with due as materialized (
     select hour from minutes_due
     where hospital = $1 and patient_id = $2 and hour > $4::timestamptz - interval '1 hour' and hour < $5)
   select at, sum(count) as count, sum(suspect) as suspect, sum(sum) / nullif(sum(count), 0) as mean,
     min(lowest) as lowest,
     (array_agg(lowest_at order by lowest, lowest_at) filter (where lowest is not null))[1] as "lowestAt",
     max(highest) as highest,
     (array_agg(highest_at order by highest desc, highest_at) filter (where highest is not null))[1] as "highestAt"
   from (${items}) item group by at order by at`;
const statements = { readings: summaryOf(readings), minutes: summaryOf(minutes) };

/** Parts of equal length from `from` on, each with its extremes and when these were first measured. */
export async function summarise(
  sql: Sql,
  of: { hospital: string; patientId: string; vital: NumericVital },
  { resolution, from, to, everySeconds }: SummaryPlan,
): Promise<SummaryRow[]> {
  const { rows } = await sql.query<SummaryRow>(statements[resolution], [
    of.hospital,
    of.patientId,
    of.vital,
    new Date(from),
    new Date(to),
    everySeconds,
  ]);
  return rows;
}
