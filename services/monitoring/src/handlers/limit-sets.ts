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
import { defaultSets, type DefaultSet } from '../domain/default-sets.ts';
import { setsInForce } from '../domain/limit-sets.ts';
import { ruleIssues } from '../domain/rule-issues.ts';
import { findNewestSets, findSignedSets, insertSet, markSetSigned, type StoredSet } from '../store-limits.ts';
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
  if (issues.length > 0) throw badInput(issues);
  const { setId, ...body } = input;
  const newest = (await findNewestSets(tx, actor.hospital)).find((set) => set.setId === setId)?.version ?? 0;
  const set = { setId, version: newest + 1, body, putBy: actor.person, signedOffBy: null, now };
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
  const builtIn = defaultSets.find((set) => set.setId === setId);
  if (newest === undefined && builtIn === undefined) throw new CodedError('not_found');
  if ((newest?.version ?? 0) !== version) throw new CodedError('conflict');
  // Two pairs of eyes: what one clinician wrote, another signs.
  if (newest?.putBy === person) throw new CodedError('forbidden', 'Whoever put a set cannot sign it');
  const signed =
    newest === undefined
      ? builtIn && (await signBuiltIn(work, builtIn))
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
