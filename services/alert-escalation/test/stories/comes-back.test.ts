import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await Promise.all([ward.startEngine(), ward.startEngine()]);
});
afterAll(() => ward.stop());

const ofHighSeconds = 600;

test('I10: an acknowledged alarm that stays comes back exactly once a run, with two engines that see it come due', async () => {
  await ward.condition('raised', 'spo2-below');
  const { alert } = await ward.page('n1', 1);
  const firstCalls = (): number =>
    ward.heard.filter(
      ({ event, person, level, alert: { alertId } }) =>
        event === 'page:new' && person === 'n1' && level === 1 && alertId === alert.alertId,
    ).length;
  for (const run of [2, 3]) {
    expect(await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId })).toMatchObject({ ok: true });
    ward.leap(ofHighSeconds - 5);
    expect(firstCalls()).toBe(run - 1);
    ward.leap(6);
    await eventually(() => (firstCalls() === run ? true : undefined), { what: `the calls of run ${run}` });
  }
  // Whoever would call once more has had his turn when the next level has come.
  ward.leap(20);
  await eventually(() => ward.heard.filter(({ event, level }) => event === 'page:new' && level === 2)[0], {
    what: 'the next level',
  });
  expect(firstCalls()).toBe(3);
  const { timeline } = alertOf(await ward.ask('n1', getAlert, { alertId: alert.alertId }));
  expect(timeline.filter(({ kind }) => kind === 'ackExpired')).toHaveLength(2);
});
