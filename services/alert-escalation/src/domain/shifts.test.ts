import { expect, test } from '@jest/globals';
import { readDayPlan } from './shifts.ts';

test('shifts are read in the order of the day, whatever the order in which they are given', () => {
  expect(readDayPlan(['night=22:30', 'day=06:30'], 'Asia/Kuala_Lumpur')).toEqual({
    zone: 'Asia/Kuala_Lumpur',
    shifts: [
      { name: 'day', startsAtMinute: 390 },
      { name: 'night', startsAtMinute: 1_350 },
    ],
  });
});

test.each([
  [[], 'UTC', 'at least one'],
  [['day=7:00'], 'UTC', 'not <name>=HH:MM'],
  [['day=24:00'], 'UTC', 'not <name>=HH:MM'],
  [['day=07:00', 'early=07:00'], 'UTC', 'its own beginning'],
  [['day=07:00'], 'Mars/Base', 'no IANA time zone'],
])('the shifts %j of %s are refused: %s', (texts, zone, problem) => {
  expect(readDayPlan(texts, zone)).toEqual({ problem: expect.stringContaining(problem) });
});
