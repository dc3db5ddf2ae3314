import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
}, 60_000);
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
