import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { raiseAlert } from '@carillon/contracts/alert-escalation';
import { personChanged, wardChanged } from '@carillon/contracts/directory';
import {
  getPolicy,
  listPolicies,
  previewPolicy,
  removePolicy,
  setPolicy,
  type Policy,
} from '@carillon/contracts/escalation-policies';
import { reportCoverage } from '@carillon/contracts/plans';
import { eventually } from '@carillon/testkit/eventually';
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

test('I6: a person of a later level who is changed, a shift that is cut short and a ward that is renamed move no deadline', async () => {
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'person', person: 'n2' }] },
    { afterSeconds: 30, targets: [{ kind: 'wardRole', role: 'doctor' }] },
    { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
  ];
  const bleeding = { policyId: 'bleeding', applies: { kinds: ['bleeding'] }, levels, repeatSeconds: 300 };
  expect(await ward.send('d1', setPolicy, bleeding)).toMatchObject({ ok: true });
  const named = { wardId: 'w1', name: 'Ward 1', beds: [] };
  await ward.tell(wardChanged, 'w1', { ...named, version: 1 });
  const { alertId, openedAt } = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'bleeding' }));
  const heard = (event: string, person: string) =>
    ward.expect(
      (one) => one.event === event && one.person === person && one.alert.alertId === alertId,
      `${event} to ${person}`,
    );
  const after = (seconds: number): number => Date.parse(openedAt) + seconds * 1000;
  const leapTo = (seconds: number): void => ward.leap((after(seconds) - ward.now()) / 1000);
  await heard('page:new', 'n2');

  await ward.tell(wardChanged, 'w1', { ...named, name: 'Surgery', version: 2 });
  const doctor = { personId: 'd1', name: 'Another name', wards: ['w1', 'w2'] };
  await ward.tell(personChanged, 'd1', { ...doctor, roles: ['doctor', 'nurse'], version: 2 });
  await ward.shift('d1', { from: 0, until: after(45) });
  await eventually(
    async () => {
      const preview = await ward.ask('o1', previewPolicy, { wardId: 'w1', priority: 'high', kind: 'bleeding' });
      const report = await ward.ask('o1', reportCoverage, { wardId: 'w1' });
      const told = JSON.stringify([preview, report]);
      return told.includes(doctor.name) && told.includes('Surgery') ? told : undefined;
    },
    { what: 'what the directory told' },
  );

  const called: number[] = [];
  // The last second goes by itself: what came early would be seen.
  leapTo(29);
  called.push((await heard('page:new', 'd1')).at);
  // At the end of his shift he is let go of, and the level after his does not come before its time.
  leapTo(45);
  await heard('page:withdrawn', 'd1');
  leapTo(59);
  called.push((await heard('page:new', 'o1')).at);
  for (const [index, seconds] of [30, 60].entries()) {
    expect(called[index]).toBeGreaterThanOrEqual(after(seconds));
    expect(called[index]).toBeLessThan(after(seconds + 2));
  }
});
