import { expect, test } from '@jest/globals';
import type { Finding, TechnicalKind } from '@carillon/contracts/technical';
import { alarmsOf, judgeBeats, silentAfterMs, type Heard } from './judge.ts';

const now = Date.parse('2026-11-21T08:00:00Z');
const found = (kind: TechnicalKind, secondsAgo = 3): Finding => ({
  kind,
  since: new Date(now - secondsAgo * 1_000).toISOString(),
  detail: `${secondsAgo}`,
});
const judge = (more: Partial<Heard>) =>
  judgeBeats({ now, beats: [], silentMs: 0, isConnected: true, canary: undefined, ...more });
const stops = (more: Partial<Heard>): Record<string, boolean> =>
  Object.fromEntries(judge(more).map(({ kind, isStopped }) => [kind, isStopped]));

test('I20: when no engine is heard any more, that is an alarm by itself, since the last that was heard', () => {
  expect(judge({ silentMs: silentAfterMs })).toEqual([]);
  const alarm = { kind: 'silent', since: '2026-11-21T07:59:51.000Z', isStopped: true };
  expect(judge({ silentMs: 9_000 })).toEqual([{ ...alarm, detail: 'no engine is heard' }]);
  expect(judge({ silentMs: 9_000, isConnected: false })).toEqual([
    { ...alarm, detail: 'this gateway is cut off from NATS' },
  ]);
});

test('of an engine that is gone nothing is told while another beats', () => {
  const gone = { ageMs: 9_000, findings: [found('database')] };
  expect(judge({ beats: [gone, { ageMs: 1_000, findings: [] }] })).toEqual([]);
});

test('an engine that can do nothing is told, and stops escalation only where no other can', () => {
  const disabled = { ageMs: 0, findings: [found('database'), found('loopStopped')] };
  expect(stops({ beats: [disabled, { ageMs: 0, findings: [] }] })).toEqual({ database: false, loopStopped: false });
  const other = { ageMs: 0, findings: [found('loopStopped')] };
  expect(stops({ beats: [disabled, other] })).toEqual({ database: true, loopStopped: true });
});

test('what delays high priority, or lets no page out, is told as stopped, and the rest is not', () => {
  const findings = [found('overdueHigh'), found('overdue'), found('outboxLag'), found('clockStep')];
  expect(stops({ beats: [{ ageMs: 0, findings }], canary: found('canary') })).toEqual({
    overdueHigh: true,
    overdue: false,
    outboxLag: true,
    clockStep: false,
    canary: true,
  });
});

test('what several engines find is one alarm, since the first found it', () => {
  const beats = [3, 7, 5].map((ago) => ({ ageMs: 0, findings: [found('overdueHigh', ago)] }));
  expect(judge({ beats })).toEqual([{ ...found('overdueHigh', 7), isStopped: true }]);
});

test('what is found of one hospital is an alarm of its own, and told to its people without its name', () => {
  const of = (hospital: string, ago: number): Finding => ({ ...found('noCoverage', ago), hospital });
  const findings = [of('h1', 3), of('h2', 9), found('clockStep')];
  const alarms = judge({ beats: [{ ageMs: 0, findings }] });
  expect(alarms).toHaveLength(3);
  expect(alarmsOf(alarms, 'h1')).toEqual([
    { ...found('noCoverage', 3), isStopped: false },
    { ...found('clockStep'), isStopped: false },
  ]);
  expect(alarmsOf(alarms, 'h3')).toEqual([{ ...found('clockStep'), isStopped: false }]);
});
