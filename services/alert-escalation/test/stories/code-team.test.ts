import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { decode } from '@carillon/bus/request';
import { readStream, type StreamReader } from '@carillon/bus/stream-reader';
import { acknowledgeAlert, raiseAlert, resolveAlert, type Alert } from '@carillon/contracts/alert-escalation';
import { callOut, endEmergency, listEmergencies, type Emergency } from '@carillon/contracts/call-outs';
import { wardChanged } from '@carillon/contracts/directory';
import { setGroup } from '@carillon/contracts/plans';
import { setInhibition, startSilence } from '@carillon/contracts/silences';
import { eventHeaders } from '@carillon/contracts/streams';
import { eventually } from '@carillon/testkit/eventually';
import { openEngine } from '../database.ts';
import { alertOf, openWard, type WardStory } from '../ward.ts';
import { hospital } from '../world.ts';

let ward: WardStory;
let bus: Bus;
let reader: StreamReader;
/** What the whole hospital hears, in order. */
const heard: { event: string; data: Emergency; text: string }[] = [];
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
  await ward.tell(wardChanged, 'w1', { wardId: 'w1', name: 'Ward One', beds: [], version: 1 });
  bus = await connectBus({ url: ward.infrastructure.nats.url, name: 'hospital' });
  reader = readStream(bus, {
    stream: 'OPS',
    afterSequence: 0,
    onMessage({ body, header }) {
      const text = Buffer.from(body).toString();
      heard.push({ event: header(eventHeaders.event) ?? '', data: decode(body) as Emergency, text });
    },
  });
});
afterAll(async () => {
  reader.stop();
  await bus.close();
  await ward.stop();
});

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
  expect(pagesOf('four')).toEqual([]);
  // Who repeats one is heard; and all at once are no more than one after another.
  const again = await call('d1', { group: 'code-team', kind: 'one' });
  expect(again).toMatchObject({ ok: true, data: { alert: { kind: 'one' } } });
  const atOnce = await Promise.all(kinds.map((kind) => call('r1', { group: 'code-team', kind: `at-once-${kind}` })));
  expect(atOnce.filter((reply) => reply?.ok === true)).toHaveLength(3);
});

const calledOut = async (reply: ReturnType<typeof call>): Promise<string> => {
  const answer = await reply;
  if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
  return (answer.data as { alert: Alert }).alert.alertId;
};
const newsOf = (alertId: string) => heard.filter(({ data }) => data.alertId === alertId);
const news = (alertId: string, event: string, count = 1) =>
  eventually(
    () => {
      const all = newsOf(alertId).filter((one) => one.event === event);
      return all.length >= count ? all[count - 1] : undefined;
    },
    { what: event, withinMs: 15_000 },
  );
const running = async (person: string): Promise<string[]> => {
  const reply = await ward.ask(person, listEmergencies, {});
  if (!reply.ok) throw new Error(reply.error.code);
  return (reply.data as { items: Emergency[] }).items.map(({ alertId }) => alertId);
};

test('the whole hospital hears that a team is called and where, until it is over, and nothing of the patient', async () => {
  const alertId = await calledOut(call('n2', { group: 'code-team', kind: 'fall', message: 'p1 fell' }));
  const declared = await news(alertId, 'emergency:declared');
  expect(declared.data).toMatchObject({
    kind: 'fall',
    wardId: 'w1',
    wardName: 'Ward One',
    bedId: 'b1',
    called: 'code-team',
    declaredBy: 'n2',
  });
  expect(declared.text).not.toContain('p1');
  expect(await running('n3')).toContain(alertId);
  expect(alertOf(await ward.send('d1', acknowledgeAlert, { alertId })).state).toBe('acknowledged');
  expect(await running('n3')).toContain(alertId);
  expect(await ward.send('n1', resolveAlert, { alertId, outcome: 'actionable' })).toMatchObject({ ok: true });
  const ended = await news(alertId, 'emergency:ended');
  expect(ended.data).toMatchObject({ endedBy: 'n1', outcome: 'actionable' });
  expect(newsOf(alertId)).toHaveLength(2);
  expect(await running('n3')).not.toContain(alertId);
});

test('an emergency of the whole hospital is ended by who runs it; an alert of one patient is none', async () => {
  const whole = { patientId: undefined, kind: 'fire', message: 'Fire in the basement' };
  const alertId = await calledOut(call('o1', { ...whole, role: 'responder' }));
  expect((await news(alertId, 'emergency:declared')).data).toMatchObject({ wardId: null, called: 'responder' });
  expect(await ward.send('n3', endEmergency, { alertId })).toMatchObject({ error: { code: 'forbidden' } });
  const single = alertOf(
    await ward.send('n1', raiseAlert, { patientId: 'p1', kind: 'fire', priority: 'high', message: 'Smoke' }),
  );
  expect(await ward.send('o1', endEmergency, { alertId: single.alertId })).toMatchObject({
    error: { code: 'not_found' },
  });
  expect(await ward.send('o1', endEmergency, { alertId, outcome: 'notActionable' })).toMatchObject({ ok: true });
  expect((await news(alertId, 'emergency:ended')).data).toMatchObject({ endedBy: 'o1', outcome: 'notActionable' });
  expect(await ward.send('o1', endEmergency, { alertId })).toMatchObject({ error: { code: 'conflict' } });
  expect(newsOf(single.alertId)).toEqual([]);
});

test('a team with the longest id there is can be called, and is not the role of the same name', async () => {
  const groupId = 'g'.repeat(64);
  expect(await ward.send('a1', setGroup, { groupId, name: 'Long', people: ['r1'] })).toMatchObject({ ok: true });
  expect(await ward.send('a1', setGroup, { groupId: 'nurse', name: 'Nurses', people: ['r1'] })).toMatchObject({
    ok: true,
  });
  const ward1 = { patientId: undefined, wardId: 'w1', kind: 'help' };
  const long = await calledOut(call('n3', { ...ward1, group: groupId }));
  expect((await news(long, 'emergency:declared')).data).toMatchObject({ called: 'Long', bedId: null });
  const group = await calledOut(call('n3', { ...ward1, group: 'nurse' }));
  expect(await calledOut(call('a1', { ...ward1, role: 'nurse' }))).not.toBe(group);
});

test('no silence and no rule of inhibition holds back a team, only the alerts beside it', async () => {
  const [silenced, inhibited] = ['silenced-arrest', 'inhibited-arrest'];
  const until = new Date(ward.now() + 100_000).toISOString();
  const silence = { patientId: 'p1', kinds: [silenced], priorities: ['high'], until, reason: 'procedure' };
  expect(await ward.send('n1', startSilence, silence)).toMatchObject({ ok: true });
  const rule = { ruleId: 'leads', source: ['leads-off'], target: [inhibited], same: 'patient' };
  expect(await ward.send('d1', setInhibition, rule)).toMatchObject({ ok: true });
  const raise = async (kind: string) =>
    alertOf(await ward.send('n1', raiseAlert, { patientId: 'p1', kind, priority: 'high', message: kind }));
  await raise('leads-off');
  for (const kind of [silenced, inhibited]) {
    expect(await raise(kind)).toMatchObject({ pages: [], held: expect.anything() });
    expect(await call('n1', { group: 'code-team', kind })).toMatchObject({ data: { alert: { pageCount: 3 } } });
  }
  ward.leap(20);
  for (const kind of [silenced, inhibited]) {
    await ward.expect((one) => one.alert.kind === kind && one.person === 'r1' && one.level === 2, `${kind} again`);
  }
});

test('an emergency goes with its patient to another ward', async () => {
  const alertId = await calledOut(call('a1', { group: 'code-team', kind: 'transfer' }));
  await ward.moveTo('w2');
  expect((await news(alertId, 'emergency:declared', 2)).data).toMatchObject({ wardId: 'w2' });
});
