import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
import { setPolicy } from '@carillon/contracts/escalation-policies';
import { listOnCall, setSchedule } from '@carillon/contracts/plans';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

test('I7: who takes over the call is called for the unanswered alarm of high priority, and no deadline moves', async () => {
  // The story begins at 08:00 in London; n2 hands over to n3 at 08:02.
  const layer = { people: ['n2', 'n3'], startsOn: '2026-11-20', handOverAt: '08:02', everyDays: 1 };
  const duty = { scheduleId: 'duty', name: 'Nurse on duty', timeZone: 'Europe/London', layers: [layer] };
  expect(await ward.send('o1', setSchedule, duty)).toMatchObject({ ok: true });
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'schedule', schedule: 'duty' }] },
    { afterSeconds: 300, targets: [{ kind: 'wardRole', role: 'doctor' }, { kind: 'failsafe' }] },
  ];
  expect(await ward.send('d1', setPolicy, { policyId: 'default', levels, repeatSeconds: 600 })).toMatchObject({
    ok: true,
  });
  const raise = async (kind: string, priority: 'high' | 'medium') =>
    alertOf(await ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority, message: kind }));
  const high = await raise('fall', 'high');
  const medium = await raise('rate-above', 'medium');
  for (const alert of [high, medium]) expect(alert.pages).toMatchObject([{ person: 'n2', level: 1 }]);

  ward.leap(120);
  const handed = await ward.expect(({ event, person }) => event === 'page:new' && person === 'n3', 'the call of n3');
  expect(handed.alert.alertId).toBe(high.alertId);
  expect(await ward.ask('n1', listOnCall, {})).toMatchObject({ data: { items: [{ person: 'n3', personName: 'n3' }] } });

  ward.leap(180);
  const doctor = await ward.expect(({ event, person }) => event === 'page:new' && person === 'd1', 'the doctor');
  expect(doctor.at - Date.parse(high.openedAt)).toBeGreaterThanOrEqual(300_000);
  const calls = ward.heard.filter(({ event, person }) => event === 'page:new' && person === 'n3');
  expect(calls.map(({ alert }) => alert.kind)).toEqual(['fall']);
  expect(alertOf(await ward.send('n3', acknowledgeAlert, { alertId: high.alertId })).state).toBe('acknowledged');
});
