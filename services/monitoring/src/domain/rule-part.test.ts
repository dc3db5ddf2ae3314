import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LimitStates } from './alarm-engine.ts';
import type { Limit } from './limit.ts';
import { nextLookAt } from './next-look.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules, fitStates } from './rules.ts';

const start = Date.UTC(2026, 10, 21, 8);
const sample = (second: number, value: number, vital: 'spo2' | 'heartRate' = 'heartRate'): MonitorSample => {
  const atMs = start + second * 1000;
  return { vital, value, atMs, receivedAtMs: atMs, quality: 'good' };
};
/** One batch through a state; what was told, as `type kind priority second value`. */
function apply(limits: readonly Limit[], state: PatientState, samples: readonly MonitorSample[]) {
  const nowMs = Math.max(start, ...samples.map(({ atMs }) => atMs));
  const result = applySamples(state, samples, { rules: compileRules({ limits }), nowMs, decisions: [], bindings: [] });
  const told = result.conditions.map(({ type, kind, priority, atMs, value }) =>
    [type, kind, priority, (atMs - start) / 1000, value].join(' '),
  );
  return { state: result.state, told };
}
function live(limits: readonly Limit[], samples: readonly MonitorSample[], from = emptyPatientState) {
  const told: string[] = [];
  let state = from;
  for (const one of samples) {
    const result = apply(limits, state, [one]);
    state = JSON.parse(JSON.stringify(result.state)) as PatientState;
    told.push(...result.told);
  }
  return { state, told };
}

const warning: Limit = { vital: 'heartRate', above: 110, clearAt: 105, persistSeconds: 2, priority: 'medium' };
const critical: Limit = { vital: 'heartRate', above: 130, clearAt: 125, persistSeconds: 1, priority: 'high' };
const tiers = [warning, critical];
const after = (second: number, ...values: number[]): MonitorSample[] =>
  values.map((value, index) => sample(second + index, value));

test('two tiers are one condition whose priority is the higher', () => {
  const rising = after(0, 115, 115, 115, 140, 140, 140);
  const { state, told } = live(tiers, rising);
  expect(told).toEqual(['raised heartRate-above medium 2 115', 'raised heartRate-above high 4 140']);
  expect(state.active).toEqual({ 'heartRate-above': 'high' });
});

test('a critical tier that ends leaves the warning, and pages nobody', () => {
  const { state } = live(tiers, after(0, 140, 140, 140));
  const { told } = live(tiers, after(3, 120, 104), state);
  expect(told).toEqual(['changed heartRate-above medium 3 120', 'cleared heartRate-above medium 4 104']);
});

test('of a batch in which both tiers began, the more urgent is told, with the sample that began it', () => {
  expect(apply(tiers, emptyPatientState, after(0, 115, 115, 140, 140, 150)).told).toEqual([
    'raised heartRate-above high 3 140',
  ]);
});

test('a removed tier leaves its alarm to the other one, and the last of a kind ends it', () => {
  const { state } = live(tiers, after(0, 140, 140, 140));
  const lessUrgent = apply([warning], state, []);
  expect(lessUrgent.told).toEqual(['changed heartRate-above medium 2 ']);
  expect(apply([critical], lessUrgent.state, []).told).toEqual(['raised heartRate-above high 2 ']);
  expect(apply([], lessUrgent.state, []).told).toEqual(['cleared heartRate-above medium 2 ']);
});

test('M11 states of the release before keep their alarms and their onsets', () => {
  const spo2: Limit = { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, priority: 'high' };
  const old = {
    'spo2:below': { phase: 'active', sinceMs: start - 20_000, raisedAtMs: start - 5_000, lastAtMs: start },
    'heartRate:above': { phase: 'onset', sinceMs: start, threshold: 130, lastAtMs: start },
  } satisfies LimitStates;
  const rules = compileRules({ limits: [spo2, critical] });
  expect(fitStates(rules, old)).toEqual({
    states: { 'spo2:below:critical': old['spo2:below'], 'heartRate:above:critical': old['heartRate:above'] },
    orphans: [],
  });
  const before: PatientState = { ...emptyPatientState, limits: old, active: { 'spo2-below': 'high' } };
  expect(apply([spo2, critical], before, []).told).toEqual([]);
  expect(apply([spo2, critical], before, [sample(1, 131), sample(1, 95, 'spo2')]).told).toEqual([
    'cleared spo2-below high 1 95',
    'raised heartRate-above high 1 131',
  ]);
});

const night: Limit = {
  ...warning,
  above: 90,
  clearAt: 85,
  persistSeconds: 2,
  schedule: { from: '22:00', to: '06:00', timeZone: 'UTC' },
};
/** Seconds from the start, 08:00, to 22:00. */
const tenAtNight = 14 * 3_600;

test('a scheduled limit takes the place of the other one, by the time of the measurement', () => {
  const limits = [warning, night];
  expect(live(limits, after(tenAtNight - 2, 95, 95, 95, 95)).told).toEqual([]);
  const { told, state } = live(limits, after(tenAtNight - 1, 95, 95, 95, 95));
  expect(told).toEqual([`raised heartRate-above medium ${tenAtNight + 2} 95`]);
  // By day it is no breach of the other limit: the next sample ends it, and not the clock.
  const morning = tenAtNight + 8 * 3_600;
  expect(apply(limits, state, []).told).toEqual([]);
  expect(live(limits, after(morning - 1, 95, 95), state).told).toEqual([
    `cleared heartRate-above medium ${morning} 95`,
  ]);
});

test('an alarm whose limit holds at night only ends with the night, without a sample', () => {
  const { state } = live([night], after(tenAtNight, 95, 95, 95));
  const options = (second: number) => ({
    rules: compileRules({ limits: [night] }),
    nowMs: start + second * 1000,
    decisions: [],
    bindings: [],
  });
  const lookAt = nextLookAt(state, options(tenAtNight + 2));
  expect(lookAt).toBe(start + (tenAtNight + 60) * 1000);
  expect(applySamples(state, [], options(tenAtNight + 8 * 3_600 - 1)).conditions).toEqual([]);
  expect(applySamples(state, [], options(tenAtNight + 8 * 3_600)).conditions).toMatchObject([{ type: 'cleared' }]);
});

test('what was measured before the end of its hours and comes after it begins no alarm anew', () => {
  const atOnce = { ...night, persistSeconds: 0 };
  const morning = tenAtNight + 8 * 3_600;
  const { state } = live([atOnce], after(morning - 3, 95, 95));
  const late = { ...sample(morning - 1, 95), receivedAtMs: start + (morning + 4) * 1_000 };
  const options = { rules: compileRules({ limits: [atOnce] }), decisions: [], bindings: [] };
  const first = applySamples(state, [late], { ...options, nowMs: start + (morning + 4) * 1_000 });
  expect(first.conditions).toMatchObject([{ type: 'cleared' }]);
  const later = { ...late, atMs: late.atMs + 500 };
  const second = applySamples(first.state, [later], { ...options, nowMs: start + (morning + 5) * 1_000 });
  expect(second.conditions).toEqual([]);
  expect(second.state.active).toEqual({});
});

test('limits that expire in the middle of a persistence: the same threshold goes on, another one begins anew', () => {
  const own: Limit = { ...warning, persistSeconds: 10 };
  const { state } = live([own], after(0, 115, 115, 115, 115, 115));
  const same = live([{ ...own, clearAt: 100 }], after(5, 115, 115, 115, 115, 115, 115), state);
  expect(same.told).toEqual(['raised heartRate-above medium 10 115']);
  const lower = live([{ ...own, above: 112 }], after(5, 115, 115, 115, 115, 115, 115), state);
  expect(lower.told).toEqual([]);
  expect(live([{ ...own, above: 112 }], after(11, 115, 115, 115, 115, 115), lower.state).told).toEqual([
    'raised heartRate-above medium 15 115',
  ]);
});

test('a tier that latches holds its alarm until somebody answers, and leaves it to the other tier then', () => {
  const latching = [warning, { ...critical, isLatching: true }];
  const { state } = live(latching, after(0, 140, 140, 140, 120, 120));
  expect(state.active).toEqual({ 'heartRate-above': 'high' });
  const options = { rules: compileRules({ limits: latching }), nowMs: start + 5_000, decisions: [], bindings: [] };
  const answered = applySamples(state, [], { ...options, answered: ['heartRate-above'] });
  expect(answered.conditions).toMatchObject([{ type: 'changed', priority: 'medium' }]);
  const { told } = live(latching, after(5, 140, 140), answered.state);
  expect(told).toEqual(['raised heartRate-above high 6 140']);
});

const anySide = (side: 'above' | 'below') =>
  fc
    .record({
      hysteresis: fc.constantFrom(undefined, 0, 2),
      persistSeconds: fc.integer({ min: 0, max: 4 }),
      breaches: fc.constantFrom(undefined, { k: 2, of: 3 }, { k: 1, of: 1 }),
      clearForSeconds: fc.constantFrom(undefined, 2, 7),
      isLatching: fc.boolean(),
    })
    .map(({ hysteresis, persistSeconds, breaches, clearForSeconds, isLatching }) => {
      const sign = side === 'above' ? 1 : -1;
      const shape = (threshold: number, priority: Limit['priority'], tier: 'warning' | 'critical'): Limit => ({
        vital: 'heartRate',
        ...(side === 'above' ? { above: threshold } : { below: threshold }),
        ...(hysteresis === undefined ? {} : { clearAt: threshold - sign * hysteresis }),
        persistSeconds: breaches === undefined ? persistSeconds : 0,
        ...(breaches === undefined ? {} : { breaches }),
        ...(clearForSeconds === undefined ? {} : { clearForSeconds }),
        isLatching,
        priority,
        tier,
      });
      return [shape(100 + sign * 5, 'low', 'warning'), shape(100 + sign * 10, 'high', 'critical')];
    });
const anyRules = fc.tuple(anySide('above'), anySide('below')).chain((sides) => fc.subarray(sides.flat()));
const anyHistory = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 85, max: 115 })), { maxLength: 60 })
  .map((steps) => {
    let second = 0;
    return steps.map(([gap, value]) => sample((second += gap), value));
  });

test('M2 permuted and repeated samples give the same history, whatever the limits', () => {
  fc.assert(
    fc.property(anyRules, anyHistory, fc.infiniteStream(fc.nat()), fc.nat(60), (limits, history, random, cut) => {
      const shuffle = (samples: readonly MonitorSample[]): MonitorSample[] =>
        [...samples, ...samples.slice(samples.length / 2)]
          .map((one) => ({ one, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
      const earlier = apply(limits, emptyPatientState, history.slice(0, cut));
      expect(apply(limits, emptyPatientState, shuffle(history.slice(0, cut)))).toEqual(earlier);
      const later = apply(limits, earlier.state, history.slice(cut));
      // What is repeated of an earlier batch is late by then.
      const repeated = [...history.slice(0, cut), ...shuffle(history.slice(cut))];
      expect(apply(limits, earlier.state, repeated)).toEqual(later);
    }),
  );
});

test('M11 a history that is cut anywhere, with another engine going on from JSON, is the same history', () => {
  fc.assert(
    fc.property(anyRules, anyHistory, (limits, history) => {
      let state = emptyPatientState;
      const told: string[] = [];
      for (const one of history) {
        const result = apply(limits, state, [one]);
        state = result.state;
        told.push(...result.told);
      }
      expect(live(limits, history)).toEqual({ state, told });
      // Alarms end and begin as they are told, whatever the size of the batches.
      expect(apply(limits, emptyPatientState, history).state.active).toEqual(state.active);
      expect(apply(limits, emptyPatientState, history).state.limits).toEqual(state.limits);
    }),
  );
});

test('what is told begins and ends in turn, and says at the end what is on', () => {
  fc.assert(
    fc.property(anyRules, anyHistory, (limits, history) => {
      const { state, told } = live(limits, history);
      const on = new Map<string, string>();
      for (const [type, kind, priority] of told.map((one) => one.split(' '))) {
        if (type === 'cleared') expect(on.delete(String(kind))).toBe(true);
        else if (type === 'changed') expect(on.get(String(kind))).toBe('high');
        else expect(on.get(String(kind))).not.toBe('high');
        if (type !== 'cleared') on.set(String(kind), String(priority));
      }
      expect(Object.fromEntries(on)).toEqual(state.active);
    }),
  );
});
