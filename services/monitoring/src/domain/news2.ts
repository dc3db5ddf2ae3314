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
import { noEnd, scoreBy, type Band, type ScoreBounds, type ScoreTable } from './score-table.ts';

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

/** 0–20. On scale 2 without known oxygen the points of SpO2 are those on air. */
export type News2Result = ScoreBounds<News2Parameter> & {
  /** By the lower bound. */
  risk: News2Risk;
};

// prettier-ignore
const spo2Bands = {
  scale1:         [[91, 3], [93, 2], [95, 1], [noEnd, 0]],
  scale2OnAir:    [[83, 3], [85, 2], [87, 1], [noEnd, 0]],
  scale2OnOxygen: [[83, 3], [85, 2], [87, 1], [92, 0], [94, 1], [96, 2], [noEnd, 3]],
} as const satisfies Record<string, readonly Band[]>;

// prettier-ignore
const tableWith = (spo2: readonly Band[]): ScoreTable<News2Parameter> => ({
  respirationRate: { bands: [[8, 3], [11, 1], [20, 0], [24, 2], [noEnd, 3]] },
  spo2:            { bands: spo2 },
  onOxygen:        { levels: { true: 2, false: 0 } },
  systolic:        { bands: [[90, 3], [100, 2], [110, 1], [219, 0], [noEnd, 3]] },
  pulse:           { bands: [[40, 3], [50, 1], [90, 0], [110, 1], [130, 2], [noEnd, 3]] },
  consciousness:   { levels: { A: 0, C: 3, V: 3, P: 3, U: 3 } },
  temperature:     { bands: [[35, 3], [36, 1], [38, 0], [39, 1], [noEnd, 2]], steps: 10 },
});
/** The band of SpO2 on scale 2 depends on oxygen: a table for each. */
const scale1Table = tableWith(spo2Bands.scale1);
const tables = {
  1: { onAir: scale1Table, onOxygen: scale1Table },
  2: { onAir: tableWith(spo2Bands.scale2OnAir), onOxygen: tableWith(spo2Bands.scale2OnOxygen) },
} as const;

/** Scores what is present. Fractions of whole-number parameters are rounded half up, temperature to 0.1. */
export function scoreNews2({ spo2Scale = 1, ...input }: News2Input): News2Result {
  const { onAir, onOxygen } = tables[spo2Scale];
  const bounds = scoreBy(input.onOxygen === true ? onOxygen : onAir, input);
  if (input.onOxygen === undefined) {
    // At its worst oxygen is given, which may also change the points of SpO2.
    bounds.upper = scoreBy(onOxygen, { ...input, onOxygen: true }).upper;
    bounds.score = null;
  }
  return { ...bounds, risk: riskOf(bounds.lower, bounds.parts) };
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
