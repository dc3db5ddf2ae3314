/** Groups that policies may call. */
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type {
  Group,
  listGroups as listContract,
  removeGroup as removeContract,
  setGroup as setContract,
} from '@carillon/contracts/plans';
import type { Issue } from '@carillon/contracts/schema';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import type { QueryWork } from '@carillon/runtime/queries';
import { findPolicies } from '../store-policies.ts';
import {
  deleteGroup,
  findUnknownPeople,
  getGroupVersion,
  listGroups as selectGroups,
  lockPlans,
  upsertGroup,
} from '../store-plans.ts';
import { assertVersion, noSuchPerson } from './policies.ts';

/** @returns an issue for each place that names somebody who may not be called */
export async function findUnknown(
  sql: Sql,
  hospital: string,
  named: readonly { path: string; person: string }[],
): Promise<Issue[]> {
  const unknown = new Set(
    await findUnknownPeople(
      sql,
      hospital,
      named.map(({ person }) => person),
    ),
  );
  return named.filter(({ person }) => unknown.has(person)).map(({ path }) => ({ path, message: noSuchPerson }));
}

const maxGroups = 200;

export async function setGroup(
  { tx, actor }: CommandWork,
  { ifVersion, ...group }: InputOf<typeof setContract>,
): Promise<Group> {
  const { hospital } = actor;
  const issues = await findUnknown(
    tx,
    hospital,
    group.people.map((person, index) => ({ path: `people.${index}`, person })),
  );
  if (issues.length > 0) throw badInput(issues);
  await lockPlans(tx, hospital);
  const { version, others } = await getGroupVersion(tx, hospital, group.groupId);
  assertVersion(version, ifVersion);
  if (others >= maxGroups) throw new CodedError('conflict', `A hospital has at most ${maxGroups} groups`);
  const stored = { ...group, isCalledOffShift: group.isCalledOffShift ?? false, version: version + 1 };
  await upsertGroup(tx, hospital, stored);
  return stored;
}

export async function removeGroup(
  { tx, actor }: CommandWork,
  { groupId, ifVersion }: InputOf<typeof removeContract>,
): Promise<ResultOf<typeof removeContract>> {
  await lockPlans(tx, actor.hospital);
  const { version } = await getGroupVersion(tx, actor.hospital, groupId);
  if (version === 0) throw new CodedError('not_found', 'No such group');
  assertVersion(version, ifVersion);
  const naming = (await findPolicies(tx, actor.hospital)).find(({ levels }) =>
    levels.some(({ targets }) => targets.some(({ group }) => group === groupId)),
  );
  if (naming !== undefined) throw new CodedError('conflict', `The policy ${naming.policyId} names it`);
  await deleteGroup(tx, actor.hospital, groupId);
  return { groupId };
}

/** Of the largest: an answer has at most 512 kB. */
const groupsOfAPage = 5;

export async function listGroups(
  { sql, actor }: QueryWork,
  { cursor = '' }: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  const found = await selectGroups(sql, actor.hospital, cursor, groupsOfAPage + 1);
  const items = found.slice(0, groupsOfAPage);
  const last = items.at(-1);
  return { items, ...(found.length > groupsOfAPage && last !== undefined ? { next: last.groupId } : {}) };
}
