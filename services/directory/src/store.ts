import type { Admission, Person, PersonEntry, Ward } from '@carillon/contracts/directory';
import type { Sql } from '@carillon/database/database';
import type { Entity, EntityKind } from './domain/hospital.ts';

/** One import at a time a hospital: it reads, compares and writes many rows. */
export async function lockHospital(tx: Sql, hospital: string, name: string): Promise<void> {
  await tx.query(
    `insert into hospital (hospital_id, name, version) values ($1, $2, 1)
     on conflict (hospital_id) do update set name = excluded.name, version = hospital.version + 1`,
    [hospital, name],
  );
}

export async function listEntityKeys(tx: Sql, hospital: string): Promise<{ kind: EntityKind; id: string }[]> {
  const { rows } = await tx.query<{ kind: EntityKind; id: string }>('select kind, id from entity where hospital = $1', [
    hospital,
  ]);
  return rows;
}

export async function listBeds(tx: Sql, hospital: string): Promise<{ wardId: string; bedId: string }[]> {
  const { rows } = await tx.query<{ wardId: string; bedId: string }>(
    `select id as "wardId", bed ->> 'bedId' as "bedId"
     from entity, jsonb_array_elements(body -> 'beds') as bed where hospital = $1 and kind = 'ward'`,
    [hospital],
  );
  return rows;
}

const entityParameters = (hospital: string, entities: readonly Entity[]): unknown[] => [
  hospital,
  entities.map((entity) => entity.kind),
  entities.map((entity) => entity.id),
  entities.map((entity) => JSON.stringify(entity.body)),
];

/** Writes what is new or different. @returns those, each with its version now */
export async function upsertEntities(
  tx: Sql,
  hospital: string,
  entities: readonly Entity[],
): Promise<(Entity & { version: number })[]> {
  const { rows } = await tx.query<Entity & { version: number }>(
    `insert into entity (hospital, kind, id, body, version)
     select $1, kind, id, body::jsonb, 1 from unnest($2::text[], $3::text[], $4::text[]) as given (kind, id, body)
     on conflict (hospital, kind, id) do update set body = excluded.body, version = entity.version + 1
     where entity.body is distinct from excluded.body
     returning kind, id, body, version`,
    entityParameters(hospital, entities),
  );
  return rows;
}

export async function listAdmissions(tx: Sql, hospital: string): Promise<Admission[]> {
  const { rows } = await tx.query<{ body: Admission }>(
    `select body from entity where hospital = $1 and kind = 'admission' and body ->> 'wardId' is not null`,
    [hospital],
  );
  return rows.map((row) => row.body);
}

/** @returns the kind and id of those of which the last file said the same */
export async function listUnchanged(
  tx: Sql,
  hospital: string,
  entities: readonly Entity[],
): Promise<{ kind: EntityKind; id: string }[]> {
  const { rows } = await tx.query<{ kind: EntityKind; id: string }>(
    `select entity.kind, entity.id
     from unnest($2::text[], $3::text[], $4::text[]) as given (kind, id, body)
       join entity on hospital = $1 and entity.kind = given.kind and entity.id = given.id
     where entity.imported = given.body::jsonb`,
    entityParameters(hospital, entities),
  );
  return rows;
}

/** Keeps what a file said, to be compared with what the next one says. */
export async function markImported(tx: Sql, hospital: string, entities: readonly Entity[]): Promise<void> {
  await tx.query(
    `update entity set imported = given.body::jsonb
     from unnest($2::text[], $3::text[], $4::text[]) as given (kind, id, body)
     where hospital = $1 and entity.kind = given.kind and entity.id = given.id`,
    entityParameters(hospital, entities),
  );
}

/** A patient who moves leaves the old bed before the new one is taken. */
export async function releaseChangedBeds(tx: Sql, hospital: string, admissions: readonly Admission[]): Promise<void> {
  await tx.query(
    `update entity set body = jsonb_set(body, '{bedId}', to_jsonb('moving-' || id))
     from unnest($2::text[], $3::text[], $4::text[]) as given (patient_id, ward_id, bed_id)
     where hospital = $1 and kind = 'admission' and id = patient_id
       and (body ->> 'wardId', body ->> 'bedId') <> (ward_id, bed_id)`,
    [
      hospital,
      admissions.map((admission) => admission.patientId),
      admissions.map((admission) => admission.wardId),
      admissions.map((admission) => admission.bedId),
    ],
  );
}

export type PersonRow = {
  person: Person;
  admission: Admission | undefined;
  caregiverOf: string[];
  breakGlass: { patientId: string; until: string }[];
};

export async function listPeople(tx: Sql, hospital: string): Promise<PersonRow[]> {
  const { rows } = await tx.query<{
    person: Person;
    admission: Admission | null;
    caregiverof: string[] | null;
    brokenpatients: string[] | null;
    brokenuntil: Date[] | null;
  }>(
    `with care as (
       select caregiver, array_agg(team.id order by team.id) as patients
       from entity team, jsonb_array_elements_text(team.body -> 'caregivers') as caregiver
       where team.hospital = $1 and team.kind = 'careTeam' group by caregiver),
     broken as (
       select person_id, array_agg(patient_id order by patient_id) as patients,
         array_agg(until order by patient_id) as until
       from broken_glass where hospital = $1 group by person_id)
     select person.body as person, admission.body as admission, care.patients as caregiverof,
       broken.patients as brokenpatients, broken.until as brokenuntil
     from entity person
     left join care on care.caregiver = person.id
     left join broken on broken.person_id = person.id
     left join entity admission
       on admission.hospital = $1 and admission.kind = 'admission' and admission.id = person.id
         and admission.body ->> 'wardId' is not null
     where person.hospital = $1 and person.kind = 'person' order by person.id`,
    [hospital],
  );
  return rows.map((row) => ({
    person: row.person,
    admission: row.admission ?? undefined,
    caregiverOf: row.caregiverof ?? [],
    breakGlass: (row.brokenpatients ?? []).flatMap((patientId, index) => {
      const until = row.brokenuntil?.[index];
      return until === undefined ? [] : [{ patientId, until: until.toISOString() }];
    }),
  }));
}

/** Writes what is new or different. @returns those, each with its version now */
export async function upsertPersonEntries(
  tx: Sql,
  hospital: string,
  entries: readonly Omit<PersonEntry, 'version'>[],
): Promise<PersonEntry[]> {
  const { rows } = await tx.query<{ body: Omit<PersonEntry, 'version'>; version: number }>(
    `insert into person_entry (hospital, person_id, body, version)
     select $1, person_id, body::jsonb, 1 from unnest($2::text[], $3::text[]) as given (person_id, body)
     on conflict (hospital, person_id) do update set body = excluded.body, version = person_entry.version + 1
     where person_entry.body is distinct from excluded.body
     returning body, version`,
    [hospital, entries.map((entry) => entry.person), entries.map((entry) => JSON.stringify(entry))],
  );
  return rows.map((row) => ({ ...row.body, version: row.version }));
}

export async function findWard(
  sql: Sql,
  hospital: string,
  wardId: string,
): Promise<(Ward & { version: number }) | undefined> {
  const { rows } = await sql.query<{ body: Ward; version: number }>(
    `select body, version from entity where hospital = $1 and kind = 'ward' and id = $2`,
    [hospital, wardId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { ...row.body, version: row.version };
}

export async function listPlaced(
  sql: Sql,
  hospital: string,
  wardId: string,
): Promise<{ patientId: string; bedId: string; name: string }[]> {
  const { rows } = await sql.query<{ patientId: string; bedId: string; name: string }>(
    `select admission.id as "patientId", admission.body ->> 'bedId' as "bedId", person.body ->> 'name' as name
     from entity admission join entity person
       on person.hospital = $1 and person.kind = 'person' and person.id = admission.id
     where admission.hospital = $1 and admission.kind = 'admission' and admission.body ->> 'wardId' = $2`,
    [hospital, wardId],
  );
  return rows;
}

export async function findPerson(sql: Sql, hospital: string, personId: string): Promise<PersonEntry | undefined> {
  const { rows } = await sql.query<{ body: Omit<PersonEntry, 'version'>; version: number }>(
    'select body, version from person_entry where hospital = $1 and person_id = $2',
    [hospital, personId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { ...row.body, version: row.version };
}

export async function listWardNames(
  sql: Sql,
  hospital: string,
  wardIds: readonly string[],
): Promise<{ wardId: string; name: string }[]> {
  const { rows } = await sql.query<{ wardId: string; name: string }>(
    `select id as "wardId", body ->> 'name' as name from entity
     where hospital = $1 and kind = 'ward' and id = any($2::text[]) order by id`,
    [hospital, wardIds],
  );
  return rows;
}
