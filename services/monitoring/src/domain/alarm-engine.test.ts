import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  alarmHistory,
  clearAtIssue,
  limitIssues,
  limitKey,
  limitKind,
  normalState,
  reconcileStates,
  stepLimit,
  type Limit,
  type LimitState,
  type Sample,
} from './alarm-engine.ts';

const lowSpo2: Limit = { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 3, priority: 'high' };
const fastBreathing: Limit = { vital: 'respirationRate', above: 24, persistSeconds: 2, priority: 'medium' };

/** One value a second from second 0; undefined is a second without a sample. */
const everySecond = (...values: (number | undefined)[]): Sample[] =>
  values.flatMap((value, second) => (value === undefined ? [] : [{ atMs: second * 1000, value }]));
const secondsOf = (limit: Limit, ...values: (number | undefined)[]): [number, number | null][] =>
  alarmHistory(limit, everySecond(...values)).map(({ raisedAtMs, endedAtMs }) => [
    raisedAtMs / 1000,
    endedAtMs === null ? null : endedAtMs / 1000,
  ]);

function run(limit: Limit, samples: readonly Sample[], options: { maxGapMs?: number } = {}) {
  let state: LimitState = normalState;
  const transitions: string[] = [];
  for (const sample of samples) {
    const step = stepLimit(limit, state, sample, options);
    state = step.state;
    if (step.transition !== undefined) transitions.push(`${step.transition.type} ${step.transition.atMs / 1000}`);
  }
  return { state, transitions };
}

test('an alarm is raised at the sample where the breach has lasted its persistence', () => {
  expect(secondsOf(lowSpo2, 95, 89, 88, 87, 86, 85)).toEqual([[4, null]]);
  expect(secondsOf(lowSpo2, 95, 89, 88, 87, 90, 85)).toEqual([]);
});

test('a value at the threshold is no breach', () => {
  expect(secondsOf(lowSpo2, 90, 90, 90, 90, 90)).toEqual([]);
  expect(secondsOf(fastBreathing, 24, 24, 24, 24)).toEqual([]);
  expect(secondsOf(fastBreathing, 24.1, 24.1, 24.1, 24.1)).toEqual([[2, null]]);
});

test('a persistence of 0 raises at the first breach', () => {
  expect(secondsOf({ ...lowSpo2, persistSeconds: 0 }, 95, 89)).toEqual([[1, null]]);
});

test('a persistence in fractions of a second is met by a sample exactly then', () => {
  const samples = [0, 1100].map((atMs) => ({ atMs, value: 80 }));
  expect(alarmHistory({ ...lowSpo2, persistSeconds: 1.1 }, samples)).toEqual([{ raisedAtMs: 1100, endedAtMs: null }]);
});

test('an alarm ends at clearAt, not at the threshold', () => {
  expect(secondsOf(lowSpo2, 89, 89, 89, 89, 90, 91, 91.9, 92)).toEqual([[3, 7]]);
  const tachycardia: Limit = { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 0, priority: 'high' };
  expect(secondsOf(tachycardia, 131, 130, 121, 120, 131)).toEqual([
    [0, 3],
    [4, null],
  ]);
});

test('without clearAt an alarm ends at the first sample without breach', () => {
  expect(secondsOf(fastBreathing, 25, 25, 25, 24, 25, 25, 25)).toEqual([
    [2, 3],
    [6, null],
  ]);
});

test('a missing sample is passed over: it neither ends an onset nor an alarm', () => {
  expect(secondsOf(lowSpo2, 89, undefined, undefined, 89, undefined, 93)).toEqual([[3, 5]]);
});

test('0 is a value', () => {
  expect(secondsOf({ ...lowSpo2, persistSeconds: 1 }, 97, 0, 0, 97)).toEqual([[2, 3]]);
});

test('a value that is no number changes nothing', () => {
  const { state } = stepLimit(lowSpo2, normalState, { atMs: 0, value: 80 });
  expect(stepLimit(lowSpo2, state, { atMs: 1000, value: Number.NaN }).state).toBe(state);
});

test('M3 a late or repeated sample changes nothing', () => {
  const active = run(lowSpo2, everySecond(80, 80, 80, 80, 80)).state;
  expect(stepLimit(lowSpo2, active, { atMs: 4000, value: 99 })).toEqual({ state: active });
  expect(stepLimit(lowSpo2, active, { atMs: 1000, value: 99 })).toEqual({ state: active });
});

test('M4 a gap neither clears nor counts', () => {
  const gapped = everySecond(80, 80, undefined, undefined, undefined, undefined, 80, 80, 80, 80);
  expect(run(lowSpo2, gapped, { maxGapMs: 3000 }).transitions).toEqual(['raised 9']);
  expect(run(lowSpo2, gapped).transitions).toEqual(['raised 6']);
  expect(run(lowSpo2, gapped, { maxGapMs: 5000 }).transitions).toEqual(['raised 6']);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 84, max: 95 })), { maxLength: 60 }),
      (steps) => {
        let atMs = 0;
        const samples = steps.map(([seconds, value]) => ({ atMs: (atMs += seconds * 1000), value }));
        let state: LimitState = normalState;
        let lastGapEndMs = 0;
        for (const [index, sample] of samples.entries()) {
          if (sample.atMs - (samples[index - 1]?.atMs ?? 0) > 3000) lastGapEndMs = sample.atMs;
          const before: LimitState = state;
          const step = stepLimit(lowSpo2, before, sample, { maxGapMs: 3000 });
          state = step.state;
          if (step.transition?.type === 'raised') expect(sample.atMs - lastGapEndMs).toBeGreaterThanOrEqual(3000);
          if (before.phase === 'active' && sample.value < 92) expect(state.phase).toBe('active');
        }
      },
    ),
  );
});

const limits = fc.record({
  side: fc.constantFrom('above', 'below'),
  threshold: fc.integer({ min: 88, max: 92 }),
  hysteresis: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  persistSeconds: fc.integer({ min: 0, max: 6 }),
});
const toLimit = ({
  side,
  threshold,
  hysteresis,
  persistSeconds,
}: typeof limits extends fc.Arbitrary<infer T> ? T : never): Limit => ({
  vital: 'spo2',
  ...(side === 'above' ? { above: threshold } : { below: threshold }),
  ...(hysteresis === undefined ? {} : { clearAt: side === 'above' ? threshold - hysteresis : threshold + hysteresis }),
  persistSeconds,
  priority: 'low',
});
const recordings = fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 60 }).map((s) => s * 1000), value: fc.integer({ min: 84, max: 96 }) }), { maxLength: 80 }); // prettier-ignore

test('M2 permuted and repeated input gives the same history', () => {
  fc.assert(
    fc.property(limits, recordings, fc.infiniteStream(fc.nat()), (shape, samples, random) => {
      const limit = toLimit(shape);
      const keyed = [...samples, ...samples.slice(0, samples.length / 2)].map((sample) => ({
        sample,
        key: random.next().value as number,
      }));
      const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ sample }) => sample);
      expect(alarmHistory(limit, shuffled)).toEqual(alarmHistory(limit, samples));
    }),
  );
});

test('a state survives JSON in the middle of a persistence window', () => {
  fc.assert(
    fc.property(limits, recordings, (shape, samples) => {
      const limit = toLimit(shape);
      let plain: LimitState = normalState;
      let stored: LimitState = normalState;
      for (const sample of samples.toSorted((a, b) => a.atMs - b.atMs)) {
        plain = stepLimit(limit, plain, sample).state;
        stored = stepLimit(limit, JSON.parse(JSON.stringify(stored)) as LimitState, sample).state;
        expect(stored).toEqual(plain);
      }
    }),
  );
});

test('a removed limit ends its alarm, a changed one leaves it to the next sample', () => {
  const { state } = run(lowSpo2, everySecond(80, 80, 80, 80));
  const states = { [limitKey(lowSpo2)]: state, 'heartRate:above': { phase: 'onset', sinceMs: 0, threshold: 1, lastAtMs: 0 } as const }; // prettier-ignore
  expect(reconcileStates([fastBreathing], states)).toEqual({
    states: {},
    cleared: [{ vital: 'spo2', kind: 'spo2-below', atMs: 3000 }],
  });
  const lower: Limit = { ...lowSpo2, below: 75, clearAt: 78 };
  const reconciled = reconcileStates([lower, { ...fastBreathing, vital: 'heartRate' }], states);
  expect(reconciled.states).toBe(states);
  expect(reconciled.cleared).toEqual([]);
  expect(stepLimit(lower, state, { atMs: 4000, value: 80 }).transition?.type).toBe('cleared');
});

test('an onset restarts when the threshold changes, since earlier samples may not breach the new one', () => {
  const { state } = run(lowSpo2, everySecond(89, 89, 89));
  const lower: Limit = { ...lowSpo2, below: 88 };
  const next = stepLimit(lower, state, { atMs: 3000, value: 87 });
  expect(next).toEqual({ state: { phase: 'onset', sinceMs: 3000, threshold: 88, lastAtMs: 3000 } });
});

test('an alarm is named by its vital sign and side', () => {
  expect(limitKind(lowSpo2)).toBe('spo2-below');
  expect(limitKind(fastBreathing)).toBe('respirationRate-above');
});

test('limits that contradict themselves or one another are named', () => {
  const { above: _, ...neither } = fastBreathing;
  const bad: Limit[] = [lowSpo2, { ...lowSpo2, above: 99 }, neither, { ...fastBreathing, clearAt: 25 }, { ...lowSpo2, below: 85 }]; // prettier-ignore
  expect(limitIssues(bad)).toEqual([
    { path: '1', message: 'Expected one of above and below, not both' },
    { path: '2', message: 'Expected above or below' },
    { path: '3.clearAt', message: 'Expected at or below the threshold 24' },
    { path: '4', message: 'Limit 0 is on the same side of spo2 already' },
  ]);
  expect(limitIssues([lowSpo2, fastBreathing])).toEqual([]);
  expect(clearAtIssue({ ...lowSpo2, clearAt: 90 })).toBeUndefined();
});
