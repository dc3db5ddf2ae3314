/**
 * How a NEWS2 score is shown. The score itself comes from the server.
 * Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017.
 */
import { dayAndMinute } from './format.ts';
import type { Priority, Reading, Score, Scoring } from './shapes.ts';
import { vitalSign, writeValue } from './vital-signs.ts';

export const RCP_ACKNOWLEDGEMENT =
  'NEWS2: Royal College of Physicians. National Early Warning Score (NEWS) 2: Standardising the assessment of ' +
  'acute-illness severity in the NHS. Updated report of a working party. London: RCP, 2017.';

export type ScoreView = {
  /** "5", or "3–9" when parameters are missing. */
  text: string;
  isComplete: boolean;
  /** Set from the lower bound only: what is certain. */
  priority: Priority | undefined;
  threshold: 'emergency' | 'urgent' | 'review' | 'none';
  response: string;
  /** What to ask for, in words: people chart some, and have the rest measured. */
  missing: string;
  /** The same for a tile. */
  asks: string;
};

const RESPONSES = {
  emergency: 'Emergency assessment by a team with critical-care skills; continuous monitoring.',
  urgent: 'Urgent assessment by a clinician or team competent in acute illness; at least hourly monitoring.',
  review: 'Nurse informs the medical team, who review; at least hourly monitoring.',
  low: 'A registered nurse assesses; monitoring at least 4–6-hourly.',
  none: 'Routine monitoring, at least 12-hourly.',
  unknown: 'What is missing may ask for more.',
};

const MOST_ASKED = 2;
const shortened = (labels: readonly string[]): string => {
  const more = labels.length - MOST_ASKED;
  return `${labels.slice(0, MOST_ASKED).join(', ')}${more > 0 ? ` +${more}` : ''}`;
};

/** Why there is no score where none may be shown, after the word NEWS2. */
export const WITHHELD_WORDS = {
  under16: 'is not for under 16',
  notApplicable: 'does not apply',
} as const satisfies Record<NonNullable<Scoring['withheld']>, string>;

export const viewScore = (score: Score | null | undefined): ScoreView | undefined => {
  if (!score) return undefined;
  const { lower, upper } = score;
  const isComplete = lower === upper;
  const hasThree = Object.values(score.parts).includes(3);
  const threshold = lower >= 7 ? 'emergency' : lower >= 5 ? 'urgent' : hasThree ? 'review' : 'none';
  const routine = !isComplete ? RESPONSES.unknown : lower === 0 ? RESPONSES.none : RESPONSES.low;
  return {
    text: isComplete ? String(lower) : `${lower}–${upper}`,
    isComplete,
    priority: threshold === 'emergency' ? 'high' : threshold === 'urgent' ? 'medium' : undefined,
    threshold,
    response: threshold === 'none' ? routine : RESPONSES[threshold],
    missing: score.missing.map((vital) => vitalSign(vital).name.toLowerCase()).join(', '),
    asks: shortened(score.missing.map((vital) => vitalSign(vital).label)),
  };
};

export const sayScore = (view: ScoreView | undefined): string => {
  if (!view) return 'NEWS2: no score';
  if (view.isComplete) return `NEWS2 ${view.text}`;
  return `NEWS2 between ${view.text.replace('–', ' and ')}, incomplete. Ask for: ${view.missing}`;
};

export type Charted = Record<'consciousness' | 'oxygenFlow' | 'oxygenConcentration', Reading | undefined>;

/** Of flow and concentration the newer tells, as in the score. */
const newerOxygen = ({ oxygenFlow: flow, oxygenConcentration: concentration }: Charted): Reading | undefined => {
  if (flow === undefined || concentration === undefined) return flow ?? concentration;
  return Date.parse(flow.measuredAt) >= Date.parse(concentration.measuredAt) ? flow : concentration;
};

const writeOxygen = (oxygen: Reading): string => {
  if (oxygen.vital === 'oxygenConcentration') return `FiO₂ ${writeValue(oxygen)} %`;
  return oxygen.value === 0 ? 'on air' : `O₂ ${writeValue(oxygen)} L/min`;
};

/**
 * "ACVPU A · O₂ 2.0 L/min"; what has expired, and what was never charted, is left out.
 * @param missing of the score; without one nothing tells what has expired, and each value stands with its time
 */
export const writeCharted = (charted: Charted, missing: readonly string[] | undefined): string => {
  const oxygen = newerOxygen(charted);
  const { consciousness } = charted;
  const since = ({ measuredAt }: Reading): string =>
    missing === undefined ? ` since ${dayAndMinute(measuredAt)}` : '';
  return [
    consciousness && !missing?.includes('consciousness') && `ACVPU ${writeValue(consciousness)}${since(consciousness)}`,
    oxygen && !missing?.includes('onOxygen') && `${writeOxygen(oxygen)}${since(oxygen)}`,
  ]
    .filter(Boolean)
    .join(' · ');
};
