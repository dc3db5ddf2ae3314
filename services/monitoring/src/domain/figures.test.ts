import { expect, test } from '@jest/globals';
import { figuresOf, type WardCounts } from './figures.ts';

const wards = [
  { wardId: 'w1', name: 'One', beds: 4 },
  { wardId: 'w2', name: 'Two', beds: 2 },
];
const none = { low: 0, lowMedium: 0, medium: 0, high: 0, unknown: 0 };
const counts = (wardId: string, occupied: number, more: Partial<WardCounts> = {}): WardCounts => ({
  wardId,
  occupied,
  acuity: { ...none, unknown: occupied },
  lowerSum: 0,
  conditions: { high: 0, medium: 0, low: 0 },
  silentSignals: 0,
  ...more,
});

test('the hospital is the sum of its wards, and the mean is of those who have a score', () => {
  const [w1, w2, hospital] = figuresOf(wards, [
    counts('w1', 4, {
      acuity: { low: 1, lowMedium: 1, medium: 0, high: 1, unknown: 1 },
      lowerSum: 14,
      conditions: { high: 2, medium: 1, low: 1 },
      silentSignals: 2,
    }),
    counts('w2', 1, { acuity: { ...none, medium: 1 }, lowerSum: 6, conditions: { high: 1, medium: 0, low: 0 } }),
  ]);
  expect(w1).toEqual({
    wardId: 'w1',
    name: 'One',
    beds: 4,
    occupied: 4,
    free: 0,
    acuity: { low: 1, lowMedium: 1, medium: 0, high: 1, unknown: 1, meanLower: 4.7 },
    conditions: { high: 2, medium: 1, low: 1 },
    silentSignals: 2,
  });
  expect(w2).toMatchObject({ occupied: 1, free: 1, acuity: { meanLower: 6 } });
  expect(hospital).toEqual({
    wardId: null,
    name: null,
    beds: 6,
    occupied: 5,
    free: 1,
    acuity: { low: 1, lowMedium: 1, medium: 1, high: 1, unknown: 1, meanLower: 5 },
    conditions: { high: 3, medium: 1, low: 1 },
    silentSignals: 2,
  });
});

test('an empty ward is all free, a crowded one has none free, and who lies in no ward that is known counts nowhere', () => {
  expect(figuresOf(wards, [counts('w1', 5), counts('gone', 1)])).toMatchObject([
    { wardId: 'w1', occupied: 5, free: 0, acuity: { unknown: 5, meanLower: null } },
    { wardId: 'w2', occupied: 0, free: 2, acuity: { unknown: 0, meanLower: null } },
    { wardId: null, occupied: 5, free: 1 },
  ]);
});
