/** What is stored, as it is asked for: over long times, and as the alarms that there were. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { alertResolved } from '@carillon/contracts/alert-escalation';
import { registerDevice } from '@carillon/contracts/devices';
import { getAlarmLoad, summariseVitals, type AlarmLoad, type VitalSummary } from '@carillon/contracts/history';
import { eventSubject } from '@carillon/contracts/streams';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Ward } from './ward.ts';

let ward: Ward;
let service: RunningService;

beforeAll(async () => {
  ward = await startWard();
  service = await start(ward.infrastructure.environmentOf('monitoring'));
});
afterAll(async () => {
  await service.stop();
  await ward.stop();
});

const around = (): { from: string; to: string } => ({
  from: new Date(Date.now() - 3_600_000).toISOString(),
  to: new Date(Date.now() + 60_000).toISOString(),
});
async function loadOf(wardId: string): Promise<AlarmLoad> {
  const reply = await ward.ask(getAlarmLoad, { wardId, ...around() });
  if (!reply.ok) throw new Error(reply.error.code);
  return reply.data as AlarmLoad;
}

test('an alarm that was raised is in the figures of its ward, and whoever is not of the ward is refused them', async () => {
  const startAt = Date.now() - 20_000;
  const low = Array.from({ length: 20 }, () => 84);
  for (const reading of everySecond('p1', 'spo2', low, startAt)) await ward.post([reading]);
  const load = await eventually(async () => {
    const now = await loadOf('w1');
    return now.alarms > 0 ? now : undefined;
  });
  expect(load).toMatchObject({
    alarms: 1,
    technical: 0,
    repeated: 0,
    byKind: [{ kind: 'spo2-below', alarms: 1 }],
    byPriority: [{ priority: 'high', alarms: 1 }],
    exposure: { max: 0, under30: 1 },
  });
  // Six patients, for as long as this test has run.
  expect(load.alarmsPerBedDay).toBeGreaterThan(1);
  expect(await ward.ask(getAlarmLoad, { wardId: 'w2', ...around() })).toMatchObject({ error: { code: 'forbidden' } });
  expect(await ward.ask(getAlarmLoad, around())).toMatchObject({ error: { code: 'forbidden' } });
});

test('whoever closes an alert says whether there was anything to do, and the alarm load counts it', async () => {
  const alert = {
    alertId: 'a1',
    patientId: 'p1',
    wardId: 'w1',
    kind: 'spo2-below',
    priority: 'high',
    message: 'SpO2 low',
    state: 'resolved',
    presence: 'off',
    level: 1,
    openedAt: new Date().toISOString(),
    version: 3,
    pages: [],
    outcome: 'notActionable',
  };
  await publish(ward.bus, {
    subject: eventSubject(alertResolved, { hospital: 'h1', ward: 'w1', patient: 'p1', lane: 'critical' }),
    headers: { 'Nats-Msg-Id': 'resolved-a1', 'Carillon-Event': alertResolved.name, 'Carillon-Version': '3' },
    body: encode(alert),
  });
  const load = await eventually(async () => {
    const now = await loadOf('w1');
    return now.judged > 0 ? now : undefined;
  });
  expect(load).toMatchObject({ alarms: 1, judged: 1, notActionable: 1 });
});

test('a week of a vital sign is ten parts, and its one low sample is in them', async () => {
  const at = Date.now() - 5 * 86_400_000;
  await ward.post(everySecond('p2', 'spo2', [97, 98, 40, 97], at));
  await ward.post(everySecond('p2', 'spo2', [96], Date.now()));
  const input = {
    patientId: 'p2',
    vital: 'spo2',
    from: new Date(Date.now() - 7 * 86_400_000).toISOString(),
    to: new Date(Date.now() + 1_000).toISOString(),
    points: 10,
  };
  const items = await eventually(async () => {
    const reply = await ward.ask(summariseVitals, input);
    if (!reply.ok) throw new Error(reply.error.code);
    const found = (reply.data as { items: VitalSummary[] }).items;
    return found.length === 2 ? found : undefined;
  });
  expect(items[0]).toMatchObject({
    count: 4,
    suspect: 0,
    mean: 83,
    lowest: { value: 40, at: new Date(at + 2_000).toISOString() },
    highest: { value: 98, at: new Date(at + 1_000).toISOString() },
  });
  expect(items[1]).toMatchObject({ count: 1, lowest: { value: 96 }, highest: { value: 96 } });
  const ago = (days: number): object => ({ ...input, from: new Date(Date.now() - days * 86_400_000).toISOString() });
  // Of the year before, the hours that are not made into minutes yet are read from their readings.
  const ofYear = { resolution: 'minutes', items: [{ count: 5, lowest: { value: 40 } }] };
  expect(await ward.ask(summariseVitals, ago(365))).toMatchObject({ data: ofYear });
  expect(await ward.ask(summariseVitals, ago(1 / 100))).toMatchObject({ data: { resolution: 'readings' } });
  const tooLong = ago(401);
  expect(await ward.ask(summariseVitals, tooLong)).toMatchObject({ error: { code: 'bad_input' } });
  expect(await ward.ask(summariseVitals, { ...input, patientId: 'nobody' })).toMatchObject({
    error: { code: 'forbidden' },
  });
});

test('M5 what a device that is registered as under test sends is told and stored as that, though it does not say so', async () => {
  const device = { deviceId: 'm1', type: 'monitor', label: 'Monitor', mode: 'test' };
  expect(await ward.command(registerDevice, device)).toMatchObject({ ok: true });
  await ward.post([{ patientId: 'p3', vital: 'spo2', value: 20, measuredAt: Date.now(), deviceId: 'm1' }]);
  const event = await eventually(() =>
    ward.told.find(({ event, data }) => event === 'vitals:recorded' && data['patientId'] === 'p3'),
  );
  expect(event.data['items']).toMatchObject([{ value: 20, mode: 'test' }]);
  const summary = await ward.ask(summariseVitals, { patientId: 'p3', vital: 'spo2', ...around() });
  expect(summary).toMatchObject({ data: { items: [] } });
});
