import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert, listAlerts, raiseAlert } from '@carillon/contracts/alert-escalation';
import { getPolicy, setPolicy, type Policy } from '@carillon/contracts/escalation-policies';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const fall = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'Fall' };
const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });

test('a repeated key gives the same answer and does nothing more; with another body it is key_reused', async () => {
  const key = randomUUID();
  const first = await ward.send('n1', raiseAlert, fall, { key });
  const { alertId } = alertOf(first);
  await ward.send('n2', acknowledgeAlert, { alertId });
  // The same fields in another order are the same body.
  const { message, ...rest } = fall;
  expect(await ward.send('n1', raiseAlert, { message, ...rest }, { key })).toEqual(first);
  expect(await ward.send('n1', raiseAlert, { ...fall, kind: 'other' }, { key })).toEqual(refused('key_reused'));
  const now = await ward.ask('n1', getAlert, { alertId });
  expect(now).toMatchObject({ ok: true, data: { alertId, state: 'acknowledged' } });
});

test('an expired command is not done', async () => {
  const sos = { ...fall, kind: 'too-late' };
  const issuedAt = ward.now() - 11 * 60_000;
  expect(await ward.send('n1', raiseAlert, sos, { issuedAt })).toEqual(refused('expired'));
  const list = await ward.ask('n1', listAlerts, { wardId: 'w1' });
  expect(JSON.stringify(list)).not.toContain('too-late');
});

test('I9: only staff of the ward and who was paged may answer, and one of them owns it', async () => {
  const { alertId } = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'sos' }));
  expect(await ward.send('o1', acknowledgeAlert, { alertId })).toEqual(refused('forbidden'));
  expect(await ward.send('n1', acknowledgeAlert, { alertId: 'unknown' })).toEqual(refused('not_found'));
  const replies = await Promise.all(['n1', 'n2', 'd1'].map((name) => ward.send(name, acknowledgeAlert, { alertId })));
  expect(replies.filter((reply) => reply?.ok === true)).toHaveLength(1);
  expect(replies.filter((reply) => reply?.ok === false && reply.error.code === 'conflict')).toHaveLength(2);
});

test('I6: a policy without a failsafe is refused, and a changed policy moves no deadline of a running alert', async () => {
  const { alertId, openedAt } = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'before-the-change' }));
  const levels: Policy['levels'] = [{ afterSeconds: 5, targets: [{ kind: 'wardRole', role: 'doctor' }] }];
  expect(await ward.send('d1', setPolicy, { policyId: 'default', levels, repeatSeconds: 30 })).toEqual(
    refused('bad_input'),
  );
  const policy: Policy = {
    levels: [...levels, { afterSeconds: 10, targets: [{ kind: 'failsafe' }] }],
    repeatSeconds: 30,
  };
  const stored = { ok: true, data: { policyId: 'default', version: 1, ...policy } };
  expect(await ward.send('n1', setPolicy, { policyId: 'default', ...policy })).toEqual(refused('forbidden'));
  expect(await ward.send('d1', setPolicy, { policyId: 'default', ...policy })).toEqual(stored);
  expect(await ward.ask('n1', getPolicy, { policyId: 'default' })).toEqual(stored);

  const later = alertOf(await ward.send('n1', raiseAlert, { ...fall, kind: 'after-the-change' }));
  expect(later).toMatchObject({ level: 0, pages: [] });
  ward.leap(20);
  const level = (id: string, person: string) =>
    ward.expect(
      (one) => one.event === 'page:new' && one.alert.alertId === id && one.person === person,
      `the page to ${person}`,
    );
  const second = await level(alertId, 'n3');
  expect(second.level).toBe(2);
  expect(second.at - Date.parse(openedAt)).toBeGreaterThanOrEqual(20_000);
  expect((await level(later.alertId, 'o1')).level).toBe(2);
});
