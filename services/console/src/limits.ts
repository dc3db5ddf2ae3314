/** How alarm limits are said, and what a form makes of them. Pure. */
import type { Limit, LimitSet, PatientRules } from './shapes.ts';
import { vitalSign } from './vital-signs.ts';

type Trend = NonNullable<PatientRules['trends']>[number];
type Combination = NonNullable<PatientRules['combinations']>[number];
type Schedule = NonNullable<Limit['schedule']>;

/** By the number of the ISO weekday. */
export const DAYS = ['', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export const boundOf = ({ above, below }: { above?: number; below?: number }): string =>
  above === undefined ? `< ${below ?? ''}` : `> ${above}`;

/** "3 of 5 samples", "15 s", "15 s, clear for 10 s, until answered, 22:00–06:00 Sat Sun". */
export const timingOf = (limit: Limit): string => {
  const { breaches, persistSeconds, clearForSeconds = 0, isLatching, schedule } = limit;
  return [
    breaches === undefined ? `${persistSeconds} s` : `${breaches.k} of ${breaches.of} samples`,
    clearForSeconds > 0 && `clear for ${clearForSeconds} s`,
    isLatching === true && 'until answered',
    schedule && [`${schedule.from}–${schedule.to}`, ...(schedule.days ?? []).map((day) => DAYS[day])].join(' '),
  ]
    .filter(Boolean)
    .join(', ');
};

export const sayTrend = ({ vital, direction, change, windowMinutes }: Trend): string => {
  const { name, unit } = vital === 'news2' ? { name: 'NEWS2', unit: 'points' } : vitalSign(vital);
  return `${name} ${direction} by ${change} ${unit} in ${windowMinutes} min`;
};

export const sayCombination = ({ all }: Combination): string =>
  all.map((part) => `${vitalSign(part.vital).name} ${boundOf(part)}`).join(' and ');

export const isWarning = ({ tier, priority }: Limit): boolean => (tier ?? (priority === 'high' ? 'critical' : 'warning')) === 'warning'; // prettier-ignore

/** The end of an alarm moves with its beginning, so that the distance between them stays. */
const withThreshold = (limit: Limit, threshold: number): Limit => {
  const by = threshold - (limit.above ?? limit.below ?? threshold);
  const clearAt = limit.clearAt === undefined ? {} : { clearAt: Number((limit.clearAt + by).toFixed(4)) };
  return { ...limit, ...(limit.above === undefined ? { below: threshold } : { above: threshold }), ...clearAt };
};

/** What stands in the fields of one limit; an empty text is no value. */
export type LimitFields = Readonly<Record<'threshold' | 'seconds' | 'clearAt' | 'clearFor' | 'k' | 'of', string>> & {
  isLatching: boolean;
  /** Absent: the hours stay as they are. No times: it always holds; no days, or all: every day. */
  hours?: Required<Schedule>;
};

const scheduleFrom = ({ from, to, days, timeZone }: Required<Schedule>): Schedule | undefined => {
  if (from === '' || to === '') return undefined;
  return { from, to, ...(days.length % 7 === 0 ? {} : { days }), timeZone };
};

/** @returns the limit as it was filled in; undefined where its threshold was taken away */
export const limitFrom = (limit: Limit, fields: LimitFields): Limit | undefined => {
  if (fields.threshold === '') return undefined;
  const { clearAt, clearForSeconds: _, breaches: __, isLatching: ___, schedule: before, ...rest } = withThreshold(limit, Number(fields.threshold)); // prettier-ignore
  // An end that was not touched moves along with the threshold.
  const end = fields.clearAt === String(limit.clearAt ?? '') ? clearAt : Number(fields.clearAt);
  const isCounted = fields.k !== '' && fields.of !== '';
  const schedule = fields.hours === undefined ? before : scheduleFrom(fields.hours);
  return {
    ...rest,
    persistSeconds: isCounted ? 0 : Number(fields.seconds),
    ...(fields.clearAt === '' || end === undefined ? {} : { clearAt: end }),
    ...(isCounted ? { breaches: { k: Number(fields.k), of: Number(fields.of) } } : {}),
    ...(Number(fields.clearFor) > 0 ? { clearForSeconds: Number(fields.clearFor) } : {}),
    ...(fields.isLatching ? { isLatching: true } : {}),
    ...(schedule === undefined ? {} : { schedule }),
  };
};

const inOrder = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, field]) => [name, inOrder(field)]);
};

/** Whatever the order of its fields. */
export const isSameLimit = (left: Limit, right: Limit): boolean =>
  JSON.stringify(inOrder(left)) === JSON.stringify(inOrder(right));

const YEAR_DAYS = 365.25;

/** "16 years and over", "3 to 6 months", "0 to 28 days": the last day belongs to it. */
export const sayAges = ({ fromAgeDays, toAgeDays }: Pick<LimitSet, 'fromAgeDays' | 'toAgeDays'>): string => {
  const years = (days: number): number => Math.round(days / YEAR_DAYS);
  const months = (days: number): number => Math.round((days * 12) / YEAR_DAYS);
  if (toAgeDays === null) return fromAgeDays === 0 ? 'any age' : `${years(fromAgeDays)} years and over`;
  if (fromAgeDays === 0 && toAgeDays > 2 * YEAR_DAYS) return `under ${years(toAgeDays)} years`;
  if (fromAgeDays >= 2 * YEAR_DAYS - 1) return `${years(fromAgeDays)} to ${years(toAgeDays)} years`;
  return toAgeDays > 31
    ? `${months(fromAgeDays)} to ${months(toAgeDays)} months`
    : `${fromAgeDays} to ${toAgeDays - 1} days`;
};
