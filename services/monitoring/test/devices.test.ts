/** Devices: known, bound to one patient at a time, heard and missed. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Actor, CommandDefinition } from '@carillon/contracts/define';
import {
  bindDevice,
  listBindings,
  listDevices,
  registerDevice,
  reportDevice,
  stopSignal,
  unbindDevice,
} from '@carillon/contracts/devices';
import { getPatientStatus, listVitals, type Reading } from '@carillon/contracts/monitoring';
import { partitionCount, partitionOf } from '@carillon/contracts/streams';
import { decode } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import { openDatabase } from '@carillon/database/database';
import { realDependencies, type RunningService } from '@carillon/runtime/service';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { listDueDevices } from '../src/store-devices.ts';
import { nurse, startWard, type Told, type Ward } from './ward.ts';

let ward: Ward;
let clock: VirtualClock;
let service: RunningService;
let ofDevices: { stop(): void };
const told: { event: string; subject: string; data: Record<string, unknown> }[] = [];

beforeAll(async () => {
  ward = await startWard();
  clock = createVirtualClock(Date.now());
  service = await start(ward.infrastructure.environmentOf('monitoring'), { ...realDependencies, clock });
  ofDevices = readStream(ward.bus, {
    stream: 'DEVICE',
    afterSequence: 0,
    onMessage: ({ subject, body, header }) =>
      told.push({ subject, event: header('Carillon-Event') ?? '', data: decode(body) as Record<string, unknown> }),
  });
});
afterEach(() => {
  ward.told.splice(0);
  told.splice(0);
});
afterAll(async () => {
  ofDevices.stop();
  await service.stop();
  await ward.stop();
});

/** By the clock of the service. */
const command = (definition: CommandDefinition, data: unknown, by?: Actor): ReturnType<Ward['command']> =>
  ward.command(definition, data, by, clock.now());
const device = (id: string): Actor => ({ person: id, hospital: 'h1', roles: ['device'] });
async function done(reply: ReturnType<Ward['command']>): Promise<Record<string, unknown>> {
  const answer = await reply;
  if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
  return answer.data as Record<string, unknown>;
}
const refused = async (reply: ReturnType<Ward['command']>): Promise<string> => {
  const answer = await reply;
  return answer === undefined || answer.ok ? 'done' : answer.error.code;
};
const register = (deviceId: string, more: Record<string, unknown> = {}) =>
  done(command(registerDevice, { deviceId, type: 'monitor', label: `Monitor ${deviceId}`, ...more }));
const bind = (deviceId: string, patientId: string, more: Record<string, unknown> = {}) =>
  command(bindDevice, { deviceId, patientId, ...more }, nurse);
const unbind = (deviceId: string, patientId: string) => command(unbindDevice, { deviceId, patientId }, nurse);
const toldOf = (deviceId: string, event: string) =>
  eventually(() => told.find((one) => one.event === event && one.data['deviceId'] === deviceId), { what: event });
const conditionsOf = (patientId: string): Told[] =>
  ward.told.filter((one) => one.event.startsWith('condition:') && one.data['patientId'] === patientId);
const condition = (patientId: string, said: string): Promise<Told> =>
  eventually(
    () => {
      clock.advance(500);
      return conditionsOf(patientId).find(({ event, data }) => `${event} ${String(data['kind'])}` === said);
    },
    { what: said, withinMs: 20_000 },
  );

/** @returns what was told of it */
async function measure(patientId: string, deviceId: string, value: number, more: Partial<Reading> = {}) {
  clock.advance(1_000);
  const measuredAt = clock.now();
  await ward.post([{ patientId, vital: 'spo2', value, measuredAt, deviceId, ...more }], measuredAt);
  const at = new Date(more.measuredAt ?? measuredAt).toISOString();
  return eventually(() =>
    ward.told
      .filter(({ event, data }) => event === 'vitals:recorded' && data['patientId'] === patientId)
      .flatMap(({ data }) => data['items'] as { measuredAt: string; quality: string }[])
      .find((item) => item.measuredAt === at),
  );
}

test('a device is made known, bound, released, and each of it is told', async () => {
  expect(await register('m1', { expectEverySeconds: 1 })).toMatchObject({
    version: 1,
    isConnected: null,
    battery: null,
  });
  expect(await done(bind('m1', 'p1'))).toMatchObject({ patientId: 'p1', version: 2 });
  expect(await done(bind('m1', 'p1'))).toMatchObject({ patientId: 'p1', version: 2 });
  expect(await refused(bind('m1', 'p2'))).toBe('conflict');
  expect(await refused(unbind('m1', 'p2'))).toBe('conflict');
  expect(await refused(bind('m9', 'p1'))).toBe('not_found');
  expect(await refused(command(registerDevice, { deviceId: 'm2', type: 'monitor', label: 'M' }, nurse))).toBe(
    'forbidden',
  );
  const assigned = await toldOf('m1', 'device:assigned');
  expect(assigned).toMatchObject({ subject: 'device.h1.monitor.m1.assigned', data: { patientId: 'p1' } });
  clock.advance(10);
  expect(await done(unbind('m1', 'p1'))).toMatchObject({ patientId: null });
  await toldOf('m1', 'device:released');
  const reply = await ward.ask(listDevices, { wardId: 'w1' });
  expect(reply).toEqual({ ok: true, data: { items: [] } });
});

test('M9 a reading counts for the patient of the interval in which it was measured, and for nobody else', async () => {
  await register('m3');
  await done(bind('m3', 'p2'));
  expect(await measure('p2', 'm3', 97)).toMatchObject({ quality: 'good' });
  expect(await measure('p3', 'm3', 97)).toMatchObject({ quality: 'suspect' });
  clock.advance(1_000);
  await done(unbind('m3', 'p2'));
  const releasedAt = clock.now();
  clock.advance(1_000);
  await done(bind('m3', 'p3'));
  expect(await measure('p3', 'm3', 97)).toMatchObject({ quality: 'good' });
  expect(await measure('p2', 'm3', 97)).toMatchObject({ quality: 'suspect' });
  // It comes late, and counts by its measurement time all the same.
  expect(await measure('p2', 'm3', 96, { measuredAt: releasedAt - 500 })).toMatchObject({ quality: 'good' });
  expect(await measure('p2', 'm3', 96, { measuredAt: releasedAt })).toMatchObject({ quality: 'suspect' });
  // Bindings that have ended long ago are not read any more; that it was bound is known all the same.
  clock.advance(60_000);
  await done(unbind('m3', 'p3'));
  clock.advance(60_000);
  expect(await measure('p2', 'm3', 97)).toMatchObject({ quality: 'suspect' });
  expect(await measure('p3', 'm3', 97)).toMatchObject({ quality: 'suspect' });
  // What is read back is doubted as it was told.
  const status = await ward.ask(getPatientStatus, { patientId: 'p3' });
  expect(status).toMatchObject({ ok: true, data: { vitals: [{ vital: 'spo2', quality: 'suspect' }] } });
  const listed = await ward.ask(listVitals, {
    patientId: 'p2',
    from: new Date(releasedAt - 60_000).toISOString(),
    to: new Date(clock.now() + 1).toISOString(),
  });
  const qualities = ['good', 'good', 'suspect', 'suspect', 'suspect'];
  expect(listed).toMatchObject({ ok: true, data: { items: qualities.map((quality) => ({ quality })) } });
});

test('a bound device is heard, falls silent and is heard again; its patient’s staff is told once', async () => {
  await register('m4', { expectEverySeconds: 2 });
  await done(bind('m4', 'p4'));
  await measure('p4', 'm4', 97);
  expect(await toldOf('m4', 'device:connected')).toMatchObject({ data: { isConnected: true } });
  const silent = await condition('p4', 'condition:raised device-silent');
  expect(silent.data).toMatchObject({ priority: 'low', isTechnical: true, message: 'A device is silent' });
  await toldOf('m4', 'device:disconnected');
  told.splice(0);
  await measure('p4', 'm4', 97);
  await condition('p4', 'condition:cleared device-silent');
  await toldOf('m4', 'device:connected');
  expect(conditionsOf('p4')).toHaveLength(2);
});

test('a device that says that it measures nothing is heard all the same', async () => {
  await register('m10', { expectEverySeconds: 2 });
  await done(bind('m10', 'p6'));
  clock.advance(1_000);
  const at = clock.now();
  const absence = { patientId: 'p6', vital: 'spo2' as const, measuredAt: at, deviceId: 'm10', reason: 'off' as const };
  await ward.postAbsence(absence, at);
  const connected = await toldOf('m10', 'device:connected');
  expect(connected.data).toMatchObject({ heardAt: new Date(at).toISOString() });
  clock.advance(1);
  await done(unbind('m10', 'p6'));
});

test('whether a device is silent is judged by who listens to its patient, and by nobody else', async () => {
  await register('m9', { expectEverySeconds: 2 });
  await done(bind('m9', 'p6'));
  await measure('p6', 'm9', 97);
  await toldOf('m9', 'device:connected');
  const database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
  const parts = Array.from({ length: partitionCount }, (_, part) => part);
  const own = Number(partitionOf('p6'));
  const isDueFor = async (held: readonly number[]): Promise<boolean> =>
    (await listDueDevices(database, { parts: held, now: clock.now() + 3_600_000, limit: 50 })).some(
      ({ deviceId }) => deviceId === 'm9',
    );
  expect(await isDueFor([own])).toBe(true);
  expect(await isDueFor(parts.filter((part) => part !== own))).toBe(false);
  await database.close();
  clock.advance(1);
  await done(unbind('m9', 'p6'));
});

test('a low battery is told to the staff of the patient, and over when it was charged', async () => {
  await register('m5', { batteryLowPercent: 30 });
  await done(bind('m5', 'p5'));
  await done(command(reportDevice, { deviceId: 'm5', battery: 29 }, device('m5')));
  await condition('p5', 'condition:raised device-battery');
  expect(await toldOf('m5', 'device:connected')).toMatchObject({ data: { battery: 29 } });
  await done(command(reportDevice, { deviceId: 'm5', battery: 34 }, device('m5')));
  expect(await toldOf('m5', 'device:reported')).toMatchObject({ data: { battery: 34 } });
  await done(command(reportDevice, { deviceId: 'm5', battery: 80 }, device('m5')));
  await condition('p5', 'condition:cleared device-battery');
  expect(conditionsOf('p5')).toHaveLength(2);
  expect(await refused(command(reportDevice, { deviceId: 'm5' }, device('m4')))).toBe('forbidden');
});

test('M5 what a device that is set under test measures decides nothing', async () => {
  await register('m6', { mode: 'test' });
  for (let second = 0; second < 20; second++) await measure('p6', 'm6', 60);
  await register('m6');
  await measure('p6', 'm6', 97);
  expect(conditionsOf('p6')).toEqual([]);
  const reply = await ward.ask(getPatientStatus, { patientId: 'p6' });
  expect(reply).toMatchObject({ ok: true, data: { conditions: [] } });
});

test('a sensor that a nurse takes off is missed no more', async () => {
  for (let second = 0; second < 13; second++) await measure('p1', 'finger', 97);
  await condition('p1', 'condition:raised spo2-absent');
  await done(command(stopSignal, { patientId: 'p1', vital: 'spo2' }, nurse));
  await condition('p1', 'condition:cleared spo2-absent');
});

test('nothing is missed of a device that was released, or that is tested', async () => {
  for (const deviceId of ['m7', 'm8']) await register(deviceId);
  await done(bind('m7', 'p2'));
  await done(bind('m8', 'p3'));
  for (let second = 0; second < 13; second++) {
    await measure('p2', 'm7', 97);
    await measure('p3', 'm8', 97);
  }
  clock.advance(1);
  await done(unbind('m7', 'p2'));
  await register('m8', { mode: 'demo' });
  // Long enough for both to be missed: a third one is.
  for (let second = 0; second < 13; second++) await measure('p6', 'other', 97);
  await condition('p6', 'condition:raised spo2-absent');
  expect([...conditionsOf('p2'), ...conditionsOf('p3')]).toEqual([]);
});

test('who had a device is known', async () => {
  const admin: Actor = { person: 'a1', hospital: 'h1', roles: ['admin'] };
  const reply = await ward.ask(listBindings, { deviceId: 'm3' }, admin);
  expect(reply).toMatchObject({
    ok: true,
    data: {
      items: [
        { patientId: 'p3', boundBy: 'n1', unboundBy: 'n1' },
        { patientId: 'p2', boundBy: 'n1', unboundBy: 'n1' },
      ],
    },
  });
});
