/** Whom a plan may name: for those who write one. */
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import type { listCallable as listContract } from '@carillon/contracts/plans';
import type { QueryWork } from '@carillon/runtime/queries';
import { findCallable, findGroupMembers } from '../store-callable.ts';
import { findSchedules } from '../store-plans.ts';
import { findPolicies } from '../store-policies.ts';

const mostFound = 50;
/** More than any plan names. */
const mostNamed = 1_500;

type Naming = Pick<InputOf<typeof listContract>, 'group' | 'schedule' | 'policy'>;

/** @returns undefined where no plan is given; an id may come twice */
async function findNamedIn(
  { sql, actor: { hospital }, now }: QueryWork,
  { group, schedule, policy }: Naming,
): Promise<string[] | undefined> {
  if (group === undefined && schedule === undefined && policy === undefined) return undefined;
  const members = group === undefined ? [] : await findGroupMembers(sql, hospital, group);
  const schedules = schedule === undefined ? [] : await findSchedules(sql, hospital, { since: now, only: [schedule] });
  const policies = policy === undefined ? [] : await findPolicies(sql, hospital);
  return [
    ...members,
    ...schedules.flatMap(({ layers, overrides }) => [
      ...layers.flatMap(({ people }) => people),
      ...overrides.map(({ person }) => person),
    ]),
    ...policies
      .filter(({ policyId }) => policyId === policy)
      .flatMap(({ levels }) => levels.flatMap(({ targets }) => targets.flatMap(({ person }) => person ?? []))),
  ];
}

export async function listCallable(
  work: QueryWork,
  { name, ...naming }: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  const only = await findNamedIn(work, naming);
  const most = only === undefined ? mostFound : mostNamed;
  const found = await findCallable(work.sql, work.actor.hospital, { only, text: name, limit: most + 1 });
  return { items: found.slice(0, most), hasMore: found.length > most };
}
