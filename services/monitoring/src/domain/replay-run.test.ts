import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Scored } from './decisions.ts';
import type { Limit } from './limit.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type MonitorSample } from './patient-state.ts';
import { isCalmTime, nearMs, replaySamples, startRun, type Extremes } from './replay-run.ts';
import { compileRules } from './rules.ts';

const startAt = Date.parse('2026-10-21T00:00:00Z');
const everySecond = (vital: 'spo2' | 'pulse', values: readonly number[], fromSecond = 0): MonitorSample[] =>
  values.map((value, index) => {
    const atMs = startAt + (fromSecond + index) * 1_000;
    return { vital, value, atMs, receivedAtMs: atMs + 200, quality: 'good' };
  });
const repeat = (count: number, value: number): number[] => Array.from({ length: count }, () => value);
const lowSpo2: Limit = { vital: 'spo2', below: 90, persistSeconds: 10, priority: 'medium' };

test('readings of last month raise what they would have raised then', () => {
  const run = startRun({ limits: [lowSpo2] });
  replaySamples(run, everySecond('spo2', [...repeat(15, 88), ...repeat(5, 95), ...repeat(8, 88), ...repeat(5, 95)]));
  expect(run.alarms).toEqual({ 'spo2-below': 1 });
});

test('a breach over the edge of two parts that are read is one alarm', () => {
  const samples = everySecond('spo2', repeat(30, 88));
  const run = startRun({ limits: [lowSpo2] });
  replaySamples(run, samples.slice(0, 6));
  replaySamples(run, samples.slice(6, 20));
  replaySamples(run, samples.slice(20));
  expect(run.alarms).toEqual({ 'spo2-below': 1 });
});

test('an alarm that becomes more urgent is one alarm, and one that ends and comes again is two', () => {
  const critical: Limit = { ...lowSpo2, below: 85, priority: 'high' };
  const run = startRun({ limits: [lowSpo2, critical] });
  replaySamples(run, everySecond('spo2', [...repeat(15, 88), ...repeat(15, 80)]));
  expect(run.alarms).toEqual({ 'spo2-below': 1 });
  replaySamples(run, everySecond('spo2', [...repeat(5, 97), ...repeat(15, 88)], 30));
  expect(run.alarms).toEqual({ 'spo2-below': 2 });
});

test('while an alarm is on each sample counts towards its end', () => {
  const run = startRun({ limits: [{ ...lowSpo2, persistSeconds: 0, clearForSeconds: 3 }] });
  replaySamples(run, everySecond('spo2', [...repeat(2, 88), ...repeat(5, 97), ...repeat(2, 88)]));
  expect(run.alarms).toEqual({ 'spo2-below': 2 });
});

test('what latches counts each time that it comes: somebody would have answered meanwhile', () => {
  const run = startRun({ limits: [{ ...lowSpo2, isLatching: true }] });
  replaySamples(run, everySecond('spo2', [...repeat(15, 88), ...repeat(5, 95), ...repeat(15, 88), ...repeat(5, 95)]));
  expect(run.alarms).toEqual({ 'spo2-below': 2 });
});

test('trends and combinations are replayed as limits are', () => {
  const combination = {
    name: 'respiratory',
    all: [
      { vital: 'spo2', below: 92 },
      { vital: 'pulse', above: 100 },
    ],
    persistSeconds: 5,
    maxAgeSeconds: 60,
    priority: 'high',
  } as const;
  const run = startRun({ limits: [], combinations: [{ ...combination, all: [...combination.all] }] });
  const samples = [...everySecond('spo2', repeat(20, 90)), ...everySecond('pulse', repeat(20, 110))];
  replaySamples(
    run,
    samples.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs),
  );
  expect(run.alarms).toEqual({ 'multi-respiratory': 1 });
});

test('history, suspect values and devices under test raise nothing in a replay either', () => {
  const run = startRun({ limits: [lowSpo2] });
  const samples = everySecond('spo2', repeat(20, 80));
  replaySamples(
    run,
    samples.map((sample) => ({ ...sample, receivedAtMs: startAt + 3_600_000 })),
  );
  replaySamples(
    run,
    everySecond('spo2', repeat(20, 80), 60).map((sample) => ({ ...sample, quality: 'suspect' as const })),
  );
  replaySamples(
    run,
    everySecond('spo2', repeat(20, 80), 120).map((sample) => ({ ...sample, mode: 'test' as const })),
  );
  expect(run.alarms).toEqual({});
});

test('only alarms of rules are counted: a score is none that other rules would change', () => {
  // What counts samples is never skipped, so that the score is there.
  const run = startRun({ limits: [{ ...lowSpo2, below: 40, persistSeconds: 0, breaches: { k: 30, of: 30 } }] });
  const bad = [...everySecond('spo2', repeat(90, 80)), ...everySecond('pulse', repeat(90, 140))];
  replaySamples(
    run,
    bad.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs),
  );
  expect(run.state.active).toMatchObject({ news2: 'medium' });
  expect(run.alarms).toEqual({});
});

test('a trend of NEWS2 counts only where the patient was scored then, and by his scale', () => {
  const worse = { name: 'worse', vital: 'news2', direction: 'rising', change: 3, windowMinutes: 5 } as const;
  const decided = (more: object, decidedAtMs = startAt - 1): Scored => ({
    decisions: [{ decidedAtMs, endedAtMs: null, scale: 1, isApplicable: true, ...more }],
  });
  const alarmsOf = (scored?: Scored): number | undefined => {
    const run = startRun({ limits: [], trends: [{ ...worse, priority: 'medium' }] }, scored);
    // 0 points and then 3; on scale 2 none.
    replaySamples(run, everySecond('spo2', [...repeat(60, 97), ...repeat(20, 90)]));
    return run.alarms['trend-worse'];
  };
  expect(alarmsOf()).toBe(1);
  expect(alarmsOf({ birthDate: '1950-03-01', population: 'paediatric', decisions: [] })).toBe(1);
  expect(alarmsOf({ birthDate: '2015-03-01', decisions: [] })).toBeUndefined();
  expect(alarmsOf({ population: 'paediatric', decisions: [] })).toBeUndefined();
  expect(alarmsOf(decided({ isApplicable: false }))).toBeUndefined();
  expect(alarmsOf(decided({ scale: 2 }))).toBeUndefined();
  // What was decided after the readings changes nothing of them.
  expect(alarmsOf(decided({ isApplicable: false }, startAt + 3_600_000))).toBe(1);
});

test('what a replay skips changes no alarm: it raises what the engine raises that sees each sample', () => {
  const limits: Limit[] = [
    { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 3, priority: 'medium' },
    { vital: 'spo2', below: 85, persistSeconds: 0, priority: 'high', clearForSeconds: 2 },
    { vital: 'pulse', above: 120, persistSeconds: 0, breaches: { k: 2, of: 4 }, priority: 'medium' },
    { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 1, clearForSeconds: 2, priority: 'high' },
  ];
  const values = { spo2: [97, 93, 91, 89, 84], pulse: [70, 125], heartRate: [70, 135] } as const;
  const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
    fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const post = fc.record({
    gapMs: mostly(1_000, 7_000),
    lateMs: mostly(0, 3_000, 1_000_000),
    quality: mostly<'good' | 'suspect'>('good', 'suspect'),
    spo2: fc.option(fc.constantFrom(...values.spo2)),
    pulse: fc.option(fc.constantFrom(...values.pulse)),
    heartRate: fc.option(fc.constantFrom(...values.heartRate)),
  });
  fc.assert(
    fc.property(fc.array(post, { maxLength: 60 }), fc.nat(60), (posts, cut) => {
      let receivedAtMs = startAt;
      const each = posts.map(({ gapMs, lateMs, quality, ...given }) => {
        receivedAtMs += gapMs;
        return (['spo2', 'pulse', 'heartRate'] as const).flatMap((vital): MonitorSample[] => {
          const value = given[vital];
          return value === null ? [] : [{ vital, value, atMs: receivedAtMs - lateMs, receivedAtMs, quality }];
        });
      });
      let state = emptyPatientState;
      let alarms = 0;
      for (const samples of each) {
        const before = state.active;
        const options = {
          rules: compileRules({ limits }),
          nowMs: samples[0]?.receivedAtMs ?? 0,
          decisions: [],
          bindings: [],
        };
        const { state: after, conditions } = applySamples(state, samples, options);
        for (const { type, kind, limit } of conditions) {
          const hasEnded = conditions.some((other) => other.kind === kind && other.type === 'cleared');
          if (type === 'raised' && limit !== undefined && (before[kind] === undefined || hasEnded)) alarms++;
        }
        state = after;
      }
      const run = startRun({ limits });
      replaySamples(run, each.slice(0, cut).flat());
      replaySamples(run, each.slice(cut).flat());
      expect(Object.values(run.alarms).reduce((sum, count) => sum + count, 0)).toBe(alarms);
    }),
    { numRuns: 2_000 },
  );
});

/** As minutes have them. */
function extremesOf(samples: readonly MonitorSample[]): Extremes {
  const extremes: { -readonly [vital in keyof Extremes]: Extremes[vital] } = {};
  for (const { vital, value, quality } of samples) {
    if (vital === 'consciousness' || typeof value !== 'number' || quality !== 'good') continue;
    const { lowest = value, highest = value } = extremes[vital] ?? {};
    extremes[vital] = { lowest: Math.min(lowest, value), highest: Math.max(highest, value) };
  }
  return extremes;
}

test('to leave out what minutes show to be calm changes no alarm', () => {
  const limits: Limit[] = [
    { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 3, priority: 'medium' },
    { vital: 'spo2', below: 85, persistSeconds: 0, priority: 'high', clearForSeconds: 2 },
    { vital: 'pulse', above: 120, persistSeconds: 4, priority: 'medium' },
    { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 1, clearForSeconds: 2, priority: 'high' },
  ];
  const chunkMs = 20_000;
  const mostly = (usual: number, ...others: readonly number[]): fc.Arbitrary<number> =>
    fc.oneof({ weight: 30, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const second = fc.record({ spo2: mostly(97, 89, 84), pulse: mostly(70, 125), heartRate: mostly(70, 100, 135) });
  let leftOut = 0;
  fc.assert(
    fc.property(fc.array(second, { maxLength: 200 }), mostly(1_000, 9_000), (seconds, everyMs) => {
      const samples = seconds.flatMap((values, index) =>
        (['spo2', 'pulse', 'heartRate'] as const).map((vital): MonitorSample => {
          const atMs = startAt + index * everyMs;
          return { vital, value: values[vital], atMs, receivedAtMs: atMs, quality: 'good' };
        }),
      );
      const all = startRun({ limits });
      const some = startRun({ limits });
      for (let from = startAt; from < startAt + seconds.length * everyMs; from += chunkMs) {
        const to = from + chunkMs;
        const chunk = samples.filter(({ atMs }) => atMs >= from && atMs < to);
        replaySamples(all, chunk);
        const isCalm = isCalmTime(some, extremesOf(chunk));
        if (isCalm) leftOut++;
        replaySamples(some, isCalm ? chunk.filter(({ atMs }) => atMs >= to - nearMs) : chunk);
      }
      expect(some.alarms).toEqual(all.alarms);
    }),
    { numRuns: 500 },
  );
  expect(leftOut).toBeGreaterThan(100);
});

test('nothing may be left out of what counts samples, trends and combinations, or while something is on', () => {
  const calm: Extremes = { spo2: { lowest: 95, highest: 99 } };
  const kOfN: Limit = { ...lowSpo2, persistSeconds: 0, breaches: { k: 2, of: 4 } };
  const trend = { name: 'desaturating', vital: 'spo2', direction: 'falling', change: 4, windowMinutes: 5 } as const;
  expect(isCalmTime(startRun({ limits: [lowSpo2] }), calm)).toBe(true);
  expect(isCalmTime(startRun({ limits: [lowSpo2] }), { spo2: { lowest: 89, highest: 99 } })).toBe(false);
  expect(isCalmTime(startRun({ limits: [kOfN] }), calm)).toBe(false);
  expect(isCalmTime(startRun({ limits: [], trends: [{ ...trend, priority: 'low' }] }), calm)).toBe(false);
  const run = startRun({ limits: [lowSpo2] });
  replaySamples(run, everySecond('spo2', repeat(3, 88)));
  expect(isCalmTime(run, calm)).toBe(false);
});
