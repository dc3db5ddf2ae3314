import { expect, test } from '@jest/globals';
import { limitsFrom, nurseRangeFrom, rulesFrom, type Combination, type Form, type Trend } from './rule-fields.ts';
import type { Limit } from './shapes.ts';

/** A form in which this is filled in; boxes are lists. */
const formOf = (values: Readonly<Record<string, string | readonly string[]>>): Form => ({
  text: (name) => (typeof values[name] === 'string' ? values[name] : ''),
  checked: (name) => (Array.isArray(values[name]) ? [...values[name]] : []),
});
const fast: Limit = { vital: 'heartRate', above: 120, persistSeconds: 15, priority: 'medium' };
const untouched = { 'threshold-0': '120', 'seconds-0': '15' };
const night = { from: '22:00', to: '06:00', timeZone: 'Asia/Bangkok' };

test('hours are kept where the form does not show them, and are what it says where it does', () => {
  const timed = { ...fast, schedule: night };
  expect(limitsFrom(formOf(untouched), [timed])).toEqual([{ limit: timed, isChanged: false }]);
  const hours = { 'from-0': '21:00', 'to-0': '05:00', 'timeZone-0': 'UTC' };
  const limitWith = (values: Readonly<Record<string, string | readonly string[]>>): Limit | undefined =>
    limitsFrom(formOf({ ...untouched, ...hours, ...values }), [timed])[0]?.limit;
  expect(limitWith({})?.schedule).toEqual({ from: '21:00', to: '05:00', timeZone: 'UTC' });
  expect(limitWith({ 'days-0': ['6', '7'] })?.schedule?.days).toEqual([6, 7]);
  expect(limitWith({ 'from-0': '' })).toEqual(fast);
});

test('a limit whose hours come in another order is the same', () => {
  const form = formOf({ ...untouched, 'from-0': '22:00', 'to-0': '06:00', 'timeZone-0': 'Asia/Bangkok' });
  const { timeZone, to, from } = night;
  expect(limitsFrom(form, [{ ...fast, schedule: { timeZone, to, from } }])[0]?.isChanged).toBe(false);
});

test('another limit has all that one that is there has', () => {
  const form = formOf({
    'vital-new': 'spo2',
    'side-new': 'below',
    'priority-new': 'high',
    'threshold-new': '85',
    'seconds-new': '10',
    'clearAt-new': '88',
    'latching-new': ['on'],
    'from-new': '22:00',
    'to-new': '06:00',
    'timeZone-new': 'Asia/Bangkok',
  });
  expect(rulesFrom(form, { limits: [] }).limits).toEqual([
    { vital: 'spo2', below: 85, clearAt: 88, persistSeconds: 10, priority: 'high', isLatching: true, schedule: night },
  ]);
  expect(limitsFrom(formOf({ 'vital-new': 'spo2' }), [])).toEqual([]);
});

const falls: Trend = { name: 'spo2-falling', vital: 'spo2', direction: 'falling', change: 4, windowMinutes: 60, priority: 'medium' }; // prettier-ignore

test('trends are changed, taken away, and named by what they are', () => {
  const form = {
    'trend-change-0': '3',
    'trend-window-0': '30',
    'trend-priority-0': 'low',
    'trend-vital': 'spo2',
    'trend-direction': 'falling',
    'trend-change-new': '6',
    'trend-window-new': '120',
    'trend-priority-new': 'high',
  };
  const changed = { ...falls, change: 3, windowMinutes: 30, priority: 'low' };
  const added = { ...falls, change: 6, windowMinutes: 120, priority: 'high' };
  const trendsOf = (values: Readonly<Record<string, string | readonly string[]>>) =>
    rulesFrom(formOf(values), { limits: [], trends: [falls] }).trends;
  expect(trendsOf(form)).toEqual([changed, { ...added, name: 'spo2-falling-120' }]);
  expect(trendsOf({ ...form, 'trend-gone-0': ['on'] })).toEqual([added]);
});

const shock: Combination = {
  name: 'shock',
  all: [
    { vital: 'pulse', above: 110 },
    { vital: 'systolic', below: 100 },
  ],
  persistSeconds: 15,
  maxAgeSeconds: 600,
  priority: 'high',
};

test('combinations are changed, taken away, and made of the parts that were filled in', () => {
  const before = { limits: [], combinations: [shock] };
  const kept = { 'multi-0-0': '120', 'multi-0-1': '90', 'multi-seconds-0': '5', 'multi-priority-0': 'medium' };
  const all = [
    { vital: 'pulse', above: 120 },
    { vital: 'systolic', below: 90 },
  ];
  expect(rulesFrom(formOf(kept), before).combinations).toEqual([
    { ...shock, all, persistSeconds: 5, priority: 'medium' },
  ]);
  const another = {
    'multi-gone-0': ['on'],
    'multi-name': 'breath',
    'vital-part-0': 'respirationRate',
    'side-part-0': 'above',
    'threshold-part-0': '24',
    'vital-part-1': 'spo2',
    'side-part-1': 'below',
    'threshold-part-1': '92',
    'multi-seconds-new': '15',
    'multi-minutes': '10',
    'multi-priority-new': 'high',
  };
  expect(rulesFrom(formOf(another), before).combinations).toEqual([
    {
      ...shock,
      name: 'breath',
      all: [
        { vital: 'respirationRate', above: 24 },
        { vital: 'spo2', below: 92 },
      ],
    },
  ]);
});

test('what a nurse may set has both ends', () => {
  const form = formOf({ 'low-spo2': '88', 'high-spo2': '96', 'low-pulse': '40' });
  expect(nurseRangeFrom(form, ['spo2', 'pulse', 'glucose'])).toEqual({ spo2: { low: 88, high: 96 } });
});
