import { expect, test } from '@jest/globals';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type ApplyOptions, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules } from './rules.ts';
import { admit, discharge } from './stays.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const options: ApplyOptions = {
  rules: compileRules({ limits: [{ vital: 'spo2', below: 85, persistSeconds: 0, priority: 'high' }] }),
  nowMs: now,
  decisions: [],
  bindings: [],
};
const spo2 = (value: number, atMs: number): MonitorSample => ({
  vital: 'spo2',
  value,
  atMs,
  receivedAtMs: atMs,
  quality: 'good',
});
const alarming = (): PatientState => applySamples(emptyPatientState, [spo2(80, now - 1_000)], options).state;

test('a discharge ends every condition, and what comes later or late is judged by nobody', () => {
  const { state, conditions } = discharge(alarming(), now);
  expect(conditions).toEqual([{ type: 'cleared', kind: 'spo2-below', priority: 'high', atMs: now }]);
  for (const atMs of [now - 30_000, now + 30_000]) {
    const judged = applySamples(state, [spo2(70, atMs)], { ...options, nowMs: now + 60_000 });
    expect(judged).toEqual({ state, conditions: [] });
  }
});

test('what was measured before a discharge is nothing to the stay after it, when it comes in that one', () => {
  const again = admit(discharge(alarming(), now).state);
  const late = { ...spo2(70, now - 1_000), receivedAtMs: now + 5_000 };
  const judged = applySamples(again, [late], { ...options, nowMs: now + 5_000 });
  expect(judged).toEqual({ state: again, conditions: [] });
});

test('what is about the measuring stays so when it ends with a stay', () => {
  const state: PatientState = { ...emptyPatientState, active: { 'spo2-absent': 'low', news2: 'high' } };
  expect(discharge(state, now).conditions).toEqual([
    { type: 'cleared', kind: 'spo2-absent', priority: 'low', atMs: now, technical: { reason: 'over' } },
    { type: 'cleared', kind: 'news2', priority: 'high', atMs: now },
  ]);
});

test('a condition ends no earlier than the sample that raised it was measured', () => {
  const ahead = applySamples(emptyPatientState, [spo2(80, now + 60_000)], { ...options, nowMs: now }).state;
  expect(discharge(ahead, now).conditions).toMatchObject([{ atMs: now + 60_000 }]);
});

test('who is admitted again begins anew, and who was never discharged goes on', () => {
  const again = admit(discharge(alarming(), now).state);
  expect(again).toEqual({ ...emptyPatientState, leftAtMs: now });
  expect(applySamples(again, [spo2(80, now + 1_000)], { ...options, nowMs: now + 1_000 }).conditions).toHaveLength(1);
  const telehealth = alarming();
  expect(admit(telehealth)).toBe(telehealth);
});
