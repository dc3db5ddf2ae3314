/**
 * Levels and their deadlines: D(k) = base + what level k waits. Deadlines are absolute, so lateness never adds up.
 * The last level repeats while the alert is on; its repeats are counted from D(last) too.
 */
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import { staffRoles, type Role } from '@carillon/contracts/define';
import type { Issue } from '@carillon/contracts/schema';
import { nearestOf, type Nearby } from './nearest.ts';

/** Who is there at this moment, for the patient and ward of one alert. */
export type Staffing = {
  /** The patient's bed nurses who are on shift. */
  bedNurses: readonly string[];
  /** On shift in the ward, by role. */
  ward: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** On shift anywhere in the hospital, by role. */
  hospital: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** On shift, whatever the role. */
  onShift: ReadonlySet<string>;
  /** Everybody with the role, on shift or not: for the failsafe only. */
  anybody: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** Of the groups that the policy names: the members who may be called now. */
  groups: Readonly<Record<string, readonly string[]>>;
  /** Of the schedules that the policy names: who is on call, on shift or not. */
  schedules: Readonly<Record<string, readonly string[]>>;
  /** On shift, free, and seen a moment ago; how far from the ward. */
  nearby: readonly Nearby[];
  /** Who has taken another alert of at least the priority of this one, or comes to it. */
  busy: ReadonlySet<string>;
  /** Who has declined this alert, or comes to it already. */
  answered?: ReadonlySet<string>;
  /** When somebody of these comes or goes next, as far as it is known, ms since the epoch. */
  changesAt?: number;
};

/**
 * So long a call of the built-in policy has to come to a device of anybody whom its level calls: longer than a connection that
 * was cut takes to come back, and half of what a level waits.
 */
const deliverWithinSeconds = 10;

/** The policy of a hospital that has not written one: to be signed off by whoever runs the wards. */
export const defaultPolicy: Policy = {
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }], deliverWithinSeconds },
    { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }], deliverWithinSeconds },
    { afterSeconds: 40, targets: [{ kind: 'wardRole', role: 'doctor' }], deliverWithinSeconds },
    { afterSeconds: 60, targets: [{ kind: 'wardRole', role: 'responder' }, { kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
};

/** Without it the target means nobody. */
const neededField: Readonly<Partial<Record<Target['kind'], 'role' | 'person' | 'group' | 'schedule'>>> = {
  wardRole: 'role',
  hospitalRole: 'role',
  nearest: 'role',
  person: 'person',
  group: 'group',
  schedule: 'schedule',
};

/** Who may be called: nobody else is shown the alerts of others, or could answer them. */
export const calledRoles: readonly Role[] = [...staffRoles, 'operator', 'admin'];

/** So long a level has for somebody to hear it, before the next is called as well. */
const leastGapSeconds = 5;

/** What a policy must hold beyond its shape. */
export function findPolicyIssues(policy: Policy): Issue[] {
  const issues: Issue[] = [];
  for (const [index, level] of policy.levels.entries()) {
    const before = policy.levels[index - 1];
    if (before !== undefined && level.afterSeconds < before.afterSeconds + leastGapSeconds) {
      issues.push({
        path: `levels.${index}.afterSeconds`,
        message: `Must be at least ${leastGapSeconds} s later than the level before`,
      });
    }
    for (const [position, target] of level.targets.entries()) {
      const path = `levels.${index}.targets.${position}`;
      const field = neededField[target.kind];
      if (field !== undefined && target[field] === undefined) {
        issues.push({ path: `${path}.${field}`, message: `${target.kind} needs a ${field}` });
      }
      if (target.role !== undefined && !calledRoles.includes(target.role)) {
        issues.push({ path: `${path}.role`, message: `A ${target.role} answers no alert` });
      }
    }
  }
  const last = policy.levels.length - 1;
  if (policy.levels[last]?.targets.some((target) => target.kind === 'failsafe') !== true) {
    issues.push({
      path: `levels.${last}.targets`,
      message: 'The last level needs a failsafe: somebody who always answers',
    });
  }
  return issues;
}

const failsafeRole = (target: Target): Role => target.role ?? 'operator';

/** Whom a policy may call besides the bed nurses and the ward: so nobody reads the whole staff of a hospital. */
export function beyondTheWard({ levels }: Policy): { people: string[]; roles: Role[] } {
  const targets = levels.flatMap((level) => level.targets);
  const failsafes = targets.filter(({ kind }) => kind === 'failsafe');
  const wide = targets.filter(({ kind }) => kind === 'hospitalRole' || kind === 'nearest');
  return {
    people: targets.flatMap(({ kind, person }) => (kind === 'person' && person !== undefined ? [person] : [])),
    roles: [...new Set<Role>([...failsafes.map(failsafeRole), ...wide.flatMap(({ role }) => role ?? []), 'admin'])],
  };
}

function peopleOf(target: Target, staffing: Staffing): readonly string[] {
  switch (target.kind) {
    case 'bedNurse':
      return staffing.bedNurses;
    case 'wardRole':
      return target.role === undefined ? [] : (staffing.ward[target.role] ?? []);
    case 'hospitalRole':
      return target.role === undefined ? [] : (staffing.hospital[target.role] ?? []);
    case 'group':
      return staffing.groups[target.group ?? ''] ?? [];
    case 'schedule':
      return staffing.schedules[target.schedule ?? ''] ?? [];
    case 'nearest':
      return nearestOf(target, staffing);
    case 'person':
      return target.person !== undefined && staffing.onShift.has(target.person) ? [target.person] : [];
    case 'failsafe': {
      const role = failsafeRole(target);
      const onShift = staffing.hospital[role] ?? [];
      if (onShift.length > 0) return onShift;
      // Nobody on shift: whoever has the role, and if there is none, the admins. Never nobody while anybody exists.
      const anybody = staffing.anybody[role] ?? [];
      return anybody.length > 0 ? anybody : (staffing.anybody.admin ?? []);
    }
  }
}

/** @returns who is to be paged when a level (from 1) starts, each once */
export function peopleAtLevel(policy: Policy, level: number, staffing: Staffing): string[] {
  const targets = policy.levels[level - 1]?.targets ?? [];
  return [...new Set(targets.flatMap((target) => peopleOf(target, staffing)))];
}

export function deadlineOf(policy: Policy, baseAt: number, level: number): number {
  const definition = policy.levels[level - 1];
  if (definition === undefined) throw new Error(`the policy has no level ${level}`);
  return baseAt + definition.afterSeconds * 1000;
}

/** The first instant of the last level's series (its deadline, and then every repeat) that is after `at`. */
export function nextRepeat(policy: Policy, baseAt: number, at: number): number {
  const first = deadlineOf(policy, baseAt, policy.levels.length);
  if (at < first) return first;
  const intervalMs = policy.repeatSeconds * 1000;
  return first + (Math.floor((at - first) / intervalMs) + 1) * intervalMs;
}
