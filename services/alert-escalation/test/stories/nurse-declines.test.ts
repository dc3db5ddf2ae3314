import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, declineAlert, getAlert } from '@carillon/contracts/alert-escalation';
import { setPolicy, type Policy } from '@carillon/contracts/escalation-policies';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

test('a nurse who cannot come says why, the next level starts at once, and who was not called has nothing to decline', async () => {
  await ward.condition('raised', 'spo2-below');
  const { alert } = await ward.page('n1', 1);
  const { alertId, openedAt } = alert;
  expect(await ward.send('d1', declineAlert, { alertId })).toMatchObject({ ok: false, error: { code: 'conflict' } });
  await ward.send('n1', declineAlert, { alertId, reason: 'with another patient' });
  const next = await ward.page('n2', 2);
  expect(next.at - Date.parse(openedAt)).toBeLessThan(20_000);
  const { timeline, pages } = alertOf(await ward.ask('n1', getAlert, { alertId }));
  expect(timeline.filter(({ kind }) => kind !== 'delivered')).toMatchObject([
    { kind: 'opened' },
    { kind: 'level', level: 1, reason: 'due' },
    { kind: 'declined', actor: 'n1', reason: 'with another patient' },
    { kind: 'level', level: 2, people: ['n2', 'n3'], reason: 'declined' },
  ]);
  expect(pages.find(({ person }) => person === 'n1')?.status).toBe('declined');
  await ward.send('n2', acknowledgeAlert, { alertId });
});

test('where two are needed, one who declines of three changes nothing, and a second one calls the next level', async () => {
  const policy: Policy = {
    levels: [
      { afterSeconds: 0, needs: 2, targets: [{ kind: 'wardRole', role: 'nurse' }] },
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 60,
  };
  expect(await ward.send('d1', setPolicy, { policyId: 'default', ...policy })).toMatchObject({ ok: true });
  await ward.condition('raised', 'fall');
  const { alert } = await ward.expect(
    (one) => one.event === 'page:new' && one.alert.kind === 'fall' && one.person === 'n3',
    'the page to n3',
  );
  const { alertId } = alert;
  const first = alertOf(await ward.send('n1', declineAlert, { alertId, reason: 'busy' }));
  expect(first).toMatchObject({ level: 1, answers: { needed: 2, accepted: [] } });
  const coming = alertOf(await ward.send('n2', acknowledgeAlert, { alertId }));
  expect(coming).toMatchObject({ state: 'open', level: 1, answers: { needed: 2, accepted: ['n2'] } });
  const second = alertOf(await ward.send('n3', declineAlert, { alertId, reason: 'busy' }));
  expect(second.level).toBe(2);
  // One of the next level is enough for it, and with him who comes already it is taken by who came first.
  const taken = alertOf(await ward.send('o1', acknowledgeAlert, { alertId }));
  expect(taken).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'n2', answers: { accepted: ['n2', 'o1'] } });
});
