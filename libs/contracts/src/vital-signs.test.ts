import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toCanonical, vitalSigns, type NumericVital } from './vital-signs.ts';

test('a convertible unit becomes the canonical one', () => {
  expect(toCanonical('temperature', 98.6, '[degF]')).toBe(37);
  expect(toCanonical('glucose', 90.078, 'mg/dL')).toBe(5);
  expect(toCanonical('systolic', 16, 'kPa')).toBeCloseTo(120.01, 2);
});

test('a unit of another quantity is not converted', () => {
  expect(toCanonical('heartRate', 72, '%')).toBeUndefined();
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
