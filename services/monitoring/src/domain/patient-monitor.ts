/**
 * The live engine of one patient: samples in, alarm conditions and NEWS2 out. Pure; the state is plain JSON.
 *
 * - Only `good` samples are seen. Suspect ones are kept by the caller and count here as if nothing had been measured.
 * - Late or repeated (not newer than the newest processed of that vital sign): ignored.
 * - History (older than 15 minutes when it came, or by now): never pages. It fills the score where it is still valid,
 *   since a nurse charts a temperature after taking it, but conditions move only with a live sample.
 * - What was raised and ended within one call is not reported: after a backlog, what is still active at the newest
 *   sample pages.
 * - A condition ends by measurement only, never by absence.
 * - What was measured before the last discharge is of a stay that is over, and counts for nothing.
 */
import type { NumericVital } from '@carillon/contracts/vital-signs';
import { isHistory } from './history.ts';
import {
  activeAfter,
  type ApplyOptions,
  type MonitorSample,
  type PatientState,
  type TimedScore,
  type Transition,
} from './patient-state.ts';
import { judgeSamples, type Judged } from './quality.ts';
import {
  dropScore,
  endSchedules,
  reportRules,
  startRules,
  takeAnswers,
  takeSample,
  takeScore,
  takeTogether,
  type RuleRun,
} from './rule-part.ts';
import { applyScore, type TakenIn } from './score-part.ts';
import { applySignals } from './signal-part.ts';

/**
 * Applies one batch, in any order and with repeats. An empty batch is allowed: it lets removed limits and expired
 * values take effect.
 *
 * @returns the next state (the same object where nothing changed, so that it need not be written), the conditions that
 *   changed, in measurement time, the score where it changed, and the samples that were doubted, if any.
 */
export function applySamples(
  state: PatientState,
  samples: readonly MonitorSample[],
  options: ApplyOptions,
): { state: PatientState; conditions: Transition[]; score?: TimedScore; doubted?: Judged['doubted'] } {
  if (state.dischargedAtMs !== undefined) return { state, conditions: [] };
  const judged = judgeSamples(state, samples, options);
  const run = startRules(options.rules, state);
  const { newest, ...taken } = takeSamples(run, state, judged.usable, options.nowMs);
  const { takenAtMs, isLive } = taken;
  endSchedules(run, options.nowMs);
  takeAnswers(run, options.answered ?? []);
  const measured = takenAtMs === undefined ? state : { ...state, newest };
  const { state: scored, transition, score } = applyScore(measured, taken, options);
  if (isLive && takenAtMs !== undefined && scored.score !== undefined) {
    const { parts, scale = 1 } = scored.score;
    takeScore(run, { atMs: takenAtMs, parts, scale });
  }
  if (scored.withheldAtMs !== undefined) dropScore(run);
  const ruled = reportRules(run, state.active);
  const isSame = takenAtMs === undefined && run.isUnchanged && ruled.length === 0;
  const judgedState = isSame ? scored : afterRules(scored, run, ruled);
  const { state: next, conditions: technical } = applySignals(judgedState, judged, options);
  const conditions = [...ruled, ...(transition === undefined ? [] : [transition]), ...technical];
  return {
    state: next,
    conditions,
    ...(score === undefined ? {} : { score }),
    ...(judged.doubted.size === 0 ? {} : { doubted: judged.doubted }),
  };
}

function afterRules(state: PatientState, { states, trends }: RuleRun, told: readonly Transition[]): PatientState {
  const { trends: _, ...rest } = state;
  const active = activeAfter(state.active, told);
  return { ...rest, limits: states, active, ...(Object.keys(trends).length === 0 ? {} : { trends }) };
}

function takeSamples(
  run: RuleRun,
  { newest: known, leftAtMs = -Infinity }: PatientState,
  samples: readonly MonitorSample[],
  nowMs: number,
): TakenIn & Pick<PatientState, 'newest'> {
  const newest = { ...known };
  let isLive = false;
  let takenAtMs: number | undefined;
  let together: NumericVital[] = [];
  for (const sample of inOrder(samples)) {
    const { vital, value, atMs } = sample;
    if (atMs <= Math.max(newest[vital]?.atMs ?? -Infinity, leftAtMs)) continue;
    if (takenAtMs !== undefined && atMs > takenAtMs) {
      takeTogether(run, together, newest);
      together = [];
    }
    newest[vital] = { atMs, value };
    takenAtMs = atMs;
    if (isHistory(sample, nowMs)) continue;
    isLive = true;
    if (vital === 'consciousness' || typeof value !== 'number') continue;
    takeSample(run, vital, { atMs, value });
    together.push(vital);
  }
  takeTogether(run, together, newest);
  return { newest, isLive, ...(takenAtMs === undefined ? {} : { takenAtMs }) };
}

/** By measurement time; the rest of the order only makes equal instants come out the same each time. */
function inOrder(samples: readonly MonitorSample[]): MonitorSample[] {
  return samples.toSorted((a, b) => a.atMs - b.atMs || a.receivedAtMs - b.receivedAtMs || (a.value < b.value ? -1 : 1));
}
