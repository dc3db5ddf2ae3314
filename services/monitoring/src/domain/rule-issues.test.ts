import { expect, test } from '@jest/globals';
import { clearAtIssue, type Limit } from './limit.ts';
import { limitIssues, ruleIssues } from './rule-issues.ts';

const lowSpo2: Limit = { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 3, priority: 'high' };
const fastBreathing: Limit = { vital: 'respirationRate', above: 24, persistSeconds: 2, priority: 'medium' };

test('limits that contradict themselves or one another are named', () => {
  const { above: _, ...neither } = fastBreathing;
  const bad: Limit[] = [lowSpo2, { ...lowSpo2, above: 99 }, neither, { ...fastBreathing, clearAt: 25 }, { ...lowSpo2, below: 85 }]; // prettier-ignore
  expect(limitIssues(bad)).toEqual([
    { path: '1', message: 'Expected one of above and below, not both' },
    { path: '2', message: 'Expected above or below' },
    { path: '3.clearAt', message: 'Expected at or below the threshold 24' },
    { path: '4', message: 'Limit 0 is on the same side of spo2 already' },
  ]);
  expect(clearAtIssue({ ...lowSpo2, clearAt: 90 })).toBeUndefined();
});

test('a limit that no credible value is beyond is refused: a slip of a digit would be silent', () => {
  const silent: Limit[] = [{ ...lowSpo2, below: 9, clearAt: 9 }, { vital: 'spo2', above: 100, persistSeconds: 0, priority: 'low' }]; // prettier-ignore
  expect(limitIssues(silent)).toEqual([
    { path: '0', message: 'Expected 40 to 100: other values of spo2 are doubted' },
    { path: '1', message: 'No credible value of spo2 is above 100' },
  ]);
  expect(limitIssues([{ vital: 'oxygenFlow', above: 0, persistSeconds: 0, priority: 'low' }])).toEqual([]);
});

test('a count asks for no more than it counts, and takes the place of a persistence', () => {
  expect(limitIssues([{ ...lowSpo2, breaches: { k: 4, of: 3 } }])).toEqual([
    { path: '0.breaches.k', message: 'Expected at most 3' },
    { path: '0.persistSeconds', message: 'Expected 0 where breaches are counted' },
  ]);
});

test('a warning begins before the critical limit of its side', () => {
  const critical: Limit = { ...fastBreathing, tier: 'critical' };
  expect(limitIssues([{ ...fastBreathing, above: 30 }, critical])).toEqual([
    { path: '0', message: 'A warning begins before the critical limit of its side' },
  ]);
  expect(limitIssues([lowSpo2, fastBreathing, { ...critical, above: 30 }])).toEqual([]);
});

test('limits of one place take turns: their hours do not overlap, and are of one known time zone', () => {
  const during = (from: string, to: string, timeZone = 'Asia/Bangkok'): Limit => ({
    ...lowSpo2,
    schedule: { from, to, timeZone },
  });
  expect(limitIssues([lowSpo2, during('22:00', '06:00'), during('06:00', '08:00')])).toEqual([]);
  const clash = { message: 'Limit 0 is on the same side of spo2 already' };
  expect(limitIssues([during('22:00', '06:00'), during('05:00', '08:00')])).toMatchObject([clash]);
  expect(limitIssues([during('22:00', '06:00'), during('06:00', '08:00', 'UTC')])).toMatchObject([clash]);
  expect(limitIssues([during('22:00', '06:00', 'Mars/Olympus')])).toMatchObject([{ path: '0.schedule.timeZone' }]);
});

test('trends and combinations have names of their own and make sense', () => {
  const trend = {
    name: 'a',
    vital: 'news2',
    direction: 'rising',
    change: 3,
    windowMinutes: 60,
    priority: 'low',
  } as const;
  const all: { vital: 'pulse' | 'systolic'; above?: number }[] = [
    { vital: 'pulse', above: 110 },
    { vital: 'systolic' },
  ];
  const combination = { name: 'b', all, persistSeconds: 0, maxAgeSeconds: 60, priority: 'low' } as const;
  const rules = {
    limits: [],
    trends: [trend, { ...trend, direction: 'falling' as const }],
    combinations: [combination],
  };
  expect(ruleIssues(rules)).toEqual([
    { path: 'trends.1.name', message: 'There is another one named a' },
    { path: 'trends.1.direction', message: 'Expected rising: a falling score is no alarm' },
    { path: 'combinations.0.all.1', message: 'Expected above or below' },
  ]);
});
