import { expect, test } from '@jest/globals';
import type { Frame } from './client.ts';
import { findFaults } from './room-history.ts';

const room = 'ward:w1:alerts';
const subscribed = (pos: number): Frame => ({ t: 'subscribed', room, pos: `e-${pos}` });
const message = (pos: number, prev: number, mid = `m${pos}`): Frame => ({
  t: 'msg',
  room,
  pos: `e-${pos}`,
  prev: `e-${prev}`,
  mid,
});

test('who has just joined sees an older prev, and that is no hole', () => {
  expect(findFaults([subscribed(10), message(12, 7), message(15, 12)], room)).toEqual([]);
});

test('a prev later than what came and than the position of joining is a hole', () => {
  expect(findFaults([subscribed(10), message(12, 7), message(20, 15)], room)).toEqual(['hole: 12 … 15 before 20']);
  expect(findFaults([subscribed(10), message(20, 15)], room)).toHaveLength(1);
});

test('in a replay the position of joining excuses no hole', () => {
  const complete = [subscribed(30), message(12, 10), message(20, 12), message(33, 30)];
  expect(findFaults(complete, room, 'e-10')).toEqual([]);
  expect(findFaults(complete.toSpliced(1, 1), room, 'e-10')).toEqual(['hole: 10 … 12 before 20']);
});

test('what comes twice, or late, is told', () => {
  expect(findFaults([subscribed(10), message(12, 10), message(13, 12, 'm12')], room)).toEqual(['double: m12 at 13']);
  expect(findFaults([subscribed(10), message(12, 10), message(11, 10)], room)).toEqual(['out of order: 11 after 12']);
});
