import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bloodPressureParts,
  companionCodes,
  fhirIssues,
  fhirSearchParameters,
  fhirSearchRoute,
  heartRateLoinc,
  loincCheckDigit,
  loincCodes,
  loincProblem,
  panelCodes,
} from './fhir.ts';
import { toCanonical, vitalSigns } from './vital-signs.ts';

test('every LOINC code of the tables has the right check digit', () => {
  const codes = [
    ...loincCodes.map(({ code }) => code),
    ...panelCodes,
    ...Object.values(vitalSigns).map((v) => v.loinc),
  ];
  for (const code of codes) expect([code, loincProblem(code)]).toEqual([code, undefined]);
});

test('the check digit of the LOINC Users’ Guide is found', () => {
  expect(loincCheckDigit('12345')).toBe(5);
});

test('a wrong check digit is answered with the right one', () => {
  expect(loincProblem('8867-5')).toBe('The check digit of 8867 is 4, not 5');
  for (const code of ['', '8867', '8867-', '-4', 'LP32067-8', '8867-44', ' 8867-4', '12345678-1']) {
    expect([code, loincProblem(code)]).toEqual([code, expect.stringContaining('Not a LOINC code')]);
  }
});

test('one changed digit never goes unnoticed', () => {
  fc.assert(
    fc.property(fc.constantFrom(...loincCodes), fc.nat(), fc.integer({ min: 1, max: 9 }), ({ code }, at, by) => {
      const digits = Array.from(code);
      const places = [...digits.keys()].filter((place) => digits[place] !== '-');
      const changed = places[at % places.length] ?? 0;
      digits[changed] = String((Number(digits[changed]) + by) % 10);
      expect(loincProblem(digits.join(''))).toBeDefined();
    }),
  );
});

test('every vital sign that is a number has its LOINC code in the table, and no code stands twice', () => {
  for (const [vital, { loinc }] of Object.entries(vitalSigns)) {
    if (vital === 'pulse') expect(loinc).toBe(heartRateLoinc);
    else expect(loincCodes.find((known) => known.vital === vital)?.code).toBe(loinc);
  }
  const all = [...loincCodes, ...companionCodes].map(({ system, code }) => `${system}|${code}`);
  expect(new Set(all).size).toBe(all.length);
  for (const part of bloodPressureParts) expect(loincCodes.some(({ vital }) => vital === part)).toBe(true);
});

test('the units to which a code is bound are units of its vital sign', () => {
  for (const { vital, units = [] } of loincCodes) {
    for (const unit of units) expect(toCanonical(vital, 5, unit)).toBeDefined();
  }
});

test('an issue has an HTTP status, and what is said with a reading is no failure', () => {
  for (const { status } of Object.values(fhirIssues))
    expect(status === 201 || (status >= 400 && status < 600)).toBe(true);
});

test('the route takes the search parameters that are declared', () => {
  expect(Object.keys(fhirSearchRoute.query?.properties ?? {})).toEqual(Object.keys(fhirSearchParameters));
});
