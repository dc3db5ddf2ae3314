import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { startSilence } from '@carillon/contracts/silences';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
  await ward.shift('n9', { from: 0, wardId: 'w2' });
});
afterAll(() => ward.stop());

const told = (event: string, alertId: string, wardId: string) =>
  ward.expect(
    (one) => one.event === event && one.alert.alertId === alertId && one.alert.wardId === wardId,
    `${event} of ${wardId}`,
  );

test('an alert goes with its patient: the old ward lets go of it, the new one calls its own people', async () => {
  await ward.condition('raised', 'spo2-below');
  const { alert } = await ward.page('n1', 1);
  const { alertId } = alert;
  ward.leap(20);
  await ward.page('n3', 2);
  await ward.bedNurses(['n9']);
  await ward.moveTo('w2');
  const left = await told('alert:left', alertId, 'w1');
  const entered = await told('alert:entered', alertId, 'w2');
  expect(left.alert.version).toBe(entered.alert.version);
  expect(left.alert).not.toHaveProperty('message');
  expect((await ward.page('n9', 2)).alert.wardId).toBe('w2');
  await Promise.all(
    ['n1', 'n2', 'n3'].map((person) =>
      ward.expect((one) => one.event === 'page:withdrawn' && one.person === person, `the withdrawal for ${person}`),
    ),
  );
  // What `monitoring` finds before it has heard of the move is of the same episode.
  await ward.condition('raised', 'heartRate-above');
  expect((await told('alert:raised', (await ward.page('n9', 1)).alert.alertId, 'w2')).alert.wardId).toBe('w2');

  const taken = alertOf(await ward.send('n9', acknowledgeAlert, { alertId }));
  expect(taken).toMatchObject({ state: 'acknowledged', wardId: 'w2' });
  await ward.moveTo('w1');
  await ward.expect(
    (one) => one.event === 'alert:entered' && one.alert.wardId === 'w1' && one.alert.alertId === alertId,
    'its return',
  );
  const back = alertOf(await ward.ask('n1', getAlert, { alertId }));
  expect(back).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'n9', wardId: 'w1' });
});

test('I15: what a silence of the old ward held calls in the new one', async () => {
  const until = new Date(ward.now() + 3_600_000).toISOString();
  const silence = { wardId: 'w1', priorities: ['medium'], until, reason: 'cleaning' };
  expect(await ward.send('n1', startSilence, silence)).toMatchObject({ ok: true });
  await ward.condition('raised', 'temperature-above', 'medium');
  const held = await ward.expect(({ alert }) => alert.kind === 'temperature-above', 'the alert');
  expect(held.alert).toMatchObject({ wardId: 'w1', held: { kind: 'silence' } });
  await ward.moveTo('w2');
  const call = await ward.expect(
    ({ event, alert }) => event === 'page:new' && alert.kind === 'temperature-above',
    'the call in the new ward',
  );
  expect(call).toMatchObject({ person: 'n9', level: 1 });
});

test('who is discharged leaves his alert in the ward where he lay: it goes on there, and its staff answer it', async () => {
  await ward.bedNurses(['n1']);
  await ward.moveTo('w1');
  await ward.condition('raised', 'pulse-below');
  const call = (person: string, level: number) =>
    ward.expect(
      (one) =>
        one.event === 'page:new' && one.person === person && one.level === level && one.alert.kind === 'pulse-below',
      `the call of level ${level} to ${person}`,
    );
  const { alertId, openedAt } = (await call('n1', 1)).alert;
  await ward.moveTo(null);

  // The last second goes by itself: what came early would be seen.
  ward.leap((Date.parse(openedAt) + 19_000 - ward.now()) / 1000);
  for (const nurse of ['n2', 'n3']) {
    const next = await call(nurse, 2);
    expect(next.alert).toMatchObject({ alertId, state: 'open', wardId: 'w1' });
    expect(next.at - Date.parse(openedAt)).toBeGreaterThanOrEqual(20_000);
    expect(next.at - Date.parse(openedAt)).toBeLessThan(22_000);
  }
  // Not called yet, and so only as one of the ward.
  const taken = alertOf(await ward.send('d1', acknowledgeAlert, { alertId }));
  expect(taken).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'd1', wardId: 'w1', patientId: 'p1' });
  await told('alert:acknowledged', alertId, 'w1');
  const moves = ward.heard.filter(
    ({ event, alert }) => ['alert:left', 'alert:entered'].includes(event) && alert.alertId === alertId,
  );
  expect(moves).toEqual([]);
});
