import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { news2Parameters, news2Priority, scoreNews2, type News2Input } from './news2.ts';

/**
 * The oracle: the table of the RCP (2017), typed in column by column as ranges that are written out on both sides,
 * where the implementation has ascending upper ends. Points · from · to, both inclusive.
 */
type Range = [points: number, from: number, to: number];
const table: Record<string, Range[]> = {
  respirationRate: [[3, 0, 8], [1, 9, 11], [0, 12, 20], [2, 21, 24], [3, 25, 999]],
  'spo2 scale 1': [[3, 0, 91], [2, 92, 93], [1, 94, 95], [0, 96, 100]],
  'spo2 scale 2 air': [[3, 0, 83], [2, 84, 85], [1, 86, 87], [0, 88, 92], [0, 93, 100]],
  'spo2 scale 2 oxygen': [[3, 0, 83], [2, 84, 85], [1, 86, 87], [0, 88, 92], [1, 93, 94], [2, 95, 96], [3, 97, 100]],
  systolic: [[3, 0, 90], [2, 91, 100], [1, 101, 110], [0, 111, 219], [3, 220, 999]],
  pulse: [[3, 0, 40], [1, 41, 50], [0, 51, 90], [1, 91, 110], [2, 111, 130], [3, 131, 999]],
  // Tenths of a degree.
  temperature: [[3, 0, 350], [1, 351, 360], [0, 361, 380], [1, 381, 390], [2, 391, 999]],
}; // prettier-ignore
const pointsOf = (row: string, value: number): number =>
  table[row]?.find(([, from, to]) => value >= from && value <= to)?.[0] ?? Number.NaN;

type Complete = Required<News2Input>;
function oracle(input: Complete): { score: number; risk: string } {
  const spo2Row = input.spo2Scale === 1 ? 'spo2 scale 1' : `spo2 scale 2 ${input.onOxygen ? 'oxygen' : 'air'}`;
  const points = [
    pointsOf('respirationRate', input.respirationRate),
    pointsOf(spo2Row, input.spo2),
    input.onOxygen ? 2 : 0,
    pointsOf('systolic', input.systolic),
    pointsOf('pulse', input.pulse),
    input.consciousness === 'A' ? 0 : 3,
    pointsOf('temperature', Math.round(input.temperature * 10)),
  ];
  const score = points.reduce((a, b) => a + b);
  if (score >= 7) return { score, risk: 'high' };
  if (score >= 5) return { score, risk: 'medium' };
  return { score, risk: points.some((p) => p === 3) ? 'low-medium' : 'low' };
}

const normal: Complete = {
  respirationRate: 16,
  spo2: 98,
  spo2Scale: 1,
  onOxygen: false,
  systolic: 120,
  pulse: 70,
  consciousness: 'A',
  temperature: 37,
};
const integers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function expectByTable(input: Complete): void {
  const { score, lower, upper, missing, risk } = scoreNews2(input);
  const expected = oracle(input);
  if (score !== expected.score || lower !== score || upper !== score || missing.length > 0 || risk !== expected.risk) {
    throw new Error(`${JSON.stringify(input)}: ${score} ${risk}, by the table ${expected.score} ${expected.risk}`);
  }
}

test('M1 NEWS2 equals the table on every value of every parameter', () => {
  for (const spo2Scale of [1, 2] as const) {
    for (const onOxygen of [false, true]) {
      const base = { ...normal, spo2Scale, onOxygen };
      for (const respirationRate of integers(0, 150)) expectByTable({ ...base, respirationRate });
      for (const spo2 of integers(0, 100)) expectByTable({ ...base, spo2 });
      for (const systolic of integers(0, 400)) expectByTable({ ...base, systolic });
      for (const pulse of integers(0, 400)) expectByTable({ ...base, pulse });
      for (const consciousness of ['A', 'C', 'V', 'P', 'U'] as const) expectByTable({ ...base, consciousness });
      for (const tenths of integers(100, 500)) expectByTable({ ...base, temperature: tenths / 10 });
    }
  }
});

test('M1 NEWS2 equals the table on every combination of the ends of its bands', () => {
  const ends = (row: string): number[] => [...new Set(table[row]?.map(([, from]) => from))];
  let count = 0;
  for (const respirationRate of ends('respirationRate'))
    for (const spo2 of ends('spo2 scale 2 oxygen').concat(91, 92, 96))
      for (const spo2Scale of [1, 2] as const)
        for (const onOxygen of [false, true])
          for (const systolic of ends('systolic'))
            for (const pulse of ends('pulse'))
              for (const consciousness of ['A', 'V'] as const)
                for (const tenths of ends('temperature')) {
                  count += 1;
                  expectByTable({ respirationRate, spo2, spo2Scale, onOxygen, systolic, pulse, consciousness, temperature: tenths / 10 }); // prettier-ignore
                }
  expect(count).toBe(5 * 10 * 2 * 2 * 5 * 6 * 2 * 5);
});

test('values between the whole numbers of the table fall to the nearer one, halves up', () => {
  const parts = (input: News2Input) => scoreNews2(input).parts;
  expect(parts({ respirationRate: 8.4 })).toEqual({ respirationRate: 3 });
  expect(parts({ respirationRate: 8.5 })).toEqual({ respirationRate: 1 });
  expect(parts({ spo2: 95.49 })).toEqual({ spo2: 1 });
  expect(parts({ spo2: 95.5 })).toEqual({ spo2: 0 });
  expect(parts({ systolic: 219.5 })).toEqual({ systolic: 3 });
  expect(parts({ pulse: 130.4 })).toEqual({ pulse: 2 });
});

test('temperature is rounded to 0.1 before banding, as it is written', () => {
  const points = (temperature: number) => scoreNews2({ temperature }).parts.temperature;
  expect([35.04, 35.05, 36.04, 36.05].map(points)).toEqual([3, 1, 1, 0]);
  expect([38.04, 38.05, 39.04, 39.05].map(points)).toEqual([0, 1, 1, 2]);
  expect(points(36.43000031)).toBe(0);
});

test('nothing at all is bounded by 0 and 20', () => {
  expect(scoreNews2({})).toEqual({
    score: null,
    lower: 0,
    upper: 20,
    missing: [...news2Parameters],
    risk: 'low',
    parts: {},
  });
});

test('an absent oxygen is missing and an absent scale is not', () => {
  const { onOxygen: _, spo2Scale: __, ...rest } = normal;
  expect(scoreNews2(rest)).toMatchObject({ score: null, lower: 0, upper: 2, missing: ['onOxygen'] });
  expect(scoreNews2({ ...rest, onOxygen: true })).toMatchObject({ score: 2, missing: [], parts: { onOxygen: 2 } });
});

test('on scale 2 unknown oxygen decides the points of SpO2 as well', () => {
  const { onOxygen: _, ...rest } = { ...normal, spo2Scale: 2 as const };
  expect(scoreNews2({ ...rest, spo2: 97 })).toMatchObject({ lower: 0, upper: 5, parts: { spo2: 0 } });
  expect(scoreNews2({ ...rest, spo2: 90 })).toMatchObject({ lower: 0, upper: 2, parts: { spo2: 0 } });
  expect(scoreNews2({ ...rest, spo2: 84 })).toMatchObject({ lower: 2, upper: 4, parts: { spo2: 2 } });
});

test('the risk follows the lower bound', () => {
  expect(scoreNews2({ respirationRate: 26 })).toMatchObject({ risk: 'low-medium', lower: 3 });
  expect(scoreNews2({ respirationRate: 26, pulse: 120 })).toMatchObject({ risk: 'medium', lower: 5 });
  expect(scoreNews2({ respirationRate: 26, pulse: 140, spo2: 95 })).toMatchObject({ risk: 'high', lower: 7 });
  expect(scoreNews2({ respirationRate: 22, pulse: 120 })).toMatchObject({ risk: 'low', lower: 4 });
});

test('5 and 6 are of medium priority, 7 and more of high', () => {
  const priorities = [0, 4, 5, 6, 7, 20].map((lower) => news2Priority({ lower }));
  expect(priorities).toEqual([undefined, undefined, 'medium', 'medium', 'high', 'high']);
});

const anyComplete = fc.record({
  respirationRate: fc.integer({ min: 0, max: 60 }),
  spo2: fc.integer({ min: 70, max: 100 }),
  spo2Scale: fc.constantFrom(1 as const, 2 as const),
  onOxygen: fc.boolean(),
  systolic: fc.integer({ min: 60, max: 240 }),
  pulse: fc.integer({ min: 20, max: 160 }),
  consciousness: fc.constantFrom('A' as const, 'C' as const, 'V' as const, 'P' as const, 'U' as const),
  temperature: fc.integer({ min: 330, max: 410 }).map((tenths) => tenths / 10),
});
const anyMissing = fc.subarray([...news2Parameters]);

function without(input: Complete, missing: readonly string[]): News2Input & { spo2Scale: 1 | 2 } {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !missing.includes(name))) as Complete;
}

test('M7 every completion of a partial score lies within its bounds', () => {
  fc.assert(
    fc.property(anyComplete, anyComplete, anyMissing, (known, other, missing) => {
      const partial = without(known, missing);
      const { score, lower, upper, missing: named } = scoreNews2(partial);
      const completed = oracle({ ...other, ...partial }).score;
      expect(named).toEqual(missing);
      expect(lower).toBeLessThanOrEqual(completed);
      expect(upper).toBeGreaterThanOrEqual(completed);
      expect(score).toBe(lower === upper ? completed : null);
    }),
    { numRuns: 2000 },
  );
});

test('M7 both bounds of a partial score are reached by a completion', () => {
  const values = {
    respirationRate: [16, 8],
    spo2: [90, 97, 80],
    onOxygen: [false, true],
    systolic: [150, 90],
    pulse: [70, 40],
    consciousness: ['A', 'V'],
    temperature: [37, 35],
  } as const;
  fc.assert(
    fc.property(anyComplete, anyMissing, (known, missing) => {
      const partial = without(known, missing);
      let completions: News2Input[] = [partial];
      for (const name of missing) {
        completions = completions.flatMap((some) => values[name].map((value) => ({ ...some, [name]: value })));
      }
      const scores = completions.map((some) => oracle(some as Complete).score);
      const { lower, upper } = scoreNews2(partial);
      expect([Math.min(...scores), Math.max(...scores)]).toEqual([lower, upper]);
    }),
    { numRuns: 500 },
  );
});
