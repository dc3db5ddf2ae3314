import { expect, test } from '@jest/globals';
import { newPolicy, nextId, policyDraft, policyOf, targetOfKind } from './policy-draft.ts';
import type { EscalationPolicy } from './shapes.ts';

const full: EscalationPolicy = {
  policyId: 'falls',
  version: 3,
  name: 'Falls',
  applies: { kinds: ['fall', 'sos'], wards: ['w1'], priorities: ['high'] },
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }, { kind: 'person', person: 'n1' }], deliverWithinSeconds: 10 },
    { afterSeconds: 20, needs: 2, targets: [{ kind: 'nearest', role: 'responder', count: 3, withinMetres: 200 }] },
    {
      afterSeconds: 60,
      needs: 'all',
      targets: [
        { kind: 'group', group: 'team' },
        { kind: 'schedule', schedule: 's' },
      ],
    },
    { afterSeconds: 90, targets: [{ kind: 'failsafe', role: 'operator' }] },
  ],
  repeatSeconds: 60,
  maxReach: 40,
};

test('a policy that was opened and not changed is sent as it was', () => {
  expect({ ...policyOf(policyDraft(full)), version: 3 }).toEqual(full);
});

test('a new policy holds for all alerts and ends with a failsafe, and one that is out of use for none', () => {
  const sent = policyOf({ ...newPolicy, policyId: 'new' });
  expect(sent.applies).toEqual({});
  expect(sent.levels.at(-1)?.targets).toEqual([{ kind: 'failsafe', role: 'operator' }]);
  expect(policyOf({ ...newPolicy, policyId: 'new', isUsed: false })).not.toHaveProperty('applies');
  expect(policyOf({ ...newPolicy, policyId: 'default' })).not.toHaveProperty('applies');
});

test('whom a target named before its kind was changed is not sent', () => {
  const [level] = newPolicy.levels;
  const targets = [targetOfKind(0, 'group'), targetOfKind(1, 'hospitalRole')];
  const sent = policyOf({ ...newPolicy, levels: [{ ...level!, targets }] });
  expect(sent.levels[0]?.targets).toEqual([{ kind: 'group' }, { kind: 'hospitalRole', role: 'nurse' }]);
});

test('what is added to a list has an id of its own', () => {
  expect([nextId([]), nextId([{ id: 4 }, { id: 1 }])]).toEqual([0, 5]);
});
