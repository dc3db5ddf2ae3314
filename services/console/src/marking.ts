/**
 * Which numbers of a tile are marked, and how. A number stays marked while its alarm condition lasts, whatever became
 * of the alert: resolving or acknowledging an alert must never make a bad value look like a good one. Pure.
 */
import { type AlarmState, PRIORITY_RANK, alarmState, byUrgency } from './alerts.ts';
import { words } from './format.ts';
import type { ActiveCondition, Alert, Priority } from './shapes.ts';
import { isTechnical, nameTechnical } from './signals.ts';
import { vitalOfAlert, vitalSign } from './vital-signs.ts';

/** `condition` is one that lasts without an alert that is open or acknowledged. */
export type MarkState = Exclude<AlarmState, 'none'> | 'condition';
export type Mark = { state: MarkState; priority: Priority };
export type Marks = ReadonlyMap<string, Mark>;

export const NEWS2 = 'news2';

export const MARK_WORD: Record<MarkState, string> = {
  on: 'alarm',
  ack: 'alarm acknowledged',
  latched: 'alarm latched',
  condition: 'alarm condition active',
};

/** What it is about: a vital sign, the score, or neither. */
const subjectOf = (of: { kind: string }): string | undefined => {
  if (isTechnical(of.kind)) return undefined;
  return of.kind === NEWS2 ? NEWS2 : vitalOfAlert(of);
};

/** Conditions that no open or acknowledged alert stands for, the most urgent first. */
export const uncovered = (
  conditions: readonly ActiveCondition[],
  alerts: readonly Alert[],
): readonly ActiveCondition[] =>
  conditions
    .filter(({ kind }) => !alerts.some((alert) => alert.kind === kind && ['on', 'ack'].includes(alarmState(alert))))
    .sort((left, right) => PRIORITY_RANK[left.priority] - PRIORITY_RANK[right.priority]);

/** An alarm that is on comes first, what is over last; between them the priority decides. */
const MARK_RANK: Record<MarkState, number> = { on: 0, condition: 1, ack: 1, latched: 2 };

/** By subject ("spo2", "news2"): each by its own alert or condition, and not by what leads the tile. */
export const marksOf = (alerts: readonly Alert[], conditions: readonly ActiveCondition[]): Marks => {
  const found = new Map<string, Mark>();
  const put = (subject: string | undefined, mark: Mark): void => {
    if (subject === undefined) return;
    const other = found.get(subject);
    if (!other || compareMarks(mark, other) < 0) found.set(subject, mark);
  };
  for (const alert of [...alerts].sort(byUrgency)) {
    const state = alarmState(alert);
    if (state !== 'none') put(subjectOf(alert), { state, priority: alert.priority });
  }
  for (const condition of uncovered(conditions, alerts)) {
    put(subjectOf(condition), { state: 'condition', priority: condition.priority });
  }
  return found;
};

const compareMarks = (left: Mark, right: Mark): number =>
  MARK_RANK[left.state] - MARK_RANK[right.state] || PRIORITY_RANK[left.priority] - PRIORITY_RANK[right.priority];

/** For a number that stands for several vital signs, as a blood pressure does. */
export const strongestMark = (...marks: readonly (Mark | undefined)[]): Mark | undefined =>
  marks.filter((mark) => mark !== undefined).sort(compareMarks)[0];

/** "SpO₂ below limit". */
export const nameCondition = (kind: string): string => {
  if (kind === NEWS2) return 'NEWS2 at alarm level';
  const technical = nameTechnical(kind);
  if (technical !== undefined) return technical;
  const [, vital, side] = /^(.+)-(above|below)$/.exec(kind) ?? [];
  return vital === undefined ? words(kind) : `${vitalSign(vital).label} ${side} limit`;
};

/** What is known of it: an alert that was resolved before this page was opened is not. */
export const stateCondition = ({ alertResolved }: ActiveCondition): string =>
  alertResolved ? 'alert resolved, condition still active' : 'condition still active';
