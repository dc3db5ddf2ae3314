import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mewsParameters, scoreMews, type MewsInput } from './mews.ts';

/**
 * The oracle: the table of Subbe et al. (2001), column by column as ranges that are written out on both sides, with 70
 * and 40 in the worse band. Points · from · to, both inclusive; temperature in tenths.
 */
type Range = [points: number, from: number, to: number];
const table = {
  systolic: [[3, 0, 70], [2, 71, 80], [1, 81, 100], [0, 101, 199], [2, 200, 999]],
  heartRate: [[2, 0, 40], [1, 41, 50], [0, 51, 100], [1, 101, 110], [2, 111, 129], [3, 130, 999]],
  respirationRate: [[2, 0, 8], [0, 9, 14], [1, 15, 20], [2, 21, 29], [3, 30, 999]],
  temperature: [[2, 0, 349], [0, 350, 384], [2, 385, 999]],
} satisfies Record<string, Range[]>; // prettier-ignore
const levels = { A: 0, C: 1, V: 1, P: 2, U: 3 } as const;
const worst = { systolic: 3, heartRate: 3, respirationRate: 3, temperature: 2, consciousness: 3 } as const;

type Complete = Required<MewsInput>;
const pointsOf = (row: keyof typeof table, value: number): number =>
  table[row].find(([, from, to]) => value >= from && value <= to)?.[0] ?? Number.NaN;
const oracle = (input: Complete): number =>
  pointsOf('systolic', input.systolic) +
  pointsOf('heartRate', input.heartRate) +
  pointsOf('respirationRate', input.respirationRate) +
  pointsOf('temperature', Math.round(input.temperature * 10)) +
  levels[input.consciousness];

const normal: Complete = {
  systolic: 120,
  heartRate: 70,
  respirationRate: 12,
  temperature: 37,
  consciousness: 'A',
};
const acvpu = ['A', 'C', 'V', 'P', 'U'] as const;
const integers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
function expectByTable(input: Complete): void {
  const { score, lower, upper, missing } = scoreMews(input);
  const expected = oracle(input);
  if (score !== expected || lower !== score || upper !== score || missing.length > 0) {
    throw new Error(`${JSON.stringify(input)}: ${score}, by the table ${expected}`);
  }
}

test('M1 MEWS equals the table on every value of every parameter', () => {
  for (const consciousness of acvpu) {
    const base = { ...normal, consciousness };
    for (const systolic of integers(0, 400)) expectByTable({ ...base, systolic });
    for (const heartRate of integers(0, 400)) expectByTable({ ...base, heartRate });
    for (const respirationRate of integers(0, 150)) expectByTable({ ...base, respirationRate });
    for (const tenths of integers(100, 500)) expectByTable({ ...base, temperature: tenths / 10 });
  }
});

test('M1 MEWS equals the table on every combination of the ends of its bands', () => {
  const ends = (row: keyof typeof table): number[] => table[row].flatMap(([, from, to]) => [from, Math.min(to, 400)]);
  for (const systolic of ends('systolic'))
    for (const heartRate of ends('heartRate'))
      for (const respirationRate of ends('respirationRate'))
        for (const tenths of ends('temperature'))
          for (const consciousness of acvpu)
            expectByTable({ systolic, heartRate, respirationRate, temperature: tenths / 10, consciousness });
});

test('nothing at all is bounded by 0 and 14', () => {
  expect(scoreMews({})).toEqual({ score: null, lower: 0, upper: 14, missing: [...mewsParameters], parts: {} });
});

test('M7 bounds of MEWS are what is known and the worst of each that is missing, and hold every completion', () => {
  const anyComplete = fc.record({
    systolic: fc.integer({ min: 40, max: 260 }),
    heartRate: fc.integer({ min: 20, max: 180 }),
    respirationRate: fc.integer({ min: 2, max: 50 }),
    temperature: fc.integer({ min: 330, max: 410 }).map((tenths) => tenths / 10),
    consciousness: fc.constantFrom(...acvpu),
  });
  fc.assert(
    fc.property(anyComplete, anyComplete, fc.subarray([...mewsParameters]), (known, other, missing) => {
      const partial: MewsInput = Object.fromEntries(
        Object.entries(known).filter(([name]) => !missing.some((parameter) => parameter === name)),
      );
      const { lower, upper, missing: named } = scoreMews(partial);
      const completed = oracle({ ...other, ...partial });
      expect(named).toEqual(missing);
      expect(lower).toBeLessThanOrEqual(completed);
      expect(upper).toBeGreaterThanOrEqual(completed);
      expect(upper - lower).toBe(missing.reduce((sum, name) => sum + worst[name], 0));
    }),
    { numRuns: 1_000 },
  );
});
