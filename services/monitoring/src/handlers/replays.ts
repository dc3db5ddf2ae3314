/** What other rules would have done: asked for as a command, worked off stay by stay, read while it goes on. */
import { randomUUID } from 'node:crypto';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import {
  getReplay as getContract,
  maxReplayDays,
  maxReplays,
  startReplay as startContract,
} from '@carillon/contracts/history';
import type { Sql } from '@carillon/database/database';
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { QueryWork } from '@carillon/runtime/queries';
import type { ServiceTools } from '@carillon/runtime/service';
import { perBedDay } from '../domain/alarm-load.ts';
import type { MonitorSample } from '../domain/patient-state.ts';
import { readRange } from '../domain/range.ts';
import { isCalmTime, nearMs, replaySamples, startRun, type ReplayRun } from '../domain/replay-run.ts';
import { ruleIssues } from '../domain/rule-issues.ts';
import { sumStays } from '../store-alarms.ts';
import { dayMs } from '../store-history.ts';
import {
  claimStay,
  countRuleAlarms,
  countUnfinishedReplays,
  findExtremes,
  findNextStay,
  findReplay,
  finishStay,
  holdStay,
  insertReplay,
  listSamples,
  releaseStay,
  type ReplayStay,
} from '../store-replays.ts';
import { isDoneInBackground } from './background.ts';

/** @param keepDays how long single readings are kept: what is older would pass for a time without alarms */
export const startReplay =
  (keepDays: number) =>
  async (work: CommandWork, input: InputOf<typeof startContract>): Promise<ResultOf<typeof startContract>> => {
    const { tx, actor, now } = work;
    const { hospital } = actor;
    await assertPermitted(tx, startContract.allow, { actor, now }, input);
    const { wardId = null, from: first, to: last, ...rules } = input;
    const { from, to } = readRange({ from: first, to: last }, maxReplayDays);
    if (from >= now) throw badInput([{ path: 'from', message: 'Must not lie ahead' }]);
    if (from < now - keepDays * dayMs) {
      throw badInput([{ path: 'from', message: `At most ${keepDays} days ago: so long are single readings kept` }]);
    }
    const issues = ruleIssues(rules);
    if (issues.length > 0) throw badInput(issues);
    if ((await countUnfinishedReplays(tx, hospital)) >= maxReplays) {
      throw new CodedError('conflict', `${maxReplays} replays of this hospital are still running`);
    }
    const order = {
      hospital,
      wardId,
      from,
      to: Math.min(to, now),
      rules,
      replayId: randomUUID(),
      by: actor.person,
      now,
    };
    const stays = await insertReplay(tx, order);
    return { replayId: order.replayId, stays };
  };

const sum = (kinds: readonly { alarms: number }[]): number => kinds.reduce((total, { alarms }) => total + alarms, 0);

export async function getReplay(
  { sql, actor, now }: QueryWork,
  input: InputOf<typeof getContract>,
): Promise<ResultOf<typeof getContract>> {
  const { hospital } = actor;
  const { replayId } = input;
  const found = await findReplay(sql, hospital, replayId);
  if (found === undefined) throw new CodedError('forbidden');
  const { wardId, fromMs: from, toMs: to, rules, stays, doneStays, failedStays } = found;
  const place = wardId === null ? {} : { wardId };
  // Whoever could have asked for it may see what came of it.
  await assertPermitted(sql, startContract.allow, { actor, now }, place);
  const range = { hospital, wardId, from, to };
  const did = await countRuleAlarms(sql, range);
  return {
    replayId,
    ...place,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...rules,
    state: doneStays === stays ? 'done' : doneStays + failedStays === stays ? 'failed' : 'running',
    stays,
    doneStays,
    would: { ...perBedDay(sum(found.alarms), found.doneMs), byKind: found.alarms },
    did: { ...perBedDay(sum(did), await sumStays(sql, range)), byKind: did },
  };
}

/** Read at a time: half an hour of a patient with five vital signs a second, two hours of one with rounds. */
const manyRows = 8_000;
const shortestChunkMs = 600_000;
/** Of what is read; not more, since a monitor may be put on in the middle of it. */
const longestReadMs = 7_200_000;
/** Of what may be left out. */
const longestChunkMs = dayMs;
/** A stay whose process died is taken by another one after this. */
const holdMs = 30_000;
/** Judged at a time, and then readings and alarms of now come first. */
const samplesAtOnce = 500;

async function replayStay(tools: ServiceTools, stay: ReplayStay): Promise<void> {
  const { database, now } = tools;
  const run = startRun(stay.rules, stay.scored);
  let heldUntil = now() + holdMs;
  let chunkMs = shortestChunkMs;
  for (let from = stay.fromMs; from < stay.untilMs;) {
    if (tools.isStopping()) return releaseStay(database, stay, now());
    if (now() > heldUntil - holdMs / 2) {
      heldUntil = now() + holdMs;
      if (!(await holdStay(database, stay, heldUntil))) return;
    }
    const to = Math.min(from + chunkMs, stay.untilMs);
    const isCalm = await isCalmBetween(database, { run, stay }, { from, to });
    if (!isCalm && chunkMs > longestReadMs) {
      chunkMs = longestReadMs;
      continue;
    }
    const samples = await listSamples(database, stay, { from: isCalm ? Math.max(from, to - nearMs) : from, to });
    await replayInSlices(run, samples);
    from = to;
    if (samples.length > manyRows) chunkMs = Math.max(shortestChunkMs, chunkMs / 2);
    else if (samples.length < manyRows / 4) chunkMs = Math.min(longestChunkMs, chunkMs * 2);
  }
  await finishStay(database, stay, run.alarms);
}

/** By minutes: nearly all of a month need not be read. */
async function isCalmBetween(
  sql: Sql,
  { run, stay }: { run: ReplayRun; stay: ReplayStay },
  range: { from: number; to: number },
): Promise<boolean> {
  if (!isCalmTime(run, {})) return false;
  const extremes = await findExtremes(sql, stay, range);
  return extremes !== undefined && isCalmTime(run, extremes);
}

async function replayInSlices(run: ReplayRun, samples: readonly MonitorSample[]): Promise<void> {
  for (let begin = 0; begin < samples.length;) {
    let end = Math.min(begin + samplesAtOnce, samples.length);
    // What was received together is judged together.
    while (end < samples.length && samples[end]?.receivedAtMs === samples[end - 1]?.receivedAtMs) end++;
    replaySamples(run, samples.slice(begin, end));
    begin = end;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export const replayTimer = (tools: ServiceTools): DueWork => ({
  name: 'replays',
  nextDueAt: () => findNextStay(tools.database),
  async run(now) {
    const stay = await claimStay(tools.database, { now, untilMs: now + holdMs });
    if (stay === undefined) return 0;
    // One that was put off is taken again when it is not held any more.
    await isDoneInBackground(tools, 'replay:stay', () => replayStay(tools, stay));
    return 1;
  },
});
