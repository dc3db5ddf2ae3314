import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addDays, daysBetween, isDate, isZone, toInstant, toLocal, weekdayOf } from './local-time.ts';

const utc = (text: string): number => Date.parse(text);
const zones = ['Europe/London', 'America/New_York', 'Asia/Kuala_Lumpur', 'Australia/Lord_Howe', 'UTC'];

test('a time of the wall is the instant of its zone, in summer and in winter', () => {
  expect(toInstant({ date: '2026-07-01', time: '07:00' }, 'Europe/London')).toBe(utc('2026-07-01T06:00Z'));
  expect(toInstant({ date: '2026-12-01', time: '07:00' }, 'Europe/London')).toBe(utc('2026-12-01T07:00Z'));
  expect(toInstant({ date: '2026-07-01', time: '07:00' }, 'Asia/Kuala_Lumpur')).toBe(utc('2026-06-30T23:00Z'));
});

test('a time that the clock skips is the instant at which it is put forward', () => {
  const change = utc('2026-03-29T01:00Z');
  for (const time of ['01:00', '01:30', '01:59', '02:00']) {
    expect(toInstant({ date: '2026-03-29', time }, 'Europe/London')).toBe(change);
  }
  // Lord Howe changes by half an hour.
  expect(toInstant({ date: '2026-10-04', time: '02:15' }, 'Australia/Lord_Howe')).toBe(utc('2026-10-03T15:30Z'));
});

test('of a time that comes twice the first is meant', () => {
  expect(toInstant({ date: '2026-10-25', time: '01:30' }, 'Europe/London')).toBe(utc('2026-10-25T00:30Z'));
  expect(toInstant({ date: '2026-11-01', time: '01:30' }, 'America/New_York')).toBe(utc('2026-11-01T05:30Z'));
});

test('to the wall and back is the same minute, except for the second hour of two', () => {
  const at = fc.integer({ min: utc('2026-01-01T00:00Z') / 60_000, max: utc('2028-01-01T00:00Z') / 60_000 });
  fc.assert(
    fc.property(at, fc.constantFrom(...zones), (minute, zone) => {
      const instant = minute * 60_000;
      const back = toInstant(toLocal(instant, zone), zone);
      if (back === instant) return;
      expect(back).toBeLessThan(instant);
      expect(toLocal(back, zone)).toEqual(toLocal(instant, zone));
    }),
    { numRuns: 2_000 },
  );
});

test('later on the wall is never earlier in time', () => {
  const minute = fc.integer({ min: 0, max: 1_439 });
  const timeOf = (of: number): string =>
    `${String(Math.floor(of / 60)).padStart(2, '0')}:${String(of % 60).padStart(2, '0')}`;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 730 }), minute, minute, fc.constantFrom(...zones), (day, a, b, zone) => {
      const date = addDays('2026-01-01', day);
      const [early, late] = [Math.min(a, b), Math.max(a, b)].map((of) => toInstant({ date, time: timeOf(of) }, zone));
      expect(late).toBeGreaterThanOrEqual(early ?? Infinity);
    }),
    { numRuns: 1_000 },
  );
});

test('days are those of the calendar', () => {
  expect(addDays('2026-12-31', 1)).toBe('2027-01-01');
  expect(daysBetween('2026-03-28', '2026-03-30')).toBe(2);
  expect([weekdayOf('2026-11-23'), weekdayOf('2026-11-22')]).toEqual([1, 7]);
  expect([isDate('2028-02-29'), isDate('2026-02-29'), isDate('2026-13-01')]).toEqual([true, false, false]);
  expect([isZone('Europe/London'), isZone('Europe/Nowhere')]).toEqual([true, false]);
});
