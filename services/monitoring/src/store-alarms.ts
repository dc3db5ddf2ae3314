/** Alarm conditions from their beginning to their end, and stays in wards: what the alarm load is made of. */
import { exposureWindowMinutes, repeatedWithinMinutes, type Exposure } from '@carillon/contracts/history';
import type { Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';

/** A condition that began, changed its priority or ended; `atMs` is measurement time. */
export type AlarmChange = {
  type: 'raised' | 'changed' | 'cleared';
  patientId: string;
  wardId: string | null;
  kind: string;
  priority: Priority;
  isTechnical: boolean;
  atMs: number;
};

/** In the order in which they are told: what ended and began again is two alarms, what is raised while on is one. */
export async function recordAlarms(tx: Sql, hospital: string, changes: readonly AlarmChange[]): Promise<void> {
  const ended = changes.filter(({ type }) => type === 'cleared');
  const others = changes.filter(({ type }) => type !== 'cleared');
  if (ended.length > 0) await endAlarms(tx, hospital, ended);
  if (others.length > 0) await beginAlarms(tx, hospital, others);
}

async function endAlarms(tx: Sql, hospital: string, changes: readonly AlarmChange[]): Promise<void> {
  await tx.query(
    `update alarm set ended_at = greatest(to_timestamp(given.at / 1000.0), raised_at)
     from unnest($2::text[], $3::text[], $4::double precision[]) as given (patient_id, kind, at)
     where hospital = $1 and alarm.patient_id = given.patient_id and alarm.kind = given.kind and ended_at is null`,
    [
      hospital,
      changes.map((change) => change.patientId),
      changes.map((change) => change.kind),
      changes.map((change) => change.atMs),
    ],
  );
}

async function beginAlarms(tx: Sql, hospital: string, changes: readonly AlarmChange[]): Promise<void> {
  await tx.query(
    `with given as (
       select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[],
         $8::double precision[]) as given (type, patient_id, ward_id, kind, priority, is_technical, at)),
     known as (
       update alarm set priority = case when given.type = 'raised' then given.priority else alarm.priority end
       from given
       where hospital = $1 and alarm.patient_id = given.patient_id and alarm.kind = given.kind and ended_at is null
       returning alarm.patient_id, alarm.kind)
     insert into alarm (hospital, patient_id, kind, raised_at, ward_id, priority, is_technical)
     select $1, patient_id, kind, to_timestamp(at / 1000.0), ward_id, priority, is_technical from given
     where type = 'raised' and (patient_id, kind) not in (select patient_id, kind from known)
     on conflict do nothing`,
    [
      hospital,
      changes.map((change) => change.type),
      changes.map((change) => change.patientId),
      changes.map((change) => change.wardId),
      changes.map((change) => change.kind),
      changes.map((change) => change.priority),
      changes.map((change) => change.isTechnical),
      changes.map((change) => change.atMs),
    ],
  );
}

/** Of the alarm that opened the alert and those that joined it. Times are ms since the epoch, after the measurement. */
export async function judgeAlarms(
  tx: Sql,
  alert: {
    hospital: string;
    patientId: string;
    kind: string;
    openedAt: number;
    resolvedAt: number;
    isActionable: boolean;
  },
): Promise<void> {
  await tx.query(
    `update alarm set is_actionable = $5
     where hospital = $1 and patient_id = $2 and kind = $3 and raised_at >= coalesce(
       (select max(raised_at) from alarm
        where hospital = $1 and patient_id = $2 and kind = $3 and raised_at <= $4), $4) and raised_at <= $6`,
    [
      alert.hospital,
      alert.patientId,
      alert.kind,
      new Date(alert.openedAt),
      alert.isActionable,
      new Date(alert.resolvedAt),
    ],
  );
}

const rowsAtOnce = 5_000;

/** @returns how many rows are gone: there may be more */
export async function deleteOldAlarms(sql: Sql, endedBefore: number): Promise<number> {
  const values = [new Date(endedBefore), rowsAtOnce];
  const alarms = await sql.query(
    'delete from alarm where ctid = any(array(select ctid from alarm where ended_at < $1 limit $2))',
    values,
  );
  const stays = await sql.query(
    'delete from stay where ctid = any(array(select ctid from stay where until_at < $1 limit $2))',
    values,
  );
  return (alarms.rowCount ?? 0) + (stays.rowCount ?? 0);
}

/** Of one hospital. @returns how many rows are gone: there may be more */
export async function deleteAlarmsOf(sql: Sql, hospital: string, raisedBefore: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from alarm where ctid = any(array(
       select ctid from alarm where hospital = $1 and raised_at < $2 and ended_at is not null limit $3))`,
    [hospital, new Date(raisedBefore), rowsAtOnce],
  );
  return rowCount ?? 0;
}

/** From when a patient lies in a ward, or in none: the stay before ends then. */
export async function recordStay(
  tx: Sql,
  { hospital, patientId, wardId, at }: { hospital: string; patientId: string; wardId: string | null; at: number },
): Promise<void> {
  await tx.query(
    'update stay set until_at = greatest($3, from_at) where hospital = $1 and patient_id = $2 and until_at is null',
    [hospital, patientId, new Date(at)],
  );
  await tx.query(
    // Who moved on in the same instant, as when the whole past is read at once, has not lain there.
    `insert into stay (hospital, patient_id, ward_id, from_at) select $1, $2, $3::text, $4 where $3::text is not null
     on conflict (hospital, patient_id, from_at) do update set ward_id = excluded.ward_id, until_at = null`,
    [hospital, patientId, wardId, new Date(at)],
  );
}

/** Of a ward, or of the hospital where it is null; `from` inclusive, `to` exclusive, ms since the epoch. */
export type AlarmRange = { hospital: string; wardId: string | null; from: number; to: number };

/** How long patients lay there; ms. */
export async function sumStays(sql: Sql, range: AlarmRange): Promise<number> {
  const { rows } = await sql.query<{ ms: number }>(
    `select coalesce(sum(extract(epoch from least(coalesce(until_at, $4), $4) - greatest(from_at, $3))), 0)::float8 * 1000
       as ms
     from stay
     where hospital = $1 and ($2::text is null or ward_id = $2)
       and from_at < $4::timestamptz and (until_at is null or until_at > $3::timestamptz)`,
    [range.hospital, range.wardId, new Date(range.from), new Date(range.to)],
  );
  return rows[0]?.ms ?? 0;
}

export type AlarmFigures = {
  alarms: number;
  technical: number;
  repeated: number;
  judged: number;
  notActionable: number;
  byKind: { kind: string; alarms: number }[];
  byPriority: { priority: Priority; alarms: number }[];
  exposure: Exposure;
  exposureNotActionable: Exposure;
};

const exposureOf = (before: string): string => `json_build_object(
  'p50', coalesce(percentile_disc(0.5) within group (order by ${before}) filter (where not is_technical), 0),
  'p90', coalesce(percentile_disc(0.9) within group (order by ${before}) filter (where not is_technical), 0),
  'max', coalesce(max(${before}) filter (where not is_technical), 0),
  'under30', count(*) filter (where not is_technical and ${before} < 30),
  'from30to79', count(*) filter (where not is_technical and ${before} between 30 and 79),
  'from80', count(*) filter (where not is_technical and ${before} >= 80))`;

/** Technical conditions are counted apart and are in no other figure. */
export async function countAlarms(sql: Sql, range: AlarmRange): Promise<AlarmFigures> {
  const { rows } = await sql.query<AlarmFigures>(
    // What came before an alarm is the patient's own, wherever he lay then: so the ward is looked at last.
    `with counted as (
       select patient_id, kind, raised_at, ward_id, priority, is_technical, is_actionable,
         count(*) filter (where not is_technical) over before as before,
         count(*) filter (where not is_technical and is_actionable = false) over before as not_actionable_before
       from alarm
       where hospital = $1 and raised_at >= $3::timestamptz - make_interval(mins => $5) and raised_at < $4
       window before as (partition by patient_id order by raised_at
         range between make_interval(mins => $5) preceding and current row exclude group)),
     mine as (
       select counted.*, coalesce(earlier.ended_at >= counted.raised_at - make_interval(mins => $6), false) as is_repeated
       from counted left join lateral (
         select ended_at from alarm
         where hospital = $1 and patient_id = counted.patient_id and kind = counted.kind and raised_at < counted.raised_at
         order by raised_at desc limit 1) earlier on true
       where raised_at >= $3::timestamptz and ($2::text is null or ward_id = $2))
     select count(*) filter (where not is_technical) as alarms, count(*) filter (where is_technical) as technical,
       count(*) filter (where not is_technical and is_repeated) as repeated,
       count(*) filter (where not is_technical and is_actionable is not null) as judged,
       count(*) filter (where not is_technical and is_actionable = false) as "notActionable",
       ${exposureOf('before')} as exposure, ${exposureOf('not_actionable_before')} as "exposureNotActionable",
       coalesce((select json_agg(each order by alarms desc, kind) from (
         select kind, count(*) as alarms from mine where not is_technical group by kind) each), '[]') as "byKind",
       coalesce((select json_agg(each order by array_position('{high,medium,low}'::text[], priority)) from (
         select priority, count(*) as alarms from mine where not is_technical group by priority) each), '[]')
         as "byPriority"
     from mine`,
    [
      range.hospital,
      range.wardId,
      new Date(range.from),
      new Date(range.to),
      exposureWindowMinutes,
      repeatedWithinMinutes,
    ],
  );
  const [figures] = rows;
  if (figures === undefined) throw new Error('a count has a row');
  return figures;
}
