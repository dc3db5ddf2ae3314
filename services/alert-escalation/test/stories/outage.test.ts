import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert } from '@carillon/contracts/alert-escalation';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const pageOf = (kind: string, person: string, level: number) =>
  ward.expect(
    (one) => one.event === 'page:new' && one.alert.kind === kind && one.person === person && one.level === level,
    `level ${level} of ${kind} to ${person}`,
  );

test('PostgreSQL is away for some seconds: nothing is lost, and escalation goes on', async () => {
  await ward.condition('raised', 'spo2-below');
  await ward.condition('raised', 'heartRate-above');
  const { alert } = await pageOf('heartRate-above', 'n1', 1);

  await ward.infrastructure.postgres.stop();
  await ward.condition('raised', 'respirationRate-above', 'medium');
  const late = await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId }, { key: 'away', deadlineMs: 500 });
  expect(late).toBeUndefined();
  ward.leap(25);
  await ward.infrastructure.restartPostgres();

  const escalated = await pageOf('spo2-below', 'n3', 2);
  expect(escalated.at - Date.parse(escalated.alert.openedAt)).toBeGreaterThanOrEqual(20_000);
  await pageOf('respirationRate-above', 'n1', 1);
  await ward.expect(
    (one) => one.event === 'alert:acknowledged' && one.alert.alertId === alert.alertId,
    'the acknowledgement that was stored meanwhile',
  );
  const again = await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId }, { key: 'away' });
  expect(alertOf(again).state).toBe('acknowledged');
});

test('nats-server is away for some seconds: what was committed meanwhile is published when it is back', async () => {
  await ward.infrastructure.nats.stop();
  ward.leap(15);
  await ward.infrastructure.restartNats();
  await pageOf('spo2-below', 'd1', 3);
});
