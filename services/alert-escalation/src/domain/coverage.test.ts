import { expect, test } from '@jest/globals';
import type { StoredPolicy } from '@carillon/contracts/escalation-policies';
import fc from 'fast-check';
import { coverageOf, hoursOf, indexShifts, policiesFor, type PlannedShift, type Plans } from './coverage.ts';
import { turnsBetween } from './schedule.ts';

const hour = 3_600_000;
const from = Date.parse('2026-11-21T00:00Z');
const until = from + 24 * hour;
const shift = (person: string, start: number, end: number, given: Partial<PlannedShift> = {}): PlannedShift => ({
  person,
  role: 'nurse',
  wardId: 'w1',
  from: from + start * hour,
  until: from + end * hour,
  ...given,
});
type Given = Partial<Omit<Plans, 'shifts'>> & { shifts?: readonly PlannedShift[] };
const plans = ({ shifts = [], ...given }: Given = {}): Plans => ({
  policies: [],
  shifts: indexShifts(shifts),
  turns: {},
  groups: [],
  anybody: { operator: ['o1'] },
  ...given,
});
const policy = (policyId: string, given: Partial<StoredPolicy>): StoredPolicy => ({
  policyId,
  version: 1,
  levels: [{ afterSeconds: 0, targets: [{ kind: 'failsafe' }] }],
  repeatSeconds: 60,
  ...given,
});
const high = (given: Given): string[] =>
  coverageOf(plans(given), ['w1'], from, until)
    .filter(({ priority }) => priority === 'high')
    .map((gap) => `${(gap.from - from) / hour}–${(gap.until - from) / hour} ${gap.policyId} ${gap.reaches}`);

test('a gap is named from the end of the last shift until the next, for each priority', () => {
  const shifts = [shift('n1', -8, 8), shift('n2', 8, 16), shift('n3', 20, 30)];
  expect(high({ shifts })).toEqual(['16–20 default failsafeOnly']);
  expect(coverageOf(plans({ shifts }), ['w1'], from, until).map(({ priority }) => priority)).toEqual([
    'high',
    'medium',
    'low',
  ]);
});

test('who works in another ward covers nothing, and without anybody for the failsafe nobody is called', () => {
  expect(high({ shifts: [shift('n1', 0, 24, { wardId: 'w2' })] })).toEqual(['0–24 default failsafeOnly']);
  expect(high({ anybody: {} })).toEqual(['0–24 default nobody']);
  expect(high({ anybody: {}, shifts: [shift('o1', 6, 12, { role: 'operator', wardId: null })] })).toEqual([
    '0–6 default nobody',
    '6–12 default failsafeOnly',
    '12–24 default nobody',
  ]);
});

test('schedules and groups cover as the policy of the ward calls them', () => {
  const plan = {
    timeZone: 'UTC',
    layers: [
      {
        people: ['d1'],
        startsOn: '2026-01-01',
        handOverAt: '00:00',
        everyDays: 1,
        hours: [{ weekdays: [1, 2, 3, 4, 5, 6, 7], from: '18:00', until: '06:00' }],
      },
    ],
  };
  const levels: StoredPolicy['levels'] = [
    { afterSeconds: 0, targets: [{ kind: 'schedule', schedule: 'nights' }] },
    { afterSeconds: 20, targets: [{ kind: 'group', group: 'code' }, { kind: 'failsafe' }] },
  ];
  const given = {
    policies: [policy('of-w1', { applies: { wards: ['w1'] }, levels })],
    turns: { nights: turnsBetween(plan, [], from, until) },
    shifts: [shift('r1', 10, 12, { role: 'responder', wardId: null })],
  };
  const code = { groupId: 'code', people: ['r1'], isCalledOffShift: false };
  expect(high({ ...given, groups: [code] })).toEqual(['6–10 of-w1 failsafeOnly', '12–18 of-w1 failsafeOnly']);
  expect(high({ ...given, groups: [{ ...code, isCalledOffShift: true }] })).toEqual([]);
});

test('a policy of one kind of alert is looked at beside the one for all others', () => {
  const policies = [policy('falls', { applies: { kinds: ['fall'] } })];
  expect(policiesFor(policies, 'w1', 'low').map(({ policyId }) => policyId)).toEqual(['default', 'falls']);
  expect(high({ policies, shifts: [shift('n1', 0, 24)] })).toEqual(['0–24 falls failsafeOnly']);
});

test('an hour of a ward is counted once, though by several policies nobody would come', () => {
  const policies = [policy('falls', { applies: { kinds: ['fall'] } })];
  const gaps = coverageOf(plans({ policies, shifts: [shift('n1', 0, 12)] }), ['w1', 'w2'], from, until);
  expect(hoursOf(gaps.filter(({ priority }) => priority === 'high'))).toBe(48);
});

test('the gaps of a time are those of its halves', () => {
  const shifts = fc.array(
    fc
      .tuple(fc.constantFrom('n1', 'd1'), fc.integer({ min: -5, max: 24 }), fc.integer({ min: 1, max: 9 }))
      .map(([person, start, hours]) =>
        shift(person, start, start + hours, { role: person === 'n1' ? 'nurse' : 'doctor' }),
      ),
    { maxLength: 8 },
  );
  const hoursOf = (given: readonly PlannedShift[], start: number, end: number): number =>
    coverageOf(plans({ shifts: given }), ['w1'], start, end).reduce((sum, gap) => sum + (gap.until - gap.from), 0);
  fc.assert(
    fc.property(shifts, fc.integer({ min: 1, max: 23 }), (given, middle) => {
      const cut = from + middle * hour;
      expect(hoursOf(given, from, cut) + hoursOf(given, cut, until)).toBe(hoursOf(given, from, until));
    }),
    { numRuns: 200 },
  );
});

test('of five hundred wards that change shifts at times of their own each is judged by its own', () => {
  const wards = Array.from({ length: 500 }, (_, index) => `w${index}`);
  const shifts = wards.flatMap((wardId, index) =>
    Array.from({ length: 22 }, (_, turn) => {
      const start = turn * 8 - index / 100;
      return shift(`n-${wardId}-${turn % 3}`, start, start + 8, { wardId });
    }),
  );
  const startedAt = performance.now();
  expect(coverageOf(plans({ shifts }), wards, from, from + 7 * 24 * hour)).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
