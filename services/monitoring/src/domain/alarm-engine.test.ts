import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  alarmHistory,
  answerCondition,
  normalState,
  stepLimit,
  timingOf,
  type ConditionState,
  type Sample,
} from './alarm-engine.ts';
import { limitKind, type Limit } from './limit.ts';

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

const step = (limit: Limit, state: ConditionState, sample: Sample, maxGapMs?: number) =>
  stepLimit(
    limit,
    timingOf(limit, maxGapMs === undefined ? undefined : { onset: maxGapMs, clearing: maxGapMs }),
    state,
    sample,
  );

function run(limit: Limit, samples: readonly Sample[], maxGapMs?: number, from: ConditionState = normalState) {
  let state = from;
  const transitions: string[] = [];
  for (const sample of samples) {
    const { state: next, transition } = step(limit, state, sample, maxGapMs);
    state = next;
    if (transition !== undefined) transitions.push(`${transition} ${sample.atMs / 1000}`);
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
  const { state } = step(lowSpo2, normalState, { atMs: 0, value: 80 });
  expect(step(lowSpo2, state, { atMs: 1000, value: Number.NaN }).state).toBe(state);
});

test('M3 a late or repeated sample changes nothing', () => {
  const active = run(lowSpo2, everySecond(80, 80, 80, 80, 80)).state;
  expect(step(lowSpo2, active, { atMs: 4000, value: 99 })).toEqual({ state: active });
  expect(step(lowSpo2, active, { atMs: 1000, value: 99 })).toEqual({ state: active });
});

test('M4 a gap neither clears nor counts', () => {
  const gapped = everySecond(80, 80, undefined, undefined, undefined, undefined, 80, 80, 80, 80);
  expect(run(lowSpo2, gapped, 3000).transitions).toEqual(['raised 9']);
  expect(run(lowSpo2, gapped).transitions).toEqual(['raised 6']);
  expect(run(lowSpo2, gapped, 5000).transitions).toEqual(['raised 6']);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 84, max: 95 })), { maxLength: 60 }),
      (steps) => {
        let atMs = 0;
        const samples = steps.map(([seconds, value]) => ({ atMs: (atMs += seconds * 1000), value }));
        let state = normalState;
        let lastGapEndMs = 0;
        for (const [index, sample] of samples.entries()) {
          if (sample.atMs - (samples[index - 1]?.atMs ?? 0) > 3000) lastGapEndMs = sample.atMs;
          const before = state;
          const next = step(lowSpo2, before, sample, 3000);
          state = next.state;
          const [one, two] = [samples[index - 2], samples[index - 1]];
          const areAlone = one !== undefined && two !== undefined && sample.atMs - two.atMs > 3000 && two.atMs - one.atMs > 3000; // prettier-ignore
          const hasLasted = sample.atMs - lastGapEndMs >= 3000;
          if (next.transition === 'raised')
            expect(hasLasted || (areAlone && one.value < 90 && two.value < 90)).toBe(true);
          if (before.phase === 'active' && sample.value < 92) expect(state.phase).toBe('active');
        }
      },
    ),
  );
});

const limits = fc.record({
  breaches: fc.option(fc.record({ k: fc.integer({ min: 1, max: 3 }), of: fc.integer({ min: 3, max: 5 }) }), {
    nil: undefined,
  }),
  clearForSeconds: fc.constantFrom(undefined, 0, 3),
  isLatching: fc.boolean(),
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
  breaches,
  clearForSeconds,
  isLatching,
}: typeof limits extends fc.Arbitrary<infer T> ? T : never): Limit => ({
  vital: 'spo2',
  ...(side === 'above' ? { above: threshold } : { below: threshold }),
  ...(hysteresis === undefined ? {} : { clearAt: side === 'above' ? threshold - hysteresis : threshold + hysteresis }),
  persistSeconds: breaches === undefined ? persistSeconds : 0,
  ...(breaches === undefined ? {} : { breaches }),
  ...(clearForSeconds === undefined ? {} : { clearForSeconds }),
  isLatching,
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

test('M11 a state survives JSON in the middle of a persistence window, of a count and of clearing', () => {
  fc.assert(
    fc.property(limits, recordings, (shape, samples) => {
      const limit = toLimit(shape);
      let plain = normalState;
      let stored = normalState;
      for (const sample of samples.toSorted((a, b) => a.atMs - b.atMs)) {
        plain = step(limit, plain, sample).state;
        stored = step(limit, JSON.parse(JSON.stringify(stored)) as ConditionState, sample).state;
        expect(stored).toEqual(plain);
      }
    }),
  );
});

const after = (second: number, ...values: number[]): Sample[] =>
  values.map((value, index) => ({ atMs: (second + index) * 1000, value }));

test('k of n raises at the sample that makes k, and a value between breaches does not stop it', () => {
  const counted: Limit = { ...lowSpo2, persistSeconds: 0, breaches: { k: 3, of: 5 } };
  expect(secondsOf(counted, 89, 91, 89, 91, 91, 89, 89)).toEqual([[6, null]]);
  expect(secondsOf(counted, 89, 91, 89, 91, 91, 91, 89, 89)).toEqual([]);
  expect(secondsOf(counted, 89, 89, 89)).toEqual([[2, null]]);
});

test('M4 a gap empties the last n', () => {
  const counted: Limit = { ...lowSpo2, persistSeconds: 0, breaches: { k: 3, of: 5 } };
  const gapped = everySecond(89, 89, undefined, undefined, undefined, undefined, 89, 89, 89);
  expect(run(counted, gapped, 4000).transitions).toEqual(['raised 8']);
  expect(run(counted, gapped).transitions).toEqual(['raised 6']);
});

test('what was counted under another way to count or another threshold proves nothing', () => {
  const counted: Limit = { ...lowSpo2, persistSeconds: 0, breaches: { k: 2, of: 5 } };
  const { state } = run(counted, everySecond(89, 91, 91));
  expect(step(lowSpo2, state, { atMs: 4000, value: 89 }).transition).toBeUndefined();
  expect(step({ ...counted, below: 85 }, state, { atMs: 4000, value: 84 }).transition).toBeUndefined();
  const fewer: Limit = { ...counted, breaches: { k: 1, of: 5 } };
  expect(step(fewer, state, { atMs: 4000, value: 95 }).transition).toBeUndefined();
});

const settling: Limit = { ...lowSpo2, persistSeconds: 0, clearForSeconds: 3 };

test('an alarm ends when its value has stayed clear for its time', () => {
  expect(secondsOf(settling, 89, 92, 93, 94, 95)).toEqual([[0, 4]]);
});

test('an alarm that wavers about its end is one alarm', () => {
  expect(secondsOf(settling, 89, 92, 93, 91, 92, 93, 89, 92, 93, 94, 95, 96)).toEqual([[0, 10]]);
});

test('where samples come more seldom than what is timed, the third in a row raises, and the third ends', () => {
  const seldom = (...values: number[]): Sample[] => values.map((value, index) => ({ atMs: index * 60_000, value }));
  const slow: Limit = { ...lowSpo2, persistSeconds: 15, clearForSeconds: 10 };
  expect(run(slow, seldom(95, 80, 80, 80, 80), 15_000).transitions).toEqual(['raised 180']);
  expect(run(slow, seldom(80, 80, 95, 80, 80, 91, 80), 15_000).transitions).toEqual([]);
  const on = run(slow, seldom(80, 80, 80), 15_000).state;
  const later = (...values: number[]): Sample[] => seldom(0, 0, 0, ...values).slice(3);
  expect(run(slow, later(95, 95, 91, 95, 95), 15_000, on).transitions).toEqual([]);
  expect(run(slow, later(95, 95, 95, 95), 15_000, on).transitions).toEqual(['cleared 300']);
  // A stream that breaks off now and then is no seldom device, and what is hours apart is not in a row.
  const broken = [0, 1_000, 60_000, 61_000, 120_000, 121_000].map((atMs) => ({ atMs, value: 80 }));
  expect(run(slow, broken, 15_000).transitions).toEqual([]);
  const restarted = [0, 1_000, 60_000, 120_000].map((atMs) => ({ atMs, value: 80 }));
  expect(run(slow, restarted, 15_000).transitions).toEqual([]);
  const hours = [0, 1, 2, 3].map((hour) => ({ atMs: hour * 3_700_000, value: 80 }));
  expect(run(slow, hours, 15_000).transitions).toEqual([]);
});

test('M4 a gap while clearing starts the time anew', () => {
  const gapped = everySecond(89, 92, 93, undefined, undefined, undefined, undefined, 94, 95, 96, 97);
  expect(run(settling, gapped, 3000).transitions).toEqual(['raised 0', 'cleared 10']);
  expect(run(settling, gapped).transitions).toEqual(['raised 0', 'cleared 7']);
});

const latching: Limit = { ...lowSpo2, persistSeconds: 0, isLatching: true };

test('a latching alarm outlasts its breach until somebody answers', () => {
  const { state, transitions } = run(latching, everySecond(89, 95, 96));
  expect(transitions).toEqual(['raised 0']);
  expect(state.phase).toBe('latched');
  expect(answerCondition(state)).toEqual({ state: { phase: 'normal', lastAtMs: 2000 }, transition: 'cleared' });
});

test('an answer during the breach lets a latching alarm end by itself, and the next one latches again', () => {
  const answered = answerCondition(run(latching, everySecond(89, 88)).state);
  expect(answered.transition).toBeUndefined();
  expect(run(latching, after(2, 88, 95, 89, 95), undefined, answered.state)).toMatchObject({
    transitions: ['cleared 3', 'raised 4'],
    state: { phase: 'latched' },
  });
});

test('a latched alarm that is breached anew is active again and is raised once', () => {
  const { state, transitions } = run(latching, everySecond(89, 95, 89, 91));
  expect(transitions).toEqual(['raised 0']);
  expect(state.phase).toBe('active');
});

test('a latched alarm whose limit latches no longer ends with the next clear value', () => {
  const { state } = run(latching, everySecond(89, 95));
  expect(step({ ...latching, isLatching: false }, state, { atMs: 2000, value: 95 }).transition).toBe('cleared');
});

test('an onset restarts when the threshold changes, since earlier samples may not breach the new one', () => {
  const { state } = run(lowSpo2, everySecond(89, 89, 89));
  const lower: Limit = { ...lowSpo2, below: 88 };
  const next = step(lower, state, { atMs: 3000, value: 87 });
  expect(next).toEqual({ state: { phase: 'onset', sinceMs: 3000, threshold: 88, lastAtMs: 3000 } });
});

test('an alarm is named by its vital sign and side', () => {
  expect(limitKind(lowSpo2)).toBe('spo2-below');
  expect(limitKind(fastBreathing)).toBe('respirationRate-above');
});
