import { expect, test } from '@jest/globals';
import type { VitalName } from '@carillon/contracts/vital-signs';
import { emptyPatientState, type Decision, type PatientState } from './patient-state.ts';
import { scoreExpiresAtMs } from './score-input.ts';
import { applyScore } from './score-part.ts';

const start = Date.UTC(2026, 10, 21, 8);
const hour = 3_600;
const at = (second: number): number => start + second * 1_000;
const decided = (second: number, more: Partial<Decision> = {}): Decision => ({
  scale: 2,
  isApplicable: true,
  decidedAtMs: at(second),
  endedAtMs: null,
  ...more,
});

type Values = Partial<Record<VitalName, number | string>>;
type Person = { birthDate?: string; population?: 'adult' | 'paediatric' };

/** A patient whose values arrive; tells the score, and what was reported as `type priority`. */
function patient(person: Person = {}) {
  let state: PatientState = emptyPatientState;
  const decisions: Decision[] = [];
  const apply = (second: number, values: Values, nowSecond = second) => {
    const newest = Object.fromEntries(
      Object.entries(values).map(([vital, value]) => [vital, { atMs: at(second), value }]),
    );
    const isEmpty = Object.keys(values).length === 0;
    const taken = isEmpty ? { isLive: false } : { isLive: true, takenAtMs: at(second) };
    const options = { nowMs: at(nowSecond), decisions, ...person };
    const result = applyScore({ ...state, newest: { ...state.newest, ...newest } }, taken, options);
    state = JSON.parse(JSON.stringify(result.state)) as PatientState;
    const { transition } = result;
    return { score: result.score, report: transition && `${transition.type} ${transition.priority}` };
  };
  return {
    measure: apply,
    /** Looks at the patient although nothing was measured. */
    tick: (second: number) => apply(second, {}),
    decide: (second: number, more: Partial<Decision> = {}) => {
      decisions.push(decided(second, more));
      return apply(second, {});
    },
    knowDecision: (second: number, more: Partial<Decision> = {}) => decisions.push(decided(second, more)),
    state: () => state,
  };
}
const onAir = { oxygenFlow: 0, consciousness: 'A' } as const;

test('what was measured while NEWS2 applied brings no score back when it applies no more, with no score in between', () => {
  const p = patient();
  p.decide(1, { isApplicable: false });
  p.decide(2);
  p.decide(3, { isApplicable: false });
  expect(p.measure(2, { spo2: 80 }, 60)).toEqual({ score: undefined, report: undefined });
  expect(p.state()).not.toHaveProperty('score');
});

test('M10 a scale change counts from its time only: what was measured before it is scored by the old scale, also late', () => {
  const p = patient();
  p.measure(0, { spo2: 90 });
  // Both waited; the decision of second 10 is known by now.
  p.knowDecision(10);
  expect(p.measure(9, { spo2: 89 }, 60)).toMatchObject({ score: undefined });
  expect(p.state().score).toMatchObject({ scale: 1, parts: { spo2: 3 } });
  expect(p.measure(10, { spo2: 89 }, 60).score).toMatchObject({ scale: 2, parts: { spo2: 0 } });
});

test('M10 a decision scores what is known anew at once, and a value that comes late does not undo it', () => {
  const p = patient();
  expect(p.measure(0, { ...onAir, spo2: 87 }).score).toMatchObject({ scale: 1, parts: { spo2: 3 }, atMs: at(0) });
  expect(p.decide(20).score).toMatchObject({ scale: 2, parts: { spo2: 1 }, atMs: at(20) });
  expect(p.measure(15, { systolic: 105 }, 30).score).toMatchObject({ scale: 2, parts: { spo2: 1, systolic: 1 } });
});

test('scale 1 again raises at once; scale 2 lets the alarm settle in its usual time', () => {
  const p = patient();
  const values = { spo2: 88, pulse: 95, respirationRate: 22 };
  expect(p.measure(0, values).report).toBe('raised medium');
  expect(p.decide(10).report).toBeUndefined();
  expect(p.measure(59, values).report).toBeUndefined();
  expect(p.measure(60, values).report).toBe('cleared medium');
  expect(p.decide(70, { scale: 1 }).report).toBe('raised medium');
});

test('what an alarm holds of an SpO2 that is no longer measured is judged by the new scale as well', () => {
  const p = patient();
  expect(p.measure(0, { spo2: 88, pulse: 95, respirationRate: 22 }).report).toBe('raised medium');
  // The oximeter is off, its value has expired, and holds the alarm.
  const rest = { pulse: 95, respirationRate: 22 };
  expect(p.measure(20 * 60, rest).report).toBeUndefined();
  expect(p.decide(20 * 60 + 30).report).toBeUndefined();
  expect(p.measure(20 * 60 + 59, rest).report).toBeUndefined();
  expect(p.measure(21 * 60, rest).report).toBe('cleared medium');
});

test('M7 an expired chart makes the score partial without a sample, and ends no alarm', () => {
  const p = patient();
  expect(p.measure(0, { ...onAir, consciousness: 'V', temperature: 39.5 }).report).toBe('raised medium');
  expect(scoreExpiresAtMs(p.state(), at(0))).toBe(at(4 * hour) + 1);
  expect(p.tick(4 * hour).score).toBeUndefined();
  const partial = p.tick(4 * hour + 1);
  expect(partial).toMatchObject({ score: { lower: 3, missing: expect.arrayContaining(['temperature']) } });
  expect(partial.report).toBeUndefined();
  expect(scoreExpiresAtMs(p.state(), at(4 * hour + 1))).toBe(at(12 * hour) + 1);
  expect(p.tick(12 * hour + 1)).toMatchObject({ score: { lower: 0, upper: 20 }, report: undefined });
  expect(scoreExpiresAtMs(p.state(), at(12 * hour + 1))).toBeNull();
  expect(p.state().active).toEqual({ news2: 'medium' });
});

test('never NEWS2 under 16, from the birthday on it is', () => {
  const child = patient({ birthDate: '2010-11-22' });
  expect(child.measure(0, { respirationRate: 30, pulse: 140, systolic: 85 })).toEqual({});
  const oneDay = 24 * hour;
  expect(child.measure(oneDay, { respirationRate: 30, pulse: 140, systolic: 85 })).toMatchObject({
    score: { lower: 9 },
    report: 'raised high',
  });
  expect(patient({ population: 'paediatric' }).measure(0, { pulse: 140 }).score).toBeUndefined();
});

test('where NEWS2 does not apply there is no score from the decision on, and its alarm ends once', () => {
  const p = patient();
  const values = { respirationRate: 26, pulse: 120 };
  expect(p.measure(0, values).report).toBe('raised medium');
  expect(p.decide(10, { isApplicable: false })).toEqual({ score: undefined, report: 'cleared medium' });
  expect(p.state()).not.toHaveProperty('score');
  expect(p.state()).not.toHaveProperty('news2');
  expect(p.measure(9, { systolic: 85 }, 11)).toEqual({});
  expect(p.measure(11, values)).toEqual({});
  expect(p.decide(20, { scale: 1 })).toMatchObject({ score: { lower: 8 }, report: 'raised high' });
});

test('oxygen is what was said last of it, as a flow or as a concentration', () => {
  const p = patient();
  expect(p.measure(0, { oxygenConcentration: 21 }).score).toMatchObject({ parts: { onOxygen: 0 } });
  expect(p.measure(1, { oxygenConcentration: 24 }).score).toMatchObject({ parts: { onOxygen: 2 } });
  expect(p.measure(2, { oxygenFlow: 0 }).score).toMatchObject({ parts: { onOxygen: 0 } });
  expect(p.measure(3, { oxygenFlow: 2 }).score).toMatchObject({ parts: { onOxygen: 2 } });
});

test('a score of the release before was of scale 1, and is not told anew', () => {
  const p = patient();
  p.measure(0, { spo2: 95 });
  const { scale: _, ...score } = p.state().score ?? { atMs: 0 };
  const before = { ...p.state(), score } as PatientState;
  const options = { nowMs: at(1), decisions: [] };
  expect(applyScore(before, { isLive: true, takenAtMs: at(1) }, options)).toEqual({ state: before });
});
