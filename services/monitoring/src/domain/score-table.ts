/** Early warning scores as data: which points each value of each parameter gets, and the bounds of what is missing. */

/** In ascending order: up to and including `upTo`, these points. They join without a gap; the last one has no end. */
export type Band = readonly [upTo: number, points: number];
export type ScoreParameter =
  | {
      bands: readonly Band[];
      /** Values are rounded to whole numbers before banding, or to tenths. */
      steps?: 1 | 10;
    }
  | { levels: Readonly<Record<string, number>> };
/** By parameter, in the order in which the missing ones are named. */
export type ScoreTable<P extends string> = Readonly<Record<P, ScoreParameter>>;
export type ScoreInput<P extends string> = Readonly<Partial<Record<P, number | string | boolean>>>;

export type ScoreBounds<P extends string> = {
  /** Null unless `lower` and `upper` agree. */
  score: number | null;
  /** The score if all that is missing were normal. */
  lower: number;
  /** The score if all that is missing were at its worst. */
  upper: number;
  missing: P[];
  /** Points of each parameter that is present. */
  parts: Partial<Record<P, number>>;
};

export const noEnd = Number.POSITIVE_INFINITY;

/**
 * Halves go up, as written in decimals: 38.05 becomes 38.1 although the nearest double lies just below it. The tables
 * give whole numbers (temperature: tenths) and say nothing of what lies between; rounding leaves no gap.
 */
const roundHalfUp = (value: number, steps: 1 | 10): number => Math.round(Number((value * steps).toFixed(6))) / steps;

const worstOf = (parameter: ScoreParameter): number =>
  Math.max(...('bands' in parameter ? parameter.bands.map(([, points]) => points) : Object.values(parameter.levels)));

function pointsOf(parameter: ScoreParameter, value: number | string | boolean): number {
  // A level that the table does not know is never better than its worst.
  if ('levels' in parameter) return parameter.levels[String(value)] ?? worstOf(parameter);
  const rounded = roundHalfUp(Number(value), parameter.steps ?? 1);
  return parameter.bands.find(([upTo]) => rounded <= upTo)?.[1] ?? worstOf(parameter);
}

export const sumOfParts = (parts: Readonly<Partial<Record<string, number>>>): number =>
  Object.values(parts).reduce<number>((sum, points) => sum + (points ?? 0), 0);

/** Scores what is present; what is missing is never assumed, it widens the bounds. */
export function scoreBy<P extends string>(table: ScoreTable<P>, input: ScoreInput<P>): ScoreBounds<P> {
  const names = Object.keys(table) as P[];
  const parts: Partial<Record<P, number>> = {};
  const missing: P[] = [];
  let unknown = 0;
  for (const name of names) {
    const value = input[name];
    if (value === undefined) {
      missing.push(name);
      unknown += worstOf(table[name]);
    } else parts[name] = pointsOf(table[name], value);
  }
  const lower = sumOfParts(parts);
  const upper = lower + unknown;
  return { score: lower === upper ? lower : null, lower, upper, missing, parts };
}
