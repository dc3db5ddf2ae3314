/**
 * NEWS2, the National Early Warning Score 2.
 *
 * Reproduced from: Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the assessment of
 * acute-illness severity in the NHS. Updated report of a working party. London: RCP, 2017. The bands are the RCP's and
 * must not be altered; wherever the score is shown, the RCP is acknowledged. For people of 16 and over who are not
 * pregnant. SpO2 scale 2 only on the decision of a named clinician (hypercapnic respiratory failure).
 *
 * What is missing is never assumed: it gives a lower bound (as if it were normal) and an upper bound (as if it were at
 * its worst). Act if the lower bound already triggers.
 */
import type { Priority } from '@carillon/contracts/monitoring';
import type { Consciousness } from '@carillon/contracts/vital-signs';

export type News2Input = {
  /** /min */
  respirationRate?: number;
  /** % */
  spo2?: number;
  /** 1 where absent; never counted as missing. */
  spo2Scale?: 1 | 2;
  onOxygen?: boolean;
  /** mm[Hg] */
  systolic?: number;
  /** /min */
  pulse?: number;
  consciousness?: Consciousness;
  /** Cel */
  temperature?: number;
};

export const news2Parameters = [
  'respirationRate',
  'spo2',
  'onOxygen',
  'systolic',
  'pulse',
  'consciousness',
  'temperature',
] as const;
export type News2Parameter = (typeof news2Parameters)[number];
export type News2Risk = 'low' | 'low-medium' | 'medium' | 'high';
export type News2Parts = Partial<Record<News2Parameter, number>>;

export type News2Result = {
  /** Null unless `lower` and `upper` agree. */
  score: number | null;
  /** 0–20: the score if all that is missing were normal. */
  lower: number;
  /** 0–20: the score if all that is missing were at its worst. */
  upper: number;
  missing: News2Parameter[];
  /** By the lower bound. */
  risk: News2Risk;
  /** Points of each parameter that is present (SpO2 on scale 2 without known oxygen: its points on air). */
  parts: News2Parts;
};

/** Bands in ascending order: up to and including `upTo`, these points. They join without a gap. */
type Band = readonly [upTo: number, points: 0 | 1 | 2 | 3];
const top = Number.POSITIVE_INFINITY;

// prettier-ignore
const bands = {
  respirationRate:    [[8, 3], [11, 1], [20, 0], [24, 2], [top, 3]],
  spo2Scale1:         [[91, 3], [93, 2], [95, 1], [top, 0]],
  spo2Scale2OnAir:    [[83, 3], [85, 2], [87, 1], [top, 0]],
  spo2Scale2OnOxygen: [[83, 3], [85, 2], [87, 1], [92, 0], [94, 1], [96, 2], [top, 3]],
  systolic:           [[90, 3], [100, 2], [110, 1], [219, 0], [top, 3]],
  pulse:              [[40, 3], [50, 1], [90, 0], [110, 1], [130, 2], [top, 3]],
  temperature:        [[35, 3], [36, 1], [38, 0], [39, 1], [top, 2]],
} as const satisfies Record<string, readonly Band[]>;
const oxygenPoints = 2;
/** The worst of every parameter but oxygen; each has a band of 3. */
const worstPoints = 3;

/**
 * Halves go up, as written in decimals: 38.05 becomes 38.1 although the nearest double lies just below it. The RCP
 * gives whole numbers (temperature: tenths) and says nothing of what lies between; rounding leaves no gap.
 */
const roundHalfUp = (value: number, steps: 1 | 10): number => Math.round(Number((value * steps).toFixed(6))) / steps;

function pointsIn(table: readonly Band[], value: number, steps: 1 | 10 = 1): number {
  const rounded = roundHalfUp(value, steps);
  return table.find(([upTo]) => rounded <= upTo)?.[1] ?? worstPoints;
}

/** All points, with oxygen taken as known. */
function partsWith(input: News2Input, onOxygen: boolean): News2Parts {
  const scale2 = onOxygen ? bands.spo2Scale2OnOxygen : bands.spo2Scale2OnAir;
  const parts: News2Parts = {};
  if (input.respirationRate !== undefined) {
    parts.respirationRate = pointsIn(bands.respirationRate, input.respirationRate);
  }
  if (input.spo2 !== undefined) parts.spo2 = pointsIn(input.spo2Scale === 2 ? scale2 : bands.spo2Scale1, input.spo2);
  parts.onOxygen = onOxygen ? oxygenPoints : 0;
  if (input.systolic !== undefined) parts.systolic = pointsIn(bands.systolic, input.systolic);
  if (input.pulse !== undefined) parts.pulse = pointsIn(bands.pulse, input.pulse);
  if (input.consciousness !== undefined) parts.consciousness = input.consciousness === 'A' ? 0 : worstPoints;
  if (input.temperature !== undefined) parts.temperature = pointsIn(bands.temperature, input.temperature, 10);
  return parts;
}

export const sumOfParts = (parts: News2Parts): number => Object.values(parts).reduce((sum, points) => sum + points, 0);

/** Scores what is present. Fractions of whole-number parameters are rounded half up, temperature to 0.1. */
export function scoreNews2(input: News2Input): News2Result {
  // The band of SpO2 on scale 2 depends on oxygen: where that is unknown, both are tried.
  const candidates = (input.onOxygen === undefined ? [false, true] : [input.onOxygen])
    .map((onOxygen) => partsWith(input, onOxygen))
    .toSorted((a, b) => sumOfParts(a) - sumOfParts(b));
  const parts = { ...candidates[0] };
  if (input.onOxygen === undefined) delete parts.onOxygen;

  const missing = news2Parameters.filter((name) => input[name] === undefined);
  const unknown = missing.filter((name) => name !== 'onOxygen').length;
  const lower = sumOfParts(candidates[0] ?? {});
  const upper = sumOfParts(candidates.at(-1) ?? {}) + unknown * worstPoints;
  return { score: lower === upper ? lower : null, lower, upper, missing, risk: riskOf(lower, parts), parts };
}

function riskOf(lower: number, parts: News2Parts): News2Risk {
  if (lower >= 7) return 'high';
  if (lower >= 5) return 'medium';
  return Object.values(parts).includes(3) ? 'low-medium' : 'low';
}

/** Emergency threshold (7 and more): high. Urgent threshold (5 and 6): medium. Below: no alarm condition. */
export function news2Priority(result: Pick<News2Result, 'lower'>): Priority | undefined {
  if (result.lower >= 7) return 'high';
  return result.lower >= 5 ? 'medium' : undefined;
}
