import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isInForce, isTimeZone, overlap, type Schedule } from './schedule.ts';

const night: Schedule = { from: '22:00', to: '06:00', timeZone: 'Asia/Bangkok' };
const at = (text: string): number => Date.parse(text);

test('a schedule over midnight begins with its first minute and ends before its last', () => {
  expect(isInForce(night, at('2026-11-21T21:59:59+07:00'))).toBe(false);
  expect(isInForce(night, at('2026-11-21T22:00:00+07:00'))).toBe(true);
  expect(isInForce(night, at('2026-11-22T05:59:59+07:00'))).toBe(true);
  expect(isInForce(night, at('2026-11-22T06:00:00+07:00'))).toBe(false);
  expect(isInForce({ ...night, from: '08:00', to: '08:00' }, at('2026-11-22T07:59:00+07:00'))).toBe(true);
});

test('weekdays are those on which it begins', () => {
  const weekend: Schedule = { ...night, days: [6, 7] };
  // 2026-11-21 is a Saturday.
  expect(isInForce(weekend, at('2026-11-21T03:00:00+07:00'))).toBe(false);
  expect(isInForce(weekend, at('2026-11-21T23:00:00+07:00'))).toBe(true);
  expect(isInForce(weekend, at('2026-11-23T05:00:00+07:00'))).toBe(true);
  expect(isInForce(weekend, at('2026-11-23T23:00:00+07:00'))).toBe(false);
});

test('in the night of a clock change the wall clock counts: an hour that comes twice is in it twice', () => {
  const early: Schedule = { from: '02:00', to: '03:00', timeZone: 'Europe/Berlin' };
  const inForce = (from: string, minutes: number): number =>
    Array.from({ length: minutes }, (_, i) => isInForce(early, at(from) + i * 60_000)).filter(Boolean).length;
  expect(inForce('2026-10-24T22:00:00Z', 360)).toBe(120);
  expect(inForce('2026-03-28T22:00:00Z', 360)).toBe(0);
  expect(inForce('2026-11-20T22:00:00Z', 360)).toBe(60);
});

test('two schedules overlap where some minute of the week is in both', () => {
  const clock = fc.integer({ min: 0, max: 47 }).map((half) => `${`${half >> 1}`.padStart(2, '0')}:${half % 2 === 0 ? '00' : '30'}`); // prettier-ignore
  const days = fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 });
  const any = fc.record({ from: clock, to: clock, days, timeZone: fc.constant('UTC') });
  const monday = at('2026-11-16T00:00:00Z');
  fc.assert(
    fc.property(any, any, (a, b) => {
      const halves = Array.from({ length: 7 * 48 }, (_, i) => monday + i * 1_800_000);
      expect(overlap(a, b)).toBe(halves.some((half) => isInForce(a, half) && isInForce(b, half)));
    }),
    { numRuns: 30 },
  );
});

test('a time zone is one that the platform knows', () => {
  expect([isTimeZone('Asia/Bangkok'), isTimeZone('Mars/Olympus')]).toEqual([true, false]);
});
