/** What the schema cannot say about a patient's rules. */
import type { Issue } from '@carillon/contracts/schema';
import type { Combination } from './combination.ts';
import { clearAtIssue, isBeyond, limitKey, limitSide, thresholdIssue, thresholdOf, type Limit } from './limit.ts';
import type { Rules } from './rules.ts';
import { isTimeZone, overlap } from './schedule.ts';
import type { Trend } from './trend.ts';

/** Paths of limits are `<index>.<field>`, those of trends and combinations begin with their list. */
export const ruleIssues = ({ limits, trends = [], combinations = [] }: Rules): Issue[] => [
  ...limitIssues(limits),
  ...below('trends', trendIssues(trends)),
  ...below('combinations', combinationIssues(combinations)),
];

const below = (list: string, issues: readonly Issue[]): Issue[] =>
  issues.map(({ path, message }) => ({ path: `${list}.${path}`, message }));

/**
 * Exactly one threshold each, hysteresis on the safe side, one way to count, one limit a vital sign, side and tier at a
 * time, and a warning before its critical limit. Paths are `<index>.<field>`.
 */
export function limitIssues(limits: readonly Limit[]): Issue[] {
  const issues: Issue[] = [];
  const before: { index: number; key: string; limit: Limit }[] = [];
  for (const [index, limit] of limits.entries()) {
    const threshold = thresholdIssue(limit);
    if (threshold !== undefined) {
      issues.push({ path: `${index}`, message: threshold });
      continue;
    }
    issues.push(...below(`${index}`, ownIssues(limit)));
    const key = limitKey(limit);
    const rival = before.find((other) => other.key === key && areRivals(other.limit, limit));
    if (rival !== undefined) {
      issues.push({ path: `${index}`, message: `Limit ${rival.index} is on the same side of ${limit.vital} already` });
    }
    before.push({ index, key, limit });
  }
  return issues.length > 0 ? issues : orderIssues(limits);
}

/** Whether both would hold at some time. Hours of different zones are not compared: they are not for one patient. */
function areRivals({ schedule: a }: Limit, { schedule: b }: Limit): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.timeZone !== b.timeZone || overlap(a, b);
}

function ownIssues(limit: Limit): Issue[] {
  const clearAt = clearAtIssue(limit);
  const issues = clearAt === undefined ? [] : [{ path: 'clearAt', message: clearAt }];
  const { breaches, persistSeconds, schedule } = limit;
  if (schedule !== undefined && !isTimeZone(schedule.timeZone)) {
    issues.push({ path: 'schedule.timeZone', message: 'Expected the IANA name of a time zone' });
  }
  if (breaches === undefined) return issues;
  if (breaches.k > breaches.of) issues.push({ path: 'breaches.k', message: `Expected at most ${breaches.of}` });
  if (persistSeconds > 0) issues.push({ path: 'persistSeconds', message: 'Expected 0 where breaches are counted' });
  return issues;
}

/** A warning that comes after the critical alarm of its side warns of nothing. */
function orderIssues(limits: readonly Limit[]): Issue[] {
  return limits.flatMap((limit, index) => {
    const side = limitSide(limit);
    const isLate = limits.some(
      (other) =>
        limitKey(limit) === `${other.vital}:${limitSide(other)}:warning` &&
        limitKey(other) !== limitKey(limit) &&
        other.schedule === undefined &&
        limit.schedule === undefined &&
        isBeyond(side, thresholdOf(limit), thresholdOf(other)),
    );
    return isLate ? [{ path: `${index}`, message: 'A warning begins before the critical limit of its side' }] : [];
  });
}

function twice(names: readonly string[]): Issue[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index ? [] : [{ path: `${index}.name`, message: `There is another one named ${name}` }],
  );
}

const trendIssues = (trends: readonly Trend[]): Issue[] => [
  ...twice(trends.map(({ name }) => name)),
  ...trends.flatMap(({ vital, direction }, index) =>
    vital === 'news2' && direction === 'falling'
      ? [{ path: `${index}.direction`, message: 'Expected rising: a falling score is no alarm' }]
      : [],
  ),
];

const combinationIssues = (combinations: readonly Combination[]): Issue[] => [
  ...twice(combinations.map(({ name }) => name)),
  ...combinations.flatMap(({ all }, index) =>
    all.flatMap((part, place) => {
      const message = thresholdIssue(part);
      return message === undefined ? [] : [{ path: `${index}.all.${place}`, message }];
    }),
  ),
];
