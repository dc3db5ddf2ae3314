import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, getAlert, raiseAlert } from '@carillon/contracts/alert-escalation';
import { breakGlassChanged } from '@carillon/contracts/directory';
import {
  endSilence,
  listSilences,
  removeInhibition,
  setInhibition,
  startSilence,
  type Silence,
} from '@carillon/contracts/silences';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
});
afterAll(() => ward.stop());

const refused = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });
const raise = async (kind: string, priority: 'high' | 'medium' | 'low' = 'medium') =>
  alertOf(await ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority, message: kind }));
const after = (seconds: number): string => new Date(ward.now() + seconds * 1000).toISOString();
const ofWard = (seconds: number) => ({
  wardId: 'w1',
  priorities: ['medium'],
  until: after(seconds),
  reason: 'cleaning',
});

async function silenceOf(input: unknown): Promise<Silence> {
  const reply = await ward.send('n1', startSilence, input);
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  return reply.data as Silence;
}
const callsOf = (alertId: string): string[] =>
  ward.heard
    .filter(({ event, alert }) => event === 'page:new' && alert.alertId === alertId)
    .map(({ person, level }) => `${person} ${level}`);
const called = (alertId: string) =>
  ward.expect((one) => one.event === 'page:new' && one.alert.alertId === alertId, 'the call after the silence');

test('I15: a silence ends once, and hides nothing but pages', async () => {
  const silence = await silenceOf(ofWard(600));
  const alert = await raise('mean-above');
  expect(alert).toMatchObject({
    state: 'open',
    presence: 'on',
    pages: [],
    held: { kind: 'silence', by: silence.silenceId },
  });
  await ward.expect((one) => one.event === 'alert:raised' && one.alert.alertId === alert.alertId, 'the alert itself');
  // An alert of high priority is called meanwhile, and shows that time goes on.
  const high = await raise('fall', 'high');
  ward.leap(20);
  await ward.expect(({ alert: { alertId }, level }) => alertId === high.alertId && level === 2, 'the next level');
  expect(callsOf(alert.alertId)).toEqual([]);

  ward.leap(600);
  const page = await called(alert.alertId);
  expect(page.level).toBe(1);
  expect(page.at).toBeGreaterThanOrEqual(Date.parse(silence.until));
  const reply = await ward.ask('n1', getAlert, { alertId: alert.alertId });
  const kinds = alertOf(reply).timeline.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'held')).toHaveLength(1);
  expect(kinds.filter((kind) => kind === 'released')).toHaveLength(1);
  const list = await ward.ask('n1', listSilences, { wardId: 'w1' });
  expect(list).toMatchObject({ data: { items: [{ silenceId: silence.silenceId, endedAt: silence.until }] } });
  for (const each of [alert, high]) await ward.send('n1', acknowledgeAlert, { alertId: each.alertId });
});

test('who ends a silence before its time lets its alerts call now, and may do so twice', async () => {
  const { silenceId } = await silenceOf(ofWard(3_600));
  const alert = await raise('rate-above');
  expect(alert.pages).toEqual([]);
  const first = await ward.send('n2', endSilence, { silenceId });
  expect(first).toMatchObject({ ok: true, data: { silenceId, endedAt: expect.any(String) } });
  await called(alert.alertId);
  expect(await ward.send('n3', endSilence, { silenceId })).toEqual(first);
  await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId });
});

test('only staff of the ward silence it, and high priority only of a patient, of named kinds, for two minutes', async () => {
  expect(await ward.send('o1', startSilence, ofWard(60))).toEqual(refused('forbidden'));
  expect(await ward.send('n1', startSilence, { ...ofWard(60), wardId: 'w9' })).toEqual(refused('forbidden'));
  const high = { priorities: ['high'], until: after(600), reason: 'procedure' };
  expect(await ward.send('n1', startSilence, { ...high, wardId: 'w1' })).toMatchObject({
    error: { code: 'bad_input', issues: [{ path: 'patientId' }, { path: 'kinds' }, { path: 'until' }] },
  });
  const short = { ...high, patientId: 'p1', kinds: ['suction'], until: after(100) };
  expect(await ward.send('n1', startSilence, short)).toMatchObject({ ok: true });
  const held = await raise('suction', 'high');
  expect(held.pages).toEqual([]);
  // Nor by one silence after the other.
  expect(await ward.send('n1', startSilence, { ...short, kinds: ['other', 'suction'] })).toEqual(refused('conflict'));
  ward.leap(100);
  await called(held.alertId);
  expect(await ward.send('n1', startSilence, { ...short, until: after(100) })).toEqual(refused('conflict'));
});

test('who works in another ward sees no silence of this one or of its patients, and may not ask for them', async () => {
  await ward.shift('n9', { from: ward.now() - 1000, wardId: 'w2' });
  const ofPatient = { ...ofWard(60), wardId: undefined, patientId: 'p1', reason: 'physiotherapy' };
  const { silenceId } = await silenceOf(ofPatient);
  const idsFor = async (person: string, input = {}) => {
    const reply = await ward.ask(person, listSilences, input);
    return reply.ok ? (reply.data as { items: Silence[] }).items.map((each) => each.silenceId) : reply.error.code;
  };
  expect(await idsFor('n9')).toEqual([]);
  expect(await idsFor('n9', { wardId: 'w1' })).toBe('forbidden');
  const all = await idsFor('o1');
  expect(all).toContain(silenceId);
  expect(await idsFor('n2')).toEqual(all);
  expect(await idsFor('n2', { wardId: 'w1' })).toContain(silenceId);
  // Who broke the glass to the patient sees what silences him, also by his ward.
  const ofAll = await silenceOf(ofWard(60));
  const patients = [{ patientId: 'p1', until: after(600) }];
  await ward.tell(breakGlassChanged, 'n9', { personId: 'n9', patients, version: 1 });
  const seen = await eventually(async () => {
    const ids = await idsFor('n9', { wardId: 'w1' });
    return ids === 'forbidden' ? undefined : ids;
  });
  expect(seen).toEqual(expect.arrayContaining([silenceId, ofAll.silenceId]));
  for (const each of [silenceId, ofAll.silenceId]) await ward.send('n1', endSilence, { silenceId: each });
});

test('I16: when the inhibiting alert ends the inhibited one calls', async () => {
  const rule = { ruleId: 'leads', source: ['leads-off'], target: ['rhythm'], same: 'patient' };
  expect(await ward.send('n1', setInhibition, rule)).toEqual(refused('forbidden'));
  expect(await ward.send('d1', setInhibition, rule)).toMatchObject({ data: { version: 1 } });
  await ward.condition('raised', 'leads-off', 'medium');
  const source = await ward.expect(({ event, alert }) => event === 'alert:raised' && alert.kind === 'leads-off', 'it');
  const alert = await raise('rhythm');
  expect(alert).toMatchObject({ pages: [], held: { kind: 'inhibition', by: source.alert.alertId } });
  // Of a higher priority than what inhibits: it calls.
  expect((await raise('rhythm', 'high')).pages).not.toEqual([]);
  await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId });

  const rule2 = { ...rule, ruleId: 'leads-2', target: ['artifact'] };
  await ward.send('d1', setInhibition, rule2);
  const next = await raise('artifact');
  expect(next.pages).toEqual([]);
  await ward.send('n1', acknowledgeAlert, { alertId: source.alert.alertId });
  await ward.condition('cleared', 'leads-off', 'medium');
  const page = await called(next.alertId);
  expect(page.level).toBe(1);
  for (const ruleId of ['leads', 'leads-2']) {
    expect(await ward.send('d1', removeInhibition, { ruleId })).toMatchObject({ ok: true });
  }
});

test('I16: of two alerts that would hold back each other and are due at once one calls', async () => {
  const alerts = [await raise('drip-low'), await raise('drip-stopped')];
  const kinds = ['drip-low', 'drip-stopped'];
  expect(
    await ward.send('d1', setInhibition, { ruleId: 'drips', source: kinds, target: kinds, same: 'patient' }),
  ).toMatchObject({ ok: true });
  ward.leap(20);
  const next = await ward.expect(
    ({ event, level, alert }) => event === 'page:new' && level === 2 && kinds.includes(alert.kind),
    'the next level of one of them',
  );
  expect(alerts.map(({ alertId }) => alertId)).toContain(next.alert.alertId);
  await ward.send('d1', removeInhibition, { ruleId: 'drips' });
});

test('the silences that last are listed before those that have ended', async () => {
  const lasting = await silenceOf({ ...ofWard(3_000), reason: 'lasts' });
  const ended = await silenceOf(ofWard(600));
  await ward.send('n1', endSilence, { silenceId: ended.silenceId });
  const reply = await ward.ask('n1', listSilences, { wardId: 'w1' });
  const items = reply.ok ? (reply.data as { items: Silence[] }).items : [];
  expect(items[0]?.silenceId).toBe(lasting.silenceId);
  expect(items.filter(({ endedAt }) => endedAt === null)).toHaveLength(1);
});
