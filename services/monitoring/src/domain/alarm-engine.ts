/**
 * The engine of one limit: when an alarm condition begins and when it ends, in measurement time.
 *
 *     normal ──breach──▶ onset ──lasted persistSeconds──▶ active ──at or beyond clearAt──▶ normal
 *                          └──────sample without breach──▶ normal
 *
 * Pure, and the same code for live samples and for `npm run replay`, so that a recording shows exactly the alarms
 * that limits would have raised. A sample that is not newer than the last one changes nothing: late and repeated
 * data never page, and a gap in the data never ends an alarm (no data is not recovery).
 */
import type { LimitSetting } from '@carillon/contracts/monitoring';
import type { Issue } from '@carillon/contracts/schema';
import type { NumericVital } from '@carillon/contracts/vital-signs';

/**
 * A limit on one vital sign, in its canonical unit: exactly one of `above` and `below` (see `limitIssues`).
 * A breach is strictly beyond the threshold. `clearAt` (hysteresis) lies on the safe side of it.
 */
export type Limit = LimitSetting;
export type Side = 'above' | 'below';

/** A measured value. `atMs`: measurement time, ms since any fixed origin (live: the epoch). */
export type Sample = { atMs: number; value: number };

/** Plain JSON, so that another engine can take over in the middle of a persistence window. Times in ms. */
export type LimitState =
  | { phase: 'normal'; lastAtMs?: number }
  /** `threshold` is what the samples since `sinceMs` breached: under another threshold they prove nothing. */
  | { phase: 'onset'; sinceMs: number; threshold: number; lastAtMs: number }
  | { phase: 'active'; sinceMs: number; raisedAtMs: number; lastAtMs: number };

/** The value and measurement time of the sample that raised or ended the alarm. */
export type LimitTransition = { type: 'raised' | 'cleared'; atMs: number; value: number };

export const normalState: LimitState = Object.freeze({ phase: 'normal' });

export const limitSide = (limit: Limit): Side => (limit.above === undefined ? 'below' : 'above');
/** The kind of the alarm a limit raises, such as `spo2-below`. */
export const limitKind = (limit: Limit): string => `${limit.vital}-${limitSide(limit)}`;
/** What a limit's state is kept under: a patient has at most one limit a vital sign and side. */
export const limitKey = (limit: Limit): string => `${limit.vital}:${limitSide(limit)}`;

/** Rounded to the microsecond: 1.1 s is 1100 ms and not 1100.0000000000002, which no sample would reach in time. */
export const secondsToMs = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;

function thresholdOf(limit: Limit): number {
  const threshold = limit.above ?? limit.below;
  if (threshold === undefined) throw new Error(`A limit on ${limit.vital} without above or below`);
  return threshold;
}

const isBeyond = (side: Side, value: number, threshold: number): boolean =>
  side === 'above' ? value > threshold : value < threshold;

function isEnd(limit: Limit, side: Side, value: number): boolean {
  if (limit.clearAt === undefined) return !isBeyond(side, value, thresholdOf(limit));
  return side === 'above' ? value <= limit.clearAt : value >= limit.clearAt;
}

/**
 * One sample through one limit.
 *
 * @param options.maxGapMs live only: a longer gap between consecutive samples restarts onset, since nobody knows what
 *   the value was meanwhile. It never ends an active alarm. No gap rule where absent (replay).
 * @returns the next state (the same object where nothing changed) and the alarm that began or ended, if any.
 */
export function stepLimit(
  limit: Limit,
  state: LimitState,
  sample: Sample,
  options: { maxGapMs?: number } = {},
): { state: LimitState; transition?: LimitTransition } {
  const { atMs, value } = sample;
  if (!Number.isFinite(value)) return { state };
  if (state.lastAtMs !== undefined && atMs <= state.lastAtMs) return { state };
  const side = limitSide(limit);
  const threshold = thresholdOf(limit);

  if (state.phase === 'active') {
    if (!isEnd(limit, side, value)) return { state: { ...state, lastAtMs: atMs } };
    return { state: { phase: 'normal', lastAtMs: atMs }, transition: { type: 'cleared', atMs, value } };
  }
  if (!isBeyond(side, value, threshold)) return { state: { phase: 'normal', lastAtMs: atMs } };

  const isContinued =
    state.phase === 'onset' &&
    state.threshold === threshold &&
    atMs - state.lastAtMs <= (options.maxGapMs ?? Number.POSITIVE_INFINITY);
  const sinceMs = isContinued ? state.sinceMs : atMs;
  if (atMs - sinceMs < secondsToMs(limit.persistSeconds)) {
    return { state: { phase: 'onset', sinceMs, threshold, lastAtMs: atMs } };
  }
  return {
    state: { phase: 'active', sinceMs, raisedAtMs: atMs, lastAtMs: atMs },
    transition: { type: 'raised', atMs, value },
  };
}

/** One alarm of a limit; `endedAtMs` is null where it was still active at the newest sample. */
export type Episode = { raisedAtMs: number; endedAtMs: number | null };

/**
 * All alarms that a limit would have raised over samples that may come in any order and repeated. Of two different
 * values for the same instant the one further into the breach counts: a doubt does not hide an alarm.
 */
export function alarmHistory(limit: Limit, samples: readonly Sample[]): Episode[] {
  const worstFirst = limitSide(limit) === 'above' ? -1 : 1;
  const ordered = samples
    .filter((sample) => Number.isFinite(sample.value))
    .toSorted((a, b) => a.atMs - b.atMs || worstFirst * (a.value - b.value));
  const episodes: Episode[] = [];
  let state = normalState;
  for (const sample of ordered) {
    const step = stepLimit(limit, state, sample);
    state = step.state;
    if (step.transition?.type === 'raised') episodes.push({ raisedAtMs: sample.atMs, endedAtMs: null });
    const open = episodes.at(-1);
    if (step.transition?.type === 'cleared' && open !== undefined) open.endedAtMs = sample.atMs;
  }
  return episodes;
}

export type LimitStates = Readonly<Record<string, LimitState>>;
/** An active alarm whose limit is gone. `atMs`: measurement time of the last sample it saw. */
export type ClearedLimit = { vital: NumericVital; kind: string; atMs: number };

/**
 * Fits states to a patient's limits after these may have changed. A removed limit takes its state with it and ends its
 * alarm; a changed one keeps an active alarm active (the next sample decides, by the new definition) while an onset
 * restarts under a new threshold (`stepLimit` sees to that). States are keyed by `limitKey`.
 *
 * @returns the same `states` object where nothing was removed.
 */
export function reconcileStates(
  limits: readonly Limit[],
  states: LimitStates,
): { states: LimitStates; cleared: ClearedLimit[] } {
  const known = new Set(limits.map(limitKey));
  const entries = Object.entries(states);
  const kept = entries.filter(([key]) => known.has(key));
  if (kept.length === entries.length) return { states, cleared: [] };
  const cleared: ClearedLimit[] = [];
  for (const [key, state] of entries) {
    if (known.has(key) || state.phase !== 'active') continue;
    cleared.push({ vital: key.split(':')[0] as NumericVital, kind: key.replace(':', '-'), atMs: state.lastAtMs });
  }
  return { states: Object.fromEntries(kept), cleared };
}

/**
 * What the schema cannot say about a patient's limits: exactly one threshold each, hysteresis on the safe side, one
 * limit a vital sign and side. Paths are `<index>.<field>`.
 */
export function limitIssues(limits: readonly Limit[]): Issue[] {
  const issues: Issue[] = [];
  const seen = new Map<string, number>();
  for (const [index, limit] of limits.entries()) {
    const threshold = thresholdIssue(limit);
    if (threshold !== undefined) {
      issues.push({ path: `${index}`, message: threshold });
      continue;
    }
    const clearAt = clearAtIssue(limit);
    if (clearAt !== undefined) issues.push({ path: `${index}.clearAt`, message: clearAt });
    const key = limitKey(limit);
    const first = seen.get(key);
    if (first !== undefined) {
      issues.push({ path: `${index}`, message: `Limit ${first} is on the same side of ${limit.vital} already` });
    }
    seen.set(key, first ?? index);
  }
  return issues;
}

/** @returns what is wrong where a limit has not exactly one of `above` and `below`. */
export function thresholdIssue(limit: { above?: number; below?: number }): string | undefined {
  if (limit.above !== undefined && limit.below !== undefined) return 'Expected one of above and below, not both';
  if (limit.above === undefined && limit.below === undefined) return 'Expected above or below';
  return undefined;
}

/** @returns what is wrong where `clearAt` is inside the breach: such an alarm would end while it is still justified. */
export function clearAtIssue(limit: Limit): string | undefined {
  if (limit.clearAt === undefined || !isBeyond(limitSide(limit), limit.clearAt, thresholdOf(limit))) return undefined;
  const relation = limit.above === undefined ? 'at or above' : 'at or below';
  return `Expected ${relation} the threshold ${thresholdOf(limit)}`;
}
