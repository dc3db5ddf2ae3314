/**
 * The part of the directory that a service needs, in its own schema: kept by the events of DIRECTORY, read when it
 * decides. `monitoring` and `alert-escalation` use it.
 */
import { fileURLToPath } from 'node:url';
import type { Actor, ConsumerDefinition, Rule } from '@carillon/contracts/define';
import {
  admissionChanged,
  breakGlassChanged,
  careTeamChanged,
  personChanged,
  shiftChanged,
  wardChanged,
  type Shift,
} from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';
import { isPermitted, type Relations } from '@carillon/contracts/permission';
import type { Sql } from '@carillon/database/database';
import type { MigrationSet } from '@carillon/database/migrate';
import { onEvent, type EventWork, type Subscription } from './subscriptions.ts';

export const directoryProjectionMigrations: MigrationSet = {
  folder: fileURLToPath(new URL('../migrations', import.meta.url)),
  table: 'projection_migrations',
};

/** What became different of what is projected. Wards are by their ids. */
export type DirectoryChange =
  | { kind: 'admission'; patientId: string; before: string | undefined; after: string | undefined }
  | { kind: 'careTeam'; patientId: string; bedNurses: readonly string[] }
  | { kind: 'shift'; shift: Shift }
  | { kind: 'ward'; wardId: string };

const isChanged = ({ rowCount }: { rowCount: number | null }): boolean => (rowCount ?? 0) > 0;

/**
 * An older version never overwrites a newer one: events may be delivered again, and out of order.
 * @param onChange told in the same transaction, and of news only
 */
export const directorySubscription = (
  consumer: ConsumerDefinition,
  onChange: (work: EventWork, change: DirectoryChange) => Promise<void> = () => Promise.resolve(),
): Subscription => ({
  consumer,
  isNeededFirst: true,
  handlers: [
    onEvent(personChanged, async ({ tx, hospital, version }, person) => {
      await tx.query(
        `insert into directory_person (hospital, person_id, name, roles, wards, birth_date, version)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (hospital, person_id) do update set
           name = excluded.name, roles = excluded.roles, wards = excluded.wards, birth_date = excluded.birth_date,
           version = excluded.version
         where directory_person.version < excluded.version`,
        [hospital, person.personId, person.name, person.roles, person.wards, person.birthDate ?? null, version],
      );
    }),
    onEvent(wardChanged, async (work, { wardId, name, beds, population }) => {
      const { tx, hospital, version } = work;
      const result = await tx.query(
        `insert into directory_ward (hospital, ward_id, name, beds, population, version) values ($1, $2, $3, $4, $5, $6)
         on conflict (hospital, ward_id) do update set
           name = excluded.name, beds = excluded.beds, population = excluded.population, version = excluded.version
         where directory_ward.version < excluded.version`,
        [hospital, wardId, name, beds.length, population ?? null, version],
      );
      if (isChanged(result)) await onChange(work, { kind: 'ward', wardId });
    }),
    onEvent(admissionChanged, async (work, { patientId, wardId, bedId }) => {
      const { tx, hospital, version } = work;
      // Both see the row as it was; a statement of its own would have to lock it first.
      const result = await tx.query<{ before: string | null }>(
        `with before as (select ward_id from directory_admission where hospital = $1 and patient_id = $2)
         insert into directory_admission (hospital, patient_id, ward_id, bed_id, version) values ($1, $2, $3, $4, $5)
         on conflict (hospital, patient_id) do update set
           ward_id = excluded.ward_id, bed_id = excluded.bed_id, version = excluded.version
         where directory_admission.version < excluded.version
         returning (select ward_id from before) as before`,
        [hospital, patientId, wardId, bedId, version],
      );
      const [row] = result.rows;
      if (row === undefined) return;
      await onChange(work, {
        kind: 'admission',
        patientId,
        before: row.before ?? undefined,
        after: wardId ?? undefined,
      });
    }),
    onEvent(careTeamChanged, async (work, { patientId, bedNurses, caregivers }) => {
      const { tx, hospital, version } = work;
      const result = await tx.query(
        `insert into directory_care_team (hospital, patient_id, bed_nurses, caregivers, version)
         values ($1, $2, $3, $4, $5)
         on conflict (hospital, patient_id) do update set
           bed_nurses = excluded.bed_nurses, caregivers = excluded.caregivers, version = excluded.version
         where directory_care_team.version < excluded.version`,
        [hospital, patientId, bedNurses, caregivers, version],
      );
      if (isChanged(result)) await onChange(work, { kind: 'careTeam', patientId, bedNurses });
    }),
    onEvent(shiftChanged, async (work, shift) => {
      const { tx, hospital, version } = work;
      const result = await tx.query(
        `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (hospital, shift_id) do update set
           person_id = excluded.person_id, ward_id = excluded.ward_id, role = excluded.role,
           starts_at = excluded.starts_at, ends_at = excluded.ends_at, version = excluded.version
         where directory_shift.version < excluded.version`,
        [hospital, shift.shiftId, shift.personId, shift.wardId, shift.role, shift.startsAt, shift.endsAt, version],
      );
      if (isChanged(result)) await onChange(work, { kind: 'shift', shift });
    }),
    onEvent(breakGlassChanged, async ({ tx, hospital, version }, { personId, patients }) => {
      await tx.query(
        `insert into directory_break_glass (hospital, person_id, patients, until, version) values ($1, $2, $3, $4, $5)
         on conflict (hospital, person_id) do update set
           patients = excluded.patients, until = excluded.until, version = excluded.version
         where directory_break_glass.version < excluded.version`,
        [hospital, personId, patients.map(({ patientId }) => patientId), patients.map(({ until }) => until), version],
      );
    }),
  ],
});

/** @returns the ward of each patient who is admitted */
export async function findWards(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ patient_id: string; ward_id: string }>(
    `select patient_id, ward_id from directory_admission
     where hospital = $1 and patient_id = any($2::text[]) and ward_id is not null`,
    [hospital, patientIds],
  );
  return new Map(rows.map((row) => [row.patient_id, row.ward_id]));
}

/** So long a fact about an unknown patient waits for the directory; then it is taken as it is. */
const patienceMs = 30_000;

/**
 * Whoever is known lies where the projection says: `directory` publishes a person after all that concerns him. One who
 * is not known yet is known to the edge already, so his entry is on its way; without it an alarm would have no ward.
 * @param since when the fact about the patients was received or measured, ms since the epoch
 * @throws CodedError `unavailable`: try again, for at most 30 s
 */
export async function assertKnown(
  sql: Sql,
  hospital: string,
  patientIds: readonly string[],
  { since, now }: { since: number; now: number },
): Promise<void> {
  const { rows } = await sql.query<{ known: number }>(
    'select count(*) as known from directory_person where hospital = $1 and person_id = any($2::text[])',
    [hospital, patientIds],
  );
  assertAllKnown(rows[0]?.known === new Set(patientIds).size, { since, now });
}

/** The same for who has looked himself. @throws CodedError `unavailable`: try again, for at most 30 s */
export function assertAllKnown(areKnown: boolean, { since, now }: { since: number; now: number }): void {
  if (areKnown || now - since > patienceMs) return;
  throw new CodedError('unavailable', 'The directory has not told of these patients yet');
}

export async function findPatientsOfWard(sql: Sql, hospital: string, wardId: string): Promise<string[]> {
  const { rows } = await sql.query<{ patient_id: string }>(
    'select patient_id from directory_admission where hospital = $1 and ward_id = $2 order by patient_id',
    [hospital, wardId],
  );
  return rows.map((row) => row.patient_id);
}

/** The time is the service's own: break-glass ends by it, also while the news of its end is on its way. */
type Asking = { actor: Actor; now: number };

/** What `isPermitted` needs to judge one actor, and one patient if there is one. */
export async function loadRelations(sql: Sql, { actor, now }: Asking, patientId?: string): Promise<Relations> {
  const { rows } = await sql.query<{
    wards: string[] | null;
    patients: string[] | null;
    broken: string[] | null;
    ward_id: string | null;
  }>(
    `select
       (select wards from directory_person where hospital = $1 and person_id = $2) as wards,
       (select array_agg(patient_id) from directory_care_team where hospital = $1 and $2 = any(caregivers)) as patients,
       (select array_agg(patient) from directory_break_glass, unnest(patients, until) as broken (patient, ends_at)
        where hospital = $1 and person_id = $2 and ends_at > $4) as broken,
       (select ward_id from directory_admission where hospital = $1 and patient_id = $3) as ward_id`,
    [actor.hospital, actor.person, patientId ?? null, new Date(now)],
  );
  const row = rows[0];
  const wards = new Set(row?.wards ?? []);
  const patients = new Set(row?.patients ?? []);
  const broken = new Set(row?.broken ?? []);
  return {
    wardsOf: (person) => (person === actor.person ? wards : new Set()),
    wardOfPatient: (id) => (id === patientId ? (row?.ward_id ?? undefined) : undefined),
    patientsCaredForBy: (person) => (person === actor.person ? patients : new Set()),
    brokenGlassOf: (person) => (person === actor.person ? broken : new Set()),
  };
}

/**
 * Checks the rights again where the work is done: the gateway's view may be a moment old.
 * @throws CodedError `forbidden`
 */
export async function assertPermitted(
  sql: Sql,
  rules: readonly Rule[],
  { actor, now }: Asking,
  input: Readonly<Record<string, unknown>>,
): Promise<void> {
  const patientId = input['patientId'];
  const relations = await loadRelations(sql, { actor, now }, typeof patientId === 'string' ? patientId : undefined);
  if (!isPermitted(rules, actor, input, relations)) throw new CodedError('forbidden');
}
