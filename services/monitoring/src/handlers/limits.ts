import {
  adjustLimits as adjustContract,
  getLimits as getContract,
  listLimitVersions as versionsContract,
  setLimits as setContract,
} from '@carillon/contracts/limits';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { parseInstant, type Issue } from '@carillon/contracts/schema';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { pickSet } from '../domain/limit-sets.ts';
import { adjust, adjustmentIssues, longestAdjustmentMs } from '../domain/nurse-bounds.ts';
import { ruleIssues } from '../domain/rule-issues.ts';
import { hasExpired, rulesInForce, type RulesInForce } from '../domain/rules-in-force.ts';
import type { Rules } from '../domain/rules.ts';
import { lockEngines, findPatients, type PatientRow } from '../store.ts';
import { findPlaced, findSignedSets, insertRules, listRulesVersions } from '../store-limits.ts';
import { runMonitors } from './patients.ts';
import { placedOf, rulesOf, settleRules, tellLimits } from './rules.ts';

const longestMs = 30 * 86_400_000;
const instantOf = (ms: number): string => new Date(ms).toISOString();

type Answer = ResultOf<typeof getContract>;

const toAnswer = ({ rules, version, own, set }: RulesInForce): Answer => ({
  ...rulesOf(rules),
  version,
  origin: own !== null ? 'own' : (set?.version ?? 0) > 0 ? 'set' : 'builtIn',
  ...(set === null ? {} : { setId: set.setId }),
  ...(own === null || own.setBy === null ? {} : { setBy: own.setBy, setAt: instantOf(own.setAtMs) }),
  ...(own === null || own.expiresAtMs === null ? {} : { expiresAt: instantOf(own.expiresAtMs) }),
  signedOffBy: set?.signedOffBy ?? null,
});

export async function getLimits({ sql, actor, now }: QueryWork, input: InputOf<typeof getContract>): Promise<Answer> {
  await assertPermitted(sql, getContract.allow, { actor, now }, input);
  const { own, ...placed } = await findPlaced(sql, actor.hospital, input.patientId);
  const sets = await findSignedSets(sql, actor.hospital);
  return toAnswer(rulesInForce(own, sets, placedOf(placed), now));
}

export async function listLimitVersions(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof versionsContract>,
): Promise<ResultOf<typeof versionsContract>> {
  await assertPermitted(sql, versionsContract.allow, { actor, now }, input);
  const versions = await listRulesVersions(sql, actor.hospital, input.patientId, 50);
  return {
    items: versions.map(({ version, body, setBy, setAtMs, expiresAtMs, endedAtMs }) => ({
      version,
      rules: body === null ? null : rulesOf(body),
      setBy,
      setAt: instantOf(setAtMs),
      expiresAt: expiresAtMs === null ? null : instantOf(expiresAtMs),
      endedAt: endedAtMs === null ? null : instantOf(endedAtMs),
    })),
  };
}

/** Of a patient who is in the hospital, with his engine locked. */
async function lockPatient({ tx, actor }: CommandWork, patientId: string): Promise<PatientRow & { wardId: string }> {
  await lockEngines(tx, actor.hospital, [patientId]);
  const [patient] = await findPatients(tx, actor.hospital, new Map([[patientId, []]]));
  // An admin may write for any patient of the hospital, but not for one who is not there.
  if (patient === undefined || patient.wardId === null) throw new CodedError('forbidden');
  return { ...patient, wardId: patient.wardId };
}

function readExpiry(text: string | undefined, now: number, withinMs: number): number | null {
  if (text === undefined) return null;
  const atMs = parseInstant(text) ?? Number.NaN;
  if (atMs > now && atMs <= now + withinMs) return atMs;
  throw badInput([{ path: 'expiresAt', message: `Expected within the next ${withinMs / 3_600_000} hours` }]);
}

async function putRules(
  work: CommandWork,
  patient: PatientRow & { wardId: string },
  { body, expiresAtMs, ifVersion }: { body: Rules; expiresAtMs: number | null; ifVersion: number | undefined },
): Promise<Answer> {
  const { tx, actor, now } = work;
  const { patientId, wardId, own } = patient;
  const { hospital } = actor;
  if (ifVersion !== undefined && ifVersion !== (own?.version ?? 0)) throw new CodedError('conflict');
  // What is set for a time only interrupts what held before.
  const interrupted = own === null || own.body === null ? null : hasExpired(own, now) ? own.resumes : own.version;
  const next = await insertRules(
    tx,
    { hospital, patientId },
    { body, setBy: actor.person, setAtMs: now, expiresAtMs, resumes: expiresAtMs === null ? null : interrupted },
  );
  if (next === undefined) throw new CodedError('conflict');
  tellLimits(work, { hospital, patientId, wardId }, next, { rules: body, setBy: actor.person });
  // An alarm of a limit that is gone ends now, not with the next sample.
  await runMonitors(work, hospital, new Map([[patientId, []]]));
  return toAnswer({ rules: body, version: next.version, own: next, set: null });
}

const assertNoIssues = (issues: readonly Issue[]): void => {
  if (issues.length > 0) throw badInput([...issues]);
};

export async function setLimits(work: CommandWork, input: InputOf<typeof setContract>): Promise<Answer> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, setContract.allow, { actor, now }, input);
  const { patientId, expiresAt, ifVersion, ...body } = input;
  const patient = await lockPatient(work, patientId);
  assertNoIssues(ruleIssues(body));
  return putRules(work, patient, { body, expiresAtMs: readExpiry(expiresAt, now, longestMs), ifVersion });
}

export async function adjustLimits(work: CommandWork, input: InputOf<typeof adjustContract>): Promise<Answer> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, adjustContract.allow, { actor, now }, input);
  const { patientId, limits, expiresAt, ifVersion } = input;
  const patient = await lockPatient(work, patientId);
  // What has expired but was not looked at yet gives way first: she adjusts what it interrupted.
  const judging = (await settleRules(work, actor.hospital, [patient])).get(patientId);
  if (judging === undefined) throw new Error('A patient without rules');
  const { rules } = judging;
  const { nurseRange: range } = pickSet(await findSignedSets(tx, actor.hospital), placedOf(patient), now);
  assertNoIssues(adjustmentIssues(limits, { before: rules.limits, range }));
  const body = { ...rulesOf(rules), limits: adjust(rules.limits, limits) };
  // Together with what stays; the places in that list are none of the input.
  assertNoIssues(ruleIssues(body).map(({ message }) => ({ path: 'limits', message })));
  return putRules(work, patient, { body, expiresAtMs: readExpiry(expiresAt, now, longestAdjustmentMs), ifVersion });
}
