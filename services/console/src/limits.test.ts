import { expect, test } from '@jest/globals';
import {
  boundOf,
  isSameLimit,
  isWarning,
  limitFrom,
  sayAges,
  sayCombination,
  sayTrend,
  timingOf,
  type LimitFields,
} from './limits.ts';
import type { Limit } from './shapes.ts';

const fast: Limit = { vital: 'heartRate', above: 120, clearAt: 115, persistSeconds: 15, priority: 'medium' };

test('a limit is said with all that decides when it begins and ends', () => {
  expect([boundOf(fast), timingOf(fast)]).toEqual(['> 120', '15 s']);
  const schedule = { from: '22:00', to: '06:00', days: [6, 7], timeZone: 'Asia/Bangkok' };
  const special: Limit = { ...fast, breaches: { k: 3, of: 5 }, clearForSeconds: 10, isLatching: true, schedule };
  expect(timingOf(special)).toBe('3 of 5 samples, clear for 10 s, until answered, 22:00–06:00 Sat Sun');
});

const untouched = (limit: Limit): LimitFields => ({
  threshold: String(limit.above ?? limit.below),
  seconds: String(limit.persistSeconds),
  clearAt: String(limit.clearAt ?? ''),
  clearFor: String(limit.clearForSeconds ?? ''),
  k: String(limit.breaches?.k ?? ''),
  of: String(limit.breaches?.of ?? ''),
  isLatching: limit.isLatching === true,
});

test('another threshold takes the end of the alarm along, unless somebody said where it ends', () => {
  expect(limitFrom(fast, { ...untouched(fast), threshold: '110' })).toEqual({ ...fast, above: 110, clearAt: 105 });
  const low: Limit = { vital: 'temperature', below: 36, clearAt: 36.2, persistSeconds: 0, priority: 'high' };
  expect(limitFrom(low, { ...untouched(low), threshold: '35.5' })).toEqual({ ...low, below: 35.5, clearAt: 35.7 });
  expect(limitFrom(fast, { ...untouched(fast), threshold: '110', clearAt: '100' })).toEqual({ ...fast, above: 110, clearAt: 100 }); // prettier-ignore
});

test('what was not touched stays, and what was taken away is gone', () => {
  const special: Limit = {
    ...fast,
    persistSeconds: 0,
    breaches: { k: 3, of: 5 },
    clearForSeconds: 10,
    isLatching: true,
  };
  const same = limitFrom(special, untouched(special));
  expect(same).toEqual(special);
  expect(same && isSameLimit(same, special)).toBe(true);
  const plain = { ...untouched(special), seconds: '15', k: '', of: '', clearFor: '', isLatching: false };
  expect(limitFrom(special, plain)).toEqual(fast);
  const { clearAt: _, ...withoutEnd } = fast;
  expect(limitFrom(fast, { ...untouched(fast), clearAt: '' })).toEqual(withoutEnd);
  expect(limitFrom(fast, { ...untouched(fast), threshold: '' })).toBeUndefined();
});

test('without a tier what pages as high is critical', () => {
  expect([isWarning(fast), isWarning({ ...fast, priority: 'high' })]).toEqual([true, false]);
  expect(isWarning({ ...fast, priority: 'high', tier: 'warning' })).toBe(true);
});

test('trends and combinations are said in words', () => {
  const trend = { name: 'a', vital: 'news2', direction: 'rising', change: 3, windowMinutes: 60, priority: 'high' } as const; // prettier-ignore
  expect(sayTrend(trend)).toBe('NEWS2 rising by 3 points in 60 min');
  const all = [
    { vital: 'pulse' as const, above: 110 },
    { vital: 'systolic' as const, below: 100 },
  ];
  const shock = { name: 'shock', all, persistSeconds: 0, maxAgeSeconds: 60, priority: 'high' } as const;
  expect(sayCombination(shock)).toBe('Pulse > 110 and Systolic pressure < 100');
});

test('ages are said as people say them', () => {
  const ages = [[0, 29], [29, 91], [548, 731], [731, 1096], [5844, null], [0, 5844], [0, null]] as const; // prettier-ignore
  expect(ages.map(([fromAgeDays, toAgeDays]) => sayAges({ fromAgeDays, toAgeDays }))).toEqual([
    '0 to 28 days',
    '1 to 3 months',
    '18 to 24 months',
    '2 to 3 years',
    '16 years and over',
    'under 16 years',
    'any age',
  ]);
});
