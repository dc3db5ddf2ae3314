import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { setPolicy } from '@carillon/contracts/escalation-policies';
import type { Sql } from '@carillon/database/database';
import { followDatabaseClock } from '@carillon/runtime/clock';
import { createLogger } from '@carillon/runtime/log';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type Engine, type WardStory } from '../ward.ts';

let ward: WardStory;
let engine: Engine;

beforeAll(async () => {
  ward = await openWard();
  engine = await ward.startEngine();
});
afterAll(() => ward.stop());

test('I8: the clock jumps an hour forward: everybody whose level is due by it is called once, and the log says why', async () => {
  await ward.condition('raised', 'spo2-below');
  const { alert } = await ward.page('n1', 1);
  const { alertId } = alert;
  ward.stepClock(3_600);
  await Promise.all([
    ward.page('n2', 2),
    ward.page('n3', 2),
    ward.page('d1', 3),
    ward.page('r1', 4),
    ward.page('o1', 4),
  ]);
  const { timeline } = alertOf(await ward.ask('n1', getAlert, { alertId }));
  const levels = timeline.filter(({ kind }) => kind === 'level').map(({ level, reason }) => `${level} ${reason}`);
  const stepped = 'due, the clock stepped by +3600 s';
  expect(levels.slice(0, 4)).toEqual(['1 due', `2 ${stepped}`, `3 ${stepped}`, `4 ${stepped}`]);
  const calls = ward.heard.filter((one) => one.event === 'page:new' && one.alert.alertId === alertId);
  expect(new Set(calls.map(({ person, level }) => `${person} ${level}`)).size).toBe(calls.length);
  await ward.send('n1', acknowledgeAlert, { alertId });

  // What is opened after it counts from then, and is not early.
  await ward.condition('raised', 'pulse-above');
  const later = await ward.expect((one) => one.event === 'page:new' && one.alert.kind === 'pulse-above', 'the other');
  ward.leap(20);
  await ward.expect(
    (one) => one.event === 'page:new' && one.alert.kind === 'pulse-above' && one.person === 'n2',
    'its second level',
  );
  const next = alertOf(await ward.ask('n1', getAlert, { alertId: later.alert.alertId }));
  expect(next.timeline.find(({ level }) => level === 2)?.reason).toBe('due');
});

test('I8: the clock of the database jumps an hour back: the next level starts when it would have, neither later nor again', async () => {
  await engine.service.stop();
  let backMs = 0;
  // The one thing that a real database cannot do for a test: step its clock.
  const database: Sql = {
    query: () => Promise.resolve({ rows: [{ ms: ward.now() - backMs }] as never[], rowCount: 1 }),
  };
  const clock = await followDatabaseClock(database, createLogger('test', { level: 'silent', file: '' }));
  await ward.startEngine(clock);
  // The clock is compared every 5 s: once at least while the second level waits.
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: 6, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 3_600, targets: [{ kind: 'failsafe' }] },
  ];
  const policy = { policyId: 'default', levels, repeatSeconds: 3_600 };
  expect(await ward.send('a1', setPolicy, policy)).toMatchObject({ ok: true });
  await ward.condition('raised', 'temperature-above');
  const ofIt = (person: string) =>
    ward.expect(
      (one) => one.event === 'page:new' && one.alert.kind === 'temperature-above' && one.person === person,
      `the call of ${person}`,
    );
  const { alert } = await ofIt('n1');
  backMs = 3_600_000;
  const next = await ofIt('n2');
  await eventually(() => Promise.resolve(clock.steps()[0]), { what: 'the step in its memory' });
  expect(clock.steps()).toMatchObject([{ ms: expect.closeTo(-3_600_000, -3) }]);
  expect(next.at - Date.parse(alert.openedAt)).toBeGreaterThanOrEqual(6_000);
  const { timeline } = alertOf(await ward.ask('n1', getAlert, { alertId: alert.alertId }));
  const started = timeline.filter(({ kind }) => kind === 'level').map(({ level, reason }) => `${level} ${reason}`);
  expect(started).toEqual(['1 due', '2 due']);
  clock.stop();
});
