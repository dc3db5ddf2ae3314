/** What a nurse may do to limits at the bedside. */
import type { Issue } from '@carillon/contracts/schema';
import type { NurseRange } from './default-sets.ts';
import { limitKey, limitTier, thresholdIssue, thresholdOf, type Limit } from './limit.ts';

/** Longer, or more of them, and a warning would be silent rather than set otherwise. Clinical defaults, to be signed. */
const longestPersistSeconds = 60;
const mostBreaches = 5;
export const longestAdjustmentMs = 12 * 3_600_000;

/**
 * Only warnings, only within the range of the default set, and none at other hours than it has: a warning that holds for
 * a minute a day would be silent. Paths are `limits.<index>`.
 */
export function adjustmentIssues(
  limits: readonly Limit[],
  { before, range }: { before: readonly Limit[]; range: NurseRange },
): Issue[] {
  return limits.flatMap((limit, index) => {
    const message = adjustmentIssue(limit, before, range);
    return message === undefined ? [] : [{ path: `limits.${index}`, message }];
  });
}

function adjustmentIssue(limit: Limit, before: readonly Limit[], range: NurseRange): string | undefined {
  const threshold = thresholdIssue(limit);
  if (threshold !== undefined) return threshold;
  const rival = before.find((other) => placeOf(other) === placeOf(limit));
  if (limitTier(limit) !== 'warning' || limit.priority === 'high' || rival?.priority === 'high') {
    return 'A critical limit is set by a doctor';
  }
  if (limit.schedule !== undefined && rival === undefined) return 'The hours of a limit are set by a doctor';
  const bounds = range[limit.vital];
  if (bounds === undefined) return `Limits on ${limit.vital} are set by a doctor`;
  const value = thresholdOf(limit);
  if (value < bounds.low || value > bounds.high) {
    return `Expected ${bounds.low} to ${bounds.high}: beyond that a doctor sets it`;
  }
  if (limit.persistSeconds > longestPersistSeconds) return `Expected at most ${longestPersistSeconds} s`;
  // Else an alarm would vanish before somebody has seen it.
  if (rival?.isLatching === true && limit.isLatching !== true) return 'Latching is set by a doctor';
  const clearFor = rival?.clearForSeconds ?? 0;
  if ((limit.clearForSeconds ?? 0) < clearFor) return `Expected to stay clear for at least ${clearFor} s`;
  if ((limit.breaches?.k ?? 0) > mostBreaches) return `Expected at most ${mostBreaches} breaches`;
  return undefined;
}

/** The given limits take the place of those of the same vital sign, side, tier and hours; all others stay. */
export function adjust(before: readonly Limit[], given: readonly Limit[]): Limit[] {
  const replaced = new Set(given.map(placeOf));
  return [...before.filter((limit) => !replaced.has(placeOf(limit))), ...given];
}

/** Limits that take turns by the clock have places of their own. */
function placeOf(limit: Limit): string {
  const { from, to, days = [], timeZone } = limit.schedule ?? {};
  return [limitKey(limit), from, to, days.toSorted((a, b) => a - b).join(), timeZone].join(' ');
}
