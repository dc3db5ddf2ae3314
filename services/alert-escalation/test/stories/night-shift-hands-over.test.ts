import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getAlert, resolveAlert } from '@carillon/contracts/alert-escalation';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const heard = (event: string, person: string, kind: string) =>
  ward.expect(
    (one) => one.event === event && one.person === person && one.alert.kind === kind,
    `${event} to ${person}, ${kind}`,
  );

test('I7: who takes over the bed at the end of the shift is called for its unanswered high alarm at once, and for no other', async () => {
  const endsAt = ward.now() + 30_000;
  await ward.bedNurses(['n1', 'night']);
  await ward.shift('night', { from: endsAt });
  await ward.shift('n1', { from: 0, until: endsAt });
  ward.leap((endsAt - 12_000 - ward.now()) / 1000);
  await ward.condition('raised', 'spo2-below');
  await ward.condition('raised', 'temperature-above', 'medium');
  const { alert } = await heard('page:new', 'n1', 'spo2-below');
  await heard('page:new', 'n1', 'temperature-above');

  ward.leap((endsAt - ward.now()) / 1000);
  const taken = await heard('page:new', 'night', 'spo2-below');
  expect(taken.level).toBe(1);
  expect(taken.at).toBeGreaterThanOrEqual(endsAt);
  await heard('page:withdrawn', 'n1', 'spo2-below');

  // The next level comes when it would have come.
  const openedAt = Date.parse(alert.openedAt);
  ward.leap((openedAt + 20_000 - ward.now()) / 1000);
  const next = await heard('page:new', 'n2', 'spo2-below');
  expect(next.at - openedAt).toBeGreaterThanOrEqual(20_000);
  expect(next.at - openedAt).toBeLessThan(22_000);
  await heard('page:new', 'n2', 'temperature-above');
  const levels = ward.heard.filter((one) => one.person === 'night').map((one) => `${one.alert.kind} ${one.level}`);
  expect(levels.toSorted()).toEqual(['spo2-below 1', 'spo2-below 2', 'temperature-above 2']);
  const { timeline } = alertOf(await ward.ask('n2', getAlert, { alertId: alert.alertId }));
  const kinds = timeline.map(({ kind }) => kind).filter((kind) => kind !== 'delivered');
  expect(kinds).toEqual(['opened', 'level', 'relieved', 'handover', 'level']);
  await ward.send('n2', resolveAlert, { alertId: alert.alertId });
});

test('I7: a nurse to whom the bed is given while its alarm is unanswered is called', async () => {
  await ward.condition('raised', 'pulse-above');
  await heard('page:new', 'night', 'pulse-above');
  await ward.shift('relief', { from: 0, role: 'responder' });
  await ward.bedNurses(['relief']);
  ward.leap(10);
  expect((await heard('page:new', 'relief', 'pulse-above')).level).toBe(1);
});
