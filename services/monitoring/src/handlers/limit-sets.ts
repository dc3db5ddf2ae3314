import {
  listLimitSets as listContract,
  putLimitSet as putContract,
  signLimitSet as signContract,
  type LimitSet,
} from '@carillon/contracts/limits';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { Issue } from '@carillon/contracts/schema';
import { isVitalName } from '@carillon/contracts/vital-signs';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import type { DefaultSet } from '../domain/default-sets.ts';
import { findRival, setsInForce } from '../domain/limit-sets.ts';
import { ruleIssues } from '../domain/rule-issues.ts';
import { findNewestSets, findSignedSets, hasWard, insertSet, markSetSigned, type StoredSet } from '../store-limits.ts';
import { rulesOf } from './rules.ts';

const toSet = (set: DefaultSet | StoredSet, isInForce: boolean): LimitSet => {
  const { setId, label, wardId, fromAgeDays, toAgeDays, nurseRange, source, version, signedOffBy } = set;
  const signedOffAtMs = 'signedOffAtMs' in set ? set.signedOffAtMs : null;
  return {
    setId,
    label,
    wardId,
    fromAgeDays,
    toAgeDays,
    nurseRange,
    source,
    ...rulesOf(set),
    version,
    signedOffBy,
    signedOffAt: signedOffAtMs === null ? null : new Date(signedOffAtMs).toISOString(),
    isInForce,
  };
};

export async function listLimitSets({ sql, actor, now }: QueryWork): Promise<ResultOf<typeof listContract>> {
  await assertPermitted(sql, listContract.allow, { actor, now }, {});
  const inForce = setsInForce(await findSignedSets(sql, actor.hospital));
  const drafts = (await findNewestSets(sql, actor.hospital)).filter(({ signedOffBy }) => signedOffBy === null);
  return { items: [...inForce.map((set) => toSet(set, true)), ...drafts.map((set) => toSet(set, false))] };
}

function setIssues({ nurseRange, fromAgeDays, toAgeDays, ...rules }: InputOf<typeof putContract>): Issue[] {
  const issues = ruleIssues(rules);
  if (toAgeDays !== null && toAgeDays <= fromAgeDays) {
    issues.push({ path: 'toAgeDays', message: 'Expected more than fromAgeDays' });
  }
  for (const [vital, { low, high }] of Object.entries(nurseRange)) {
    if (!isVitalName(vital)) issues.push({ path: `nurseRange.${vital}`, message: 'No vital sign' });
    else if (low > high) issues.push({ path: `nurseRange.${vital}`, message: 'Expected low to be at most high' });
  }
  return issues;
}

export async function putLimitSet(work: CommandWork, input: InputOf<typeof putContract>): Promise<LimitSet> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, putContract.allow, { actor, now }, input);
  const issues = setIssues(input);
  if (input.wardId !== null && !(await hasWard(tx, actor.hospital, input.wardId))) {
    issues.push({ path: 'wardId', message: 'The hospital has no such ward' });
  }
  if (issues.length > 0) throw badInput(issues);
  const { setId, ...body } = input;
  const known = [...(await findNewestSets(tx, actor.hospital)), ...setsInForce([])].find((set) => set.setId === setId);
  // Under its name it would take the limits from those whom it is not for.
  if (known !== undefined && known.wardId !== input.wardId) {
    throw badInput([{ path: 'wardId', message: 'There is a set of this name for another place: choose another name' }]);
  }
  const set = { setId, version: (known?.version ?? 0) + 1, body, putBy: actor.person, signedOffBy: null, now };
  const stored = await insertSet(tx, actor.hospital, set);
  if (stored === undefined) throw new CodedError('conflict');
  return toSet(stored, false);
}

export async function signLimitSet(work: CommandWork, input: InputOf<typeof signContract>): Promise<LimitSet> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, signContract.allow, { actor, now }, input);
  const { setId, version } = input;
  const { hospital, person } = actor;
  const newest = (await findNewestSets(tx, hospital)).find((set) => set.setId === setId);
  const builtIn = setsInForce([]).find((set) => set.setId === setId);
  const set = newest ?? builtIn;
  if (set === undefined) throw new CodedError('not_found');
  if ((newest?.version ?? 0) !== version) throw new CodedError('conflict');
  // Two pairs of eyes: what one clinician wrote, another signs.
  if (newest?.putBy === person) throw new CodedError('forbidden', 'Whoever put a set cannot sign it');
  const rival = findRival(await findSignedSets(tx, hospital), set);
  if (rival !== undefined) {
    throw badInput([{ path: 'setId', message: `“${rival.label}” is in force for patients of the same ward and age` }]);
  }
  const signed =
    newest === undefined
      ? await signBuiltIn(work, set)
      : await markSetSigned(tx, hospital, { setId, version, by: person, now });
  if (signed === undefined) throw new CodedError('conflict');
  return toSet(signed, true);
}

/** The product's set becomes the first version of the hospital's own. */
function signBuiltIn({ tx, actor, now }: CommandWork, set: DefaultSet): Promise<StoredSet | undefined> {
  const { setId, version: _, signedOffBy: __, ...body } = set;
  return insertSet(tx, actor.hospital, {
    setId,
    version: 1,
    body,
    putBy: 'carillon',
    signedOffBy: actor.person,
    now,
  });
}
