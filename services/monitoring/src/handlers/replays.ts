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
import type { CommandWork } from '@carillon/runtime/commands';
import { assertPermitted } from '@carillon/runtime/directory-projection';
import type { DueWork } from '@carillon/runtime/due-loop';
import type { QueryWork } from '@carillon/runtime/queries';
import type { ServiceTools } from '@carillon/runtime/service';
import { perBedDay } from '../domain/alarm-load.ts';
import type { MonitorSample } from '../domain/patient-state.ts';
import { readRange } from '../domain/range.ts';
import { replaySamples, startRun, type ReplayRun } from '../domain/replay-run.ts';
import { ruleIssues } from '../domain/rule-issues.ts';
import { sumStays } from '../store-alarms.ts';
import {
  claimStay,
  countRuleAlarms,
  countUnfinishedReplays,
  findNextStay,
  findReplay,
  finishStay,
  holdStay,
  insertReplay,
  listSamples,
  releaseStay,
  type ReplayStay,
} from '../store-replays.ts';

export async function startReplay(
  work: CommandWork,
  input: InputOf<typeof startContract>,
): Promise<ResultOf<typeof startContract>> {
  const { tx, actor, now } = work;
  const { hospital } = actor;
  await assertPermitted(tx, startContract.allow, { actor, now }, input);
  const { wardId = null, from: first, to: last, ...rules } = input;
  const { from, to } = readRange({ from: first, to: last }, maxReplayDays);
  if (from >= now) throw badInput([{ path: 'from', message: 'Must not lie ahead' }]);
  const issues = ruleIssues(rules);
  if (issues.length > 0) throw badInput(issues);
  if ((await countUnfinishedReplays(tx, hospital)) >= maxReplays) {
    throw new CodedError('conflict', `${maxReplays} replays of this hospital are still running`);
  }
  const replayId = randomUUID();
  const stays = await insertReplay(tx, {
    hospital,
    wardId,
    from,
    to: Math.min(to, now),
    rules,
    replayId,
    by: actor.person,
    now,
  });
  return { replayId, stays };
}

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

/** Read at a time: half an hour of a patient with five vital signs a second, a day of one with rounds. */
const manyRows = 8_000;
const shortestChunkMs = 600_000;
const longestChunkMs = 86_400_000;
/** A stay whose process died is taken by another one after this. */
const holdMs = 30_000;
/** Judged at a time, and then readings and alarms of now come first. */
const samplesAtOnce = 500;

/** @returns whether it came to its end */
async function replayStay(tools: ServiceTools, stay: ReplayStay): Promise<boolean> {
  const { database, now } = tools;
  const run = startRun(stay.rules);
  let heldUntil = now() + holdMs;
  let chunkMs = shortestChunkMs;
  for (let from = stay.fromMs; from < stay.untilMs;) {
    if (tools.isStopping()) {
      await releaseStay(database, stay, now());
      return false;
    }
    if (now() > heldUntil - holdMs / 2) {
      heldUntil = now() + holdMs;
      if (!(await holdStay(database, stay, heldUntil))) return false;
    }
    const to = Math.min(from + chunkMs, stay.untilMs);
    const samples = await listSamples(database, stay, { from, to });
    await replayInSlices(run, samples);
    from = to;
    if (samples.length > manyRows) chunkMs = Math.max(shortestChunkMs, chunkMs / 2);
    else if (samples.length < manyRows / 4) chunkMs = Math.min(longestChunkMs, chunkMs * 2);
  }
  await finishStay(database, stay, run.alarms);
  return true;
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
    const isDone = await replayStay(tools, stay);
    tools.metrics.handled.inc({ kind: 'timer', name: 'replay:stay', outcome: isDone ? 'ok' : 'later' });
    return 1;
  },
});
