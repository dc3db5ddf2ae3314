/** NEWS2 of a patient: from the newest values that still stand for the present, and the condition that it raises. */
import type { Priority } from '@carillon/contracts/monitoring';
import { scaleAt, withheldAt } from './decisions.ts';
import { news2Priority, scoreNews2, type News2Parts, type News2Result } from './news2.ts';
import {
  activeAfter,
  news2Levels,
  type ApplyOptions,
  type PatientState,
  type TimedScore,
  type Transition,
} from './patient-state.ts';
import { isAtLeast, reportOf } from './priority.ts';
import { news2Input } from './score-input.ts';
import { sumOfParts } from './score-table.ts';

export const news2Kind = 'news2';

/**
 * How long the score must stay below a level, in measurement time, before the condition leaves it. NEWS2 was made for
 * rounds; from a monitor it wavers about a threshold every few seconds, and each wave would page somebody anew.
 * Scores of rounds, which are hours apart, go down at once. Clinical default, to be signed off.
 */
const news2SettleMs = 60_000;

/** What the samples of one batch were to the score. */
export type TakenIn = {
  /** A sample that may move conditions was among them. */
  isLive: boolean;
  /** Measurement time of the newest sample that was taken in. */
  takenAtMs?: number;
};

export type ScoreOptions = Pick<ApplyOptions, 'nowMs' | 'birthDate' | 'population' | 'decisions'>;

/**
 * Also without a sample: values expire, which never moves the condition, and a decision changes the scale, which does.
 *
 * @returns the next state, the score where it changed, and what became of the `news2` condition, if anything did.
 */
export function applyScore(
  state: PatientState,
  { isLive, takenAtMs }: TakenIn,
  options: ScoreOptions,
): { state: PatientState; score?: TimedScore; transition?: Transition } {
  const last = state.score;
  // A late sample does not take the score back to before a decision that it has seen already.
  const asOfMs = Math.max(takenAtMs ?? options.nowMs, last?.atMs ?? state.withheldAtMs ?? -Infinity);
  // Nor does one that was measured while it applied bring a score back that applies no more.
  if ([asOfMs, options.nowMs].some((atMs) => withheldAt(options, atMs) !== undefined)) return withhold(state, asOfMs);
  const scale = scaleAt(options.decisions, asOfMs);
  const result = scoreNews2({ ...news2Input(state.newest, options.nowMs), spo2Scale: scale });
  const isChanged =
    last === undefined ? Object.keys(result.parts).length > 0 : !isSameScore(last, { ...result, scale });
  const score = isChanged ? { ...result, scale, atMs: asOfMs } : last;
  if (score === undefined) return { state };
  const { withheldAtMs: _, ...shown } = state;
  const next = isChanged ? { ...shown, score } : state;
  const told = isChanged ? { score } : {};
  if (isLive && takenAtMs !== undefined) return { ...decideNews2(next, score, takenAtMs), ...told };
  // Without a sample only a decision brings another scale, or a score where none was shown.
  const isDecided = takenAtMs === undefined && (last === undefined || scaleOf(last) !== scale);
  return isDecided ? { ...decideNews2(next, score, asOfMs), ...told } : { state: next, ...told };
}

/** The score of a child, or where NEWS2 does not apply: there is none, and it holds no alarm. */
function withhold(state: PatientState, atMs: number): { state: PatientState; transition?: Transition } {
  if (state.withheldAtMs !== undefined) return { state };
  const { score: _score, news2: _news2, ...rest } = { ...state, withheldAtMs: atMs };
  const before = state.active[news2Kind];
  if (before === undefined) return { state: rest };
  const transition: Transition = { type: 'cleared', kind: news2Kind, priority: before, atMs };
  return { state: { ...rest, active: activeAfter(state.active, [transition]) }, transition };
}

/** Of a release before, a score has no scale: it was 1. */
const scaleOf = ({ scale = 1 }: Pick<TimedScore, 'scale'>): 1 | 2 => scale;

const isSameScore = (a: Omit<TimedScore, 'atMs'>, b: Omit<TimedScore, 'atMs'>): boolean =>
  scaleOf(a) === scaleOf(b) &&
  a.lower === b.lower &&
  a.upper === b.upper &&
  a.missing.join() === b.missing.join() &&
  Object.entries(b.parts).every(([name, points]) => a.parts[name as keyof News2Parts] === points);

/**
 * The `news2` condition goes up by what is measured now, at once. It goes down only by what has been measured again (a
 * parameter that went missing keeps the points it had) and only when the higher level was not reached for
 * `news2SettleMs`.
 */
function decideNews2(
  state: PatientState,
  score: TimedScore,
  atMs: number,
): { state: PatientState; transition?: Transition } {
  const before = state.active[news2Kind];
  const now = news2Priority(score);
  if (before === undefined && now === undefined) return { state };
  const parts = heldParts(state, score);
  const held = news2Priority({ lower: sumOfParts(parts) });

  const reachedAtMs = { ...state.news2?.reachedAtMs };
  for (const level of news2Levels) {
    const isHeld = isAtLeast(before, level) && isAtLeast(held, level);
    if (isAtLeast(now, level) || isHeld) reachedAtMs[level] = Math.max(atMs, reachedAtMs[level] ?? atMs);
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

/** What is held of an SpO2 that is no longer valid is scored by the scale in force: another scale is another judgement. */
function heldParts({ news2, newest }: PatientState, score: TimedScore): News2Parts {
  const parts = { ...news2?.parts, ...score.parts };
  const spo2 = newest.spo2?.value;
  if (parts.spo2 === undefined || score.parts.spo2 !== undefined || typeof spo2 !== 'number') return parts;
  const again = scoreNews2({ spo2, onOxygen: (parts.onOxygen ?? 0) > 0, spo2Scale: scaleOf(score) }).parts.spo2;
  return { ...parts, spo2: again ?? parts.spo2 };
}

function news2Transition(type: Transition['type'], score: News2Result, priority: Priority, atMs: number): Transition {
  return { type, kind: news2Kind, value: score.lower, priority, atMs };
}
