/**
 * The last minutes of the two vital signs that a tile draws. Kept outside React: a new point moves a line, and
 * nothing else is rendered for it.
 */
import type { Reading, VitalSummary } from './shapes.ts';

export const TREND_WINDOW_MS = 10 * 60_000;
/** Samples come once a second; a longer silence is drawn as a gap and never bridged by a line. */
export const GAP_SECONDS = 15;

export type TrendPoint = { at: number; value: number };
/** uPlot's shape: seconds, and values with null for a gap. */
export type TrendColumns = [number[], (number | null)[]];

export const toColumns = (points: readonly TrendPoint[], gapSeconds = GAP_SECONDS): TrendColumns => {
  const times: number[] = [];
  const values: (number | null)[] = [];
  let previous: number | undefined;
  for (const { at, value } of points) {
    const seconds = at / 1000;
    if (previous !== undefined && seconds - previous > gapSeconds) {
      times.push(previous + 1);
      values.push(null);
    }
    times.push(seconds);
    values.push(value);
    previous = seconds;
  }
  return [times, values];
};

export const toPoints = (readings: readonly Reading[]): TrendPoint[] =>
  readings.flatMap((reading) => {
    const at = Date.parse(reading.measuredAt);
    const isUsable = typeof reading.value === 'number' && !Number.isNaN(at);
    return isUsable ? [{ at, value: reading.value as number }] : [];
  });

/** Both extremes of each part, at the times when they were measured: a line through them loses none. */
export const pointsOfSummary = (parts: readonly VitalSummary[]): TrendPoint[] =>
  parts
    .flatMap(({ lowest, highest }) => [lowest, highest])
    .flatMap((extreme) => (extreme === null ? [] : [{ at: Date.parse(extreme.at), value: extreme.value }]))
    .sort((left, right) => left.at - right.at);

/** In order of time, one point an instant; `added` may be late or repeated. */
export const mergePoints = (known: readonly TrendPoint[], added: readonly TrendPoint[]): TrendPoint[] => {
  const byTime = new Map(known.map((point) => [point.at, point]));
  for (const point of added) byTime.set(point.at, point);
  return [...byTime.values()].sort((left, right) => left.at - right.at);
};

export const createTrends = () => {
  const series = new Map<string, { points: TrendPoint[]; listeners: Set<() => void> }>();
  const at = (key: string) => {
    const known = series.get(key);
    if (known) return known;
    const made = { points: [], listeners: new Set<() => void>() };
    series.set(key, made);
    return made;
  };
  const notify = (key: string): void => {
    for (const listener of at(key).listeners) listener();
  };
  return {
    points: (patientId: string, vital: string): readonly TrendPoint[] => at(`${patientId} ${vital}`).points,
    /** A live sample. The usual case, one that is newer than all, costs an append. */
    append: (patientId: string, reading: Reading): void => {
      const key = `${patientId} ${reading.vital}`;
      const [point] = toPoints([reading]);
      if (!point) return;
      const line = at(key);
      const last = line.points.at(-1);
      if (last && last.at >= point.at) line.points = mergePoints(line.points, [point]);
      else line.points.push(point);
      const oldest = (line.points.at(-1)?.at ?? point.at) - TREND_WINDOW_MS;
      let surplus = 0;
      while ((line.points[surplus]?.at ?? oldest) < oldest) surplus += 1;
      // Cut in portions: shifting an array of 600 for every sample of every bed would be for nothing.
      if (surplus > 60) line.points.splice(0, surplus);
      notify(key);
    },
    load: (patientId: string, vital: string, readings: readonly Reading[]): void => {
      const key = `${patientId} ${vital}`;
      const line = at(key);
      line.points = mergePoints(line.points, toPoints(readings));
      notify(key);
    },
    subscribe: (patientId: string, vital: string, listener: () => void): (() => void) => {
      const { listeners } = at(`${patientId} ${vital}`);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};
export type Trends = ReturnType<typeof createTrends>;
