import { expect, test } from '@jest/globals';
import { decisionAt, scaleAt, withheldAt } from './decisions.ts';
import type { Decision } from './patient-state.ts';

const at = (time: string): number => Date.parse(time);
const noon = at('2026-11-21T12:00:00.000Z');
const decided = (decidedAtMs: number, more: Partial<Decision> = {}): Decision => ({
  scale: 2,
  isApplicable: true,
  decidedAtMs,
  endedAtMs: null,
  ...more,
});

test('a decision holds from its time on, until another one or its end', () => {
  const decisions = [decided(noon + 1_000, { scale: 1 }), decided(noon)];
  expect([noon - 1, noon, noon + 999, noon + 1_000].map((time) => scaleAt(decisions, time))).toEqual([1, 2, 2, 1]);
  const ended = [decided(noon, { endedAtMs: noon + 1_000 })];
  expect([noon + 999, noon + 1_000].map((time) => scaleAt(ended, time))).toEqual([2, 1]);
});

test('the end of the newest decision does not bring back the one before', () => {
  const decisions = [decided(noon), decided(noon + 1_000, { scale: 1, endedAtMs: noon + 2_000 })];
  expect(decisionAt(decisions, noon + 3_000)).toBeUndefined();
});

test('never NEWS2 under 16: from the birthday on it is, and not a day before', () => {
  const born = { birthDate: '2010-11-21', decisions: [] };
  expect(withheldAt(born, at('2026-11-20T23:59:59.999Z'))).toBe('under16');
  expect(withheldAt(born, at('2026-11-21T00:00:00.000Z'))).toBeUndefined();
  const leap = { birthDate: '2008-02-29', decisions: [] };
  expect(withheldAt(leap, at('2024-02-28T12:00:00.000Z'))).toBe('under16');
  expect(withheldAt(leap, at('2024-02-29T00:00:00.000Z'))).toBeUndefined();
});

test('no decision brings NEWS2 to a child', () => {
  expect(withheldAt({ birthDate: '2020-01-01', decisions: [decided(0)] }, noon)).toBe('under16');
});

test('who is of unknown age is a child where children lie, and nowhere else; a known age goes before the ward', () => {
  expect(withheldAt({ population: 'paediatric', decisions: [] }, noon)).toBe('under16');
  expect(withheldAt({ population: 'adult', decisions: [] }, noon)).toBeUndefined();
  expect(withheldAt({ decisions: [] }, noon)).toBeUndefined();
  expect(withheldAt({ birthDate: '1990-01-01', population: 'paediatric', decisions: [] }, noon)).toBeUndefined();
});

test('a doctor decides that NEWS2 does not apply, from then on', () => {
  const decisions = [decided(noon, { isApplicable: false })];
  expect(withheldAt({ decisions }, noon - 1)).toBeUndefined();
  expect(withheldAt({ decisions }, noon)).toBe('notApplicable');
});
