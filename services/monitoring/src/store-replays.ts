/** Replays that were asked for, the stays that they read, and what came of each. */
import type { RuleSettings } from '@carillon/contracts/limits';
import type { Mode, Quality } from '@carillon/contracts/monitoring';
import { numericVitals, vitalNames, type VitalName } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';
import type { Scored } from './domain/decisions.ts';
import type { Decision, MonitorSample, Population } from './domain/patient-state.ts';
import type { Extremes } from './domain/replay-run.ts';
import type { AlarmRange } from './store-alarms.ts';

/** Of a time that is over. */
export type ReplayOrder = AlarmRange & { replayId: string; by: string; now: number; rules: RuleSettings };

/** @returns how many stays it has to read */
export async function insertReplay(tx: Sql, order: ReplayOrder): Promise<number> {
  const [from, to, now] = [new Date(order.from), new Date(order.to), new Date(order.now)];
  await tx.query(
    `insert into replay (replay_id, hospital, ward_id, asked_by, from_at, to_at, rules, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [order.replayId, order.hospital, order.wardId, order.by, from, to, JSON.stringify(order.rules), now],
  );
  const { rowCount } = await tx.query(
    `insert into replay_stay (replay_id, patient_id, from_at, until_at, due_at)
     select $1, patient_id, greatest(from_at, $4), least(coalesce(until_at, $5), $5), $6 from stay
     where hospital = $2 and ($3::text is null or ward_id = $3)
       and greatest(from_at, $4::timestamptz) < least(coalesce(until_at, $5), $5::timestamptz)`,
    [order.replayId, order.hospital, order.wardId, from, to, now],
  );
  return rowCount ?? 0;
}

export async function countUnfinishedReplays(sql: Sql, hospital: string): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `select count(distinct replay.replay_id) as count from replay join replay_stay using (replay_id)
     where hospital = $1 and alarms is null and attempts < $2`,
    [hospital, maxAttempts],
  );
  return rows[0]?.count ?? 0;
}

/** Then it is given up, and the replay has failed. */
const maxAttempts = 5;

export type ReplayRow = {
  wardId: string | null;
  fromMs: number;
  toMs: number;
  rules: RuleSettings;
  stays: number;
  doneStays: number;
  failedStays: number;
  /** Of the stays that were replayed; ms. */
  doneMs: number;
  alarms: { kind: string; alarms: number }[];
};

export async function findReplay(sql: Sql, hospital: string, replayId: string): Promise<ReplayRow | undefined> {
  const { rows } = await sql.query<ReplayRow>(
    `select ward_id as "wardId", epoch_ms(replay.from_at) as "fromMs", epoch_ms(to_at) as "toMs", rules,
       count(part.patient_id) as stays, count(part.alarms) as "doneStays",
       count(*) filter (where part.alarms is null and part.attempts >= $3) as "failedStays",
       coalesce(sum(extract(epoch from part.until_at - part.from_at)) filter (where part.alarms is not null), 0)::float8
         * 1000 as "doneMs",
       coalesce((select json_agg(json_build_object('kind', kind, 'alarms', total) order by total desc, kind) from (
         select key as kind, sum(value::integer)::integer as total
         from replay_stay done, jsonb_each_text(done.alarms) where done.replay_id = $2 group by key) kinds), '[]')
         as alarms
     from replay left join replay_stay part using (replay_id)
     where hospital = $1 and replay_id = $2 group by replay_id`,
    [hospital, replayId, maxAttempts],
  );
  return rows[0];
}

/** What there was of those who lay there, by rules only: a score or a lost sensor is none that others would change. */
export async function countRuleAlarms(sql: Sql, range: AlarmRange): Promise<{ kind: string; alarms: number }[]> {
  const { rows } = await sql.query<{ kind: string; alarms: number }>(
    `select kind, count(*) as alarms from alarm
     where hospital = $1 and ward_id = coalesce($2, ward_id) and raised_at >= $3 and raised_at < $4
       and (kind = any($5::text[]) or starts_with(kind, 'trend-') or starts_with(kind, 'multi-'))
     group by kind order by 2 desc, 1`,
    [range.hospital, range.wardId, new Date(range.from), new Date(range.to), limitKinds],
  );
  return rows;
}
const limitKinds = numericVitals.flatMap((vital) => [`${vital}-above`, `${vital}-below`]);

export type ReplayStay = {
  hospital: string;
  replayId: string;
  patientId: string;
  fromMs: number;
  untilMs: number;
  rules: RuleSettings;
  scored: Scored;
};
type ReplayStayRow = Omit<ReplayStay, 'scored'> & {
  birthDate: string | null;
  population: Population | null;
  decisions: Decision[];
};

export async function findNextStay(sql: Sql): Promise<number | undefined> {
  const { rows } = await sql.query<{ at: number | null }>(
    'select epoch_ms(min(due_at)) as at from replay_stay where alarms is null and attempts < $1',
    [maxAttempts],
  );
  return rows[0]?.at ?? undefined;
}

/** Takes the next one, until `untilMs`; another replica takes another one. */
export async function claimStay(
  sql: Sql,
  { now, untilMs }: { now: number; untilMs: number },
): Promise<ReplayStay | undefined> {
  const { rows } = await sql.query<ReplayStayRow>(
    `update replay_stay set due_at = $2, attempts = attempts + 1
     from replay
     where replay.replay_id = replay_stay.replay_id
       and (replay_stay.replay_id, replay_stay.patient_id, replay_stay.from_at) = (
         select replay_id, patient_id, from_at from replay_stay where alarms is null and attempts < $3 and due_at <= $1
         order by due_at, replay_id, patient_id limit 1 for update skip locked)
     returning replay.hospital, replay.replay_id as "replayId", replay_stay.patient_id as "patientId",
       epoch_ms(replay_stay.from_at) as "fromMs", epoch_ms(replay_stay.until_at) as "untilMs", replay.rules,
       (select birth_date::text from directory_person person
         where person.hospital = replay.hospital and person_id = replay_stay.patient_id) as "birthDate",
       -- Of the ward of that stay: he may lie elsewhere by now, or nowhere.
       (select population from stay left join directory_ward using (hospital, ward_id)
         where stay.hospital = replay.hospital and stay.patient_id = replay_stay.patient_id
           and stay.from_at <= replay_stay.from_at order by stay.from_at desc limit 1) as population,
       coalesce((select json_agg(json_build_object('decidedAtMs', epoch_ms(decided_at), 'endedAtMs', epoch_ms(ended_at),
            'scale', scale, 'isApplicable', is_applicable) order by decided_at)
          from score_decision decision where decision.hospital = replay.hospital
            and decision.patient_id = replay_stay.patient_id), '[]') as decisions`,
    [new Date(now), new Date(untilMs), maxAttempts],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { birthDate, population, decisions, ...stay } = row;
  const known = { ...(birthDate === null ? {} : { birthDate }), ...(population === null ? {} : { population }) };
  return { ...stay, scored: { ...known, decisions } };
}

/** Goes on with it until `untilMs`. @returns whether it is still wanted */
export async function holdStay(sql: Sql, stay: ReplayStay, untilMs: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    `update replay_stay set due_at = $4
     where replay_id = $1 and patient_id = $2 and epoch_ms(from_at) = $3 and alarms is null`,
    [stay.replayId, stay.patientId, stay.fromMs, new Date(untilMs)],
  );
  return rowCount === 1;
}

/** Gives it back: nothing was wrong with it. */
export async function releaseStay(sql: Sql, stay: ReplayStay, now: number): Promise<void> {
  await sql.query(
    `update replay_stay set due_at = $4, attempts = attempts - 1
     where replay_id = $1 and patient_id = $2 and epoch_ms(from_at) = $3 and alarms is null`,
    [stay.replayId, stay.patientId, stay.fromMs, new Date(now)],
  );
}

export async function finishStay(sql: Sql, stay: ReplayStay, alarms: Readonly<Record<string, number>>): Promise<void> {
  await sql.query(
    `update replay_stay set alarms = $4
     where replay_id = $1 and patient_id = $2 and epoch_ms(from_at) = $3 and alarms is null`,
    [stay.replayId, stay.patientId, stay.fromMs, JSON.stringify(alarms)],
  );
}

/** Undefined where minutes of that time are still to be made. `from` inclusive, `to` exclusive, ms since the epoch. */
export async function findExtremes(
  sql: Sql,
  { hospital, patientId }: { hospital: string; patientId: string },
  { from, to }: { from: number; to: number },
): Promise<Extremes | undefined> {
  const { rows } = await sql.query<{ isDue: boolean; extremes: Extremes }>(
    `select exists (select from minutes_due
         where hospital = $1 and patient_id = $2 and hour > $3::timestamptz - interval '1 hour' and hour < $4) as "isDue",
       coalesce((select json_object_agg(vital, json_build_object('lowest', lowest, 'highest', highest)) from (
         select vital, min(lowest) as lowest, max(highest) as highest from vital_minute
         where hospital = $1 and patient_id = $2 and vital = any($5::text[]) and lowest is not null
           and minute > $3::timestamptz - interval '1 minute' and minute < $4
         group by vital) of_vital), '{}') as extremes`,
    [hospital, patientId, new Date(from), new Date(to), numericVitals],
  );
  return rows[0]?.isDue === false ? rows[0].extremes : undefined;
}

/** In the order of their receipt; `from` inclusive, `to` exclusive, ms since the epoch. */
export async function listSamples(
  sql: Sql,
  { hospital, patientId }: { hospital: string; patientId: string },
  { from, to }: { from: number; to: number },
): Promise<MonitorSample[]> {
  const { rows } = await sql.query<{
    vital: VitalName;
    value: number | null;
    code: string | null;
    quality: Quality;
    mode: Mode | null;
    device_id: string;
    at: number;
    received_at: number;
  }>(
    `select vital, value, code, quality, mode, device_id, epoch_ms(measured_at) as at, epoch_ms(received_at) as received_at
     from vital_sign
     where hospital = $1 and patient_id = $2 and vital = any($5::text[]) and measured_at >= $3 and measured_at < $4
     order by vital_sign.received_at, measured_at`,
    // All of them: without their names the index would be read over the whole day.
    [hospital, patientId, new Date(from), new Date(to), vitalNames],
  );
  return rows.map((row) => ({
    vital: row.vital,
    value: row.value ?? row.code ?? '',
    atMs: row.at,
    receivedAtMs: row.received_at,
    quality: row.quality,
    deviceId: row.device_id === '' ? null : row.device_id,
    ...(row.mode === null ? {} : { mode: row.mode }),
  }));
}

export async function deleteOldReplays(sql: Sql, createdBefore: number): Promise<void> {
  await sql.query('delete from replay where created_at < $1', [new Date(createdBefore)]);
}
