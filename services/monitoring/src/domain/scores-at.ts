/** The scores of a patient at a time, from what is stored. */
import { scaleAt, withheldAt, type Withheld } from './decisions.ts';
import { scoreMews } from './mews.ts';
import { scoreNews2, type News2Result } from './news2.ts';
import type { PatientState } from './patient-state.ts';
import { mewsInput, news2Input } from './score-input.ts';
import type { ScoreOptions } from './score-part.ts';

/** The scores at a time, of the newest values at that time and by the decisions that held then; none of what is unknown. */
export function scoresAt(
  newest: PatientState['newest'],
  scored: Omit<ScoreOptions, 'nowMs'>,
  atMs: number,
): { withheld?: Withheld; news2?: News2Result & { scale: 1 | 2 }; mews?: ReturnType<typeof scoreMews> } {
  const withheld = withheldAt(scored, atMs);
  if (withheld !== undefined) return { withheld };
  const scale = scaleAt(scored.decisions, atMs);
  const news2 = scoreNews2({ ...news2Input(newest, atMs), spo2Scale: scale });
  const mews = scoreMews(mewsInput(newest, atMs));
  return {
    ...(Object.keys(news2.parts).length === 0 ? {} : { news2: { ...news2, scale } }),
    ...(Object.keys(mews.parts).length === 0 ? {} : { mews }),
  };
}
