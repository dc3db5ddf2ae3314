import { expect, test } from '@jest/globals';
import { commonFilter } from './replay.ts';

test.each([
  [['a.b.c'], 'a.b.c'],
  [['a.b.>'], 'a.b.>'],
  [['a.b.c', 'a.d.c'], 'a.*.c'],
  [['care.h1.w1.*.*.alert.*', 'care.h1.*.p1.>'], 'care.h1.*.*.>'],
  // What stands for the rest stands for one token at least.
  [['a.b', 'a.b.c'], 'a.>'],
  [['a.b.c.d', 'a.b.>', 'a.b'], 'a.>'],
  [['a', 'a.b'], '>'],
])('what passes through any of %j passes through %s', (filters, common) => {
  expect(commonFilter(filters)).toBe(common);
});
