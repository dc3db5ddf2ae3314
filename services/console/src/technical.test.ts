import { expect, test } from '@jest/globals';
import { type TechnicalAlarm, stoppedBy } from './technical.ts';

const alarm = (kind: TechnicalAlarm['kind'], since: string, isStopped = true): TechnicalAlarm => ({
  kind,
  since: `2026-11-21T${since}:00.000Z`,
  detail: '',
  isStopped,
});

test('nobody is told to use the phone for what leaves escalation going', () => {
  expect(stoppedBy([])).toBeUndefined();
  expect(stoppedBy([alarm('overdue', '08:00', false), alarm('clockStep', '08:01', false)])).toBeUndefined();
});

test('the banner says since when the first of what stops escalation lasts, and all of it', () => {
  const alarms = [alarm('canary', '08:12'), alarm('overdue', '07:00', false), alarm('silent', '08:11')];
  expect(stoppedBy(alarms)).toEqual({
    since: '2026-11-21T08:11:00.000Z',
    words: ['Test alarms do not arrive.', 'The escalation of alarms is not running, or cannot be reached.'],
  });
});
