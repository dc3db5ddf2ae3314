import { expect, test } from '@jest/globals';
import { sayApplies, sayLevel } from './policies.ts';

test('a level says when it calls whom, and how many must answer', () => {
  expect(sayLevel({ afterSeconds: 0, targets: [{ kind: 'bedNurse' }] })).toBe('At once: the nurse of the bed');
  expect(
    sayLevel({
      afterSeconds: 300,
      needs: 2,
      deliverWithinSeconds: 10,
      targets: [
        { kind: 'wardRole', role: 'nurse' },
        { kind: 'nearest', role: 'responder', count: 3 },
        { kind: 'failsafe' },
      ],
    }),
  ).toBe(
    'After 5 min: nurses of the ward, the 3 nearest responders, the failsafe (operators); 2 must answer; must come to a device within 10 s',
  );
});

test('a policy says for which alerts it is', () => {
  expect(sayApplies({ policyId: 'default' })).toBe('alerts to which no other applies');
  expect(sayApplies({ policyId: 'spare' })).toBe('no alerts');
  expect(sayApplies({ policyId: 'a', applies: {} })).toBe('all alerts');
  expect(
    sayApplies({ policyId: 'a', applies: { kinds: ['fall', 'spo2-below'], wards: ['w1'], priorities: ['high'] } }),
  ).toBe('fall, spo2 below; wards w1; high');
});
