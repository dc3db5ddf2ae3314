/**
 * What rules would have done, by the engine that judges live, sample by sample as they were received. What live was
 * gathered into one transaction is judged one post after another here: an alarm that came and went within it counts,
 * and one that latches ends as if it were answered at once, so that the figures are never too low.
 */
import type { NumericVital, VitalName } from '@carillon/contracts/vital-signs';
import type { Scored } from './decisions.ts';
import { isBeyond, limitSide, thresholdOf } from './limit.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules, type CompiledRules, type LimitSlot, type Rules } from './rules.ts';

/** Of one patient, in the middle of his readings. */
export type ReplayRun = {
  rules: CompiledRules;
  /** What the rules can raise. A score or a lost sensor is none that other rules would change. */
  kinds: ReadonlySet<string>;
  /** A rule on the trend of NEWS2 sees only the scores that there would have been. */
  scored: Scored;
  state: PatientState;
  /** The newest of each vital sign that was skipped since the engine ran. */
  skipped: Map<VitalName, MonitorSample>;
  /** How many began, by kind. */
  alarms: Record<string, number>;
};

/** @param scored what is known of the patient now; each decision still holds from its own time on */
export function startRun(given: Rules, scored: Scored = { decisions: [] }): ReplayRun {
  // In a replay nobody answers: what latches would stay on to the end of the stay and count once, however often it came.
  const limits = given.limits.map((limit) => ({ ...limit, isLatching: false }));
  const rules = compileRules({ ...given, limits });
  const kinds = new Set(rules.slots.map(({ kind }) => kind));
  return { rules, kinds, scored, state: emptyPatientState, skipped: new Map(), alarms: {} };
}

/** @param samples of one patient, in the order of their receipt, and not before those of the last call */
export function replaySamples(run: ReplayRun, samples: readonly MonitorSample[]): void {
  for (let index = 0; index < samples.length;) {
    const nowMs = samples[index]?.receivedAtMs ?? 0;
    const post: MonitorSample[] = [];
    for (let next = samples[index]; next?.receivedAtMs === nowMs; next = samples[++index]) post.push(next);
    if (post.every((sample) => isCalm(run, sample))) for (const sample of post) skip(run, sample);
    else {
      // Whatever was skipped decides what is late, and what a pulse is compared with.
      const skipped = [...run.skipped.values()];
      run.skipped.clear();
      if (skipped.length > 0) apply(run, skipped, Math.max(...skipped.map(({ receivedAtMs }) => receivedAtMs)));
      apply(run, post, nowMs);
    }
  }
}

/**
 * Nearly all samples breach nothing while nothing is on: of these the engine would only note that they came. To skip them
 * makes a month of a patient minutes, and changes no alarm. What counts samples (k of n), weighs them over time (trends)
 * or puts several together must see each.
 */
function isCalm(run: ReplayRun, { vital, value, quality, mode }: MonitorSample): boolean {
  if (mustSeeEach(run)) return false;
  if (quality !== 'good' || mode !== undefined || vital === 'consciousness' || typeof value !== 'number') return true;
  return (run.rules.limitsOf.get(vital) ?? []).every((slot) => isNormal(run, slot) && isWithin(slot, value));
}

const mustSeeEach = ({ rules }: ReplayRun): boolean => rules.combinationsOf.size > 0 || rules.trendsOf.size > 0;

const isNormal = ({ state }: ReplayRun, { key }: LimitSlot): boolean =>
  (state.limits[key]?.phase ?? 'normal') === 'normal';

const isWithin = ({ variants }: LimitSlot, value: number): boolean =>
  variants.every(({ limit }) => limit.breaches === undefined && !isBeyond(limitSide(limit), value, thresholdOf(limit)));

/** The lowest and highest good value of each vital sign that has one. */
export type Extremes = Readonly<Partial<Record<NumericVital, { lowest: number; highest: number }>>>;

/** Beyond this no sample says anything of another one while nothing is on. */
export const nearMs = 15_000;

/** Whether a time with these extremes may be left out, but for what is near to its end. */
export const isCalmTime = (run: ReplayRun, extremes: Extremes): boolean =>
  !mustSeeEach(run) &&
  [...run.rules.limitsOf].every(([vital, slots]) => {
    const of = extremes[vital];
    const values = of === undefined ? [] : [of.lowest, of.highest];
    return slots.every((slot) => isNormal(run, slot) && values.every((value) => isWithin(slot, value)));
  });

function skip({ skipped }: ReplayRun, sample: MonitorSample): void {
  if (sample.quality !== 'good' || sample.mode !== undefined) return;
  if (sample.atMs > (skipped.get(sample.vital)?.atMs ?? -Infinity)) skipped.set(sample.vital, sample);
}

function apply(run: ReplayRun, samples: readonly MonitorSample[], nowMs: number): void {
  const { active } = run.state;
  // By the time of the receipt, as live: by the time of now all of it would be history.
  const options = { rules: run.rules, nowMs, ...run.scored, bindings: [] };
  const { state, conditions } = applySamples(run.state, samples, options);
  for (const { type, kind } of conditions) {
    // One that becomes more urgent is the same alarm.
    const isNew =
      active[kind] === undefined || conditions.some((other) => other.kind === kind && other.type === 'cleared');
    if (type === 'raised' && run.kinds.has(kind) && isNew) run.alarms[kind] = (run.alarms[kind] ?? 0) + 1;
  }
  run.state = state;
}
