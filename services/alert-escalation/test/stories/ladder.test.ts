import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, declineAlert, raiseAlert, resolveAlert } from '@carillon/contracts/alert-escalation';
import type { ResultOf } from '@carillon/contracts/define';
import { getResponse } from '@carillon/contracts/response';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const seconds = (count: number): number => count * 1000;
const calls = (alertId: string): string[] =>
  ward.heard
    .filter(({ event, alert }) => event.startsWith('page:') && alert.alertId === alertId)
    .map(({ event, person, level }) => `${event} ${person} ${level}`);

test('the bed nurse is paged at once, the nurses of the ward after 20 s, and acknowledging stops it', async () => {
  await ward.condition('raised', 'spo2-below');
  const { alert } = await ward.page('n1', 1);
  const openedAt = Date.parse(alert.openedAt);
  expect(alert).toMatchObject({ patientId: 'p1', wardId: 'w1', kind: 'spo2-below', presence: 'on', version: 1 });
  // Another one, which nobody answers: where it stands shows that the time of the first had come.
  await ward.condition('raised', 'heartRate-above');
  await ward.expect((one) => one.event === 'page:new' && one.alert.kind === 'heartRate-above', 'the other alert');

  ward.leap(20);
  const second = await ward.page('n3', 2);
  expect(second.at - openedAt).toBeGreaterThanOrEqual(seconds(20));
  expect(second.at - openedAt).toBeLessThan(seconds(22));
  const reply = await ward.send('n2', acknowledgeAlert, { alertId: alert.alertId });
  expect(alertOf(reply)).toMatchObject({ state: 'acknowledged', presence: 'ack' });
  await ward.expect(({ event, person }) => event === 'page:withdrawn' && person === 'n3', 'the withdrawal for n3');

  ward.leap(20);
  const doctor = await ward.page('d1', 3);
  expect(doctor.alert.kind).toBe('heartRate-above');
  expect(calls(alert.alertId)).toEqual([
    'page:new n1 1',
    'page:new n1 2',
    'page:new n2 2',
    'page:new n3 2',
    'page:withdrawn n1 2',
    'page:withdrawn n3 2',
  ]);
  await ward.send('n1', resolveAlert, { alertId: doctor.alert.alertId });

  // It outlasts the acknowledgement, and calls the bed nurse again.
  ward.leap(600);
  const back = await ward.expect(
    ({ event, alert: { alertId, version } }) =>
      event === 'alert:raised' && alertId === alert.alertId && version > alert.version,
    'the alert again',
  );
  expect(back.alert).toMatchObject({ state: 'open', presence: 'on' });
  expect(back.at - openedAt).toBeGreaterThanOrEqual(seconds(620));

  await ward.condition('cleared', 'spo2-below');
  await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId });
  const resolved = await ward.expect(
    (one) => one.event === 'alert:resolved' && one.alert.alertId === alert.alertId,
    'the end of it',
  );
  expect(resolved.alert.presence).toBe('off');
});

test('whoever cannot come hands over at once, and the last level repeats until somebody answers', async () => {
  const reply = await ward.send('n1', raiseAlert, { patientId: 'p1', kind: 'fall', priority: 'high', message: 'Fall' });
  const { alertId, openedAt } = alertOf(reply);
  const heardOf = (person: string, level: number, after = 0) =>
    ward.expect(
      (one) =>
        one.event === 'page:new' &&
        one.person === person &&
        one.level === level &&
        one.alert.alertId === alertId &&
        one.at - Date.parse(openedAt) >= after,
      `level ${level} to ${person}`,
    );
  await heardOf('n1', 1);
  await ward.send('n1', declineAlert, { alertId, reason: 'with another patient' });
  const early = await heardOf('n2', 2);
  expect(early.at - Date.parse(openedAt)).toBeLessThan(seconds(20));

  ward.leap(60);
  await heardOf('o1', 4, seconds(60));
  ward.leap(60);
  await heardOf('o1', 4, seconds(120));
  expect(alertOf(await ward.send('d1', resolveAlert, { alertId })).state).toBe('resolved');
});

test('how long a condition took to become an alert is counted apart from how long it took to be found', async () => {
  const day = { from: new Date(ward.now() - 43_200_000), to: new Date(ward.now() + 43_200_000) };
  const reply = await ward.ask('o1', getResponse, {
    from: day.from.toISOString(),
    to: day.to.toISOString(),
    by: 'ward',
  });
  const hops = reply.ok ? (reply.data as ResultOf<typeof getResponse>).total.hops : [];
  const counts = new Map<string, number>(hops.map(({ hop, count }) => [hop, count]));
  // What a person has raised, and what outlasted its resolution, was not measured for it.
  expect(['measured_active', 'active_opened', 'measured_opened', 'opened_paged'].map((hop) => counts.get(hop))).toEqual(
    [2, 2, 2, 4],
  );
});
