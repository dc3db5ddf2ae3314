/**
 * Slow changes that cross no limit: the slope of a vital sign over a window, and the rise of NEWS2. The window is kept
 * as 12 buckets of measurement time, so that it costs the same whatever comes in it, and a few artefacts decide nothing.
 */
import type { TrendSetting } from '@carillon/contracts/limits';
import { news2Parameters, type News2Parts } from './news2.ts';
import type { Verdict } from './alarm-engine.ts';

export type Trend = TrendSetting;

/** Oldest first; the last cell is that of `newest`, counted in buckets since the epoch. */
type Buckets<Cell> = { newest: number; cells: readonly (Cell | null)[] };
/** How many values there were, and their mean. */
export type SlopeWindow = Buckets<readonly [count: number, mean: number]>;
/** The parts of one score, a character each in the order of `news2Parameters`; `-` is missing. */
export type ScoreWindow = Buckets<string> & { scale: 1 | 2 };
/** Plain JSON, by name, vital sign and length. */
export type TrendWindows = Readonly<Record<string, SlopeWindow | ScoreWindow>>;

const bucketCount = 12;
/** So many must have values, and both the first and the last third of them one. */
const leastFilled = 8;
const third = bucketCount / 3;

export const trendKind = ({ name }: Pick<Trend, 'name'>): string => `trend-${name}`;
export const bucketMsOf = ({ windowMinutes }: Pick<Trend, 'windowMinutes'>): number =>
  (windowMinutes * 60_000) / bucketCount;

/** Moves on to the bucket of an instant. @returns undefined for one that is older than the window */
function moveTo<Cell>(window: Buckets<Cell> | undefined, bucket: number): (Cell | null)[] | undefined {
  if (window === undefined) return [null];
  const ahead = bucket - window.newest;
  if (ahead < 0) return undefined;
  if (ahead >= bucketCount) return [null];
  return [...window.cells, ...Array.from({ length: ahead }, () => null)].slice(-bucketCount);
}

/** @returns the same window for a value that is older than its newest bucket */
export function addValue(
  trend: Trend,
  window: SlopeWindow | undefined,
  { atMs, value }: { atMs: number; value: number },
): SlopeWindow | undefined {
  const newest = Math.floor(atMs / bucketMsOf(trend));
  const cells = moveTo(window, newest);
  if (cells === undefined) return window;
  const [count, mean] = cells.at(-1) ?? [0, 0];
  // Four decimals: it is written every second.
  cells[cells.length - 1] = [count + 1, Number((mean + (value - mean) / (count + 1)).toFixed(4))];
  return { newest, cells };
}

/** @returns how much the vital sign changed over the window by least squares; undefined where too little is known */
export function changeOver({ cells }: SlopeWindow): number | undefined {
  const padding = bucketCount - cells.length;
  const points = cells.flatMap((cell, index) => (cell === null ? [] : [{ x: index + padding, y: cell[1] }]));
  const isSpread = points.some(({ x }) => x < third) && points.some(({ x }) => x >= bucketCount - third);
  if (points.length < leastFilled || !isSpread) return undefined;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return (covariance / variance) * bucketCount;
}

const textOf = (parts: News2Parts): string => news2Parameters.map((name) => parts[name] ?? '-').join('');
/** Of the scores of one bucket stays that of which most is known, and of those the lowest. */
function betterOf(a: string, b: string): string {
  const known = (text: string): number => text.replaceAll('-', '').length;
  const sum = (text: string): number => text.split('').reduce((total, points) => total + (Number(points) || 0), 0);
  if (known(a) !== known(b)) return known(a) > known(b) ? a : b;
  return sum(a) <= sum(b) ? a : b;
}

/** Another scale has other bands, and a change of bands is no rise: the window begins anew. */
export function addScore(
  trend: Trend,
  window: ScoreWindow | undefined,
  { atMs, parts, scale }: { atMs: number; parts: News2Parts; scale: 1 | 2 },
): ScoreWindow | undefined {
  const newest = Math.floor(atMs / bucketMsOf(trend));
  const cells = moveTo(window?.scale === scale ? window : undefined, newest);
  if (cells === undefined) return window;
  const before = cells.at(-1);
  const text = textOf(parts);
  cells[cells.length - 1] = typeof before === 'string' ? betterOf(before, text) : text;
  return { newest, cells, scale };
}

/** Only what was scored then as well: a parameter that is charted for the first time is no rise. */
export function riseTo(parts: News2Parts, { cells }: ScoreWindow): number {
  const now = textOf(parts);
  const rises = cells.map((then) =>
    then === null
      ? 0
      : then
          .split('')
          .reduce(
            (sum, points, index) =>
              points === '-' || now[index] === '-' ? sum : sum + Number(now[index]) - Number(points),
            0,
          ),
  );
  return Math.max(0, ...rises);
}

/** Ends when less than half of the change is left. */
export function judgeTrend({ direction, change }: Trend, over: number): Verdict {
  const towards = direction === 'rising' ? over : -over;
  return { isBreach: towards >= change, isClear: towards < change / 2 };
}
