/**
 * MEWS, the Modified Early Warning Score, 0–14.
 *
 * Subbe CP, Kruger M, Rutherford P, Gemmel L. Validation of a modified Early Warning Score in medical admissions.
 * QJM 2001;94:521–6. The paper leaves a systolic pressure of 70 and a heart rate of 40 in no band: both go to the worse
 * one. It knows no new confusion (C of ACVPU): 1 point here, as for V. Both are ours, to be signed off by a clinician.
 * A score of 5 and more went with a higher risk of death. It raises no alarm condition here.
 */
import type { Consciousness } from '@carillon/contracts/vital-signs';
import { noEnd, scoreBy, type ScoreBounds, type ScoreTable } from './score-table.ts';

export const mewsParameters = ['systolic', 'heartRate', 'respirationRate', 'temperature', 'consciousness'] as const;
type MewsParameter = (typeof mewsParameters)[number];
export type MewsInput = {
  /** mm[Hg] */
  systolic?: number;
  /** /min */
  heartRate?: number;
  /** /min */
  respirationRate?: number;
  /** Cel */
  temperature?: number;
  consciousness?: Consciousness;
};

// prettier-ignore
const table: ScoreTable<MewsParameter> = {
  systolic:        { bands: [[70, 3], [80, 2], [100, 1], [199, 0], [noEnd, 2]] },
  heartRate:       { bands: [[40, 2], [50, 1], [100, 0], [110, 1], [129, 2], [noEnd, 3]] },
  respirationRate: { bands: [[8, 2], [14, 0], [20, 1], [29, 2], [noEnd, 3]] },
  temperature:     { bands: [[34.9, 2], [38.4, 0], [noEnd, 2]], steps: 10 },
  consciousness:   { levels: { A: 0, C: 1, V: 1, P: 2, U: 3 } },
};

/** Scores what is present, with bounds for what is not. Temperature is rounded to 0.1, the rest to whole numbers. */
export const scoreMews = (input: MewsInput): ScoreBounds<MewsParameter> => scoreBy(table, input);
