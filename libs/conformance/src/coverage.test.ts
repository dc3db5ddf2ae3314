import { closeCodes, errors } from '@carillon/contracts/errors';
import { clientFrames, recoveries } from '@carillon/contracts/gateway';
import { serverFrames } from '@carillon/contracts/server-frames';
import { expect, test } from '@jest/globals';
import { allCodes, notProvoked, type Code } from './codes.ts';
import { compareCoverage } from './coverage.ts';
import { checks } from './suite.ts';

const codes: readonly Code[] = ['error forbidden', 'error conflict', 'close 4400', 'close 4004'];
const excuses = { 'close 4004': 'needs a defect' } as const;
const compare = (results: Record<string, 'passed' | 'failed' | 'skipped'>, more: readonly Code[] = []) =>
  compareCoverage(
    [
      { name: 'first', covers: ['error forbidden'] },
      { name: 'second', covers: ['error conflict', 'close 4400', ...more] },
    ],
    Object.entries(results).map(([name, result]) => ({ name, result, why: 'it needs operatorToken' })),
    { codes, excuses },
  );

test('a code is covered by a check that passed, excused by a reason, and missing otherwise', () => {
  expect(compare({ first: 'passed', second: 'passed' })).toEqual({
    covered: ['error forbidden', 'error conflict', 'close 4400'],
    excused: [{ code: 'close 4004', why: 'needs a defect' }],
    missing: [],
    stale: [],
  });
  expect(compare({ first: 'failed', second: 'skipped' })).toMatchObject({
    covered: [],
    excused: [{ code: 'error conflict', why: 'skipped: it needs operatorToken' }, { code: 'close 4400' }, {}],
    missing: ['error forbidden'],
  });
});

test('a code that is claimed or excused and not in the contracts is stale, and so is an excuse for what is covered', () => {
  expect(compare({ first: 'passed', second: 'passed' }, ['close 4999', 'close 4004']).stale).toEqual([
    'close 4999',
    'close 4004',
  ]);
});

test('every frame, error, recovery and close code of the contracts has a check or a reason', () => {
  for (const [kind, names] of [
    ['client frame', Object.keys(clientFrames)],
    ['server frame', Object.keys(serverFrames)],
    ['error', Object.keys(errors)],
    ['recovery', recoveries],
    ['close', Object.values(closeCodes).map(String)],
  ] as const) {
    expect(allCodes).toEqual(expect.arrayContaining(names.map((name) => `${kind} ${name}`)));
  }
  const skipped = checks.map(({ name }) => ({ name, result: 'skipped' as const, why: '' }));
  const { missing, stale, excused } = compareCoverage(checks, skipped);
  expect({ missing, stale }).toEqual({ missing: [], stale: [] });
  expect(excused.filter(({ why }) => !why.startsWith('skipped')).map(({ code }) => code)).toEqual(
    expect.arrayContaining(Object.keys(notProvoked)),
  );
});

test('no two checks have the same name', () => {
  const names = checks.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
