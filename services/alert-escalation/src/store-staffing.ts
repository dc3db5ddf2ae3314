/** Whom policies may call at a moment, from the projection of the directory and from plans: for many alerts at once. */
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { Role } from '@carillon/contracts/define';
import type { Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import { beyondTheWard, type Staffing } from './domain/levels.ts';
import { foreseenMs, loadNamed, type Named } from './store-named.ts';

/** Of an alert, what says whom its policy may call. */
export type Staffed = {
  alertId: string;
  hospital: string;
  patientId: string | null;
  wardId: string | null;
  priority: Priority;
  policy: Policy;
};

/** A shift that lasts or begins soon; ms since the epoch, infinite without an end. */
type Duty = { person: string; role: Role; ward: string | null; from: number; until: number };
type ByRole = Partial<Record<Role, string[]>>;

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

async function findBedNurses(
  sql: Sql,
  hospital: string,
  patients: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql.query<{ patient_id: string; bed_nurses: string[] }>(
    'select patient_id, bed_nurses from directory_care_team where hospital = $1 and patient_id = any($2::text[])',
    [hospital, patients],
  );
  return new Map(rows.map((row) => [row.patient_id, row.bed_nurses]));
}

type Asked = { wards: readonly string[]; people: readonly string[]; roles: readonly Role[] };

/** By person; each way by an index of its own, which passes over all that has ended. */
async function findDuties(sql: Sql, hospital: string, { wards, people, roles }: Asked, now: number): Promise<Duty[]> {
  const select = `select shift_id, person_id as person, role, ward_id as ward, starts_at as "from", ends_at as until
    from directory_shift where hospital = $1 and coalesce(ends_at, 'infinity') > $5 and starts_at <= $6`;
  const { rows } = await sql.query<{ person: string; role: Role; ward: string | null; from: Date; until: Date | null }>(
    `${select} and ward_id = any($2::text[])
     union ${select} and person_id = any($3::text[])
     union ${select} and role = any($4::text[])
     order by person, shift_id`,
    [hospital, wards, people, roles, new Date(now), new Date(now + foreseenMs)],
  );
  return rows.map(({ from, until, ...duty }) => ({
    ...duty,
    from: from.getTime(),
    until: until?.getTime() ?? Infinity,
  }));
}

/** Everybody who has one of the roles, on shift or not. */
async function findAnybody(sql: Sql, hospital: string, roles: readonly Role[]): Promise<ByRole> {
  const { rows } = await sql.query<{ role: Role; people: string[] }>(
    `select role, array_agg(person_id order by person_id) as people
     from directory_person, unnest(roles) as role
     where hospital = $1 and roles && $2::text[] and role = any($2::text[]) group by role`,
    [hospital, roles],
  );
  return Object.fromEntries(rows.map(({ role, people }) => [role, people]));
}

function groupBy<K>(duties: readonly Duty[], keyOf: (duty: Duty) => K): ReadonlyMap<K, readonly Duty[]> {
  const groups = new Map<K, Duty[]>();
  for (const duty of duties) {
    const group = groups.get(keyOf(duty));
    if (group === undefined) groups.set(keyOf(duty), [duty]);
    else group.push(duty);
  }
  return groups;
}

function byRole(duties: readonly Duty[]): ByRole {
  const result: ByRole = {};
  for (const { role, person } of duties) (result[role] ??= []).push(person);
  return result;
}

const nobodyNamed: Named = { groups: {}, schedules: {}, nearby: [], busy: new Set() };

/** Of one hospital. @returns by alert */
async function loadOfHospital(
  sql: Sql,
  hospital: string,
  alerts: readonly Staffed[],
  now: number,
): Promise<(readonly [string, Staffing])[]> {
  const bedNurses = await findBedNurses(
    sql,
    hospital,
    alerts.flatMap(({ patientId }) => patientId ?? []),
  );
  const beyond = new Map(unique(alerts.map(({ policy }) => policy)).map((policy) => [policy, beyondTheWard(policy)]));
  const roles = unique([...beyond.values()].flatMap((each) => each.roles));
  const duties = await findDuties(
    sql,
    hospital,
    {
      wards: unique(alerts.flatMap(({ wardId }) => wardId ?? [])),
      people: unique([...[...bedNurses.values()].flat(), ...[...beyond.values()].flatMap(({ people }) => people)]),
      roles,
    },
    now,
  );
  const anybody = await findAnybody(sql, hospital, roles);
  const named = await loadNamed(sql, alerts, now);
  const [ofWard, ofPerson, ofRole] = [
    groupBy(duties, ({ ward }) => ward),
    groupBy(duties, ({ person }) => person),
    groupBy(duties, ({ role }) => role),
  ];
  return alerts.map(({ alertId, patientId, wardId, policy }) => {
    const { people = [], roles: ownRoles = [] } = beyond.get(policy) ?? {};
    const beds = (patientId === null ? undefined : bedNurses.get(patientId)) ?? [];
    const inWard = wardId === null ? [] : (ofWard.get(wardId) ?? []);
    const inHospital = ownRoles.flatMap((role) => ofRole.get(role) ?? []);
    const own = [...inWard, ...inHospital, ...unique([...beds, ...people]).flatMap((each) => ofPerson.get(each) ?? [])];
    const isOn = ({ from }: Duty): boolean => from <= now;
    const onShift = new Set(own.filter(isOn).map(({ person }) => person));
    const { changesAt: turnEndsAt = Infinity, ...ownNamed } = named.get(alertId) ?? nobodyNamed;
    const changesAt = own
      .flatMap(({ from, until }) => [from, until])
      .filter((at) => at > now)
      .reduce((first, at) => Math.min(first, at), turnEndsAt);
    return [
      alertId,
      {
        bedNurses: beds.filter((person) => onShift.has(person)),
        ward: byRole(inWard.filter(isOn)),
        hospital: byRole(inHospital.filter(isOn)),
        onShift,
        anybody: Object.fromEntries(ownRoles.map((role) => [role, anybody[role] ?? []])),
        ...ownNamed,
        ...(changesAt === Infinity ? {} : { changesAt }),
      },
    ];
  });
}

/** @returns by alert */
export async function loadStaffings(
  sql: Sql,
  alerts: readonly Staffed[],
  now: number,
): Promise<ReadonlyMap<string, Staffing>> {
  const found: (readonly [string, Staffing])[] = [];
  for (const hospital of unique(alerts.map((alert) => alert.hospital))) {
    const own = alerts.filter((alert) => alert.hospital === hospital);
    found.push(...(await loadOfHospital(sql, hospital, own, now)));
  }
  return new Map(found);
}
