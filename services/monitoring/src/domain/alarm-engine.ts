/**
 * The engine of one alarm condition: when it begins and when it ends, in measurement time.
 *
 *     normal ──breach──▶ onset ──lasted, or k of n──▶ active ──clear──▶ clearing ──stayed clear──▶ normal
 *       ▲                  │                            ▲                   │                        or, where it
 *       └──────────────────┘ no breach                  └── not clear ──────┘                        latches and nobody
 *                                                       └─────────── breach ─────────── latched ◀──  answered: latched
 *
 * Pure, and the same code for live samples and for `npm run replay`, so that a recording shows exactly the alarms
 * that limits would have raised. A sample that is not newer than the last one changes nothing: late and repeated
 * data never page, and a gap in the data never ends an alarm (no data is not recovery).
 */
import { isBeyond, limitSide, thresholdOf, type Limit } from './limit.ts';

/** A measured value. `atMs`: measurement time, ms since any fixed origin (live: the epoch). */
export type Sample = { atMs: number; value: number };

/** What a sample says of a condition: it may be neither a breach nor far enough from one to end an alarm. */
export type Verdict = { isBreach: boolean; isClear: boolean };

/** When a condition begins and ends. */
export type Timing = {
  persistMs: number;
  /** In place of `persistMs`: so many of the last samples. */
  breaches?: { k: number; of: number };
  /** How long it must stay clear before it ends. */
  clearForMs: number;
  /** Ends only after somebody answered. */
  isLatching: boolean;
  /** A longer gap between samples restarts what was counted, since nobody knows what was meanwhile. None: replay. */
  maxGapMs?: { onset: number; clearing: number };
};

/** Plain JSON, so that another engine can take over in the middle of a persistence window. Times in ms. */
export type ConditionState =
  | { phase: 'normal'; lastAtMs?: number }
  /**
   * `threshold` is what the samples since `sinceMs` breached: under another one they prove nothing. `recent`, only with
   * k of n: the last samples from the first breach on, 1 for each that breached. `alone`: so many breaches in a row, each
   * after too long a gap.
   */
  | { phase: 'onset'; sinceMs: number; threshold: number; lastAtMs: number; recent?: string; alone?: number }
  | { phase: 'active'; sinceMs: number; raisedAtMs: number; lastAtMs: number; isAnswered?: true }
  | {
      phase: 'clearing';
      sinceMs: number;
      raisedAtMs: number;
      clearSinceMs: number;
      lastAtMs: number;
      isAnswered?: true;
      /** So many clear samples in a row, each after too long a gap. */
      alone?: number;
    }
  | { phase: 'latched'; sinceMs: number; raisedAtMs: number; lastAtMs: number };
type OnState = Extract<ConditionState, { raisedAtMs: number }>;
export type Step = { state: ConditionState; transition?: 'raised' | 'cleared' };

/** By the keys of the rules. */
export type LimitStates = Readonly<Record<string, ConditionState>>;

export const normalState: ConditionState = Object.freeze({ phase: 'normal' });

/** Whether the condition is reported as active. */
export const isOn = (state: ConditionState | undefined): state is OnState =>
  state !== undefined && state.phase !== 'normal' && state.phase !== 'onset';

/** Rounded to the microsecond: 1.1 s is 1100 ms and not 1100.0000000000002, which no sample would reach in time. */
export const secondsToMs = (seconds: number): number => Math.round(seconds * 1e6) / 1e3;

/**
 * A device that measures more seldom than what is timed would never have lasted: so many of its samples in a row count
 * instead, none of them longer than this after the one before. Clinical default, to be signed off.
 */
const leastAlone = 3;
const longestAloneMs = 3_600_000;

/** @returns how many there are in a row by now; undefined where the one before was not alone */
function aloneAfter(
  { beganMs, lastAtMs, alone = 1 }: { beganMs: number; lastAtMs: number; alone: number | undefined },
  atMs: number,
): number | undefined {
  return beganMs === lastAtMs && atMs - lastAtMs <= longestAloneMs ? alone + 1 : undefined;
}

/**
 * One judgement through one condition. `threshold` is what `verdict` was judged by. Of one instant there may be several:
 * another part of a combination, or of a score, may have been measured then as well.
 *
 * @returns the next state (the same object where nothing changed) and what began or ended, if anything did.
 */
export function stepCondition(
  timing: Timing,
  state: ConditionState,
  sample: { atMs: number; verdict: Verdict; threshold: number },
): Step {
  const { atMs, verdict } = sample;
  if (state.lastAtMs !== undefined && atMs < state.lastAtMs) return { state };
  if (!isOn(state)) return stepOnset(timing, state, sample);
  if (!verdict.isClear) return { state: stillOn(state, verdict, atMs) };
  if (state.phase === 'latched') {
    return timing.isLatching ? { state: { ...state, lastAtMs: atMs } } : ended(atMs);
  }
  const before = state.phase === 'clearing' ? state : undefined;
  const isContinued =
    before !== undefined && atMs - before.lastAtMs <= (timing.maxGapMs?.clearing ?? Number.POSITIVE_INFINITY);
  const clearSinceMs = isContinued ? before.clearSinceMs : atMs;
  const alone =
    before === undefined || isContinued
      ? undefined
      : aloneAfter({ beganMs: before.clearSinceMs, lastAtMs: before.lastAtMs, alone: before.alone }, atMs);
  const { sinceMs, raisedAtMs, isAnswered } = state;
  if (atMs - clearSinceMs < timing.clearForMs && (alone ?? 1) < leastAlone) {
    const answer = isAnswered === true ? { isAnswered } : {};
    const count = alone === undefined ? {} : { alone };
    return { state: { phase: 'clearing', sinceMs, raisedAtMs, clearSinceMs, lastAtMs: atMs, ...answer, ...count } };
  }
  if (!timing.isLatching || isAnswered === true) return ended(atMs);
  return { state: { phase: 'latched', sinceMs, raisedAtMs, lastAtMs: atMs } };
}

const ended = (atMs: number): Step => ({ state: { phase: 'normal', lastAtMs: atMs }, transition: 'cleared' });

/** What latches goes on by a new breach only; what was clearing is active again by anything that is not clear. */
function stillOn(state: OnState, { isBreach }: Verdict, atMs: number): OnState {
  if (state.phase === 'latched' && !isBreach) return { ...state, lastAtMs: atMs };
  const { sinceMs, raisedAtMs } = state;
  const isAnswered = state.phase !== 'latched' && state.isAnswered === true;
  return { phase: 'active', sinceMs, raisedAtMs, lastAtMs: atMs, ...(isAnswered ? { isAnswered } : {}) };
}

function stepOnset(
  { persistMs, breaches, maxGapMs }: Timing,
  state: Exclude<ConditionState, OnState>,
  { atMs, verdict, threshold }: { atMs: number; verdict: Verdict; threshold: number },
): Step {
  const { isBreach } = verdict;
  const before =
    state.phase === 'onset' &&
    state.threshold === threshold &&
    (state.recent === undefined) === (breaches === undefined)
      ? state
      : undefined;
  const isContinued = before !== undefined && atMs - before.lastAtMs <= (maxGapMs?.onset ?? Number.POSITIVE_INFINITY);
  const onset = isContinued ? before : undefined;
  const sinceMs = onset?.sinceMs ?? atMs;
  const active: Step = { state: { phase: 'active', sinceMs, raisedAtMs: atMs, lastAtMs: atMs }, transition: 'raised' };
  if (breaches === undefined) {
    if (!isBreach) return { state: { phase: 'normal', lastAtMs: atMs } };
    const alone =
      before === undefined || isContinued
        ? undefined
        : aloneAfter({ beganMs: before.sinceMs, lastAtMs: before.lastAtMs, alone: before.alone }, atMs);
    if (atMs - sinceMs >= persistMs || (alone ?? 1) >= leastAlone) return active;
    return {
      state: { phase: 'onset', sinceMs, threshold, lastAtMs: atMs, ...(alone === undefined ? {} : { alone }) },
    };
  }
  const recent = `${onset?.recent ?? ''}${isBreach ? 1 : 0}`.slice(-breaches.of).replace(/^0+/, '');
  if (recent === '') return { state: { phase: 'normal', lastAtMs: atMs } };
  // Under other rules there may be enough already: it is a breach that raises, never a good value.
  if (isBreach && recent.replaceAll('0', '').length >= breaches.k) return active;
  return { state: { phase: 'onset', sinceMs, threshold, lastAtMs: atMs, recent } };
}

/** Somebody answered the alert of this condition: what latches may end. */
export function answerCondition(state: ConditionState): Step {
  if (state.phase === 'latched') return ended(state.lastAtMs);
  return isOn(state) && state.isAnswered !== true ? { state: { ...state, isAnswered: true } } : { state };
}

/** An alarm ends at `clearAt` or beyond or, without it, at any value that is no breach. */
export function verdictOf(limit: Limit, value: number): Verdict {
  const side = limitSide(limit);
  const isBreach = isBeyond(side, value, thresholdOf(limit));
  return { isBreach, isClear: limit.clearAt === undefined ? !isBreach : !isBeyond(side, value, limit.clearAt) };
}

/** @param maxGapMs none where absent (replay) */
export const timingOf = (
  limit: Pick<Limit, 'persistSeconds' | 'breaches' | 'clearForSeconds' | 'isLatching'>,
  maxGapMs?: Timing['maxGapMs'],
): Timing => ({
  persistMs: secondsToMs(limit.persistSeconds),
  clearForMs: secondsToMs(limit.clearForSeconds ?? 0),
  isLatching: limit.isLatching === true,
  ...(limit.breaches === undefined ? {} : { breaches: limit.breaches }),
  ...(maxGapMs === undefined ? {} : { maxGapMs }),
});

/** One sample through one limit. One that is not newer than the last, or is no number, changes nothing. */
export function stepLimit(limit: Limit, timing: Timing, state: ConditionState, { atMs, value }: Sample): Step {
  if (!Number.isFinite(value) || atMs <= (state.lastAtMs ?? -Infinity)) return { state };
  return stepCondition(timing, state, { atMs, verdict: verdictOf(limit, value), threshold: thresholdOf(limit) });
}

/** One alarm of a limit; `endedAtMs` is null where it was still active at the newest sample. */
export type Episode = { raisedAtMs: number; endedAtMs: number | null };

/**
 * All alarms that a limit would have raised over samples that may come in any order and repeated. Of two different
 * values for the same instant the one further into the breach counts: a doubt does not hide an alarm. Nobody answers.
 */
export function alarmHistory(limit: Limit, samples: readonly Sample[]): Episode[] {
  const worstFirst = limitSide(limit) === 'above' ? -1 : 1;
  const ordered = samples
    .filter((sample) => Number.isFinite(sample.value))
    .toSorted((a, b) => a.atMs - b.atMs || worstFirst * (a.value - b.value));
  const timing = timingOf(limit);
  const episodes: Episode[] = [];
  let state = normalState;
  for (const sample of ordered) {
    const step = stepLimit(limit, timing, state, sample);
    state = step.state;
    if (step.transition === 'raised') episodes.push({ raisedAtMs: sample.atMs, endedAtMs: null });
    const open = episodes.at(-1);
    if (step.transition === 'cleared' && open !== undefined) open.endedAtMs = sample.atMs;
  }
  return episodes;
}
