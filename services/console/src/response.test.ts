import { expect, test } from '@jest/globals';
import { decimal, groupName, percent, timeTaken } from './response.ts';

test('times are as exact as people need them', () => {
  expect([12, 999, 4_210, 59_940, 192_000, 7_322_000].map(timeTaken)).toEqual([
    '12 ms',
    '999 ms',
    '4.2 s',
    '59.9 s',
    '03:12',
    '2:02:02',
  ]);
});

test('a figure that nothing was counted for is no zero', () => {
  expect([percent(null), percent(0), percent(2 / 3)]).toEqual(['–', '0 %', '67 %']);
  expect([decimal(null), decimal(0), decimal(66.66)]).toEqual(['–', '0.0', '66.7']);
});

test('wards have their names, where they are known', () => {
  const wards = new Map([['w1', 'North']]);
  expect([groupName('w1', 'ward', wards), groupName('w2', 'ward', wards)]).toEqual(['North', 'Ward w2']);
  expect([groupName('night', 'shift', wards), groupName(null, 'ward', wards)]).toEqual(['night', 'No ward']);
});
