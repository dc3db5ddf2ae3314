import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { raiseAlert } from '@carillon/contracts/alert-escalation';
import { getPolicy, listPolicies, removePolicy, setPolicy, type Policy } from '@carillon/contracts/escalation-policies';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });
const fall = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'Fall' };
const doctorsAfter = (afterSeconds: number): Policy => ({
  applies: { kinds: ['fall'] },
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'person', person: 'n3' }] },
    { afterSeconds, targets: [{ kind: 'hospitalRole', role: 'doctor' }, { kind: 'failsafe' }] },
  ],
  repeatSeconds: 300,
});

test('I6: a policy that is edited and removed changes no deadline of an alert that runs by it', async () => {
  const falls = { policyId: 'falls', ...doctorsAfter(30) };
  expect(await ward.send('d1', setPolicy, { ...falls, ifVersion: 0 })).toMatchObject({ data: { version: 1 } });
  const alert = alertOf(await ward.send('n1', raiseAlert, fall));
  expect(alert).toMatchObject({ policyId: 'falls', policyVersion: 1 });
  await ward.page('n3', 1);

  // A doctor who has seen another version changes nothing.
  const slower = { policyId: 'falls', ...doctorsAfter(600) };
  expect(await ward.send('d1', setPolicy, { ...slower, ifVersion: 7 })).toEqual(refused('conflict'));
  expect(await ward.send('d1', setPolicy, { ...slower, ifVersion: 1 })).toMatchObject({ data: { version: 2 } });
  expect(await ward.send('d1', removePolicy, { policyId: 'falls', ifVersion: 2 })).toMatchObject({ ok: true });

  ward.leap(30);
  const doctor = await ward.page('d1', 2);
  expect(doctor.alert.alertId).toBe(alert.alertId);
  expect(doctor.at - Date.parse(alert.openedAt)).toBeGreaterThanOrEqual(30_000);
  expect(doctor.at - Date.parse(alert.openedAt)).toBeLessThan(32_000);
});

test('what is raised after the removal runs by the default, and the versions of what was removed are kept', async () => {
  const next = alertOf(await ward.send('n1', raiseAlert, { ...fall, patientId: undefined, wardId: 'w1' }));
  expect(next).toMatchObject({ policyId: 'default', policyVersion: 0 });
  expect(await ward.ask('n1', getPolicy, { policyId: 'falls' })).toEqual(refused('not_found'));
  expect(await ward.ask('n1', getPolicy, { policyId: 'falls', atVersion: 1 })).toEqual({
    ok: true,
    data: { policyId: 'falls', version: 1, ...doctorsAfter(30) },
  });
  expect(await ward.ask('n1', listPolicies, {})).toMatchObject({
    data: { items: [{ policyId: 'default', version: 0 }] },
  });
  // Written again, it goes on from the version that it had.
  const again = await ward.send('d1', setPolicy, { policyId: 'falls', ifVersion: 0, ...doctorsAfter(60) });
  expect(again).toMatchObject({ data: { version: 3 } });
  expect(await ward.send('d1', removePolicy, { policyId: 'default' })).toEqual(refused('bad_input'));
});

test('a policy that names a person, a group or a schedule that is not there is refused with the place', async () => {
  const unknown = {
    policyId: 'unknown',
    ...doctorsAfter(30),
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'person', person: 'n99' }] },
      {
        afterSeconds: 9,
        targets: [
          { kind: 'group', group: 'code' },
          { kind: 'schedule', schedule: 'nights' },
        ],
      },
      { afterSeconds: 20, targets: [{ kind: 'failsafe' }] },
    ],
  };
  expect(await ward.send('d1', setPolicy, unknown)).toMatchObject({
    ok: false,
    error: {
      code: 'bad_input',
      issues: [
        { path: 'levels.0.targets.0.person', message: 'No such person on the staff' },
        { path: 'levels.1.targets.0.group', message: 'No such group' },
        { path: 'levels.1.targets.1.schedule', message: 'No such schedule' },
      ],
    },
  });
});
