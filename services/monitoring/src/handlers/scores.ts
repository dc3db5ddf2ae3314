import {
  calculateMews as calculateContract,
  decideScore as decideContract,
  getScores as getContract,
  listDecisions as listContract,
  scoreDecided,
  scoreStated,
  stateScore as stateContract,
  type ScoreDecision,
  type StatedScore,
} from '@carillon/contracts/scores';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { parseInstant } from '@carillon/contracts/schema';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted, findWards } from '@carillon/runtime/directory-projection';
import type { QueryWork } from '@carillon/runtime/queries';
import { scoreMews } from '../domain/mews.ts';
import { isAhead, observedAtMs } from '../domain/observed-at.ts';
import { longestValidityMs, scoredVitals } from '../domain/score-input.ts';
import { scoresAt } from '../domain/scores-at.ts';
import {
  findScored,
  findValuesAt,
  insertDecision,
  listDecisions as selectDecisions,
  listStated,
  lockScores,
  upsertStated,
} from '../store-scores.ts';
import { runMonitors } from './patients.ts';

export async function decideScore(
  work: CommandWork,
  { patientId, scale, isApplicable = true, reason }: InputOf<typeof decideContract>,
): Promise<ScoreDecision> {
  const { tx, actor, now } = work;
  const { hospital } = actor;
  // First, since a discharge may hold it: then nobody decides on the patient any more.
  await lockScores(tx, hospital, patientId);
  await assertPermitted(tx, decideContract.allow, { actor, now }, { patientId });
  const wardId = (await findWards(tx, hospital, [patientId])).get(patientId);
  if (wardId === undefined) throw new CodedError('forbidden');
  const decision = await insertDecision(
    tx,
    { hospital, patientId, by: actor.person, now },
    { scale, isApplicable, reason },
  );
  work.emit(
    scoreDecided,
    { ...decision, wardId },
    {
      lane: 'normal',
      entity: `decision ${patientId}`,
      version: decision.version,
      tokens: { hospital, ward: wardId, patient: patientId },
    },
  );
  // It holds now, not from the next sample on.
  await runMonitors(work, hospital, new Map([[patientId, []]]));
  return decision;
}

export async function listDecisions(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof listContract>,
): Promise<ResultOf<typeof listContract>> {
  await assertPermitted(sql, listContract.allow, { actor, now }, input);
  return { items: await selectDecisions(sql, actor.hospital, input.patientId) };
}

/** By all that is known of that time today: what came late since counts as well. */
async function findScoresAt(
  sql: Sql,
  { hospital, patientId }: { hospital: string; patientId: string },
  atMs: number,
): Promise<ReturnType<typeof scoresAt>> {
  const scored = (await findScored(sql, hospital, [patientId])).get(patientId) ?? { decisions: [] };
  const range = { vitals: scoredVitals, sinceMs: atMs - longestValidityMs, atMs };
  return scoresAt(await findValuesAt(sql, { hospital, patientId }, range), scored, atMs);
}

export async function getScores(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof getContract>,
): Promise<ResultOf<typeof getContract>> {
  await assertPermitted(sql, getContract.allow, { actor, now }, input);
  const { patientId } = input;
  const atMs = input.at === undefined ? now : (parseInstant(input.at) ?? now);
  const {
    withheld,
    news2 = null,
    mews = null,
  } = await findScoresAt(sql, { hospital: actor.hospital, patientId }, atMs);
  const stated = await listStated(sql, actor.hospital, patientId);
  return {
    at: new Date(atMs).toISOString(),
    ...(withheld === undefined ? {} : { withheld }),
    news2,
    mews,
    stated,
  };
}

const mostPoints = { NEWS2: 20, MEWS: 14 } as const;

export async function stateScore(work: CommandWork, input: InputOf<typeof stateContract>): Promise<StatedScore> {
  const { tx, actor, now } = work;
  await assertPermitted(tx, stateContract.allow, { actor, now }, input);
  const { patientId, table, stated, source } = input;
  const { hospital } = actor;
  const wards = await findWards(tx, hospital, [patientId]);
  if (!wards.has(patientId)) throw new CodedError('forbidden');
  const statedAtMs = parseInstant(input.at) ?? now;
  if (isAhead(statedAtMs, now)) throw badInput([{ path: 'at', message: 'Must not be ahead' }]);
  if (stated > mostPoints[table]) throw badInput([{ path: 'stated', message: `At most ${mostPoints[table]}` }]);
  await lockScores(tx, hospital, patientId);
  const atMs = observedAtMs(statedAtMs, now);
  const { news2, mews } = await findScoresAt(tx, { hospital, patientId }, atMs);
  const { lower = null, upper = null } = (table === 'NEWS2' ? news2 : mews) ?? {};
  const at = new Date(atMs).toISOString();
  const kept = await upsertStated(
    tx,
    { hospital, patientId, by: actor.person },
    { table, at, source, stated, lower, upper },
  );
  const wardId = wards.get(patientId) ?? null;
  work.emit(
    scoreStated,
    { ...kept.stated, wardId },
    {
      lane: 'normal',
      entity: `stated ${patientId}`,
      version: kept.version,
      tokens: { hospital, ward: wardId, patient: patientId },
    },
  );
  return kept.stated;
}

export function calculateMews(
  _: QueryWork,
  input: InputOf<typeof calculateContract>,
): Promise<ResultOf<typeof calculateContract>> {
  return Promise.resolve(scoreMews(input));
}
