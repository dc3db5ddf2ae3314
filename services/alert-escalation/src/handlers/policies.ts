import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type {
  getPolicy as getContract,
  listPolicies as listContract,
  Policy,
  removePolicy as removeContract,
  setPolicy as setContract,
  StoredPolicy,
} from '@carillon/contracts/escalation-policies';
import type { Issue } from '@carillon/contracts/schema';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import type { QueryWork } from '@carillon/runtime/queries';
import { defaultPolicyId } from '../domain/choose-policy.ts';
import { defaultPolicy, findPolicyIssues } from '../domain/levels.ts';
import {
  findNamed,
  findPolicies,
  findPolicyVersion,
  listPolicies as selectPolicies,
  markPolicyRemoved,
  upsertPolicy,
} from '../store-policies.ts';
import { lockPlans } from '../store-plans.ts';

const builtIn: StoredPolicy = { policyId: defaultPolicyId, version: 0, ...defaultPolicy };

export async function getPolicy(
  { sql, actor }: QueryWork,
  { policyId, atVersion }: InputOf<typeof getContract>,
): Promise<StoredPolicy> {
  const found =
    atVersion === undefined
      ? (await findPolicies(sql, actor.hospital)).find((policy) => policy.policyId === policyId)
      : await findPolicyVersion(sql, actor.hospital, policyId, atVersion);
  if (found !== undefined) return found;
  if (policyId === defaultPolicyId && atVersion === undefined) return builtIn;
  throw new CodedError('not_found', 'No such policy');
}

export async function listPolicies({ sql, actor }: QueryWork): Promise<ResultOf<typeof listContract>> {
  const written = await selectPolicies(sql, actor.hospital);
  const hasDefault = written.some(({ policyId }) => policyId === defaultPolicyId);
  const all = hasDefault ? written : [{ ...builtIn, setBy: null, setAt: null }, ...written];
  return {
    items: all.map(({ policyId, version, name, applies, levels, setBy, setAt }) => ({
      policyId,
      version,
      ...(name === undefined ? {} : { name }),
      ...(applies === undefined ? {} : { applies }),
      levelCount: levels.length,
      setBy,
      setAt: setAt === null ? null : new Date(setAt).toISOString(),
    })),
  };
}

export const noSuchPerson = 'No such person on the staff';

/** Named in a policy, and not there: a call that would reach nobody. */
async function findUnknown(sql: Sql, hospital: string, { levels }: Policy): Promise<Issue[]> {
  const fields = { person: 'people', group: 'groups', schedule: 'schedules' } as const;
  const places = levels.flatMap(({ targets }, level) =>
    targets.flatMap((target, position) =>
      (Object.keys(fields) as (keyof typeof fields)[]).flatMap((field) => {
        const id = target[field];
        return id === undefined ? [] : [{ path: `levels.${level}.targets.${position}.${field}`, field, id }];
      }),
    ),
  );
  if (places.length === 0) return [];
  const idsOf = (wanted: keyof typeof fields): string[] =>
    places.filter(({ field }) => field === wanted).map(({ id }) => id);
  const known = await findNamed(sql, hospital, {
    people: idsOf('person'),
    groups: idsOf('group'),
    schedules: idsOf('schedule'),
  });
  return places
    .filter(({ field, id }) => !known[fields[field]].includes(id))
    .map(({ path, field }) => ({ path, message: field === 'person' ? noSuchPerson : `No such ${field}` }));
}

/** @throws CodedError `conflict` if it is not what the caller has seen */
export function assertVersion(version: number, ifVersion: number | undefined): void {
  if (ifVersion !== undefined && ifVersion !== version) {
    throw new CodedError('conflict', `It has version ${version} meanwhile`);
  }
}

/** They are looked through whenever an alert is opened. */
const maxPolicies = 100;

export async function setPolicy(
  { tx, actor, now }: CommandWork,
  { policyId, ifVersion, ...policy }: InputOf<typeof setContract>,
): Promise<StoredPolicy> {
  await lockPlans(tx, actor.hospital);
  const issues = findPolicyIssues(policy);
  if (policyId === defaultPolicyId && policy.applies !== undefined) {
    issues.push({ path: 'applies', message: 'The default is for all to which no other applies' });
  }
  issues.push(...(await findUnknown(tx, actor.hospital, policy)));
  if (issues.length > 0) throw badInput(issues);
  const known = await findPolicies(tx, actor.hospital);
  assertVersion(known.find((each) => each.policyId === policyId)?.version ?? 0, ifVersion);
  if (known.length >= maxPolicies && !known.some((each) => each.policyId === policyId)) {
    throw new CodedError('conflict', `A hospital has at most ${maxPolicies} policies`);
  }
  const version = await upsertPolicy(tx, actor.hospital, policyId, { body: policy, setBy: actor.person, now });
  return { policyId, version, ...policy };
}

export async function removePolicy(
  { tx, actor, now }: CommandWork,
  { policyId, ifVersion }: InputOf<typeof removeContract>,
): Promise<ResultOf<typeof removeContract>> {
  if (policyId === defaultPolicyId) {
    throw badInput([{ path: 'policyId', message: 'The default cannot be removed, only replaced' }]);
  }
  await lockPlans(tx, actor.hospital);
  const version = (await findPolicies(tx, actor.hospital)).find((each) => each.policyId === policyId)?.version;
  if (version === undefined) throw new CodedError('not_found', 'No such policy');
  assertVersion(version, ifVersion);
  await markPolicyRemoved(tx, actor.hospital, policyId, now);
  return { policyId, version };
}
