import { expect, test } from '@jest/globals';
import { marksOf, nameCondition, stateCondition, strongestMark, uncovered } from './marking.ts';
import type { ActiveCondition, Alert } from './shapes.ts';

const anAlert = (change: Partial<Alert> = {}): Alert => ({
  alertId: 'a1',
  patientId: 'p1',
  wardId: 'w1',
  kind: 'spo2-below',
  priority: 'high',
  message: '',
  state: 'open',
  presence: 'on',
  level: 1,
  openedAt: '2026-11-21T08:00:00.000Z',
  version: 1,
  pages: [],
  ...change,
});

const SPO2: ActiveCondition = { kind: 'spo2-below', priority: 'high', alertResolved: false };
const SCORE: ActiveCondition = { kind: 'news2', priority: 'medium', alertResolved: false };
const acknowledged = { state: 'acknowledged', presence: 'ack' } as const;

test('every number is marked by its own alert, and not by the one that leads', () => {
  const score = anAlert({ alertId: 'a2', kind: 'news2', priority: 'medium' });
  expect(Object.fromEntries(marksOf([score, anAlert(acknowledged)], [SPO2, SCORE]))).toEqual({
    spo2: { state: 'ack', priority: 'high' },
    news2: { state: 'on', priority: 'medium' },
  });
});

test('a number stays marked while its condition lasts, though its alert was resolved', () => {
  expect(marksOf([], [SPO2]).get('spo2')).toEqual({ state: 'condition', priority: 'high' });
  expect(marksOf([anAlert({ state: 'resolved', presence: 'off' })], [SPO2]).get('spo2')).toEqual({
    state: 'condition',
    priority: 'high',
  });
  expect(marksOf([], []).size).toBe(0);
});

test('an alert whose condition is over is marked as latched, and as active when the condition is back', () => {
  const latched = anAlert({ presence: 'latched' });
  expect(marksOf([latched], []).get('spo2')?.state).toBe('latched');
  expect(marksOf([latched], [SPO2]).get('spo2')?.state).toBe('condition');
});

test('of several on one number, what is on comes first and then the priority', () => {
  const other = anAlert({ alertId: 'a2', kind: 'spo2-above', priority: 'low' });
  expect(marksOf([anAlert(acknowledged), other], []).get('spo2')).toEqual({ state: 'on', priority: 'low' });
  const low = { state: 'ack', priority: 'low' } as const;
  const high = { state: 'condition', priority: 'high' } as const;
  expect(strongestMark(low, undefined, high)).toBe(high);
  expect(strongestMark(undefined)).toBeUndefined();
});

test('the conditions that no alert stands for, by priority, in words', () => {
  expect(uncovered([SCORE, SPO2], [])).toEqual([SPO2, SCORE]);
  expect(uncovered([SCORE, SPO2], [anAlert(acknowledged)])).toEqual([SCORE]);
  expect(['spo2-below', 'heartRate-above', 'news2'].map(nameCondition)).toEqual([
    'SpO₂ below limit',
    'HR above limit',
    'NEWS2 at alarm level',
  ]);
  expect(stateCondition({ ...SPO2, alertResolved: true })).toBe('alert resolved, condition still active');
  expect(stateCondition(SPO2)).toBe('condition still active');
});
