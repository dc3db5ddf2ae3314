import { expect, test } from '@jest/globals';
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import { deadlineOf, defaultPolicy, findPolicyIssues, nextRepeat, peopleAtLevel, type Staffing } from './levels.ts';

const staffed = (given: Partial<Staffing> = {}): Staffing => ({
  bedNurses: ['n1'],
  ward: { nurse: ['n1', 'n2'], doctor: ['d1'] },
  hospital: { nurse: ['n1', 'n2', 'n3'], doctor: ['d1'], operator: ['o1'] },
  onShift: new Set(['n1', 'n2', 'n3', 'd1', 'o1']),
  anybody: { operator: ['o1', 'o2'], admin: ['a1'] },
  groups: { code: ['d1', 'r7'] },
  schedules: { cardiology: ['d9'] },
  nearby: [],
  busy: new Set(),
  ...given,
});
const oneLevel = (...targets: Target[]): Policy => ({ levels: [{ afterSeconds: 0, targets }], repeatSeconds: 60 });
const whoIsPaged = (target: Target, staffing = staffed()): string[] => peopleAtLevel(oneLevel(target), 1, staffing);

test('each kind of target finds its people', () => {
  expect(whoIsPaged({ kind: 'bedNurse' })).toEqual(['n1']);
  expect(whoIsPaged({ kind: 'wardRole', role: 'nurse' })).toEqual(['n1', 'n2']);
  expect(whoIsPaged({ kind: 'hospitalRole', role: 'nurse' })).toEqual(['n1', 'n2', 'n3']);
  expect(whoIsPaged({ kind: 'person', person: 'n3' })).toEqual(['n3']);
  expect(whoIsPaged({ kind: 'group', group: 'code' })).toEqual(['d1', 'r7']);
  expect(whoIsPaged({ kind: 'schedule', schedule: 'cardiology' })).toEqual(['d9']);
  expect(whoIsPaged({ kind: 'nearest', role: 'nurse', count: 2 })).toEqual(['n1', 'n2']);
  expect(whoIsPaged({ kind: 'failsafe', role: 'doctor' })).toEqual(['d1']);
});

test('a named person who is off shift is not reachable, and a role that nobody has in the ward reaches nobody', () => {
  expect(whoIsPaged({ kind: 'person', person: 'n9' })).toEqual([]);
  expect(whoIsPaged({ kind: 'wardRole', role: 'responder' })).toEqual([]);
});

test('who is meant by several targets of a level is paged once', () => {
  const policy = oneLevel({ kind: 'bedNurse' }, { kind: 'wardRole', role: 'nurse' }, { kind: 'person', person: 'n2' });
  expect(peopleAtLevel(policy, 1, staffed())).toEqual(['n1', 'n2']);
});

test('the failsafe is the operator on shift, else any operator, else the admins, and nobody only in an empty hospital', () => {
  const failsafe: Target = { kind: 'failsafe' };
  expect(whoIsPaged(failsafe)).toEqual(['o1']);
  expect(whoIsPaged(failsafe, staffed({ hospital: {} }))).toEqual(['o1', 'o2']);
  expect(whoIsPaged(failsafe, staffed({ hospital: {}, anybody: { admin: ['a1'] } }))).toEqual(['a1']);
  expect(whoIsPaged(failsafe, staffed({ hospital: {}, anybody: {} }))).toEqual([]);
});

test('deadlines are counted from the base of the run', () => {
  expect([1, 2, 3, 4].map((level) => deadlineOf(defaultPolicy, 5_000, level))).toEqual([5_000, 25_000, 45_000, 65_000]);
  expect(() => deadlineOf(defaultPolicy, 0, 5)).toThrow('no level 5');
});

test('repeats are counted from the deadline of the last level, however late or early it was started', () => {
  const [base, last] = [5_000, 65_000];
  expect(nextRepeat(defaultPolicy, base, last)).toBe(last + 60_000);
  expect(nextRepeat(defaultPolicy, base, last + 59_999)).toBe(last + 60_000);
  expect(nextRepeat(defaultPolicy, base, last + 60_000)).toBe(last + 120_000);
  expect(nextRepeat(defaultPolicy, base, last + 200_000)).toBe(last + 240_000);
  expect(nextRepeat(defaultPolicy, base, base + 1_000)).toBe(last);
});

test('a policy without a failsafe at its end is refused, and the default one is in order', () => {
  expect(findPolicyIssues(defaultPolicy)).toEqual([]);
  const [first, ...rest] = defaultPolicy.levels;
  expect(findPolicyIssues({ ...defaultPolicy, levels: [...rest, { ...first!, afterSeconds: 90 }] })).toEqual([
    { path: 'levels.3.targets', message: expect.stringContaining('failsafe') },
  ]);
});

test('a policy calls who works in the hospital: no failsafe, nor any other target, means patients', () => {
  const [first] = defaultPolicy.levels;
  const targets = [
    { kind: 'hospitalRole', role: 'caregiver' } as const,
    { kind: 'failsafe', role: 'patient' } as const,
    { kind: 'failsafe', role: 'doctor' } as const,
  ];
  expect(findPolicyIssues({ levels: [first!, { afterSeconds: 20, targets }], repeatSeconds: 60 })).toEqual([
    { path: 'levels.1.targets.0.role', message: 'A caregiver answers no alert' },
    { path: 'levels.1.targets.1.role', message: 'A patient answers no alert' },
  ]);
});

test('every fault of a policy is named with its place', () => {
  const policy: Policy = {
    levels: [
      { afterSeconds: 10, targets: [{ kind: 'wardRole' }] },
      { afterSeconds: 14, targets: [{ kind: 'failsafe' }, { kind: 'person' }] },
      {
        afterSeconds: 19,
        targets: [{ kind: 'group' }, { kind: 'schedule' }, { kind: 'nearest' }, { kind: 'failsafe' }],
      },
    ],
    repeatSeconds: 60,
  };
  expect(findPolicyIssues(policy).map((issue) => issue.path)).toEqual([
    'levels.0.targets.0.role',
    'levels.1.afterSeconds',
    'levels.1.targets.1.person',
    'levels.2.targets.0.group',
    'levels.2.targets.1.schedule',
    'levels.2.targets.2.role',
  ]);
});
