/** Several vital signs that say together what none says alone. */
import type { CombinationSetting } from '@carillon/contracts/limits';
import type { Verdict } from './alarm-engine.ts';
import { isBeyond, limitSide, thresholdOf } from './limit.ts';
import type { PatientState } from './patient-state.ts';

export type Combination = CombinationSetting;

export const combinationKind = ({ name }: Combination): string => `multi-${name}`;

/** What its parts are compared with, as one number: under other thresholds an onset proves nothing. */
export const thresholdsOf = ({ all }: Combination): number =>
  all.reduce((sum, part, index) => sum + thresholdOf(part) * 1_000 ** index, 0);

/**
 * A breach where every part is beyond its threshold by a value that is fresh; clear where some fresh value is not. What
 * is stale proves neither. As of the newest of its values, whichever of them came last: one of another device may be a
 * little behind.
 *
 * @returns undefined where nothing is proven
 */
export function judgeCombination(
  { all, maxAgeSeconds }: Combination,
  newest: PatientState['newest'],
): { atMs: number; verdict: Verdict } | undefined {
  const atMs = Math.max(...all.map(({ vital }) => newest[vital]?.atMs ?? -Infinity));
  const fresh = all.flatMap((part) => {
    const sample = newest[part.vital];
    if (sample === undefined || typeof sample.value !== 'number') return [];
    if (atMs - sample.atMs > maxAgeSeconds * 1_000) return [];
    return [isBeyond(limitSide(part), sample.value, thresholdOf(part))];
  });
  if (fresh.includes(false)) return { atMs, verdict: { isBreach: false, isClear: true } };
  return fresh.length === all.length ? { atMs, verdict: { isBreach: true, isClear: false } } : undefined;
}
