/** By which policy an alert runs: the most particular one that applies. */
import type { Policy, StoredPolicy } from '@carillon/contracts/escalation-policies';
import type { Priority } from '@carillon/contracts/monitoring';
import type { ChosenPolicy } from './alert.ts';
import { defaultPolicy } from './levels.ts';

/** Of an alert that is opened; a kind that is undefined is one that no policy names. */
export type Choosing = { wardId: string | null; kind: string | undefined; priority: Priority };

export const defaultPolicyId = 'default';

const holds = (list: readonly string[] | undefined, value: string | null | undefined): boolean =>
  list === undefined || (value !== null && value !== undefined && list.includes(value));

/** Which of its lists a policy gives, the more telling before: what is compared as text. */
const particularity = ({ applies = {} }: Policy): string =>
  [applies.kinds, applies.wards, applies.priorities].map((list) => (list === undefined ? '0' : '1')).join('');

const isBefore = (one: StoredPolicy, other: StoredPolicy): boolean => {
  const [left, right] = [particularity(one), particularity(other)];
  return left === right ? one.policyId < other.policyId : left > right;
};

/** @returns one in any case: the built-in one (version 0) where the hospital has written none that applies */
export function choosePolicy(policies: readonly StoredPolicy[], { wardId, kind, priority }: Choosing): ChosenPolicy {
  const applying = policies.filter(
    ({ policyId, applies }) =>
      policyId !== defaultPolicyId &&
      applies !== undefined &&
      holds(applies.kinds, kind) &&
      holds(applies.wards, wardId) &&
      holds(applies.priorities, priority),
  );
  const chosen =
    applying.reduce<StoredPolicy | undefined>(
      (best, each) => (best && isBefore(best, each) ? best : each),
      undefined,
    ) ?? policies.find(({ policyId }) => policyId === defaultPolicyId);
  if (chosen === undefined) return { policyId: defaultPolicyId, policyVersion: 0, policy: defaultPolicy };
  const { policyId, version, ...policy } = chosen;
  return { policyId, policyVersion: version, policy };
}
