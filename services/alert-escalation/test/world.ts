/** A hospital for tests: who is there, when, and who is meant by a target at an instant, written a second time. */
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import type { Actor, Role } from '@carillon/contracts/define';
import type { Sql } from '@carillon/database/database';

/** From (inclusive) until (exclusive), ms since the epoch. */
export type Duty = { from: number; until: number };
type Group = { people: readonly string[]; isCalledOffShift: boolean };
export type World = {
  policy: Policy;
  /** For alerts of high priority; absent: they run by the policy of all. */
  urgent?: Policy | undefined;
  /** Absent: never on duty. */
  duties: Readonly<Record<string, Duty>>;
  bedNurses: Readonly<Record<string, readonly string[]>>;
  groups?: Readonly<Record<string, Group>>;
  /** A fall calls nobody while the leads of the patient are off. */
  isInhibited?: boolean;
};

export const hospital = 'h1';
export const ward = 'w1';
export const otherWard = 'w2';
export const rolesOf: Readonly<Record<string, Role>> = {
  n1: 'nurse',
  n2: 'nurse',
  n3: 'nurse',
  n7: 'nurse',
  d1: 'doctor',
  d7: 'doctor',
  r1: 'responder',
  o1: 'operator',
  a1: 'admin',
};
const everybody = Object.keys(rolesOf);
export const peopleOfOtherWard = ['n7', 'd7'];
/** Of the ward, and those of the whole hospital. */
export const people = everybody.filter((person) => !peopleOfOtherWard.includes(person));
export const nurses = people.filter((person) => rolesOf[person] === 'nurse');
export const actorOf = (person: string): Actor => ({ person, hospital, roles: [rolesOf[person] ?? 'nurse'] });
/** What gateways act as on their own account. */
export const gatewayActor: Actor = { person: 'gateway', hospital, roles: ['service'] };
/** Null: of no ward, but of the hospital. */
export const wardOf = (person: string): string | null => {
  if (!['nurse', 'doctor', 'responder'].includes(rolesOf[person] ?? '')) return null;
  return peopleOfOtherWard.includes(person) ? otherWard : ward;
};

/** What a world and its history leave, what refers to others first. */
const tables = [
  'page',
  'page_receipt',
  'alert_log',
  'alert',
  'condition_seen',
  'silence',
  'inhibition_rule',
  'paging_group',
  'policy_version',
  'policy',
  'inbox',
  'outbox',
  'directory_person',
  'directory_admission',
  'directory_care_team',
  'directory_shift',
];

/** Replaces everything that the service knows, in two statements: a run of the model has hundreds. */
export async function storeWorld(sql: Sql, world: World): Promise<void> {
  // A few rows each: to delete them is quicker than to truncate the tables.
  await sql.query(tables.map((table) => `delete from ${table}`).join(';'));
  const { policy, urgent, duties, bedNurses, groups = {}, isInhibited = false } = world;
  const policies = [
    { id: 'default', body: policy },
    ...(urgent === undefined ? [] : [{ id: 'urgent', body: { ...urgent, applies: { priorities: ['high'] } } }]),
  ];
  await sql.query(
    `with written as (
       insert into policy (hospital, policy_id, body, version)
       select $1, id, body, 1 from jsonb_to_recordset($2) as given (id text, body jsonb) returning *),
     versions as (
       insert into policy_version (hospital, policy_id, body, version, set_at)
       select hospital, policy_id, body, version, 'epoch' from written),
     rules as (
       insert into inhibition_rule (hospital, rule_id, body, version)
       select $1, 'leads-off', '{"source": ["leads-off"], "target": ["fall"], "same": "patient"}', 1 where $3),
     groups as (
       insert into paging_group (hospital, group_id, name, people, is_called_off_shift, version)
       select $1, id, id, people, off_shift, 1
       from jsonb_to_recordset($4) as given (id text, people text[], off_shift boolean)),
     staff as (
       insert into directory_person (hospital, person_id, name, roles, wards, version)
       select $1, id, id, array[role], case when ward is null then '{}' else array[ward] end, 1
       from jsonb_to_recordset($5) as given (id text, role text, ward text)),
     shifts as (
       insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
       select $1, 's-' || id, id, ward, role, starts_at, ends_at, 1
       from jsonb_to_recordset($5) as given (id text, role text, ward text, starts_at timestamptz, ends_at timestamptz)
       where starts_at is not null),
     patients as (
       insert into directory_person (hospital, person_id, name, roles, wards, version)
       select $1, id, id, '{patient}', '{}', 1 from jsonb_to_recordset($6) as given (id text)),
     admissions as (
       insert into directory_admission (hospital, patient_id, ward_id, bed_id, version)
       select $1, id, $7, null, 1 from jsonb_to_recordset($6) as given (id text))
     insert into directory_care_team (hospital, patient_id, bed_nurses, caregivers, version)
     select $1, id, nurses, '{}', 1 from jsonb_to_recordset($6) as given (id text, nurses text[])`,
    [
      hospital,
      JSON.stringify(policies),
      isInhibited,
      JSON.stringify(
        Object.entries(groups).map(([id, group]) => ({ id, people: group.people, off_shift: group.isCalledOffShift })),
      ),
      JSON.stringify(
        everybody.map((id) => ({
          id,
          role: rolesOf[id],
          ward: wardOf(id),
          ...(duties[id] && { starts_at: new Date(duties[id].from), ends_at: new Date(duties[id].until) }),
        })),
      ),
      JSON.stringify(Object.entries(bedNurses).map(([id, nurses]) => ({ id, nurses }))),
      ward,
    ],
  );
}

/** Who is asked for: by which policy, for whom, and where he lies. */
type Asked = { policy: Policy; patient: string; ward: string };

/** Who can be reached when a level (from 1) starts at `at`. */
export function reachableAt(world: World, { policy, patient, ward }: Asked, level: number, at: number): string[] {
  const isOn = (person: string): boolean => {
    const duty = world.duties[person];
    return duty !== undefined && duty.from <= at && at < duty.until;
  };
  const withRole = (role: Role): string[] => everybody.filter((person) => rolesOf[person] === role);
  const meant = (target: Target): readonly string[] => {
    switch (target.kind) {
      case 'bedNurse':
        return (world.bedNurses[patient] ?? []).filter(isOn);
      case 'wardRole':
        return withRole(target.role ?? 'nurse')
          .filter(isOn)
          .filter((person) => wardOf(person) === ward);
      case 'hospitalRole':
        return withRole(target.role ?? 'nurse').filter(isOn);
      case 'person':
        return [target.person ?? ''].filter(isOn);
      case 'group': {
        const { people: members = [], isCalledOffShift = false } = world.groups?.[target.group ?? ''] ?? {};
        return members.filter((person) => isCalledOffShift || isOn(person));
      }
      case 'failsafe': {
        const all = withRole(target.role ?? 'operator');
        return [all.filter(isOn), all, withRole('admin')].find((some) => some.length > 0) ?? [];
      }
      default:
        throw new Error(`${target.kind} is not of the model`);
    }
  };
  return [...new Set((policy.levels[level - 1]?.targets ?? []).flatMap(meant))];
}
