import type { ScoreDecision, StatedScore } from '@carillon/contracts/scores';
import type { VitalName } from '@carillon/contracts/vital-signs';
import type { Sql } from '@carillon/database/database';
import type { Scored } from './domain/decisions.ts';
import type { Decision, PatientState, Population } from './domain/patient-state.ts';

type DecisionRow = Pick<ScoreDecision, 'scale' | 'isApplicable' | 'reason' | 'decidedBy' | 'version'> & {
  decidedAt: Date;
  endedAt: Date | null;
};
const decisionColumns = `scale, is_applicable as "isApplicable", reason, decided_by as "decidedBy",
  decided_at as "decidedAt", ended_at as "endedAt", version`;
const toDecision = (patientId: string, row: DecisionRow): ScoreDecision => ({
  ...row,
  patientId,
  decidedAt: row.decidedAt.toISOString(),
  endedAt: row.endedAt?.toISOString() ?? null,
});

/** What people decide and state on one patient's score is taken one after another, also the first two. */
export async function lockScores(tx: Sql, hospital: string, patientId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('score ' || $1 || ' ' || $2, 0))`, [
    hospital,
    patientId,
  ]);
}

/** A clock that stepped back does not put the decision before the one that it follows. */
export async function insertDecision(
  tx: Sql,
  { hospital, patientId, by, now }: { hospital: string; patientId: string; by: string; now: number },
  { scale, isApplicable, reason }: Pick<ScoreDecision, 'scale' | 'isApplicable' | 'reason'>,
): Promise<ScoreDecision> {
  const { rows } = await tx.query<DecisionRow>(
    `insert into score_decision (hospital, patient_id, decided_at, scale, is_applicable, reason, decided_by, version)
     select $1, $2, greatest($3::timestamptz, max(decided_at) + interval '1 millisecond'), $4, $5, $6, $7,
       coalesce(max(version), 0) + 1
     from score_decision where hospital = $1 and patient_id = $2
     returning ${decisionColumns}`,
    [hospital, patientId, new Date(now), scale, isApplicable, reason, by],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The decision was not stored');
  return toDecision(patientId, row);
}

/** Newest first. */
export async function listDecisions(sql: Sql, hospital: string, patientId: string): Promise<ScoreDecision[]> {
  const { rows } = await sql.query<DecisionRow>(
    `select ${decisionColumns} from score_decision where hospital = $1 and patient_id = $2
     order by decided_at desc limit 50`,
    [hospital, patientId],
  );
  return rows.map((row) => toDecision(patientId, row));
}

type ScoredRow = {
  patientId: string;
  birthDate: string | null;
  population: Population | null;
  decisions: Decision[];
};

/** What decides whether and how each of the patients is scored. */
export async function findScored(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
): Promise<Map<string, Scored>> {
  const { rows } = await sql.query<ScoredRow>(
    `select given.patient_id as "patientId", person.birth_date::text as "birthDate", ward.population,
       coalesce((select json_agg(json_build_object('decidedAtMs', epoch_ms(decided_at), 'endedAtMs', epoch_ms(ended_at),
            'scale', scale, 'isApplicable', is_applicable) order by decided_at)
          from score_decision where hospital = $1 and patient_id = given.patient_id), '[]') as decisions
     from unnest($2::text[]) as given (patient_id)
       left join directory_person person on person.hospital = $1 and person.person_id = given.patient_id
       left join directory_admission admission on admission.hospital = $1 and admission.patient_id = given.patient_id
       left join directory_ward ward on ward.hospital = $1 and ward.ward_id = admission.ward_id`,
    [hospital, patientIds],
  );
  return new Map(
    rows.map(({ patientId, birthDate, population, decisions }) => [
      patientId,
      { decisions, ...(birthDate === null ? {} : { birthDate }), ...(population === null ? {} : { population }) },
    ]),
  );
}

/** When a patient left the last time before an instant: a stay that another one goes on from was no discharge. */
const leftAt = (patientId: string, before: string): string => `coalesce((select max(until_at) from stay
  where hospital = $1 and patient_id = ${patientId} and until_at <= ${before}
    and not exists (select from stay as next
      where next.hospital = $1 and next.patient_id = stay.patient_id and next.from_at = stay.until_at)), '-infinity')`;

export type ChartedRow = { patientId: string; vital: VitalName; atMs: number; by: string };

/** Of each vital sign the newest good value since then, of the present stay, where a person charted it. */
export async function findCharted(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
  { vitals, sinceMs }: { vitals: readonly string[]; sinceMs: number },
): Promise<ChartedRow[]> {
  const { rows } = await sql.query<ChartedRow>(
    `select newest.* from unnest($2::text[]) as patient, lateral (select ${leftAt('patient', "'infinity'")} as at) as departure,
       unnest($3::text[]) as name,
       lateral (select patient_id as "patientId", vital, epoch_ms(measured_at) as "atMs", posted_by as by, device_id
         from vital_sign
         where hospital = $1 and patient_id = patient and vital = name and measured_at > $4
           and measured_at > departure.at and quality = 'good' and mode is null
         order by measured_at desc limit 1) newest
     where newest.device_id = ''`,
    [hospital, patientIds, vitals, new Date(sinceMs)],
  );
  return rows.map(({ patientId, vital, atMs, by }) => ({ patientId, vital, atMs, by }));
}

/** Of each vital sign the newest good value at that time, of the stay of then. */
export async function findValuesAt(
  sql: Sql,
  { hospital, patientId }: { hospital: string; patientId: string },
  { vitals, sinceMs, atMs }: { vitals: readonly string[]; sinceMs: number; atMs: number },
): Promise<PatientState['newest']> {
  const { rows } = await sql.query<{ vital: VitalName; atMs: number; value: number | null; code: string | null }>(
    `select newest.* from (select ${leftAt('$2', '$5::timestamptz')} as at) as departure, unnest($3::text[]) as name,
       lateral (select vital, epoch_ms(measured_at) as "atMs", value, code from vital_sign
         where hospital = $1 and patient_id = $2 and vital = name and measured_at > $4 and measured_at <= $5
           and measured_at > departure.at and quality = 'good' and mode is null
         order by measured_at desc limit 1) newest`,
    [hospital, patientId, vitals, new Date(sinceMs), new Date(atMs)],
  );
  return Object.fromEntries(
    rows.map(({ vital, atMs: at, value, code }) => [vital, { atMs: at, value: value ?? code ?? '' }]),
  );
}

type StatedRow = Omit<StatedScore, 'patientId' | 'at' | 'differs'> & { at: Date };
const statedColumns = 'table_name as "table", at, source, stated, lower, upper, stated_by as by';
const toStated = (patientId: string, row: StatedRow): StatedScore => ({
  ...row,
  patientId,
  at: row.at.toISOString(),
  differs: row.lower === null || row.upper === null ? null : row.stated < row.lower || row.stated > row.upper,
});

/** The same assessment of the same source stated again is a correction. @returns it with its version */
export async function upsertStated(
  tx: Sql,
  { hospital, patientId, by }: { hospital: string; patientId: string; by: string },
  score: Pick<StatedScore, 'table' | 'at' | 'source' | 'stated' | 'lower' | 'upper'>,
): Promise<{ stated: StatedScore; version: number }> {
  const { rows } = await tx.query<StatedRow & { version: number }>(
    `insert into stated_score (hospital, patient_id, table_name, at, source, stated, lower, upper, stated_by, version)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(max(version), 0) + 1
     from stated_score where hospital = $1 and patient_id = $2
     on conflict (hospital, patient_id, table_name, at, source) do update set stated = excluded.stated,
       lower = excluded.lower, upper = excluded.upper, stated_by = excluded.stated_by, version = excluded.version
     returning ${statedColumns}, version`,
    [hospital, patientId, score.table, score.at, score.source, score.stated, score.lower, score.upper, by],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The score was not stored');
  const { version, ...stated } = row;
  return { stated: toStated(patientId, stated), version };
}

/** Newest first. */
export async function listStated(sql: Sql, hospital: string, patientId: string): Promise<StatedScore[]> {
  const { rows } = await sql.query<StatedRow>(
    `select ${statedColumns} from stated_score where hospital = $1 and patient_id = $2 order by at desc, source limit 10`,
    [hospital, patientId],
  );
  return rows.map((row) => toStated(patientId, row));
}
