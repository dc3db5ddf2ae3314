import { expect, test } from '@jest/globals';
import { validate } from '@carillon/contracts/schema';
import { beatSchema } from '@carillon/contracts/technical';
import { findingsOf, type Sight } from './findings.ts';

const now = Date.parse('2026-11-21T08:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1_000).toISOString();
const calm: Sight = {
  now,
  unansweredSince: undefined,
  overdue: [],
  outboxSeconds: 0,
  loops: [{ name: 'escalate high', sinceTurnMs: 900 }],
  clockSteps: [],
  hospitals: [],
};
const kindsOf = (more: Partial<Sight>): string[] => findingsOf({ ...calm, ...more }).map(({ kind }) => kind);

test('an engine that does what is due finds nothing', () => {
  expect(findingsOf(calm)).toEqual([]);
  const within = [
    { isHigh: true, count: 3, oldestSeconds: 4.9 },
    { isHigh: false, count: 900, oldestSeconds: 14 },
  ];
  expect(kindsOf({ overdue: within, outboxSeconds: 4, unansweredSince: now - 2_000 })).toEqual([]);
});

test('what another engine should have taken over by now is overdue, since it was due', () => {
  const overdue = [
    { isHigh: true, count: 2, oldestSeconds: 6 },
    { isHigh: false, count: 40, oldestSeconds: 16 },
  ];
  expect(findingsOf({ ...calm, overdue })).toEqual([
    { kind: 'overdueHigh', since: ago(6), detail: '2 alerts, the oldest for 6 s' },
    { kind: 'overdue', since: ago(16), detail: '40 alerts, the oldest for 16 s' },
  ]);
});

test('a timer that does not turn, a database that is silent and pages that do not leave are told with their time', () => {
  const loops = [...calm.loops, { name: 'escalate medium, low', sinceTurnMs: 7_000 }];
  expect(findingsOf({ ...calm, loops, unansweredSince: now - 4_000, outboxSeconds: 9 })).toEqual([
    { kind: 'database', since: ago(4), detail: 'no answer for 4 s' },
    { kind: 'outboxLag', since: ago(9), detail: 'the oldest waits for 9 s' },
    { kind: 'loopStopped', since: ago(7), detail: 'escalate medium, low: for 7 s' },
  ]);
});

test('wards in which nobody would be called and schedules that cannot be read are told of each hospital by itself', () => {
  const well = { uncoveredWards: 0, uncoveredSince: now, unreadable: [], unreadableSince: now };
  const hospitals = [
    { ...well, hospital: 'h1', uncoveredWards: 2, uncoveredSince: now - 90_000 },
    { ...well, hospital: 'h2', unreadable: ['duty', 'nights', 'a', 'b'], unreadableSince: now - 30_000 },
    { ...well, hospital: 'h3' },
  ];
  expect(findingsOf({ ...calm, hospitals })).toEqual([
    { kind: 'noCoverage', since: ago(90), detail: '2 wards', hospital: 'h1' },
    { kind: 'unknownZone', since: ago(30), detail: '4 schedules: duty, nights, a', hospital: 'h2' },
  ]);
  const many = Array.from({ length: 1_200 }, (_, index) => ({ ...well, hospital: `h${index}`, uncoveredWards: 1 }));
  expect(validate(beatSchema, { instance: 'e1', findings: findingsOf({ ...calm, hospitals: many }) })).toMatchObject({
    ok: true,
  });
});

test('a step of the clock is told for ten minutes', () => {
  const clockSteps = [{ at: now - 60_000, ms: -3_600_000 }];
  expect(findingsOf({ ...calm, clockSteps })).toEqual([{ kind: 'clockStep', since: ago(60), detail: 'by −3600 s' }]);
  expect(kindsOf({ clockSteps: [{ at: now - 601_000, ms: 5_000 }] })).toEqual([]);
});
