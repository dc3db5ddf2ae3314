/** Which rules a patient is judged by: his own until they expire, else a default set. */
import type { DefaultSet } from './default-sets.ts';
import { pickSet, type Placed } from './limit-sets.ts';
import type { Rules } from './rules.ts';

/** A version of a patient's own rules; without a body the default set holds. Times in ms since the epoch. */
export type OwnRules = {
  version: number;
  body: Rules | null;
  setBy: string | null;
  setAtMs: number;
  expiresAtMs: number | null;
  /** The version that holds again when this one expires. */
  resumes: number | null;
};

export type RulesInForce = { rules: Rules; version: number; own: OwnRules | null; set: DefaultSet | null };

export const hasExpired = ({ expiresAtMs }: Pick<OwnRules, 'expiresAtMs'>, nowMs: number): boolean =>
  expiresAtMs !== null && expiresAtMs <= nowMs;

/** @param sets of the hospital that are signed */
export function rulesInForce(
  own: OwnRules | null,
  sets: readonly DefaultSet[],
  placed: Placed,
  nowMs: number,
): RulesInForce {
  const version = own?.version ?? 0;
  if (own !== null && own.body !== null && !hasExpired(own, nowMs)) return { rules: own.body, version, own, set: null };
  const set = pickSet(sets, placed, nowMs);
  return { rules: set, version, own: null, set };
}
