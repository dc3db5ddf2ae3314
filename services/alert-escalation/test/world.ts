/** A hospital for tests: who is there, when, and who is meant by a target at an instant, written a second time. */
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import type { Actor, Role } from '@carillon/contracts/define';
import type { Sql } from '@carillon/database/database';

/** From (inclusive) until (exclusive), ms since the epoch. */
export type Duty = { from: number; until: number };
export type World = {
  policy: Policy;
  /** Absent: never on duty. */
  duties: Readonly<Record<string, Duty>>;
  bedNurses: Readonly<Record<string, readonly string[]>>;
};

export const hospital = 'h1';
export const ward = 'w1';
export const rolesOf: Readonly<Record<string, Role>> = {
  n1: 'nurse',
  n2: 'nurse',
  n3: 'nurse',
  d1: 'doctor',
  r1: 'responder',
  o1: 'operator',
  a1: 'admin',
};
export const people = Object.keys(rolesOf);
export const nurses = people.filter((person) => rolesOf[person] === 'nurse');
export const actorOf = (person: string): Actor => ({ person, hospital, roles: [rolesOf[person] ?? 'nurse'] });
/** What gateways act as on their own account. */
export const gatewayActor: Actor = { person: 'gateway', hospital, roles: ['service'] };
const isStaff = (person: string): boolean => ['nurse', 'doctor', 'responder'].includes(rolesOf[person] ?? '');

/** What a world and its history leave, what refers to others first. */
const tables = [
  'page',
  'page_receipt',
  'alert_log',
  'alert',
  'condition_seen',
  'inhibition_rule',
  'policy',
  'inbox',
  'outbox',
  'directory_person',
  'directory_admission',
  'directory_care_team',
  'directory_shift',
];

/** Replaces everything that the service knows. */
export async function storeWorld(sql: Sql, { policy, duties, bedNurses }: World): Promise<void> {
  // A few rows each: to delete them is quicker than to truncate the tables.
  for (const table of tables) await sql.query(`delete from ${table}`);
  await sql.query(`insert into policy (hospital, policy_id, body, version) values ($1, 'default', $2, 1)`, [
    hospital,
    JSON.stringify(policy),
  ]);
  await sql.query(
    `insert into directory_person (hospital, person_id, name, roles, wards, version)
     select $1, person, person, array[role], case when staff then array[$2] else '{}'::text[] end, 1
     from unnest($3::text[], $4::text[], $5::boolean[]) as given (person, role, staff)`,
    [hospital, ward, people, people.map((person) => rolesOf[person]), people.map(isStaff)],
  );
  const onDuty = Object.entries(duties);
  await sql.query(
    `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
     select $1, 's-' || person, person, ward, role, starts, ends, 1
     from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
       as given (person, ward, role, starts, ends)`,
    [
      hospital,
      onDuty.map(([person]) => person),
      onDuty.map(([person]) => (isStaff(person) ? ward : null)),
      onDuty.map(([person]) => rolesOf[person]),
      onDuty.map(([, { from }]) => new Date(from)),
      onDuty.map(([, { until }]) => new Date(until)),
    ],
  );
  for (const [patient, nurses] of Object.entries(bedNurses)) {
    await sql.query(`insert into directory_person values ($1, $2, $2, '{patient}', '{}', 1)`, [hospital, patient]);
    await sql.query('insert into directory_admission values ($1, $2, $3, null, 1)', [hospital, patient, ward]);
    await sql.query(`insert into directory_care_team values ($1, $2, $3, '{}', 1)`, [hospital, patient, nurses]);
  }
}

/** Who can be reached for a patient when a level (from 1) starts at `at`. */
export function reachableAt(
  { policy, duties, bedNurses }: World,
  patient: string,
  level: number,
  at: number,
): string[] {
  const isOn = (person: string): boolean => {
    const duty = duties[person];
    return duty !== undefined && duty.from <= at && at < duty.until;
  };
  const withRole = (role: Role): string[] => people.filter((person) => rolesOf[person] === role);
  const meant = (target: Target): readonly string[] => {
    if (target.kind === 'bedNurse') return (bedNurses[patient] ?? []).filter(isOn);
    if (target.kind === 'wardRole')
      return withRole(target.role ?? 'nurse')
        .filter(isOn)
        .filter(isStaff);
    if (target.kind === 'person') return [target.person ?? ''].filter(isOn);
    const all = withRole(target.role ?? 'operator');
    return [all.filter(isOn), all, withRole('admin')].find((some) => some.length > 0) ?? [];
  };
  return [...new Set((policy.levels[level - 1]?.targets ?? []).flatMap(meant))];
}
