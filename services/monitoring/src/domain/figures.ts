/** How full the wards of a hospital are and how ill their patients: pure. */
import type { Figures } from '@carillon/contracts/figures';

export type FiguresWard = { wardId: string; name: string; beds: number };
/** Of the patients who lie in a ward, each counted once. */
export type WardCounts = Pick<Figures, 'occupied' | 'conditions' | 'silentSignals'> & {
  wardId: string;
  acuity: Omit<Figures['acuity'], 'meanLower'>;
  /** Of the lower bounds of those who have a score. */
  lowerSum: number;
};

const nobody: Omit<WardCounts, 'wardId'> = {
  occupied: 0,
  acuity: { low: 0, lowMedium: 0, medium: 0, high: 0, unknown: 0 },
  lowerSum: 0,
  conditions: { high: 0, medium: 0, low: 0 },
  silentSignals: 0,
};

const plus = (left: typeof nobody, right: typeof nobody): typeof nobody => ({
  occupied: left.occupied + right.occupied,
  acuity: {
    low: left.acuity.low + right.acuity.low,
    lowMedium: left.acuity.lowMedium + right.acuity.lowMedium,
    medium: left.acuity.medium + right.acuity.medium,
    high: left.acuity.high + right.acuity.high,
    unknown: left.acuity.unknown + right.acuity.unknown,
  },
  lowerSum: left.lowerSum + right.lowerSum,
  conditions: {
    high: left.conditions.high + right.conditions.high,
    medium: left.conditions.medium + right.conditions.medium,
    low: left.conditions.low + right.conditions.low,
  },
  silentSignals: left.silentSignals + right.silentSignals,
});

/** Of each ward in the order given, and of the hospital (`wardId` null) at the end. Patients of other wards count nowhere. */
export function figuresOf(wards: readonly FiguresWard[], counts: readonly WardCounts[]): Figures[] {
  const byWard = new Map(counts.map((each) => [each.wardId, each]));
  const known = wards.map((ward) => ({ ward, counts: byWard.get(ward.wardId) ?? nobody }));
  const all = known.reduce((sum, each) => plus(sum, each.counts), nobody);
  const beds = wards.reduce((sum, ward) => sum + ward.beds, 0);
  return [
    ...known.map((each) => toFigures(each.ward, each.counts)),
    toFigures({ wardId: null, name: null, beds }, all),
  ];
}

function toFigures(
  { wardId, name, beds }: Pick<Figures, 'wardId' | 'name' | 'beds'>,
  { occupied, acuity, lowerSum, conditions, silentSignals }: typeof nobody,
): Figures {
  const scored = occupied - acuity.unknown;
  const meanLower = scored === 0 ? null : Math.round((lowerSum / scored) * 10) / 10;
  // More patients than beds: a ward whose beds became fewer.
  const free = Math.max(0, beds - occupied);
  return { wardId, name, beds, occupied, free, acuity: { ...acuity, meanLower }, conditions, silentSignals };
}
