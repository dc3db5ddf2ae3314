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

/**
 * The sets in force: a hospital's own take the place of the product's of the same name. One that is for fewer does not:
 * those whom it leaves out would have no limits.
 */
export const setsInForce = (own: readonly DefaultSet[]): DefaultSet[] => [
  ...own,
  ...[...defaultSets, unknownAgeSet].filter((product) => !own.some((set) => isInPlaceOf(set, product))),
];

const isInPlaceOf = (set: DefaultSet, product: DefaultSet): boolean =>
  set.setId === product.setId &&
  set.wardId === null &&
  set.fromAgeDays <= product.fromAgeDays &&
  (set.toAgeDays ?? Infinity) >= (product.toAgeDays ?? Infinity);

/** Another one of the hospital that some patients would have as well: which of the two would be chance. */
export const findRival = (signed: readonly DefaultSet[], set: DefaultSet): DefaultSet | undefined =>
  signed.find(
    (other) =>
      other.setId !== set.setId &&
      ![other.setId, set.setId].includes(unknownAgeSet.setId) &&
      other.wardId === set.wardId &&
      other.fromAgeDays < (set.toAgeDays ?? Infinity) &&
      set.fromAgeDays < (other.toAgeDays ?? Infinity),
  );

/**
 * A set of the ward comes before one of the hospital, and that before the product's. A patient of unknown age counts as
 * an adult, but in a paediatric ward: there he has only limits that hold at any age, and nobody else has these.
 *
 * @param own sets of the hospital that are signed, one version each
 */
export function pickSet(
  own: readonly DefaultSet[],
  { wardId, birthDate, population }: Placed,
  nowMs: number,
): DefaultSet {
  const isOfWard = (set: DefaultSet): boolean => set.wardId === null || set.wardId === wardId;
  const ofAnyAge = own.find((set) => set.setId === unknownAgeSet.setId && isOfWard(set)) ?? unknownAgeSet;
  if (birthDate === undefined && population === 'paediatric') return ofAnyAge;
  const ageDays = birthDate === undefined ? adultFromDays : ageInDays(birthDate, nowMs);
  const fitting = setsInForce(own).filter(
    (set) =>
      set.setId !== unknownAgeSet.setId &&
      isOfWard(set) &&
      set.fromAgeDays <= ageDays &&
      (set.toAgeDays === null || ageDays < set.toAgeDays),
  );
  return (
    fitting.find((set) => set.wardId !== null) ?? fitting.find(({ version }) => version > 0) ?? fitting[0] ?? ofAnyAge
  );
}
