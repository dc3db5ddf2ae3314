/** Who lies where, and where he lay. */
import type { listBeds, listStays } from '@carillon/contracts/admissions';
import type { ResultOf } from '@carillon/contracts/define';
import type { Sql } from '@carillon/database/database';
import type { EntityKind } from './domain/hospital.ts';

export type EntityRow = { kind: EntityKind; id: string; body: Record<string, unknown> };

/** Those of them that the directory knows. */
export async function findEntities(
  sql: Sql,
  hospital: string,
  keys: readonly { kind: EntityKind; id: string }[],
): Promise<EntityRow[]> {
  const { rows } = await sql.query<EntityRow>(
    `select entity.kind, entity.id, body from unnest($2::text[], $3::text[]) as given (kind, id)
       join entity on hospital = $1 and entity.kind = given.kind and entity.id = given.id`,
    [hospital, keys.map((key) => key.kind), keys.map((key) => key.id)],
  );
  return rows;
}

/** @returns who lies in the bed */
export async function findOccupant(
  sql: Sql,
  hospital: string,
  bed: { wardId: string; bedId: string },
): Promise<string | undefined> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from entity where hospital = $1 and kind = 'admission' and body ->> 'wardId' = $2 and body ->> 'bedId' = $3`,
    [hospital, bed.wardId, bed.bedId],
  );
  return rows[0]?.id;
}

export async function endStays(
  tx: Sql,
  hospital: string,
  patientIds: readonly string[],
  { at, by, reason }: { at: number; by: string | null; reason: string | null },
): Promise<void> {
  await tx.query(
    `update stay set until_at = $3, ended_by = $4, reason = $5
     where hospital = $1 and patient_id = any($2::text[]) and until_at is null`,
    [hospital, patientIds, new Date(at), by, reason],
  );
}

export type Stay = { patientId: string; wardId: string; bedId: string; version: number };

export async function insertStays(
  tx: Sql,
  hospital: string,
  stays: readonly Stay[],
  { at, by }: { at: number; by: string | null },
): Promise<void> {
  await tx.query(
    `insert into stay (hospital, patient_id, ward_id, bed_id, version, from_at, moved_by)
     select $1, patient_id, ward_id, bed_id, version, $6, $7
     from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) as given (patient_id, ward_id, bed_id, version)`,
    [
      hospital,
      stays.map((stay) => stay.patientId),
      stays.map((stay) => stay.wardId),
      stays.map((stay) => stay.bedId),
      stays.map((stay) => stay.version),
      new Date(at),
      by,
    ],
  );
}

type ListedStay = ResultOf<typeof listStays>['stays'][number];

export async function listStaysOf(sql: Sql, hospital: string, patientId: string, limit: number): Promise<ListedStay[]> {
  const { rows } = await sql.query<Omit<ListedStay, 'from' | 'until'> & { from: Date | null; until: Date | null }>(
    `select ward_id as "wardId", bed_id as "bedId", from_at as "from", moved_by as "movedBy", until_at as until,
       ended_by as "endedBy", reason
     from stay where hospital = $1 and patient_id = $2 order by version desc limit $3`,
    [hospital, patientId, limit],
  );
  return rows.map((row) => ({
    ...row,
    from: row.from === null ? null : row.from.toISOString(),
    until: row.until === null ? null : row.until.toISOString(),
  }));
}

type ListedBed = Omit<ResultOf<typeof listBeds>['beds'][number], 'isTaken'>;

/** Beds in the order in which the wards name them. */
export async function listBedsWithPatients(
  sql: Sql,
  hospital: string,
  wardId: string | undefined,
): Promise<ListedBed[]> {
  const { rows } = await sql.query<Omit<ListedBed, 'since'> & { since: Date | null }>(
    `select ward.id as "wardId", ward.body ->> 'name' as "wardName", bed.body ->> 'bedId' as "bedId",
       bed.body ->> 'label' as label, admission.id as "patientId", person.body ->> 'name' as "patientName",
       stay.from_at as since
     from entity ward
       cross join lateral jsonb_array_elements(ward.body -> 'beds') with ordinality as bed (body, place)
       left join entity admission on admission.hospital = $1 and admission.kind = 'admission'
         and admission.body ->> 'wardId' = ward.id and admission.body ->> 'bedId' = bed.body ->> 'bedId'
       left join entity person on person.hospital = $1 and person.kind = 'person' and person.id = admission.id
       left join stay on stay.hospital = $1 and stay.patient_id = admission.id and stay.until_at is null
     where ward.hospital = $1 and ward.kind = 'ward' and ($2::text is null or ward.id = $2)
     order by ward.body ->> 'name', ward.id, bed.place`,
    [hospital, wardId ?? null],
  );
  return rows.map((row) => ({ ...row, since: row.since === null ? null : row.since.toISOString() }));
}

/** Nurses of a ward, or of any where it is undefined; by name. */
export async function listNurses(
  sql: Sql,
  hospital: string,
  wardId: string | undefined,
): Promise<{ personId: string; name: string; wards: string[] }[]> {
  const { rows } = await sql.query<{ personId: string; name: string; wards: string[] }>(
    `select id as "personId", body ->> 'name' as name, body -> 'wards' as wards from entity
     where hospital = $1 and kind = 'person' and body -> 'roles' ? 'nurse'
       and case when $2::text is null then body -> 'wards' <> '[]' else body -> 'wards' ? $2 end
     order by body ->> 'name', id`,
    [hospital, wardId ?? null],
  );
  return rows;
}

/** Patients who lie in no bed, by name. */
export async function listWaiting(
  sql: Sql,
  hospital: string,
  { name, limit }: { name: string | undefined; limit: number },
): Promise<{ patientId: string; patientName: string }[]> {
  const { rows } = await sql.query<{ patientId: string; patientName: string }>(
    `select person.id as "patientId", person.body ->> 'name' as "patientName" from entity person
     where person.hospital = $1 and person.kind = 'person' and person.body -> 'roles' ? 'patient'
       and ($2::text is null or strpos(lower(person.body ->> 'name'), lower($2)) > 0)
       and not exists (select 1 from entity admission where admission.hospital = $1 and admission.kind = 'admission'
         and admission.id = person.id and admission.body ->> 'wardId' is not null)
     order by person.body ->> 'name', person.id limit $3`,
    [hospital, name ?? null, limit],
  );
  return rows;
}
