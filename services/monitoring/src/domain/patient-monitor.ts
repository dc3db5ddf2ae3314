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
 */
import type { Priority, Quality } from '@carillon/contracts/monitoring';
import type { Consciousness, NumericVital, VitalName } from '@carillon/contracts/vital-signs';
import {
  limitKey,
  limitKind,
  normalState,
  reconcileStates,
  secondsToMs,
  stepLimit,
  type Limit,
  type LimitStates,
} from './alarm-engine.ts';
import { news2Priority, scoreNews2, sumOfParts, type News2Input, type News2Parts, type News2Result } from './news2.ts';

/** A stored reading, in the canonical unit. Times in ms since the epoch. */
export type MonitorSample = {
  vital: VitalName;
  /** A number; for consciousness one of A, C, V, P, U. */
  value: number | string;
  /** Measurement time. */
  atMs: number;
  receivedAtMs: number;
  quality: Quality;
};

export type TimedScore = News2Result & { atMs: number };

/** Written once per patient and second, so it holds nothing that can be derived. */
export type PatientState = {
  /** By `limitKey`. */
  limits: LimitStates;
  /** Newest good sample of each vital sign that was processed. */
  newest: Readonly<Partial<Record<VitalName, { atMs: number; value: number | string }>>>;
  /** Active conditions by kind, with the priority they were last reported with. */
  active: Readonly<Record<string, Priority>>;
  /**
   * While `news2` is active: the points of every parameter known since, so that a lost sensor is no recovery, and the
   * measurement time at which each level was last reached.
   */
  news2?: { parts: News2Parts; reachedAtMs: Partial<Record<News2Level, number>> };
  score?: TimedScore;
};

export const emptyPatientState: PatientState = Object.freeze({ limits: {}, newest: {}, active: {} });

/**
 * `raised`: became active, or its priority went up (then it pages again). `changed`: still active with a lower
 * priority. `atMs` is the measurement time of the sample that decided.
 */
export type Transition = {
  type: 'raised' | 'changed' | 'cleared';
  /** `spo2-below`, `heartRate-above`, …, or `news2`. */
  kind: string;
  vital?: NumericVital;
  /** Absent where the limit was removed. */
  limit?: Limit;
  /** The value that decided, in the canonical unit; for `news2` the lower bound of the score. */
  value?: number;
  priority: Priority;
  atMs: number;
};

export const news2Kind = 'news2';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Beyond this age a sample is history. */
export const historyAfterMs = 15 * minuteMs;

/**
 * How long a value stands for the present in the score. Clinical default, to be signed off by the responsible
 * clinician: monitors measure all the time, cuffs and thermometers by rounds, consciousness and oxygen are charted.
 */
export const scoreValidityMs = {
  respirationRate: 15 * minuteMs,
  spo2: 15 * minuteMs,
  pulse: 15 * minuteMs,
  heartRate: 15 * minuteMs,
  temperature: 4 * hourMs,
  systolic: 4 * hourMs,
  consciousness: 12 * hourMs,
  oxygenFlow: 12 * hourMs,
} as const satisfies Partial<Record<VitalName, number>>;
type ScoredVital = keyof typeof scoreValidityMs;

/**
 * How long the score must stay below a level, in measurement time, before the condition leaves it. NEWS2 was made for
 * rounds; from a monitor it wavers about a threshold every few seconds, and each wave would page somebody anew.
 * Scores of rounds, which are hours apart, go down at once. Clinical default, to be signed off.
 */
export const news2SettleMs = minuteMs;

/** Devices of one sample a second may lose a few without losing the onset, even with a very short persistence. */
const smallestGapMs = 5_000;
export const liveMaxGapMs = (limit: Limit): number => Math.max(smallestGapMs, secondsToMs(limit.persistSeconds));

export type ApplyOptions = {
  /** The patient's limits in force, at most one a vital sign and side. */
  limits: readonly Limit[];
  nowMs: number;
  /** 2 only on a named clinician's decision. */
  spo2Scale?: 1 | 2;
};

/**
 * Applies one batch, in any order and with repeats. An empty batch is allowed: it lets removed limits and expired
 * values take effect.
 *
 * @returns the next state (the same object where nothing changed, so that it need not be written), the conditions that
 *   changed, in measurement time, and the score where it changed.
 */
export function applySamples(
  state: PatientState,
  samples: readonly MonitorSample[],
  options: ApplyOptions,
): { state: PatientState; conditions: Transition[]; score?: TimedScore } {
  const limited = applyLimits(state, samples, options);
  const score = nextScore(state.score, limited, options);
  let next = limited.state;
  const conditions = limited.conditions;
  if (score !== undefined) next = { ...next, score };
  if (limited.isLive && next.score !== undefined && limited.takenAtMs !== undefined) {
    const decided = decideNews2(next, next.score, limited.takenAtMs);
    next = decided.state;
    if (decided.transition !== undefined) conditions.push(decided.transition);
  }
  return { state: next, conditions, ...(score === undefined ? {} : { score }) };
}

/** Kinds that are active now, with their priorities. */
export const activeConditions = (state: PatientState): { kind: string; priority: Priority }[] =>
  Object.entries(state.active).map(([kind, priority]) => ({ kind, priority }));

type Limited = {
  state: PatientState;
  conditions: Transition[];
  /** A sample that may move conditions was among them. */
  isLive: boolean;
  /** Measurement time of the newest sample that was taken in. */
  takenAtMs?: number;
};

function applyLimits(state: PatientState, samples: readonly MonitorSample[], options: ApplyOptions): Limited {
  const reconciled = reconcileStates(options.limits, state.limits);
  const transitions: Transition[] = reconciled.cleared.map((cleared) => ({
    type: 'cleared',
    ...cleared,
    priority: state.active[cleared.kind] ?? 'low',
  }));
  const limits = { ...reconciled.states };
  const newest = { ...state.newest };
  let isLive = false;
  let takenAtMs: number | undefined;

  for (const sample of inOrder(samples)) {
    const last = newest[sample.vital];
    if (last !== undefined && sample.atMs <= last.atMs) continue;
    newest[sample.vital] = { atMs: sample.atMs, value: sample.value };
    takenAtMs = sample.atMs;
    if (isHistory(sample, options.nowMs)) continue;
    isLive = true;
    const { value, atMs } = sample;
    if (typeof value !== 'number') continue;
    for (const limit of options.limits) {
      if (limit.vital !== sample.vital) continue;
      const key = limitKey(limit);
      const step = stepLimit(limit, limits[key] ?? normalState, { atMs, value }, { maxGapMs: liveMaxGapMs(limit) });
      limits[key] = step.state;
      if (step.transition === undefined) continue;
      const { type } = step.transition;
      const { vital, priority } = limit;
      transitions.push({ type, kind: limitKind(limit), vital, limit, value, priority, atMs });
    }
  }

  const conditions = stillTrue(transitions);
  conditions.push(...changedPriorities(state.active, conditions, options.limits, limits));
  if (takenAtMs === undefined && reconciled.states === state.limits && conditions.length === 0) {
    return { state, conditions, isLive };
  }
  return {
    state: { ...state, limits, newest, active: activeAfter(state.active, conditions) },
    conditions,
    isLive,
    ...(takenAtMs === undefined ? {} : { takenAtMs }),
  };
}

/** Good samples by measurement time; the rest of the order only makes equal instants come out the same each time. */
function inOrder(samples: readonly MonitorSample[]): MonitorSample[] {
  return samples
    .filter((sample) => sample.quality === 'good')
    .toSorted((a, b) => a.atMs - b.atMs || a.receivedAtMs - b.receivedAtMs || (a.value < b.value ? -1 : 1));
}

/** Also by now: readings that waited in our own backlog are as old as those that waited in the device. */
const isHistory = (sample: MonitorSample, nowMs: number): boolean =>
  Math.max(sample.receivedAtMs, nowMs) - sample.atMs > historyAfterMs;

/** Drops what later transitions of the same batch have overtaken: an alarm that has already ended pages nobody. */
function stillTrue(transitions: readonly Transition[]): Transition[] {
  return transitions.filter(({ kind, type }, index) => {
    if (type === 'raised') return !transitions.slice(index + 1).some((later) => later.kind === kind);
    return !transitions.slice(0, index).some((earlier) => earlier.kind === kind);
  });
}

const rank: Readonly<Record<Priority, number>> = { low: 0, medium: 1, high: 2 };

/** A limit may get another priority while its alarm is active. */
function changedPriorities(
  active: PatientState['active'],
  conditions: readonly Transition[],
  limits: readonly Limit[],
  states: LimitStates,
): Transition[] {
  return limits.flatMap((limit) => {
    const kind = limitKind(limit);
    const before = active[kind];
    const state = states[limitKey(limit)];
    if (before === undefined || before === limit.priority || state?.phase !== 'active') return [];
    if (conditions.some((condition) => condition.kind === kind)) return [];
    const { vital, priority } = limit;
    return [{ type: reportOf(before, priority), kind, vital, limit, priority, atMs: state.lastAtMs }];
  });
}

const reportOf = (before: Priority | undefined, after: Priority): 'raised' | 'changed' =>
  before === undefined || rank[after] > rank[before] ? 'raised' : 'changed';

function activeAfter(active: PatientState['active'], conditions: readonly Transition[]): PatientState['active'] {
  if (conditions.length === 0) return active;
  const after = { ...active };
  for (const { type, kind, priority } of conditions) {
    if (type === 'cleared') delete after[kind];
    else after[kind] = priority;
  }
  return after;
}

/** @returns the score where it is not the last one; its time is the newest sample taken in, or now where one expired. */
function nextScore(last: TimedScore | undefined, limited: Limited, options: ApplyOptions): TimedScore | undefined {
  const result = scoreNews2(scoreInput(limited.state.newest, options));
  if (last === undefined ? Object.keys(result.parts).length === 0 : isSameScore(last, result)) return undefined;
  return { ...result, atMs: limited.takenAtMs ?? options.nowMs };
}

const isSameScore = (a: News2Result, b: News2Result): boolean =>
  a.lower === b.lower &&
  a.upper === b.upper &&
  a.missing.join() === b.missing.join() &&
  Object.entries(b.parts).every(([name, points]) => a.parts[name as keyof News2Parts] === points);

function scoreInput(newest: PatientState['newest'], { nowMs, spo2Scale }: ApplyOptions): News2Input {
  const valid = (vital: ScoredVital): number | string | undefined => {
    const sample = newest[vital];
    return sample !== undefined && nowMs - sample.atMs <= scoreValidityMs[vital] ? sample.value : undefined;
  };
  const input: News2Input = {};
  for (const vital of ['respirationRate', 'spo2', 'systolic', 'temperature'] as const) {
    const value = valid(vital);
    if (typeof value === 'number') input[vital] = value;
  }
  // The oximeter's pulse is the heart's mechanical rate; the ECG's stands in where no oximeter is worn.
  const pulse = valid('pulse') ?? valid('heartRate');
  if (typeof pulse === 'number') input.pulse = pulse;
  const consciousness = valid('consciousness');
  if (consciousness !== undefined) input.consciousness = consciousness as Consciousness;
  const oxygenFlow = valid('oxygenFlow');
  if (typeof oxygenFlow === 'number') input.onOxygen = oxygenFlow > 0;
  if (spo2Scale !== undefined) input.spo2Scale = spo2Scale;
  return input;
}

/**
 * The `news2` condition goes up by what is measured now, at once. It goes down only by what has been measured again (a
 * parameter that went missing keeps the points it had) and only when the higher level was not reached for
 * `news2SettleMs`.
 */
function decideNews2(
  state: PatientState,
  score: News2Result,
  atMs: number,
): { state: PatientState; transition?: Transition } {
  const before = state.active[news2Kind];
  const now = news2Priority(score);
  if (before === undefined && now === undefined) return { state };
  const parts = { ...state.news2?.parts, ...score.parts };
  const held = news2Priority({ lower: sumOfParts(parts) });

  const reachedAtMs = { ...state.news2?.reachedAtMs };
  for (const level of news2Levels) {
    const isHeld = reaches(before, level) && reaches(held, level);
    if (reaches(now, level) || isHeld) reachedAtMs[level] = Math.max(atMs, reachedAtMs[level] ?? atMs);
  }
  const after = news2Levels.find((level) => atMs - (reachedAtMs[level] ?? -Infinity) < news2SettleMs);

  if (after === undefined) {
    const cleared = news2Transition('cleared', score, before ?? 'medium', atMs);
    const { news2: _, ...rest } = state;
    return { state: { ...rest, active: activeAfter(state.active, [cleared]) }, transition: cleared };
  }
  const next = { ...state, news2: { parts, reachedAtMs } };
  if (after === before) return { state: next };
  const transition = news2Transition(reportOf(before, after), score, after, atMs);
  return { state: { ...next, active: activeAfter(state.active, [transition]) }, transition };
}

const news2Levels = ['high', 'medium'] as const;
type News2Level = (typeof news2Levels)[number];

const reaches = (priority: Priority | undefined, level: News2Level): boolean =>
  priority !== undefined && rank[priority] >= rank[level];

function news2Transition(type: Transition['type'], score: News2Result, priority: Priority, atMs: number): Transition {
  return { type, kind: news2Kind, value: score.lower, priority, atMs };
}
