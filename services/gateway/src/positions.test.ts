import { expect, test } from '@jest/globals';
import { freshPositions } from './positions.ts';

const now = Date.parse('2026-11-21T08:00:00Z');
const position = (secondsAgo: number) => ({
  latitude: 51.5,
  longitude: -0.1,
  measuredAt: new Date(now - secondsAgo * 1000).toISOString(),
});
const agesOf = (...secondsAgo: number[]): number[] =>
  freshPositions(secondsAgo.map(position), now).map(({ measuredAt }) => (now - measuredAt) / 1000);

test('positions of the last minute are fresh, newest last, whatever their order', () => {
  expect(agesOf(5, 61, 60, 0, 30)).toEqual([60, 30, 5, 0]);
});

test('a clock that is ahead tells of now, and no floor is none', () => {
  expect(agesOf(-3_600)).toEqual([0]);
  expect(freshPositions([{ ...position(0), floor: 3 }, position(1)], now).map(({ floor }) => floor)).toEqual([null, 3]);
});
