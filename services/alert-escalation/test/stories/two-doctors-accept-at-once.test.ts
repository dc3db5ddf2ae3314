import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
import { setPolicy, type Policy } from '@carillon/contracts/escalation-policies';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await Promise.all([ward.startEngine(), ward.startEngine()]);
  await ward.shift('d2', { from: 0, role: 'doctor' });
});
afterAll(() => ward.stop());

/** Doctors at once, of whom so many are needed; the operator after a minute. */
async function raise(kind: string, needs: 'any' | 'all' | number): Promise<string> {
  const policy: Policy = {
    levels: [
      { afterSeconds: 0, needs, targets: [{ kind: 'wardRole', role: 'doctor' }] },
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 60,
  };
  expect(await ward.send('d1', setPolicy, { policyId: 'default', ...policy })).toMatchObject({ ok: true });
  const input = { patientId: 'p1', kind, priority: 'high', message: kind };
  return alertOf(await ward.send('n1', raiseAlert, input)).alertId;
}
const bothAccept = (alertId: string) =>
  Promise.all(['d1', 'd2'].map((doctor) => ward.send(doctor, acknowledgeAlert, { alertId })));

test('I9: where one is enough, one of two doctors who accept at the same moment owns it and the other is told so', async () => {
  const alertId = await raise('arrest', 'any');
  const replies = await bothAccept(alertId);
  expect(replies.filter((reply) => reply?.ok === true)).toHaveLength(1);
  expect(replies.filter((reply) => reply?.ok === false && reply.error.code === 'conflict')).toHaveLength(1);
  const { timeline } = alertOf(await ward.ask('n1', getAlert, { alertId }));
  expect(timeline.filter(({ kind }) => kind === 'acknowledged')).toHaveLength(1);
});

test('where two, or all, must come, both do, and the first of them owns it', async () => {
  for (const needs of [2, 'all'] as const) {
    const alertId = await raise(`needs-${needs}`, needs);
    const replies = await bothAccept(alertId);
    expect(replies.map((reply) => reply?.ok)).toEqual([true, true]);
    const alert = alertOf(await ward.ask('n1', getAlert, { alertId }));
    expect(alert.state).toBe('acknowledged');
    expect(alert.answers?.accepted.toSorted()).toEqual(['d1', 'd2']);
    expect(alert.acknowledgedBy).toBe(alert.answers?.accepted[0]);
    const kinds = alert.timeline.map(({ kind }) => kind).filter((kind) => kind !== 'delivered');
    expect(kinds).toEqual(['opened', 'level', 'accepted', 'accepted', 'acknowledged']);
    expect(alert.pages.map(({ status }) => status)).toEqual(['acknowledged', 'acknowledged']);
  }
});

test('one who comes where two are needed stops nothing: the next level starts at its time and calls the others', async () => {
  const alertId = await raise('one-comes', 2);
  const { openedAt } = alertOf(await ward.send('d1', acknowledgeAlert, { alertId }));
  await ward.expect((one) => one.event === 'alert:accepted' && one.alert.alertId === alertId, 'that d1 comes');
  ward.leap(60);
  const page = await ward.expect(
    (one) => one.event === 'page:new' && one.person === 'o1' && one.alert.alertId === alertId,
    'the page to the operator',
  );
  expect(page.at - Date.parse(openedAt)).toBeGreaterThanOrEqual(60_000);
  await ward.send('o1', acknowledgeAlert, { alertId });
});
