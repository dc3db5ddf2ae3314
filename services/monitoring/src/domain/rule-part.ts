/**
 * The conditions of a patient's rules over one batch. Both tiers of a side are one condition: it has the priority of
 * the most urgent tier that is on, pages again when that goes up, and ends when none is left.
 */
import type { Priority } from '@carillon/contracts/monitoring';
import type { NumericVital } from '@carillon/contracts/vital-signs';
import {
  answerCondition,
  isOn,
  normalState,
  stepCondition,
  stepLimit,
  type ConditionState,
  type Sample,
  type Step,
} from './alarm-engine.ts';
import { judgeCombination, thresholdsOf } from './combination.ts';
import type { News2Parts } from './news2.ts';
import type { PatientState, Transition } from './patient-state.ts';
import { reportOf } from './priority.ts';
import { fitStates, mostUrgent, variantAt, type CompiledRules, type Slot } from './rules.ts';
import {
  addScore,
  addValue,
  changeOver,
  judgeTrend,
  riseTo,
  type ScoreWindow,
  type SlopeWindow,
  type TrendWindows,
} from './trend.ts';

/** What a condition is about, for those who are told of it. */
type About = Pick<Transition, 'vital' | 'limit' | 'combination' | 'trend'>;
/** What happened to a condition at one sample; `priority` is what it had then, undefined where it ended. */
type Move = About & { kind: string; value?: number; atMs: number; priority: Priority | undefined };

/** The conditions in the middle of a batch. */
export type RuleRun = {
  rules: CompiledRules;
  states: Record<string, ConditionState>;
  trends: TrendWindows;
  moves: Move[];
  /** Without a sample nothing is different: every state had its rule already, and nobody answered. */
  isUnchanged: boolean;
};

/** Fits the states to the rules, which may have changed. */
export function startRules(rules: CompiledRules, before: PatientState): RuleRun {
  const { states, orphans } = fitStates(rules, before.limits);
  return {
    rules,
    states: { ...states },
    trends: fitTrends(rules, before.trends ?? {}),
    moves: orphans.map((orphan) => ({ ...orphan, priority: undefined })),
    isUnchanged: states === before.limits,
  };
}

const fitTrends = ({ windowKeys }: CompiledRules, trends: TrendWindows): TrendWindows =>
  Object.fromEntries(Object.entries(trends).filter(([key]) => windowKeys.has(key)));

/**
 * Ends what a schedule has left without a limit. After the samples: one that was measured before the end may come a
 * moment after it, and must not begin anew what has just ended.
 */
export function endSchedules(run: RuleRun, nowMs: number): void {
  for (const slot of run.rules.slots) {
    const state = run.states[slot.key];
    if (slot.type !== 'limit' || !isOn(state) || variantAt(slot, nowMs) !== undefined) continue;
    settle(run, slot, { state: { phase: 'normal', lastAtMs: state.lastAtMs }, transition: 'cleared' }, state.lastAtMs);
  }
}

const aboutOf = (slot: Slot, atMs: number): About => {
  if (slot.type === 'combination') return { combination: slot.combination };
  if (slot.type === 'trend') return { trend: slot.trend };
  const limit = variantAt(slot, atMs)?.limit;
  return { vital: slot.vital, ...(limit === undefined ? {} : { limit }) };
};

function settle(run: RuleRun, slot: Slot, { state, transition }: Step, atMs: number, value?: number): void {
  const { rules, states, moves } = run;
  const { key, kind } = slot;
  states[key] = state;
  if (transition === undefined) return;
  run.isUnchanged = false;
  const priority = mostUrgent(rules, states, kind)?.priority;
  moves.push({ ...aboutOf(slot, atMs), kind, atMs, priority, ...(value === undefined ? {} : { value }) });
}

/** A live sample that is newer than any before of its vital sign. */
export function takeSample(run: RuleRun, vital: NumericVital, sample: Sample): void {
  const { rules, states } = run;
  const { atMs, value } = sample;
  for (const slot of rules.limitsOf.get(vital) ?? []) {
    const variant = variantAt(slot, atMs);
    if (variant === undefined) continue;
    const state = states[slot.key] ?? normalState;
    settle(run, slot, stepLimit(variant.limit, variant.timing, state, sample), atMs, value);
  }
  for (const slot of rules.trendsOf.get(vital) ?? []) {
    const window = addValue(slot.trend, run.trends[slot.windowKey] as SlopeWindow | undefined, sample);
    if (window === undefined) continue;
    run.trends = { ...run.trends, [slot.windowKey]: window };
    const change = changeOver(window);
    if (change === undefined) continue;
    const state = states[slot.key] ?? normalState;
    const judged = { atMs, verdict: judgeTrend(slot.trend, change), threshold: slot.trend.change };
    settle(run, slot, stepCondition(slot.timing, state, judged), atMs, change);
  }
}

/** After all live samples of one instant: in the middle of them a combination would be judged by values of before. */
export function takeTogether(run: RuleRun, vitals: readonly NumericVital[], newest: PatientState['newest']): void {
  const touched = new Set(vitals.flatMap((vital) => run.rules.combinationsOf.get(vital) ?? []));
  for (const slot of touched) {
    const judged = judgeCombination(slot.combination, newest);
    if (judged === undefined) continue;
    const state = run.states[slot.key] ?? normalState;
    const step = stepCondition(slot.timing, state, { ...judged, threshold: thresholdsOf(slot.combination) });
    settle(run, slot, step, judged.atMs);
  }
}

/** The score after live samples, at the measurement time of the newest. */
export function takeScore(run: RuleRun, score: { atMs: number; parts: News2Parts; scale: 1 | 2 }): void {
  for (const slot of run.rules.trendsOf.get('news2') ?? []) {
    const before = run.trends[slot.windowKey] as ScoreWindow | undefined;
    const window = addScore(slot.trend, before, score);
    if (window === undefined || window === before) continue;
    run.trends = { ...run.trends, [slot.windowKey]: window };
    const rise = riseTo(score.parts, window);
    const state = run.states[slot.key] ?? normalState;
    const judged = { atMs: score.atMs, verdict: judgeTrend(slot.trend, rise), threshold: slot.trend.change };
    settle(run, slot, stepCondition({ ...slot.timing, persistMs: 0 }, state, judged), score.atMs, rise);
  }
}

/** There is no score any more and none will come: its rise is no alarm. */
export function dropScore(run: RuleRun): void {
  for (const slot of run.rules.trendsOf.get('news2') ?? []) {
    const state = run.states[slot.key];
    if (!isOn(state)) continue;
    settle(run, slot, { state: { phase: 'normal', lastAtMs: state.lastAtMs }, transition: 'cleared' }, state.lastAtMs);
  }
}

/** Somebody answered the alerts of these kinds: what latches may end. */
export function takeAnswers(run: RuleRun, kinds: readonly string[]): void {
  for (const slot of run.rules.slots) {
    const before = run.states[slot.key];
    if (slot.type !== 'limit' || !isOn(before) || !kinds.includes(slot.kind)) continue;
    if (variantAt(slot, before.lastAtMs)?.timing.isLatching !== true) continue;
    const step = answerCondition(before);
    if (step.state !== before) run.isUnchanged = false;
    settle(run, slot, step, before.lastAtMs);
  }
}

/**
 * What is to be told of a batch, by its outcome: an alarm that has already ended pages nobody; one that was on, ended
 * and began again is told as both. A rule that got another priority while its alarm is on is told as well.
 */
export function reportRules(run: RuleRun, before: PatientState['active']): Transition[] {
  const kinds = new Set([...run.rules.slots, ...run.moves].map(({ kind }) => kind));
  return [...kinds].flatMap((kind) => reportKind(run, kind, before[kind])).toSorted((a, b) => a.atMs - b.atMs);
}

function reportKind({ rules, states, moves }: RuleRun, kind: string, was: Priority | undefined): Transition[] {
  const own = moves.filter((move) => move.kind === kind);
  const end = was === undefined ? undefined : own.find(({ priority }) => priority === undefined);
  const told: Transition[] = end === undefined || was === undefined ? [] : [{ ...end, type: 'cleared', priority: was }];
  const urgent = mostUrgent(rules, states, kind);
  const from = end === undefined ? was : undefined;
  if (urgent?.state.lastAtMs === undefined || urgent.priority === from) return told;
  const { slot, state, priority } = urgent;
  // Of the samples at which something happened, the one that gave it the priority that it still has.
  const begin = own[own.findLastIndex((move) => move.priority !== priority) + 1];
  const { atMs, value }: Pick<Move, 'atMs' | 'value'> = begin ?? { atMs: state.lastAtMs ?? 0 };
  const about = { ...aboutOf(slot, atMs), ...(value === undefined ? {} : { value }) };
  return [...told, { type: reportOf(from, priority), kind, ...about, priority, atMs }];
}
