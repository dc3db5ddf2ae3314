/** What an import changes, and what each person's entry then says: pure. */
import type { Admission, HospitalFile, PersonEntry } from '@carillon/contracts/directory';
import type { Issue } from '@carillon/contracts/schema';

export const entityKinds = ['ward', 'person', 'admission', 'careTeam', 'shift'] as const;
export type EntityKind = (typeof entityKinds)[number];
/** The body is what the contract calls Ward, Person, Admission, CareTeam or Shift. */
export type Entity = { kind: EntityKind; id: string; body: Record<string, unknown> };

export const entityKey = (kind: EntityKind, id: string): string => `${kind} ${id}`;

export function entitiesOf(file: HospitalFile): Entity[] {
  return [
    ...file.wards.map((body) => ({ kind: 'ward' as const, id: body.wardId, body })),
    ...file.people.map((body) => ({ kind: 'person' as const, id: body.personId, body })),
    ...file.admissions.map((body) => ({ kind: 'admission' as const, id: body.patientId, body })),
    ...file.careTeams.map((body) => ({ kind: 'careTeam' as const, id: body.patientId, body })),
    ...file.shifts.map((body) => ({ kind: 'shift' as const, id: body.shiftId, body })),
  ];
}

export type Bed = { wardId: string; bedId: string };
/** What the directory holds already. */
export type Known = {
  entities: readonly { kind: EntityKind; id: string }[];
  beds: readonly Bed[];
  admissions: readonly Admission[];
};

const bedKey = ({ wardId, bedId }: Bed): string => `${wardId} ${bedId}`;

/** What stands in the file twice. */
function repeatedIds(file: HospitalFile): Issue[] {
  const seen = new Set<string>();
  return entitiesOf(file).flatMap(({ kind, id }) => {
    const key = entityKey(kind, id);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [{ path: '', message: `${kind} ${id} stands there twice` }];
  });
}

/** Two patients in one bed, after all that the file moves was moved. */
function doubleBeds(file: HospitalFile, acting: readonly Admission[], admissions: readonly Admission[]): Issue[] {
  const moving = new Set(acting.map((admission) => admission.patientId));
  const staying = admissions.filter((admission) => !moving.has(admission.patientId));
  const occupants = new Map(staying.map((admission) => [bedKey(admission), admission.patientId]));
  return acting.flatMap((admission) => {
    const other = occupants.get(bedKey(admission));
    occupants.set(bedKey(admission), admission.patientId);
    if (other === undefined || other === admission.patientId) return [];
    const path = `admissions.${file.admissions.indexOf(admission)}.bedId`;
    return [{ path, message: `Patient ${other} lies in bed ${admission.bedId}` }];
  });
}

/** Beds that the file takes away from under somebody: he would be in no list of beds, and nobody could discharge him. */
function lostBeds(file: HospitalFile, acting: readonly Admission[], { beds: knownBeds, admissions }: Known): Issue[] {
  const moving = new Set(acting.map((admission) => admission.patientId));
  const there = new Set(knownBeds.map(bedKey));
  return file.wards.flatMap(({ wardId, beds }, index) =>
    admissions
      .filter((one) => one.wardId === wardId && !moving.has(one.patientId) && there.has(bedKey(one)))
      .filter(({ bedId }) => !beds.some((bed) => bed.bedId === bedId))
      .map(({ patientId, bedId }) => ({
        path: `wards.${index}.beds`,
        message: `Patient ${patientId} lies in bed ${bedId}`,
      })),
  );
}

/**
 * Whether the file fits together with what is there: every ward, bed and person that is named exists, nothing is said
 * twice, no two patients lie in one bed, and none in a bed that is no more.
 * @param acting those of its admissions that are new or say something new; others move nobody
 */
export function findIssues(file: HospitalFile, acting: readonly Admission[], known: Known): Issue[] {
  const keys = new Set([...known.entities, ...entitiesOf(file)].map(({ kind, id }) => entityKey(kind, id)));
  const replaced = new Set(file.wards.map((ward) => ward.wardId));
  const beds = new Set([
    ...known.beds.filter((bed) => !replaced.has(bed.wardId)).map(bedKey),
    ...file.wards.flatMap(({ wardId, beds }) => beds.map(({ bedId }) => bedKey({ wardId, bedId }))),
  ]);
  const issues: Issue[] = [
    ...repeatedIds(file),
    ...doubleBeds(file, acting, known.admissions),
    ...lostBeds(file, acting, known),
  ];
  const need = (kind: EntityKind, id: string, path: string): void => {
    if (!keys.has(entityKey(kind, id))) issues.push({ path, message: `No ${kind} ${id}` });
  };
  for (const [index, person] of file.people.entries()) {
    for (const ward of person.wards) need('ward', ward, `people.${index}.wards`);
  }
  for (const [index, admission] of file.admissions.entries()) {
    need('person', admission.patientId, `admissions.${index}.patientId`);
    if (!beds.has(bedKey(admission))) {
      issues.push({
        path: `admissions.${index}.bedId`,
        message: `Ward ${admission.wardId} has no bed ${admission.bedId}`,
      });
    }
  }
  for (const [index, team] of file.careTeams.entries()) {
    need('person', team.patientId, `careTeams.${index}.patientId`);
    for (const id of [...team.bedNurses, ...team.caregivers]) need('person', id, `careTeams.${index}`);
  }
  for (const [index, shift] of file.shifts.entries()) {
    need('person', shift.personId, `shifts.${index}.personId`);
    if (shift.wardId !== null) need('ward', shift.wardId, `shifts.${index}.wardId`);
  }
  return issues;
}

type PersonFacts = {
  hospital: string;
  person: { personId: string; name: string; roles: PersonEntry['roles']; wards: string[] };
  admission: { wardId: string; bedId: string } | undefined;
  caregiverOf: readonly string[];
  breakGlass: readonly { patientId: string; until: string }[];
};

/** The entry that every gateway holds for a person: what a permission check needs, and no more. */
export const personEntry = ({
  hospital,
  person,
  admission,
  caregiverOf,
  breakGlass,
}: PersonFacts): Omit<PersonEntry, 'version'> => ({
  person: person.personId,
  hospital,
  name: person.name,
  roles: person.roles,
  wards: [...person.wards].sort(),
  caregiverOf: [...caregiverOf].sort(),
  placement: admission === undefined ? null : { wardId: admission.wardId, bedId: admission.bedId },
  ...(breakGlass.length === 0 ? {} : { breakGlass: [...breakGlass] }),
});
