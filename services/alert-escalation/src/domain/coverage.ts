/**
 * Whether somebody is there: for every ward, priority and policy, when nobody but the failsafe would be called. Looked at
 * between the instants at which somebody comes or goes whom the policy may call, not hour by hour.
 */
import type { Role } from '@carillon/contracts/define';
import type { Policy, StoredPolicy } from '@carillon/contracts/escalation-policies';
import type { Gap as StatedGap } from '@carillon/contracts/plans';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import type { ChosenPolicy } from './alert.ts';
import { choosePolicy } from './choose-policy.ts';
import { beyondTheWard, peopleAtLevel, type Staffing } from './levels.ts';
import type { Turn } from './schedule.ts';

/** From (inclusive) until (exclusive; for ever where infinite), ms since the epoch. */
export type PlannedShift = { person: string; role: Role; wardId: string | null; from: number; until: number };
export type PlannedGroup = { groupId: string; people: readonly string[]; isCalledOffShift: boolean };
export type ShiftIndex = {
  ofWard: ReadonlyMap<string | null, readonly PlannedShift[]>;
  ofRole: ReadonlyMap<Role, readonly PlannedShift[]>;
  ofPerson: ReadonlyMap<string, readonly PlannedShift[]>;
};
export type Plans = {
  policies: readonly StoredPolicy[];
  shifts: ShiftIndex;
  /** By schedule, gapless over the whole time. */
  turns: Readonly<Record<string, readonly Turn[]>>;
  groups: readonly PlannedGroup[];
  /** Everybody with the role, on shift or not. */
  anybody: Readonly<Partial<Record<Role, readonly string[]>>>;
};
export type Gap = Omit<StatedGap, 'from' | 'until'> & { from: number; until: number };
type Reach = Gap['reaches'] | 'covered';

function indexBy<K>(shifts: readonly PlannedShift[], keyOf: (shift: PlannedShift) => K): Map<K, PlannedShift[]> {
  const index = new Map<K, PlannedShift[]>();
  for (const shift of shifts) {
    const known = index.get(keyOf(shift));
    if (known === undefined) index.set(keyOf(shift), [shift]);
    else known.push(shift);
  }
  return index;
}

export const indexShifts = (shifts: readonly PlannedShift[]): ShiftIndex => ({
  ofWard: indexBy(shifts, ({ wardId }) => wardId),
  ofRole: indexBy(shifts, ({ role }) => role),
  ofPerson: indexBy(shifts, ({ person }) => person),
});

/** Each that an alert of the ward and priority may run by, whatever its kind. */
export function policiesFor(policies: readonly StoredPolicy[], wardId: string, priority: Priority): ChosenPolicy[] {
  const kinds = [undefined, ...new Set(policies.flatMap(({ applies }) => applies?.kinds ?? []))];
  const chosen = kinds.map((kind) => choosePolicy(policies, { wardId, kind, priority }));
  return [...new Map(chosen.map((policy) => [policy.policyId, policy])).values()];
}

function byRole(shifts: readonly PlannedShift[]): Partial<Record<Role, string[]>> {
  const result: Partial<Record<Role, string[]>> = {};
  for (const { role, person } of shifts) (result[role] ??= []).push(person);
  return result;
}

/** What a policy may call for one ward, and nothing else: of a hospital with many wards only a little. */
function reachable({ shifts, turns, groups }: Plans, wardId: string, policy: Policy) {
  const targets = policy.levels.flatMap((level) => level.targets);
  const { people, roles } = beyondTheWard(policy);
  const called = groups.filter(({ groupId }) => targets.some(({ group }) => group === groupId));
  const wide = new Set(roles.flatMap((role) => shifts.ofRole.get(role) ?? []));
  const named = [...people, ...called.flatMap((group) => (group.isCalledOffShift ? [] : group.people))];
  return {
    ward: shifts.ofWard.get(wardId) ?? [],
    all: [
      ...new Set([
        ...(shifts.ofWard.get(wardId) ?? []),
        ...wide,
        ...named.flatMap((person) => shifts.ofPerson.get(person) ?? []),
      ]),
    ],
    turns: Object.entries(turns).filter(([id]) => targets.some(({ schedule }) => schedule === id)),
    groups: called,
  };
}

function reachOf(policy: Policy, staffing: Staffing): Reach {
  const reaches = (isFailsafe: boolean): boolean => {
    const levels = policy.levels.map((level) => ({
      ...level,
      targets: level.targets.filter(({ kind }) => (kind === 'failsafe') === isFailsafe),
    }));
    return levels.some((_, index) => peopleAtLevel({ ...policy, levels }, index + 1, staffing).length > 0);
  };
  if (reaches(false)) return 'covered';
  return reaches(true) ? 'failsafeOnly' : 'nobody';
}

type Span = { from: number; until: number };

function gapsOf(plans: Plans, wardId: string, policy: Policy, { from, until }: Span): (Span & Pick<Gap, 'reaches'>)[] {
  const { ward, all, turns, groups } = reachable(plans, wardId, policy);
  const changes = [...all, ...turns.flatMap(([, list]) => list)].flatMap((span) => [span.from, span.until]);
  const cuts = [...new Set([from, ...changes.filter((at) => at > from && at < until), until])].toSorted(
    (a, b) => a - b,
  );
  const gaps: (Span & Pick<Gap, 'reaches'>)[] = [];
  for (const [index, start] of cuts.slice(0, -1).entries()) {
    const isOn = (span: Span): boolean => span.from <= start && span.until > start;
    const inWard = byRole(ward.filter(isOn));
    const present = all.filter(isOn);
    const onShift = new Set(present.map(({ person }) => person));
    const reaches = reachOf(policy, {
      ward: inWard,
      // Which nurse will have which bed is not known ahead.
      bedNurses: inWard.nurse ?? [],
      hospital: byRole(present),
      onShift,
      anybody: plans.anybody,
      groups: Object.fromEntries(
        groups.map(({ groupId, people, isCalledOffShift }) => [
          groupId,
          isCalledOffShift ? people : people.filter((person) => onShift.has(person)),
        ]),
      ),
      schedules: Object.fromEntries(
        turns
          .map(([id, list]) => [id, list.find(isOn)?.person ?? null] as const)
          .map(([id, person]) => [id, person === null ? [] : [person]]),
      ),
      nearby: [],
      busy: new Set(),
    });
    if (reaches === 'covered') continue;
    const end = cuts[index + 1] ?? until;
    const before = gaps.at(-1);
    if (before !== undefined && before.until === start && before.reaches === reaches) before.until = end;
    else gaps.push({ from: start, until: end, reaches });
  }
  return gaps;
}

/** Of all wards, each hour once, by however many policies it is a gap. @param gaps of one priority */
export function hoursOf(gaps: readonly Gap[]): number {
  const latest = new Map<string, number>();
  let ms = 0;
  for (const { wardId, from, until } of gaps.toSorted((a, b) => a.from - b.from)) {
    const counted = Math.max(from, latest.get(wardId) ?? from);
    ms += Math.max(0, until - counted);
    latest.set(wardId, Math.max(counted, until));
  }
  return ms / 3_600_000;
}

/** @returns by ward, priority, policy and time */
export function coverageOf(plans: Plans, wards: readonly string[], from: number, until: number): Gap[] {
  return wards.flatMap((wardId) => {
    /** By policy: most serve several priorities. */
    const known = new Map<string, ReturnType<typeof gapsOf>>();
    return priorities.flatMap((priority) =>
      policiesFor(plans.policies, wardId, priority).flatMap(({ policyId, policy }) => {
        const gaps = known.get(policyId) ?? gapsOf(plans, wardId, policy, { from, until });
        known.set(policyId, gaps);
        return gaps.map((gap) => ({ wardId, priority, policyId, ...gap }));
      }),
    );
  });
}
