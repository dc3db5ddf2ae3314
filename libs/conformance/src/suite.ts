/** Runs all checks against one server, and compares what they covered with the contracts. */
import { callChecks, limitChecks } from './checks/calls.ts';
import { deliveryChecks } from './checks/delivery.ts';
import { eventStreamChecks } from './checks/event-streams.ts';
import { hostileFrameChecks } from './checks/hostile-frames.ts';
import { hostileWireChecks } from './checks/hostile-wire.ts';
import { roomChecks } from './checks/rooms.ts';
import { tokenChecks } from './checks/tokens.ts';
import { upgradeChecks } from './checks/upgrade.ts';
import { within, type Check } from './check.ts';
import { compareCoverage, type Coverage } from './coverage.ts';
import { startNeighbour, type Neighbour } from './neighbour.ts';
import { createRecorder } from './recorder.ts';
import { createSetting, type Target } from './setting.ts';

export const checks: readonly Check[] = [
  ...upgradeChecks,
  ...roomChecks,
  ...callChecks,
  ...deliveryChecks,
  ...eventStreamChecks,
  ...hostileFrameChecks,
  ...hostileWireChecks,
  ...tokenChecks,
  ...limitChecks,
];

export type Outcome = { name: string; result: 'passed' | 'failed' | 'skipped'; why?: string; tookMs: number };

export type Report = {
  outcomes: Outcome[];
  /** Absent for a run of some checks only. */
  coverage?: Coverage;
  neighbour: { slowestMs: number; complaints: string[] };
  isGood: boolean;
};

export type RunOptions = {
  /** How late the healthy neighbour may be served. */
  neighbourMs?: number;
  /** Part of the names of the checks that run; coverage is not judged then. */
  only?: string;
  onOutcome?: (outcome: Outcome) => void;
};

const checkWithinMs = 90_000;

async function runCheck(check: Check, target: Target, neighbour: Neighbour | undefined): Promise<Outcome> {
  const { name, needs = [], covers = [] } = check;
  const missing = needs.filter((need) => target.given[need] === undefined);
  if (missing.length > 0) return { name, result: 'skipped', why: `it needs ${missing.join(' and ')}`, tookMs: 0 };
  const recorder = createRecorder();
  const setting = createSetting(target, recorder);
  const startedAt = performance.now();
  const failures: string[] = [];
  try {
    await within(check.run(setting), checkWithinMs, 'the end of the check');
    failures.push(...covers.filter((code) => !recorder.seen.has(code)).map((code) => `${code} was not seen`));
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  } finally {
    setting.end();
  }
  const noticed = (await neighbour?.complaints()) ?? [];
  failures.push(...recorder.faults.slice(0, 3), ...noticed.map((each) => `the neighbour noticed: ${each}`));
  const tookMs = Math.round(performance.now() - startedAt);
  return failures.length === 0
    ? { name, result: 'passed', tookMs }
    : { name, result: 'failed', why: failures.join('\n'), tookMs };
}

export async function runConformance(
  target: Target,
  { neighbourMs = 1_000, only, onOutcome = () => {} }: RunOptions = {},
): Promise<Report> {
  const chosen = checks.filter(({ name }) => only === undefined || name.includes(only));
  const recorder = createRecorder();
  const setting = createSetting(target, recorder);
  const neighbour = await startNeighbour(setting, neighbourMs).catch((error: unknown) => {
    const why = [error instanceof Error ? error.message : String(error), ...recorder.faults];
    setting.end();
    throw new Error(`Not even a healthy client is served: ${why.join('; ')}`, { cause: error });
  });
  const outcomes: Outcome[] = [];
  const run = async (check: Check, beside?: Neighbour): Promise<void> => {
    const outcome = await runCheck(check, target, beside);
    outcomes.push(outcome);
    onOutcome(outcome);
  };
  const slow = Promise.all(chosen.filter(({ isSlow }) => isSlow === true).map((check) => run(check)));
  for (const check of chosen) if (check.isSlow !== true) await run(check, neighbour);
  await slow;
  const complaints = [...(await neighbour.stop()), ...recorder.faults];
  setting.end();
  const coverage = only === undefined ? compareCoverage(chosen, outcomes) : undefined;
  const isCovered = coverage === undefined || (coverage.missing.length === 0 && coverage.stale.length === 0);
  return {
    outcomes,
    ...(coverage === undefined ? {} : { coverage }),
    neighbour: { slowestMs: neighbour.slowestMs(), complaints },
    isGood: isCovered && complaints.length === 0 && outcomes.every(({ result }) => result !== 'failed'),
  };
}
