/** Whom policies name besides roles and persons: groups, who is on call, and who is near. */
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import type { Priority } from '@carillon/contracts/monitoring';
import { positionFreshMs } from '@carillon/contracts/positions';
import type { Sql } from '@carillon/database/database';
import type { Staffing } from './domain/levels.ts';
import { metresBetween, type Place } from './domain/nearest.ts';
import { turnAt } from './domain/schedule.ts';
import { isAtLeast } from './domain/silences.ts';
import { findSchedules } from './store-plans.ts';

type Naming = { alertId: string; hospital: string; wardId: string | null; priority: Priority; policy: Policy };
export type Named = Pick<Staffing, 'groups' | 'schedules' | 'nearby' | 'busy'> & { changesAt?: number };

/** So far ahead it is seen when a shift or turn begins or ends: longer than an unanswered alert goes unlooked at. */
export const foreseenMs = 60_000;

const targetsOf = (policy: Policy): Target[] => policy.levels.flatMap(({ targets }) => targets);
const idsOf = (alerts: readonly Naming[], field: 'group' | 'schedule'): string[] => [
  ...new Set(alerts.flatMap(({ policy }) => targetsOf(policy).flatMap((target) => target[field] ?? []))),
];
const wantsNearest = ({ policy }: Naming): boolean => targetsOf(policy).some(({ kind }) => kind === 'nearest');

async function findMembers(
  sql: Sql,
  hospital: string,
  groups: readonly string[],
  now: number,
): Promise<Staffing['groups']> {
  if (groups.length === 0) return {};
  const { rows } = await sql.query<{ group_id: string; people: string[] }>(
    `select group_id, array_agg(member order by place) as people
     from paging_group, unnest(people) with ordinality as given (member, place)
     where hospital = $1 and group_id = any($2::text[]) and (is_called_off_shift or exists (
       select from directory_shift shift
       where shift.hospital = $1 and shift.person_id = member
         and coalesce(shift.ends_at, 'infinity') > $3 and shift.starts_at <= $3))
     group by group_id`,
    [hospital, groups, new Date(now)],
  );
  return Object.fromEntries(rows.map(({ group_id: group, people }) => [group, people]));
}

type Around = {
  seen: readonly (Place & { person: string })[];
  wards: ReadonlyMap<string, Place>;
  /** Who has taken which alert, or comes to it. */
  taken: readonly { alertId: string; person: string; priority: Priority }[];
};

async function findAround(sql: Sql, hospital: string, wards: readonly string[], now: number): Promise<Around> {
  const seen = await sql.query<Place & { person: string }>(
    'select person, latitude, longitude, floor from position where hospital = $1 and measured_at >= $2',
    [hospital, new Date(now - positionFreshMs)],
  );
  const places = await sql.query<Place & { ward_id: string }>(
    'select ward_id, latitude, longitude, floor from ward_place where hospital = $1 and ward_id = any($2::text[])',
    [hospital, wards],
  );
  const taken = await sql.query<{ alertId: string; person: string; priority: Priority }>(
    `select alert_id as "alertId", person, priority from alert, unnest(array_append(accepted, ack_by)) as person
     where hospital = $1 and state <> 'resolved' and condition = 'active'
       and (ack_by is not null or accepted <> '{}') and person is not null`,
    [hospital],
  );
  return { seen: seen.rows, wards: new Map(places.rows.map((row) => [row.ward_id, row])), taken: taken.rows };
}

function nearTo({ alertId, wardId, priority }: Naming, { seen, wards, taken }: Around): Pick<Named, 'nearby' | 'busy'> {
  const ward = wardId === null ? undefined : wards.get(wardId);
  return {
    nearby:
      ward === undefined ? [] : seen.map(({ person, ...place }) => ({ person, metres: metresBetween(place, ward) })),
    busy: new Set(
      taken
        .filter((other) => other.alertId !== alertId && isAtLeast(other.priority, priority))
        .map(({ person }) => person),
    ),
  };
}

/** Of one hospital. @returns by alert */
async function loadOfHospital(
  sql: Sql,
  hospital: string,
  alerts: readonly Naming[],
  now: number,
): Promise<(readonly [string, Named])[]> {
  const groups = await findMembers(sql, hospital, idsOf(alerts, 'group'), now);
  const named = idsOf(alerts, 'schedule');
  const schedules = named.length === 0 ? [] : await findSchedules(sql, hospital, { since: now, only: named });
  const turns = schedules.map((plan) => [plan.scheduleId, turnAt(plan, plan.overrides, now, foreseenMs)] as const);
  const near = alerts.filter(wantsNearest);
  const wards = near.flatMap(({ wardId }) => wardId ?? []);
  const around = near.length === 0 ? undefined : await findAround(sql, hospital, wards, now);
  const ends = turns.map(([, { until }]) => until).filter((until) => until < now + foreseenMs);
  const shared = {
    groups,
    schedules: Object.fromEntries(turns.map(([id, { person }]) => [id, person === null ? [] : [person]])),
    ...(ends.length === 0 ? {} : { changesAt: Math.min(...ends) }),
  };
  return alerts.map((alert) => {
    const isNear = around !== undefined && wantsNearest(alert);
    return [
      alert.alertId,
      { ...shared, ...(isNear ? nearTo(alert, around) : { nearby: [], busy: new Set<string>() }) },
    ];
  });
}

const namesSomebody = ({ policy }: Naming): boolean =>
  targetsOf(policy).some(({ kind }) => kind === 'group' || kind === 'schedule' || kind === 'nearest');

/**
 * Asks nothing of the database for policies that name roles and persons only.
 * @returns by alert, those whose policies do
 */
export async function loadNamed(sql: Sql, alerts: readonly Naming[], now: number): Promise<ReadonlyMap<string, Named>> {
  const naming = alerts.filter(namesSomebody);
  const found: (readonly [string, Named])[] = [];
  for (const hospital of new Set(naming.map((alert) => alert.hospital))) {
    const own = naming.filter((alert) => alert.hospital === hospital);
    found.push(...(await loadOfHospital(sql, hospital, own, now)));
  }
  return new Map(found);
}
