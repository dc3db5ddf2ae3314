/** Calls of many people at once, and how far one may reach. To be signed off by whoever runs the hospital. */
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import type { Role } from '@carillon/contracts/define';
import type { Issue } from '@carillon/contracts/schema';
import type { AlertState, ChosenPolicy } from './alert.ts';

export type CallOut = { group?: string; role?: Role; isOfWard: boolean; needs: number };

const mostByStaff = 50;
const mostByOperators = 1_000;
/** By one person, in `callOutWindowMs`. */
export const mostCallOuts = 3;
export const callOutWindowMs = 10 * 60_000;

const mayCallTheHospital = (roles: readonly Role[]): boolean => roles.includes('operator') || roles.includes('admin');

/** @returns what is wrong before anybody is looked up */
export function findCallOutIssues({ group, role, isOfWard }: CallOut, actor: readonly Role[]): Issue[] {
  if ((group === undefined) === (role === undefined)) {
    return [{ path: 'group', message: 'Either a group or a role' }];
  }
  return role !== undefined && !isOfWard && !mayCallTheHospital(actor)
    ? [{ path: 'role', message: 'A role of the whole hospital is called by operators and admins' }]
    : [];
}

/** @returns an issue that names the limit, if as many people as that may not be called by this actor */
export function findReachIssues(reached: number, actor: readonly Role[]): Issue[] {
  const most = mayCallTheHospital(actor) ? mostByOperators : mostByStaff;
  return reached <= most
    ? []
    : [{ path: 'group', message: `It would call ${reached} people, and you may call ${most}: nobody was called` }];
}

const prefix = 'call-out-';
/** Of an id in contracts. */
const mostCharacters = 64;

/** Also what is joined by the same call again; a group may have the name of a role. */
function policyIdOf({ group, role }: CallOut, digest: (text: string) => string): string {
  const who = `${group === undefined ? 'role' : 'group'}-${group ?? role}`;
  return `${prefix}${prefix.length + who.length <= mostCharacters ? who : digest(who)}`;
}

/** No policy that somebody has written has version 0. */
export const isCallOut = ({ policyId, policyVersion }: Pick<AlertState, 'policyId' | 'policyVersion'>): boolean =>
  policyVersion === 0 && policyId.startsWith(prefix);

/**
 * Three calls, for whoever did not hear the first; then those who must answer.
 * @param digest at most 40 characters of an id, of a group whose own is too long
 */
export function policyOfCallOut(call: CallOut, digest: (text: string) => string): ChosenPolicy {
  const { group, role, isOfWard, needs } = call;
  const target: Target =
    group === undefined
      ? { kind: isOfWard ? 'wardRole' : 'hospitalRole', ...(role === undefined ? {} : { role }) }
      : { kind: 'group', group };
  const called = [0, 20, 40].map((afterSeconds) => ({ afterSeconds, needs, targets: [target] }));
  const policy: Policy = {
    maxReach: mostByOperators,
    levels: [...called, { afterSeconds: 60, targets: [{ kind: 'failsafe' as const }] }],
    repeatSeconds: 60,
  };
  return { policyId: policyIdOf(call, digest), policyVersion: 0, policy };
}
