import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert, type Alert } from '@carillon/contracts/alert-escalation';
import { callOut } from '@carillon/contracts/call-outs';
import { setGroup } from '@carillon/contracts/plans';
import { openEngine } from '../database.ts';
import { alertOf, openWard, type WardStory } from '../ward.ts';
import { hospital } from '../world.ts';

let ward: WardStory;
const team = Array.from({ length: 60 }, (_, index) => `member${index}`);

beforeAll(async () => {
  ward = await openWard();
  await ward.startEngine();
  const database = openEngine(ward.infrastructure.postgres.url, 1);
  await database.query(
    `insert into directory_person (hospital, person_id, name, roles, wards, version)
     select $1, person, person, '{doctor}', '{}', 1 from unnest($2::text[]) as person`,
    [hospital, team],
  );
  await database.close();
  const group = (groupId: string, people: readonly string[]) =>
    ward.send('a1', setGroup, { groupId, name: groupId, people, isCalledOffShift: true });
  expect(await group('code-team', ['d1', 'r1', 'n2'])).toMatchObject({ ok: true });
  expect(await group('everybody', team)).toMatchObject({ ok: true });
}, 60_000);
afterAll(() => ward.stop());

const call = (person: string, input: Record<string, unknown>) =>
  ward.send(person, callOut, { kind: 'cardiac-arrest', message: 'Arrest in bed 1', patientId: 'p1', ...input });
const pagesOf = (kind: string): string[] =>
  ward.heard
    .filter((one) => one.event === 'page:new' && one.alert.kind === kind)
    .map(({ person, level }) => `${level} ${person}`);

test('the code team is called at once and together, again until enough come, and then the failsafe', async () => {
  const reply = await call('n1', { group: 'code-team', needs: 2 });
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  const { reached, alert } = reply.data as { reached: number; alert: Alert };
  expect(reached).toBe(3);
  await Promise.all(['d1', 'r1', 'n2'].map((person) => ward.page(person, 1)));
  expect(alertOf(await ward.send('d1', acknowledgeAlert, { alertId: alert.alertId })).state).toBe('open');
  ward.leap(20);
  await Promise.all(['r1', 'n2'].map((person) => ward.page(person, 2)));
  // Who comes is not called again; the same call joins the open one.
  expect(pagesOf('cardiac-arrest')).not.toContain('2 d1');
  const again = await call('n3', { group: 'code-team', needs: 2 });
  expect(again).toMatchObject({ ok: true, data: { alert: { alertId: alert.alertId } } });
  ward.leap(40);
  await ward.page('o1', 4);
  const taken = alertOf(await ward.send('r1', acknowledgeAlert, { alertId: alert.alertId }));
  expect(taken).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'd1' });
});

test('a call that reaches further than its caller may is refused before anybody is called', async () => {
  const tooFar = await call('n1', { group: 'everybody', kind: 'fire' });
  expect(tooFar).toMatchObject({ ok: false, error: { code: 'bad_input' } });
  expect(JSON.stringify(tooFar)).toContain('60 people, and you may call 50');
  expect(await call('n1', { role: 'doctor', kind: 'fire', patientId: undefined })).toMatchObject({ ok: false });
  expect(await call('n1', { group: 'unknown', kind: 'fire' })).toMatchObject({ error: { code: 'bad_input' } });
  expect(pagesOf('fire')).toEqual([]);
  const byOperator = await call('o1', { group: 'everybody', kind: 'fire', patientId: undefined });
  expect(byOperator).toMatchObject({ ok: true, data: { reached: 60, alert: { pageCount: 60 } } });
  expect((byOperator as { data: { alert: Alert } }).data.alert.pages).toHaveLength(50);
  await Promise.all(team.map((person) => ward.page(person, 1)));
});

test('a fourth call of the same person in ten minutes is refused', async () => {
  const kinds = ['one', 'two', 'three', 'four'];
  const replies = [];
  for (const kind of kinds) replies.push(await call('d1', { group: 'code-team', kind }));
  expect(replies.map((reply) => reply?.ok)).toEqual([true, true, true, false]);
  expect(replies[3]).toMatchObject({ error: { code: 'rate_limited' } });
});
