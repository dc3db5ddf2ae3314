import type { Sql } from '@carillon/database/database';
import type { DefaultSet } from './domain/default-sets.ts';
import type { Population } from './domain/patient-state.ts';
import type { OwnRules } from './domain/rules-in-force.ts';

const ownColumns = `version, body, set_by as "setBy", epoch_ms(set_at) as "setAtMs",
  epoch_ms(expires_at) as "expiresAtMs", resumes`;

/** Where a patient lies, how old he is, and his own rules, also where they have just expired. */
export async function findPlaced(
  sql: Sql,
  hospital: string,
  patientId: string,
): Promise<{ own: OwnRules | null; wardId: string | null; birthDate: string | null; population: Population | null }> {
  const { rows: own } = await sql.query<OwnRules>(
    `select ${ownColumns} from patient_rules where hospital = $1 and patient_id = $2 and ended_at is null`,
    [hospital, patientId],
  );
  const { rows } = await sql.query<{ wardId: string | null; birthDate: string | null; population: Population | null }>(
    `select admission.ward_id as "wardId", person.birth_date::text as "birthDate", ward.population
     from (select) as given
       left join directory_person person on person.hospital = $1 and person.person_id = $2
       left join directory_admission admission on admission.hospital = $1 and admission.patient_id = $2
       left join directory_ward ward on ward.hospital = $1 and ward.ward_id = admission.ward_id`,
    [hospital, patientId],
  );
  const [place = { wardId: null, birthDate: null, population: null }] = rows;
  return { ...place, own: own[0] ?? null };
}

export async function findRulesVersion(
  sql: Sql,
  hospital: string,
  patientId: string,
  version: number,
): Promise<OwnRules | undefined> {
  const { rows } = await sql.query<OwnRules>(
    `select ${ownColumns} from patient_rules where hospital = $1 and patient_id = $2 and version = $3`,
    [hospital, patientId, version],
  );
  return rows[0];
}

/** Ends what is in force and puts this in its place. @returns undefined where another did so at the same time */
export async function insertRules(
  tx: Sql,
  { hospital, patientId }: { hospital: string; patientId: string },
  { body, setBy, setAtMs, expiresAtMs, resumes }: Omit<OwnRules, 'version'>,
): Promise<OwnRules | undefined> {
  await tx.query(
    `update patient_rules set ended_at = least($3, expires_at)
     where hospital = $1 and patient_id = $2 and ended_at is null`,
    [hospital, patientId, new Date(setAtMs)],
  );
  const { rows } = await tx.query<OwnRules>(
    `insert into patient_rules (hospital, patient_id, version, body, set_by, set_at, expires_at, resumes)
     select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7 from patient_rules
     where hospital = $1 and patient_id = $2 on conflict do nothing returning ${ownColumns}`,
    [
      hospital,
      patientId,
      body === null ? null : JSON.stringify(body),
      setBy,
      new Date(setAtMs),
      expiresAtMs === null ? null : new Date(expiresAtMs),
      resumes,
    ],
  );
  return rows[0];
}

/** Newest first. */
export async function listRulesVersions(
  sql: Sql,
  hospital: string,
  patientId: string,
  limit: number,
): Promise<(OwnRules & { endedAtMs: number | null })[]> {
  const { rows } = await sql.query<OwnRules & { endedAtMs: number | null }>(
    `select ${ownColumns}, epoch_ms(ended_at) as "endedAtMs" from patient_rules
     where hospital = $1 and patient_id = $2 order by version desc limit $3`,
    [hospital, patientId, limit],
  );
  return rows;
}

export async function hasWard(sql: Sql, hospital: string, wardId: string): Promise<boolean> {
  const { rowCount } = await sql.query('select from directory_ward where hospital = $1 and ward_id = $2', [
    hospital,
    wardId,
  ]);
  return rowCount === 1;
}

type SetBody = Omit<DefaultSet, 'setId' | 'version' | 'signedOffBy'>;
export type StoredSet = DefaultSet & { putBy: string; signedOffAtMs: number | null };
type SetRow = {
  setId: string;
  version: number;
  body: SetBody;
  putBy: string;
  signedOffBy: string | null;
  signedOffAtMs: number | null;
};

const setColumns = `set_id as "setId", version, body, put_by as "putBy", signed_off_by as "signedOffBy",
  epoch_ms(signed_off_at) as "signedOffAtMs"`;
const toSet = ({ body, ...row }: SetRow): StoredSet => ({ ...body, ...row });

/** The newest version of each default set of a hospital that a clinician signed. */
export async function findSignedSets(sql: Sql, hospital: string): Promise<StoredSet[]> {
  const { rows } = await sql.query<SetRow>(
    `select distinct on (set_id) ${setColumns} from limit_set
     where hospital = $1 and signed_off_at is not null order by set_id, version desc`,
    [hospital],
  );
  return rows.map(toSet);
}

/** The newest version of each, signed or not. */
export async function findNewestSets(sql: Sql, hospital: string): Promise<StoredSet[]> {
  const { rows } = await sql.query<SetRow>(
    `select distinct on (set_id) ${setColumns} from limit_set where hospital = $1 order by set_id, version desc`,
    [hospital],
  );
  return rows.map(toSet);
}

/** A new version, signed where `signedOffBy` is given. @returns undefined where another put one at the same time */
export async function insertSet(
  tx: Sql,
  hospital: string,
  set: Omit<SetRow, 'signedOffAtMs'> & { now: number },
): Promise<StoredSet | undefined> {
  const { rows } = await tx.query<SetRow>(
    `insert into limit_set (hospital, set_id, version, body, put_by, put_at, signed_off_by, signed_off_at)
     values ($1, $2, $3, $4, $5, $6, $7, case when $7::text is null then null else $6::timestamptz end)
     on conflict do nothing returning ${setColumns}`,
    [hospital, set.setId, set.version, JSON.stringify(set.body), set.putBy, new Date(set.now), set.signedOffBy],
  );
  return rows.map(toSet)[0];
}

/** @returns undefined where it was signed already */
export async function markSetSigned(
  tx: Sql,
  hospital: string,
  { setId, version, by, now }: { setId: string; version: number; by: string; now: number },
): Promise<StoredSet | undefined> {
  const { rows } = await tx.query<SetRow>(
    `update limit_set set signed_off_by = $4, signed_off_at = $5
     where hospital = $1 and set_id = $2 and version = $3 and signed_off_at is null returning ${setColumns}`,
    [hospital, setId, version, by, new Date(now)],
  );
  return rows.map(toSet)[0];
}
