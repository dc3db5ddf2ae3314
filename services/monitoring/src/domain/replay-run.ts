/**
 * What rules would have done, by the engine that judges live, sample by sample as they were received. What live was
 * gathered into one transaction is judged one post after another here: an alarm that came and went within it counts,
 * so that the figures are never too low.
 */
import type { VitalName } from '@carillon/contracts/vital-signs';
import { isBeyond, limitSide, thresholdOf } from './limit.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules, type CompiledRules, type Rules } from './rules.ts';

/** Of one patient, in the middle of his readings. */
export type ReplayRun = {
  rules: CompiledRules;
  /** What the rules can raise. A score or a lost sensor is none that other rules would change. */
  kinds: ReadonlySet<string>;
  state: PatientState;
  /** The newest of each vital sign that was skipped since the engine ran. */
  skipped: Map<VitalName, MonitorSample>;
  /** How many began, by kind. */
  alarms: Record<string, number>;
};

export function startRun(given: Rules): ReplayRun {
  const rules = compileRules(given);
  const kinds = new Set(rules.slots.map(({ kind }) => kind));
  return { rules, kinds, state: emptyPatientState, skipped: new Map(), alarms: {} };
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
function isCalm({ rules, state }: ReplayRun, { vital, value, quality, mode }: MonitorSample): boolean {
  if (rules.combinationsOf.size > 0 || rules.trendsOf.size > 0) return false;
  if (quality !== 'good' || mode !== undefined || vital === 'consciousness' || typeof value !== 'number') return true;
  return (rules.limitsOf.get(vital) ?? []).every(({ key, variants }) => {
    const phase = state.limits[key]?.phase ?? 'normal';
    if (phase !== 'normal') return false;
    return variants.every(
      ({ limit }) => limit.breaches === undefined && !isBeyond(limitSide(limit), value, thresholdOf(limit)),
    );
  });
}

function skip({ skipped }: ReplayRun, sample: MonitorSample): void {
  if (sample.quality !== 'good' || sample.mode !== undefined) return;
  if (sample.atMs > (skipped.get(sample.vital)?.atMs ?? -Infinity)) skipped.set(sample.vital, sample);
}

function apply(run: ReplayRun, samples: readonly MonitorSample[], nowMs: number): void {
  const { active } = run.state;
  // By the time of the receipt, as live: by the time of now all of it would be history.
  const options = { rules: run.rules, nowMs, decisions: [], bindings: [] };
  const { state, conditions } = applySamples(run.state, samples, options);
  for (const { type, kind } of conditions) {
    // One that becomes more urgent is the same alarm.
    const isNew =
      active[kind] === undefined || conditions.some((other) => other.kind === kind && other.type === 'cleared');
    if (type === 'raised' && run.kinds.has(kind) && isNew) run.alarms[kind] = (run.alarms[kind] ?? 0) + 1;
  }
  run.state = state;
}
