import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  acknowledgeAlert,
  arriveAtAlert,
  escalateAlert,
  getAlert,
  raiseAlert,
  resolveAlert,
  snoozeAlert,
} from '@carillon/contracts/alert-escalation';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });
const raise = async (kind: string, priority: 'high' | 'low' = 'high') =>
  alertOf(await ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority, message: kind }));

test('a nurse puts an alarm off for two minutes at most and once, and it calls again when they are over', async () => {
  const { alertId } = await raise('line-off');
  expect(await ward.send('n1', snoozeAlert, { alertId, seconds: 121 })).toEqual(refused('bad_input'));
  const put = alertOf(await ward.send('n1', snoozeAlert, { alertId, seconds: 60, reason: 'at the bed' }));
  expect(put).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'n1' });
  const until = Date.parse(put.acknowledgedUntil ?? '');
  ward.leap(60);
  const again = await ward.expect(
    (one) => one.event === 'page:new' && one.alert.alertId === alertId && one.at >= until,
    'the call after it was put off',
  );
  expect(again).toMatchObject({ person: 'n1', level: 1 });
  expect(await ward.send('n1', snoozeAlert, { alertId, seconds: 10 })).toEqual(refused('conflict'));
  const { timeline } = alertOf(await ward.ask('n1', getAlert, { alertId }));
  expect(timeline.find(({ kind }) => kind === 'snoozed')).toMatchObject({ actor: 'n1', reason: 'at the bed' });
  await ward.send('n1', resolveAlert, { alertId, outcome: 'notActionable' });
});

test('I11: who calls the next level says what he saw, and is refused when somebody was faster', async () => {
  const { alertId, version } = await raise('worse');
  const called = alertOf(await ward.send('n1', escalateAlert, { alertId, seenVersion: version, reason: 'grey' }));
  expect(called.level).toBe(2);
  await ward.page('n2', 2);
  expect(await ward.send('n2', escalateAlert, { alertId, seenVersion: version })).toEqual(refused('conflict'));
  expect(await ward.send('o1', escalateAlert, { alertId, seenVersion: called.version })).toEqual(refused('forbidden'));
  const all = alertOf(await ward.send('n2', escalateAlert, { alertId, seenVersion: called.version, level: 4 }));
  expect(all.level).toBe(4);
  await Promise.all([ward.page('d1', 3), ward.page('o1', 4)]);
  await ward.send('n1', resolveAlert, { alertId });
});

test('that somebody comes and that he is there are facts of their own, each with its time', async () => {
  const { alertId } = await raise('comes', 'low');
  await ward.send('n1', acknowledgeAlert, { alertId });
  ward.leap(30);
  const there = alertOf(await ward.send('n1', arriveAtAlert, { alertId }));
  expect(there).toMatchObject({ state: 'acknowledged', answers: { accepted: ['n1'], arrived: ['n1'] } });
  await ward.expect((one) => one.event === 'alert:arrived' && one.alert.alertId === alertId, 'that he is there');
  const at = (kind: string): number => Date.parse(there.timeline.find((entry) => entry.kind === kind)?.at ?? '');
  expect(at('arrived') - at('accepted')).toBeGreaterThanOrEqual(30_000);
  expect(alertOf(await ward.send('n1', arriveAtAlert, { alertId })).version).toBe(there.version);
});
