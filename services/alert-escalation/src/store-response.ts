/** The record of many alerts as figures: SQL does all of the counting. */
import type { responseHops } from '@carillon/contracts/response';
import type { Sql } from '@carillon/database/database';
import type { DayPlan } from './domain/shifts.ts';

export type ResponseRange = { hospital: string; from: number; to: number; wardId: string | null };
type Hop = (typeof responseHops)[number];

/** Of one group; of all together where `isTotal`. */
export type ResponseRow = {
  isTotal: boolean;
  group: string | null;
  alerts: number;
  acknowledged: number;
  atFirstLevel: number;
  escalations: number;
  judged: number;
  notActionable: number;
};
export type HopRow = { isTotal: boolean; group: string | null; hop: Hop; count: number; seconds: number[] };

const range = ({ hospital, from, to, wardId }: ResponseRange): unknown[] => [
  hospital,
  new Date(from),
  new Date(to),
  wardId,
];
const inRange = 'hospital = $1 and opened_at >= $2 and opened_at < $3 and ($4::text is null or ward_id = $4)';

/** How many there are, up to a limit. */
export async function countAlerts(sql: Sql, of: ResponseRange, limit: number): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `select count(*) as count from (select from alert where ${inRange} limit $5) found`,
    [...range(of), limit],
  );
  return rows[0]?.count ?? 0;
}

/** What happened first of each kind, alert by alert, and to which group it belongs. */
const facts = `
  with fact as materialized (
    select
      case $5::text
        when 'ward' then alert.ward_id
        when 'priority' then alert.priority
        -- Before the first shift of the day it is still the last of the day before.
        else coalesce(
          (select name from unnest($6::text[], $7::int[]) as shift (name, starts_at)
           where starts_at <= extract(hour from local.at) * 60 + extract(minute from local.at)
           order by starts_at desc limit 1),
          ($6::text[])[cardinality($6::text[])])
      end as "group",
      alert.measured_at, alert.active_at, alert.opened_at, alert.resolved_at, alert.outcome,
      called.at as paged_at, called.beyond, received.delivered_at, received.displayed_at,
      answered.accepted_at, answered.acknowledged_at,
      exists (select from page where page.alert_id = alert.alert_id and page.level > 1
                and page.at <= answered.acknowledged_at) as was_escalated
    from alert
    cross join lateral (select alert.opened_at at time zone $8 as at) local
    cross join lateral (
      select min(at) as at, count(distinct (run, level)) filter (where level > 1) as beyond
      from page where page.alert_id = alert.alert_id) called
    cross join lateral (
      select min(receipt.at) filter (where receipt.level = 'delivered') as delivered_at,
        min(receipt.at) filter (where receipt.level = 'displayed') as displayed_at
      from page join page_receipt receipt using (mid) where page.alert_id = alert.alert_id) received
    cross join lateral (
      select min(at) as accepted_at, min(at) filter (where kind = 'acknowledged') as acknowledged_at
      from alert_log where alert_log.alert_id = alert.alert_id and kind in ('accepted', 'acknowledged')) answered
    where ${inRange}
  )`;

/** Each group, and all of them together; of hops the median, the 95th and the 99th percentile. One walk over the record. */
export async function figureResponses(
  sql: Sql,
  of: ResponseRange,
  by: string,
  { shifts, zone }: DayPlan,
): Promise<{ counts: readonly ResponseRow[]; hops: readonly HopRow[] }> {
  const { rows } = await sql.query<{ counts: ResponseRow[] | null; hops: HopRow[] | null }>(
    `${facts},
     counted as (
       select grouping("group") = 1 as "isTotal", "group", count(*) as alerts, count(acknowledged_at) as acknowledged,
         count(acknowledged_at) filter (where not was_escalated) as "atFirstLevel",
         coalesce(sum(beyond), 0) as escalations, count(outcome) as judged,
         count(*) filter (where outcome = 'notActionable') as "notActionable"
       from fact group by grouping sets (("group"), ()) order by 1, "group"
     ),
     timed as (
       select grouping("group") = 1 as "isTotal", "group", hop, count(*) as count,
         percentile_cont(array[0.5, 0.95, 0.99]) within group (order by extract(epoch from took)) as seconds
       from fact cross join lateral (values
         ('measured_active', active_at - measured_at),
         ('active_opened', opened_at - active_at),
         ('measured_opened', opened_at - measured_at),
         ('opened_paged', paged_at - opened_at),
         ('paged_delivered', delivered_at - paged_at),
         ('paged_displayed', displayed_at - paged_at),
         ('opened_accepted', accepted_at - opened_at),
         ('opened_acknowledged', acknowledged_at - opened_at),
         ('opened_resolved', resolved_at - opened_at)
       ) as way (hop, took)
       where took is not null
       group by grouping sets (("group", hop), (hop))
     )
     select (select json_agg(counted) from counted) as counts, (select json_agg(timed) from timed) as hops`,
    [...range(of), by, shifts.map(({ name }) => name), shifts.map(({ startsAtMinute }) => startsAtMinute), zone],
  );
  return { counts: rows[0]?.counts ?? [], hops: rows[0]?.hops ?? [] };
}

/** Pages of nurses, and the hours that nurses were on shift in that time, up to now. */
export async function countNursePages(
  sql: Sql,
  of: ResponseRange,
  now: number,
): Promise<{ pages: number; hours: number }> {
  const { rows } = await sql.query<{ pages: number; hours: number }>(
    `select
       (select count(*) from alert join page using (alert_id)
        join directory_person person on person.hospital = alert.hospital and person.person_id = page.person
        where alert.hospital = $1 and alert.opened_at >= $2 and alert.opened_at < $3
          and ($4::text is null or alert.ward_id = $4) and 'nurse' = any(person.roles)) as pages,
       (select coalesce(sum(greatest(0, extract(epoch from
          least(coalesce(ends_at, 'infinity'), $3::timestamptz, $5) - greatest(starts_at, $2)))), 0)::double precision / 3600
        from directory_shift
        where hospital = $1 and role = 'nurse' and ($4::text is null or ward_id = $4)
          and starts_at < $3 and (ends_at is null or ends_at > $2)) as hours`,
    [...range(of), new Date(now)],
  );
  return rows[0] ?? { pages: 0, hours: 0 };
}
