import { expect, test } from '@jest/globals';
import { CodedError } from '@carillon/client/client';
import { issuesOf, placeInWords } from './issues.ts';

test('the place of what is wrong is said as people count', () => {
  expect(placeInWords('levels.1.targets.0.group')).toBe('Level 2, target 1, group');
  expect(placeInWords('levels.0.afterSeconds')).toBe('Level 1, after seconds');
  expect(placeInWords('layers.2.people.3')).toBe('Layer 3, person 4');
  expect(placeInWords('timeZone')).toBe('Time zone');
});

test('only what says where and what is an issue', () => {
  const issue = { path: 'name', message: 'Too long' };
  expect(issuesOf(new CodedError('bad_input', 'No', { issues: [issue, 'other', { path: 'x' }] }))).toEqual([issue]);
  expect(issuesOf(new Error('No'))).toEqual([]);
});
