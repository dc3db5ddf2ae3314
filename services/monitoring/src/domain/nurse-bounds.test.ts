import { expect, test } from '@jest/globals';
import type { Limit } from './limit.ts';
import { adjust, adjustmentIssues } from './nurse-bounds.ts';

const range = { heartRate: { low: 45, high: 125 } };
const day: Limit = { vital: 'heartRate', above: 110, persistSeconds: 15, priority: 'medium' };
const night: Limit = { ...day, above: 100, schedule: { from: '22:00', to: '06:00', timeZone: 'Asia/Bangkok' } };
const critical: Limit = { ...day, above: 140, priority: 'high' };
const before = [day, night, critical];
const issuesOf = (limit: Limit, known: readonly Limit[] = before): string[] =>
  adjustmentIssues([limit], { before: known, range }).map(({ message }) => message);

test('a nurse changes a limit of the night, and that of the day stays', () => {
  const changed = { ...night, above: 105 };
  expect(issuesOf(changed)).toEqual([]);
  expect(adjust(before, [changed])).toEqual([day, critical, changed]);
  expect(adjust(before, [{ ...day, above: 120 }])).toEqual([night, critical, { ...day, above: 120 }]);
});

test('hours are set by a doctor: a warning that holds for a minute a day would be silent', () => {
  const minute = { ...day, schedule: { from: '03:00', to: '03:01', timeZone: 'Asia/Bangkok' } };
  expect(issuesOf(minute)).toEqual(['The hours of a limit are set by a doctor']);
  const sameHours = { ...night, schedule: { ...night.schedule, days: [1] } } as Limit;
  expect(issuesOf(sameHours)).toEqual(['The hours of a limit are set by a doctor']);
});

test('an alarm that a doctor wants to stay until it is answered, or has been clear for a while, does not vanish sooner', () => {
  const latching: Limit = { ...day, isLatching: true };
  expect(issuesOf({ ...day, above: 115 }, [latching])).toEqual(['Latching is set by a doctor']);
  expect(issuesOf({ ...latching, isLatching: false }, [latching])).toEqual(['Latching is set by a doctor']);
  expect(issuesOf({ ...latching, above: 115 }, [latching])).toEqual([]);
  expect(issuesOf(latching, [day])).toEqual([]);
  const slow: Limit = { ...day, clearForSeconds: 30 };
  expect(issuesOf(day, [slow])).toEqual(['Expected to stay clear for at least 30 s']);
  expect(issuesOf({ ...slow, clearForSeconds: 29 }, [slow])).toEqual(['Expected to stay clear for at least 30 s']);
  expect(issuesOf({ ...slow, clearForSeconds: 60 }, [slow])).toEqual([]);
});

test('a warning that pages as high is a doctor’s, also where a nurse would page less with it', () => {
  const loud: Limit = { ...day, tier: 'warning', priority: 'high' };
  expect(issuesOf(day, [loud])).toEqual(['A critical limit is set by a doctor']);
});
