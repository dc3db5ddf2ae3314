import { expect, test } from '@jest/globals';
import type { StoredPolicy } from '@carillon/contracts/escalation-policies';
import { choosePolicy } from './choose-policy.ts';
import { defaultPolicy } from './levels.ts';

const policy = (policyId: string, applies?: StoredPolicy['applies']): StoredPolicy => ({
  policyId,
  version: 3,
  ...(applies === undefined ? {} : { applies }),
  levels: [{ afterSeconds: 0, targets: [{ kind: 'failsafe' }] }],
  repeatSeconds: 60,
});
const fall = { wardId: 'w1', kind: 'fall', priority: 'high' } as const;
const chosenOf = (policies: readonly StoredPolicy[]): string => choosePolicy(policies, fall).policyId;

test('without a policy that applies it is the default of the hospital, and without one the built-in default', () => {
  const other = policy('other', { wards: ['w2'] });
  expect(choosePolicy([other], fall)).toEqual({
    policyId: 'default',
    policyVersion: 0,
    policy: defaultPolicy,
  });
  expect(choosePolicy([other, policy('default')], fall)).toMatchObject({ policyId: 'default', policyVersion: 3 });
  expect(choosePolicy([policy('unused')], fall)).toMatchObject({ policyVersion: 0 });
});

test('what names kinds goes before what names wards, and that before what names priorities only', () => {
  const byKind = policy('kind', { kinds: ['fall', 'sos'] });
  const byWard = policy('ward', { wards: ['w1'], priorities: ['high'] });
  const byPriority = policy('priority', { priorities: ['high'] });
  expect(chosenOf([byPriority, byWard, byKind, policy('default')])).toBe('kind');
  expect(chosenOf([byPriority, byWard])).toBe('ward');
  expect(chosenOf([byPriority, policy('default')])).toBe('priority');
  expect(chosenOf([byKind, policy('all', { kinds: ['fall'], wards: ['w1'] })])).toBe('all');
});

test('of two that are equally particular the lower id is chosen, in whatever order they come', () => {
  const [a, b] = [policy('a', { wards: ['w1'] }), policy('b', { wards: ['w1'] })];
  expect([chosenOf([a, b]), chosenOf([b, a])]).toEqual(['a', 'a']);
});

test('an alert without a ward is not of any ward that a policy names', () => {
  const byWard = policy('ward', { wards: ['w1'] });
  expect(choosePolicy([byWard], { ...fall, wardId: null }).policyId).toBe('default');
});
