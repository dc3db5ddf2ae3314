import { expect, test } from '@jest/globals';
import type { Figures } from './shapes.ts';
import { createWardFigures } from './ward-figures.ts';

const ofWard = (wardId: string | null, occupied: number): Figures => ({
  wardId,
  name: wardId === null ? null : `Ward ${wardId}`,
  beds: 6,
  occupied,
  free: 6 - occupied,
  acuity: { low: occupied, lowMedium: 0, medium: 0, high: 0, unknown: 0, meanLower: 1 },
  conditions: { high: 0, medium: 0, low: 0 },
  silentSignals: 0,
});

test('wards are listed by name and the hospital last, each as it was told last', () => {
  const figures = createWardFigures();
  figures.put({ items: [ofWard(null, 7), ofWard('w2', 4), ofWard('w1', 3)], version: 2 }, undefined);
  figures.put({ items: [ofWard('w2', 5)], version: 3 }, undefined);
  figures.put({ items: [ofWard('w2', 1), ofWard('w1', 1)], version: 1 }, undefined);
  expect(figures.all.get().map(({ wardId, occupied }) => [wardId, occupied])).toEqual([
    ['w1', 3],
    ['w2', 5],
    [null, 7],
  ]);
  expect(figures.of('w2').get()?.occupied).toBe(5);
});

test('who comes or leaves is news of the ward that is looked at, and of no other', () => {
  const figures = createWardFigures();
  expect(figures.put({ items: [ofWard('w1', 3), ofWard('w2', 3)], version: 1 }, 'w1')).toBe(false);
  expect(figures.put({ items: [ofWard('w2', 4)], version: 2 }, 'w1')).toBe(false);
  expect(figures.put({ items: [{ ...ofWard('w1', 3), silentSignals: 1 }], version: 3 }, 'w1')).toBe(false);
  expect(figures.put({ items: [ofWard('w1', 2)], version: 4 }, 'w1')).toBe(true);
});
