/** Which default set a patient has who has no rules of his own. */
import { adultFromDays, defaultSets, unknownAgeSet, type DefaultSet } from './default-sets.ts';
import type { Population } from './patient-state.ts';

export type Placed = {
  wardId: string | null;
  /** YYYY-MM-DD */
  birthDate?: string;
  population?: Population;
};

const dayMs = 86_400_000;

/** Whole days of UTC from birth to an instant. */
export const ageInDays = (birthDate: string, atMs: number): number =>
  Math.floor((atMs - Date.parse(birthDate)) / dayMs);

/** The sets in force: a hospital's own take the place of the product's of the same name. */
export const setsInForce = (own: readonly DefaultSet[]): DefaultSet[] => [
  ...own,
  ...defaultSets.filter(({ setId }) => !own.some((set) => set.setId === setId)),
];

/**
 * A set of the ward comes before one of the hospital, and that before the product's. A patient of unknown age counts as
 * an adult, but in a paediatric ward: there he has only limits that hold at any age.
 *
 * @param own sets of the hospital that are signed, one version each
 */
export function pickSet(
  own: readonly DefaultSet[],
  { wardId, birthDate, population }: Placed,
  nowMs: number,
): DefaultSet {
  if (birthDate === undefined && population === 'paediatric') return unknownAgeSet;
  const ageDays = birthDate === undefined ? adultFromDays : ageInDays(birthDate, nowMs);
  const fitting = setsInForce(own).filter(
    (set) =>
      (set.wardId === null || set.wardId === wardId) &&
      set.fromAgeDays <= ageDays &&
      (set.toAgeDays === null || ageDays < set.toAgeDays),
  );
  return (
    fitting.find((set) => set.wardId !== null) ??
    fitting.find(({ version }) => version > 0) ??
    fitting[0] ??
    unknownAgeSet
  );
}
