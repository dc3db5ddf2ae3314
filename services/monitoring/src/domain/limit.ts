/** What one alarm limit means, and what is wrong with limits that contradict themselves or one another. */
import type { LimitSetting } from '@carillon/contracts/limits';
import { vitalSigns } from '@carillon/contracts/vital-signs';

/**
 * A limit on one vital sign, in its canonical unit: exactly one of `above` and `below` (see `limitIssues`).
 * A breach is strictly beyond the threshold. `clearAt` (hysteresis) lies on the safe side of it.
 */
export type Limit = LimitSetting;
export type Side = 'above' | 'below';
type Tier = NonNullable<LimitSetting['tier']>;

export const limitSide = (limit: { above?: number }): Side => (limit.above === undefined ? 'below' : 'above');
/** Without a word on it, what pages as high is critical. */
export const limitTier = ({ tier, priority }: Limit): Tier => tier ?? (priority === 'high' ? 'critical' : 'warning');
/** The kind of the alarm a limit raises, such as `spo2-below`: both tiers of a side are one condition. */
export const limitKind = (limit: Limit): string => `${limit.vital}-${limitSide(limit)}`;
/** What a limit's state is kept under: limits that take turns by a schedule share it. */
export const limitKey = (limit: Limit): string => `${limit.vital}:${limitSide(limit)}:${limitTier(limit)}`;

export function thresholdOf({ vital, above, below }: Pick<Limit, 'vital' | 'above' | 'below'>): number {
  const threshold = above ?? below;
  if (threshold === undefined) throw new Error(`A limit on ${vital} without above or below`);
  return threshold;
}

export const isBeyond = (side: Side, value: number, threshold: number): boolean =>
  side === 'above' ? value > threshold : value < threshold;

/**
 * @returns what is wrong where a limit has not exactly one of `above` and `below`, or one that no credible value is
 *   beyond: what is not plausible is doubted and raises nothing, so that a slip of a digit would be a silent limit.
 */
export function thresholdIssue(limit: Pick<Limit, 'vital' | 'above' | 'below'>): string | undefined {
  const { vital, above, below } = limit;
  if (above !== undefined && below !== undefined) return 'Expected one of above and below, not both';
  if (above === undefined && below === undefined) return 'Expected above or below';
  const [low, high] = vitalSigns[vital].plausible;
  const threshold = thresholdOf(limit);
  if (threshold < low || threshold > high) return `Expected ${low} to ${high}: other values of ${vital} are doubted`;
  const isSilent = threshold === (above === undefined ? low : high);
  return isSilent ? `No credible value of ${vital} is ${limitSide(limit)} ${threshold}` : undefined;
}

/** @returns what is wrong where `clearAt` is inside the breach: such an alarm would end while it is still justified. */
export function clearAtIssue(limit: Limit): string | undefined {
  if (limit.clearAt === undefined || !isBeyond(limitSide(limit), limit.clearAt, thresholdOf(limit))) return undefined;
  const relation = limit.above === undefined ? 'at or above' : 'at or below';
  return `Expected ${relation} the threshold ${thresholdOf(limit)}`;
}
