import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toCanonical, vitalSigns, type NumericVital } from './vital-signs.ts';

test('a convertible unit becomes the canonical one', () => {
  expect(toCanonical('temperature', 98.6, '[degF]')).toBe(37);
  expect(toCanonical('glucose', 90.078, 'mg/dL')).toBe(5);
  expect(toCanonical('systolic', 16, 'kPa')).toBeCloseTo(120.01, 2);
});

test.each<[NumericVital, number, string, number]>([
  ['height', 70, '[in_i]', 177.8],
  ['height', 1.78, 'm', 178],
  ['height', 6, '[ft_i]', 182.88],
  ['weight', 154, '[lb_av]', 69.8532],
  ['weight', 3250, 'g', 3.25],
  ['temperature', 310.15, 'K', 37],
  ['oxygenFlow', 2, 'l/min', 2],
  ['oxygenFlow', 500, 'mL/min', 0.5],
])('%s %d %s is %d', (vital, value, unit, canonical) => {
  expect(toCanonical(vital, value, unit)).toBe(canonical);
});

test('a unit of another quantity is not converted', () => {
  expect(toCanonical('heartRate', 72, '%')).toBeUndefined();
  expect(toCanonical('glasgowComaScale', 12, '/min')).toBeUndefined();
});

test('an annotation means nothing, and an empty unit is none', () => {
  expect(toCanonical('heartRate', 72, '{beats}/min')).toBe(72);
  expect(toCanonical('heartRate', 72, '1/min')).toBe(72);
  expect(toCanonical('weight', 70_000, 'g{dry}')).toBe(70);
  expect(toCanonical('glasgowComaScale', 12, '1')).toBe(12);
  expect(toCanonical('glasgowComaScale', 12, '{points}')).toBe(12);
  expect(toCanonical('heartRate', 72, '{beats}')).toBeUndefined();
  expect(toCanonical('glasgowComaScale', 12, '')).toBeUndefined();
});

test('what is plausible is possible', () => {
  for (const { possible, plausible } of Object.values(vitalSigns)) {
    expect(plausible[0]).toBeGreaterThanOrEqual(possible[0]);
    expect(plausible[1]).toBeLessThanOrEqual(possible[1]);
  }
});

test('M6 every conversion is undone by its inverse within the rounding of 0.0001', () => {
  const conversions = Object.entries(vitalSigns).flatMap(([vital, definition]) =>
    definition.convertible.map((conversion) => ({ vital: vital as NumericVital, conversion })),
  );
  fc.assert(
    fc.property(fc.constantFrom(...conversions), fc.double({ min: 0, max: 500, noNaN: true }), (c, canonical) => {
      const foreign = (canonical - (c.conversion.offset ?? 0)) / c.conversion.factor;
      expect(toCanonical(c.vital, foreign, c.conversion.unit)).toBeCloseTo(canonical, 3);
    }),
  );
});
