import { expect, test } from '@jest/globals';
import { limitSchema } from '@carillon/contracts/limits';
import { Type, validate } from '@carillon/contracts/schema';
import { isPlausible, type NumericVital } from '@carillon/contracts/vital-signs';
import { adultFromDays, defaultSets, unknownAgeSet, type DefaultSet } from './default-sets.ts';
import { ageInDays, findRival, pickSet, setsInForce } from './limit-sets.ts';
import { thresholdOf } from './limit.ts';
import { limitIssues } from './rule-issues.ts';

const now = Date.UTC(2026, 10, 21, 8);
const bornDaysAgo = (days: number): string => new Date(now - days * 86_400_000).toISOString().slice(0, 10);
const idOf = (birthDate: string | undefined, other: Partial<Parameters<typeof pickSet>[1]> = {}): string =>
  pickSet([], { wardId: 'w1', ...(birthDate === undefined ? {} : { birthDate }), ...other }, now).setId;

test('every default set is one that a doctor could have set, with limits that are not artefacts themselves', () => {
  for (const { limits, nurseRange } of [...defaultSets, unknownAgeSet]) {
    expect(validate(Type.Array(limitSchema), limits).ok).toBe(true);
    expect(limitIssues(limits)).toEqual([]);
    for (const limit of limits) expect(isPlausible(limit.vital, thresholdOf(limit))).toBe(true);
    for (const [vital, { low, high }] of Object.entries(nurseRange)) {
      expect(low).toBeLessThan(high);
      expect(isPlausible(vital as NumericVital, low) && isPlausible(vital as NumericVital, high)).toBe(true);
    }
  }
});

test('ages have no gap and no overlap from birth on', () => {
  for (let ageDays = 0; ageDays < 20 * 366; ageDays++) {
    const fitting = defaultSets.filter(
      (set) => set.fromAgeDays <= ageDays && (set.toAgeDays === null || ageDays < set.toAgeDays),
    );
    expect(`${ageDays}: ${fitting.length}`).toBe(`${ageDays}: 1`);
  }
});

test('a child has the limits of its age, from the day on which it reaches it', () => {
  expect(idOf(bornDaysAgo(0))).toBe('newborn');
  expect(idOf(bornDaysAgo(28))).toBe('newborn');
  expect(idOf(bornDaysAgo(29))).toBe('months-1-3');
  expect(idOf('2010-11-23')).toBe('years-15-16');
  expect(idOf('2010-11-20')).toBe('adult');
  expect(ageInDays('2026-11-20', now)).toBe(1);
});

test('without an age he counts as an adult, but in a paediatric ward: there only what holds at any age is watched', () => {
  expect(idOf(undefined)).toBe('adult');
  expect(idOf(undefined, { population: 'maternity' })).toBe('adult');
  expect(idOf(undefined, { population: 'paediatric' })).toBe('age-unknown');
  expect(idOf('1980-01-01', { population: 'paediatric' })).toBe('adult');
});

test('what holds at any age can be signed as every set, and is for nobody whose age is known', () => {
  expect(setsInForce([]).map(({ setId }) => setId)).toContain('age-unknown');
  const signed: DefaultSet = { ...unknownAgeSet, version: 1, signedOffBy: 'd1' };
  const pick = (placed: Partial<Parameters<typeof pickSet>[1]>): DefaultSet =>
    pickSet([signed], { wardId: 'w1', ...placed }, now);
  expect(pick({ population: 'paediatric' })).toBe(signed);
  expect(pick({ population: 'paediatric', birthDate: bornDaysAgo(5) }).setId).toBe('newborn');
});

test('a set that is for fewer than the product’s of its name leaves the others theirs', () => {
  const adult = setsInForce([]).find(({ setId }) => setId === 'adult')!;
  const older: DefaultSet = { ...adult, fromAgeDays: 25_000, version: 1, signedOffBy: 'd1' };
  const pick = (birthDate: string): DefaultSet => pickSet([older], { wardId: 'w1', birthDate }, now);
  expect(pick('1940-01-01')).toBe(older);
  expect(pick('1990-01-01')).toBe(adult);
});

test('sets are rivals where a patient would have both of one ward', () => {
  const set: DefaultSet = { ...unknownAgeSet, setId: 'a', fromAgeDays: 100, toAgeDays: 200, version: 1 };
  const isRival = (other: Partial<DefaultSet>): boolean =>
    findRival([{ ...set, setId: 'b', ...other }], set) !== undefined;
  expect([isRival({}), isRival({ setId: 'a' }), isRival({ wardId: 'w1' })]).toEqual([true, false, false]);
  expect([isRival({ fromAgeDays: 199, toAgeDays: null }), isRival({ fromAgeDays: 200, toAgeDays: null })]).toEqual([true, false]); // prettier-ignore
  expect(isRival({ fromAgeDays: 0, toAgeDays: 100 })).toBe(false);
});

test('a set of the ward comes before one of the hospital, and that before the product’s', () => {
  const own: DefaultSet = {
    ...unknownAgeSet,
    fromAgeDays: adultFromDays,
    toAgeDays: null,
    version: 1,
    signedOffBy: 'd1',
  };
  const ofHospital = { ...own, setId: 'ours' };
  const ofWard = { ...own, setId: 'icu', wardId: 'w1' };
  const pick = (sets: DefaultSet[], wardId: string | null): string => pickSet(sets, { wardId }, now).setId;
  expect(pick([ofHospital, ofWard], 'w1')).toBe('icu');
  expect(pick([ofHospital, ofWard], 'w2')).toBe('ours');
  expect(pick([ofWard], null)).toBe('adult');
  expect(setsInForce([{ ...own, setId: 'adult' }]).filter(({ setId }) => setId === 'adult')).toHaveLength(1);
});
