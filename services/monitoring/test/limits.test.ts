import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { alertAcknowledged, alertResolved } from '@carillon/contracts/alert-escalation';
import type { Actor, EventDefinition } from '@carillon/contracts/define';
import { wardChanged } from '@carillon/contracts/directory';
import {
  adjustLimits,
  getLimits,
  listLimitSets,
  listLimitVersions,
  putLimitSet,
  setLimits,
  signLimitSet,
} from '@carillon/contracts/limits';
import { eventSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { encode, type Reply } from '@carillon/bus/request';
import { openDatabase } from '@carillon/database/database';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { doctor, everySecond, nurse, startWard, type Told, type Ward } from './ward.ts';

let ward: Ward;
let service: RunningService;
const consultant: Actor = { person: 'd2', hospital: 'h1', roles: ['doctor'] };

beforeAll(async () => {
  ward = await startWard();
  service = await start(ward.infrastructure.environmentOf('monitoring'));
});
afterEach(() => {
  ward.told.splice(0);
});
afterAll(async () => {
  await service.stop();
  await ward.stop();
});

let keys = 0;
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const hourMs = 3_600_000;
const toldOf = (patientId: string, event: string): Told | undefined =>
  ward.told.find((told) => told.event === event && told.data['patientId'] === patientId);
function dataOf(reply: Reply | undefined): Record<string, unknown> {
  if (reply === undefined || !reply.ok) throw new Error(JSON.stringify(reply));
  return reply.data as Record<string, unknown>;
}
const limitsOf = async (patientId: string): Promise<Record<string, unknown>> =>
  dataOf(await ward.ask(getLimits, { patientId }));

const fast = { vital: 'heartRate', above: 120, clearAt: 115, persistSeconds: 5, priority: 'medium' };
const veryFast = { vital: 'heartRate', above: 150, persistSeconds: 5, priority: 'high' };

test('a nurse puts warning limits within the range of the default set, and is told where she may not', async () => {
  const adjust = (limits: object[], expiresAt = inMs(hourMs)): Promise<Reply | undefined> =>
    ward.command(adjustLimits, { patientId: 'p1', limits, expiresAt }, nurse);
  const beyond = [
    veryFast,
    { ...fast, above: 140 },
    { vital: 'glucose', above: 12, persistSeconds: 0, priority: 'low' },
    { ...fast, persistSeconds: 600 },
    { ...fast, persistSeconds: 0, breaches: { k: 6, of: 10 } },
  ];
  expect(await adjust(beyond)).toMatchObject({
    ok: false,
    error: {
      code: 'bad_input',
      issues: [
        { path: 'limits.0', message: 'A critical limit is set by a doctor' },
        { path: 'limits.1', message: 'Expected 45 to 125: beyond that a doctor sets it' },
        { path: 'limits.2', message: 'Limits on glucose are set by a doctor' },
        { path: 'limits.3', message: 'Expected at most 60 s' },
        { path: 'limits.4', message: 'Expected at most 5 breaches' },
      ],
    },
  });
  expect(await adjust([fast], inMs(13 * hourMs))).toMatchObject({
    ok: false,
    error: { code: 'bad_input', issues: [{ path: 'expiresAt' }] },
  });
  expect(await ward.command(setLimits, { patientId: 'p1', limits: [fast] }, nurse)).toMatchObject({
    ok: false,
    error: { code: 'forbidden' },
  });
  const before = (await limitsOf('p1'))['limits'] as object[];
  const done = dataOf(await adjust([fast]));
  expect(done).toMatchObject({ origin: 'own', version: 1, setBy: 'n1' });
  expect(done['limits']).toEqual([...before, fast]);
  expect(await limitsOf('p1')).toEqual(done);
});

test('what was set for a time gives way to what it interrupted, without a sample', async () => {
  dataOf(await ward.command(setLimits, { patientId: 'p2', limits: [veryFast] }, doctor));
  const expiresAt = inMs(1_500);
  dataOf(await ward.command(adjustLimits, { patientId: 'p2', limits: [fast], expiresAt }, nurse));
  expect(await limitsOf('p2')).toMatchObject({ version: 2, limits: [veryFast, fast], expiresAt });
  const back = await eventually(() => ward.told.find(({ event, version }) => event === 'limits:changed' && version === 3)); // prettier-ignore
  expect(back.data).toMatchObject({ patientId: 'p2', limits: [veryFast], setBy: 'd1' });
  expect(await limitsOf('p2')).toMatchObject({ version: 3, origin: 'own', limits: [veryFast], setBy: 'd1' });
  expect(dataOf(await ward.ask(listLimitVersions, { patientId: 'p2' }))['items']).toMatchObject([
    { version: 3, setBy: 'd1', endedAt: null },
    { version: 2, setBy: 'n1', expiresAt, endedAt: expiresAt },
    { version: 1, setBy: 'd1', expiresAt: null, rules: { limits: [veryFast] } },
  ]);
});

test('own limits that expire leave the default set, and what is on by then is judged by it', async () => {
  const low = Array.from({ length: 20 }, () => 84);
  const own = [{ vital: 'spo2', below: 80, persistSeconds: 0, priority: 'medium' }];
  dataOf(await ward.command(setLimits, { patientId: 'p3', limits: own, expiresAt: inMs(1_500) }, doctor));
  await eventually(() => ward.told.find(({ event, version }) => event === 'limits:changed' && version === 2));
  expect(await limitsOf('p3')).toMatchObject({ version: 2, origin: 'builtIn', setId: 'adult', signedOffBy: null });
  await ward.post(everySecond('p3', 'spo2', low, Date.now() - 20_000));
  const raised = await eventually(() => toldOf('p3', 'condition:raised'));
  expect(raised.data).toMatchObject({ kind: 'spo2-below', priority: 'high' });
});

test('limits that somebody else has changed meanwhile are not overwritten', async () => {
  const set = (ifVersion: number): Promise<Reply | undefined> =>
    ward.command(setLimits, { patientId: 'p4', limits: [fast], ifVersion }, doctor);
  expect(dataOf(await set(0))).toMatchObject({ version: 1 });
  expect(await set(0)).toMatchObject({ ok: false, error: { code: 'conflict' } });
  expect(dataOf(await set(1))).toMatchObject({ version: 2 });
});

test('what has expired and was not looked at yet is not what a nurse adjusts', async () => {
  dataOf(await ward.command(setLimits, { patientId: 'p4', limits: [veryFast] }, doctor));
  const database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
  const patient = `hospital = 'h1' and patient_id = 'p4'`;
  try {
    await database.query(`update patient_rules set ended_at = now() where ${patient} and ended_at is null`);
    await database.query(
      `insert into patient_rules (hospital, patient_id, version, body, set_by, set_at, expires_at, resumes)
       values ('h1', 'p4', 4, '{"limits": []}', 'n1', now() - interval '2 hours', now() - interval '1 hour', 3)`,
    );
  } finally {
    await database.close();
  }
  const adjustment = { patientId: 'p4', limits: [fast], expiresAt: inMs(hourMs), ifVersion: 4 };
  const adjusted = dataOf(await ward.command(adjustLimits, adjustment, nurse));
  expect(adjusted).toMatchObject({ version: 6, limits: [veryFast, fast] });
});

test('a latching alarm outlasts its breach until its alert is acknowledged', async () => {
  const latching = { ...fast, persistSeconds: 0, isLatching: true };
  dataOf(await ward.command(setLimits, { patientId: 'p5', limits: [latching] }, doctor));
  await ward.post(everySecond('p5', 'heartRate', [130, 90, 91], Date.now() - 5_000));
  // Within one batch: what latches is not over when its value is.
  await eventually(() => toldOf('p5', 'condition:raised'));
  await ward.post(everySecond('p5', 'pulse', [90], Date.now()));
  await eventually(() => ward.told.find((told) => JSON.stringify(told.data).includes('"pulse"')));
  expect(toldOf('p5', 'condition:cleared')).toBeUndefined();
  const alert = {
    alertId: 'alert1',
    patientId: 'p5',
    wardId: 'w1',
    kind: 'heartRate-above',
    priority: 'medium',
    message: 'Heart rate 130 /min',
    state: 'acknowledged',
    presence: 'ack',
    level: 1,
    openedAt: inMs(0),
    version: 2,
    pages: [],
  };
  const tell = (event: EventDefinition, data: object): Promise<void> =>
    publish(ward.bus, {
      subject: eventSubject(event, { hospital: 'h1', ward: 'w1', patient: 'p5', lane: 'normal' }),
      headers: { 'Nats-Msg-Id': `${event.name} ${keys++}`, 'Carillon-Event': event.name, 'Carillon-Version': '2' },
      body: encode(data),
    });
  await tell(alertAcknowledged, alert);
  const cleared = await eventually(() => toldOf('p5', 'condition:cleared'));
  expect(cleared.data).toMatchObject({ kind: 'heartRate-above' });

  // The next one has begun when the alert of this one is resolved, as it is by its end: nobody has answered the next.
  ward.told.splice(0);
  await ward.post(everySecond('p5', 'heartRate', [130, 90], Date.now() - 1_000));
  await eventually(() => toldOf('p5', 'condition:raised'));
  await tell(alertResolved, { ...alert, state: 'resolved', presence: 'off', acknowledgedBy: 'n1' });
  await ward.post(everySecond('p5', 'heartRate', [91], Date.now() + 1_000));
  await eventually(() => ward.told.find((told) => JSON.stringify(told.data).includes('"value":91')));
  expect(toldOf('p5', 'condition:cleared')).toBeUndefined();
  // One who closes it without a word before has answered as well.
  await tell(alertResolved, { ...alert, state: 'resolved', presence: 'off', acknowledgedBy: null });
  await eventually(() => toldOf('p5', 'condition:cleared'));
});

test('a combination and a trend raise alarms of their own, which say what they found', async () => {
  const all = [
    { vital: 'pulse', above: 110 },
    { vital: 'systolic', below: 100 },
  ];
  const shock = { name: 'shock', all, persistSeconds: 0, maxAgeSeconds: 600, priority: 'high' };
  const falls = { name: 'spo2-falls', vital: 'spo2', direction: 'falling', change: 4, windowMinutes: 5, priority: 'medium' }; // prettier-ignore
  const rules = { limits: [], combinations: [shock], trends: [falls] };
  const twice = { ...rules, trends: [falls, falls] };
  expect(await ward.command(setLimits, { patientId: 'p6', ...twice }, doctor)).toMatchObject({
    ok: false,
    error: { code: 'bad_input', issues: [{ path: 'trends.1.name' }] },
  });
  expect(dataOf(await ward.command(setLimits, { patientId: 'p6', ...rules }, doctor))).toMatchObject(rules);
  const startAt = Date.now() - 9 * 60_000;
  const falling = Array.from({ length: 100 }, (_, index) => ({ patientId: 'p6', vital: 'spo2' as const, value: 98 - index / 10, measuredAt: startAt + index * 5_000 })); // prettier-ignore
  await ward.post([...falling, ...everySecond('p6', 'pulse', [120], Date.now() - 2_000), ...everySecond('p6', 'systolic', [95], Date.now() - 1_000)]); // prettier-ignore
  const told = (kind: string): Promise<Told> =>
    eventually(() => ward.told.find(({ event, data }) => event === 'condition:raised' && data['kind'] === kind));
  expect((await told('multi-shock')).data).toMatchObject({
    priority: 'high',
    message: 'shock: Pulse above 110 /min and Systolic pressure below 100 mmHg',
  });
  expect((await told('trend-spo2-falls')).data['message']).toMatch(/^SpO2 falling by [45]\.\d % in 5 min$/);
});

test('a child has the default set of its age, and a set that is put is in force once another doctor signed it', async () => {
  expect(await limitsOf('c1')).toMatchObject({ origin: 'builtIn', setId: 'years-6-8', signedOffBy: null });
  const set = {
    setId: 'years-6-8',
    label: '6 and 7 years, here',
    wardId: null,
    fromAgeDays: 2_192,
    toAgeDays: 2_922,
    nurseRange: { heartRate: { low: 60, high: 120 } },
    source: 'Ours',
    limits: [fast],
  };
  expect(await ward.command(putLimitSet, { ...set, toAgeDays: 3, nurseRange: { age: { low: 1, high: 2 } } }, doctor)).toMatchObject({
    ok: false,
    error: { issues: [{ path: 'toAgeDays' }, { path: 'nurseRange.age' }] },
  }); // prettier-ignore
  const ofWard = (wardId: string): Promise<Reply | undefined> =>
    ward.command(putLimitSet, { ...set, setId: 'ours', label: 'Of a ward', wardId }, doctor);
  expect(await ofWard('nowhere')).toMatchObject({ ok: false, error: { issues: [{ path: 'wardId' }] } });
  await publish(ward.bus, {
    subject: eventSubject(wardChanged, { hospital: 'h1', id: 'w9' }),
    headers: { 'Nats-Msg-Id': 'ward-w9', 'Carillon-Event': 'ward:changed', 'Carillon-Version': '1' },
    body: encode({ wardId: 'w9', name: 'Nine', beds: [], version: 1 }),
  });
  await eventually(async () => ((await ofWard('w9'))?.ok === true ? true : undefined));
  // Of a set that others have, a set of one ward takes no name: they would be left without.
  expect(await ward.command(putLimitSet, { ...set, wardId: 'w9' }, doctor)).toMatchObject({
    ok: false,
    error: { issues: [{ path: 'wardId', message: expect.stringContaining('choose another name') }] },
  });
  expect(dataOf(await ward.command(putLimitSet, set, doctor))).toMatchObject({ version: 1, isInForce: false });
  expect(await limitsOf('c1')).toMatchObject({ origin: 'builtIn' });
  const sign = (version: number, by: Actor): Promise<Reply | undefined> =>
    ward.command(signLimitSet, { setId: 'years-6-8', version }, by);
  expect(await sign(1, doctor)).toMatchObject({ ok: false, error: { code: 'forbidden' } });
  expect(await sign(0, consultant)).toMatchObject({ ok: false, error: { code: 'conflict' } });
  expect(dataOf(await sign(1, consultant))).toMatchObject({ version: 1, isInForce: true, signedOffBy: 'd2' });
  expect(await limitsOf('c1')).toMatchObject({ origin: 'set', limits: [fast], signedOffBy: 'd2' });
  const listed = dataOf(await ward.ask(listLimitSets, {}))['items'] as { setId: string; version: number }[];
  expect(listed.filter(({ setId }) => setId === 'years-6-8')).toHaveLength(1);
  // Of two sets for the same patients it would be chance which of them holds.
  const { version } = dataOf(await ofWard('w9')) as { version: number };
  dataOf(await ward.command(signLimitSet, { setId: 'ours', version }, consultant));
  dataOf(await ward.command(putLimitSet, { ...set, setId: 'theirs', wardId: 'w9', fromAgeDays: 2_500 }, doctor));
  expect(await ward.command(signLimitSet, { setId: 'theirs', version: 1 }, consultant)).toMatchObject({
    ok: false,
    error: { issues: [{ path: 'setId', message: expect.stringContaining('“Of a ward” is in force') }] },
  });
  expect(dataOf(await ward.command(signLimitSet, { setId: 'adult', version: 0 }, doctor))).toMatchObject({
    version: 1,
    isInForce: true,
    signedOffBy: 'd1',
  });
  const listedAdult = dataOf(await ward.ask(listLimitSets, {}))['items'] as { setId: string }[];
  expect(listedAdult.find(({ setId }) => setId === 'adult')).toMatchObject({ signedOffBy: 'd1', isInForce: true });
});
