/** What admissions, transfers and discharges do to monitoring. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { EventDefinition, ResultOf } from '@carillon/contracts/define';
import { admissionChanged } from '@carillon/contracts/directory';
import { bindDevice, registerDevice, reportDevice } from '@carillon/contracts/devices';
import { setLimits } from '@carillon/contracts/limits';
import { getPatientStatus, listVitals } from '@carillon/contracts/monitoring';
import { eventSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { everySecond, startWard, type Told, type Ward } from './ward.ts';

let ward: Ward;
let service: RunningService;

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

const tell = (event: EventDefinition, id: string, data: object, version: number): Promise<void> =>
  publish(ward.bus, {
    subject: eventSubject(event, { hospital: 'h1', id }),
    headers: {
      'Nats-Msg-Id': `${event.name}-${id}-${version}`,
      'Carillon-Event': event.name,
      'Carillon-Version': `${version}`,
    },
    body: encode({ ...data, version }),
  });
const place = (patientId: string, wardId: string | null, version: number): Promise<void> =>
  tell(admissionChanged, patientId, { patientId, wardId, bedId: wardId === null ? null : `b-${patientId}` }, version);

const low = Array.from({ length: 20 }, () => 80);
const desaturates = (patientId: string, startAt = Date.now() - low.length * 1_000): Promise<void> =>
  ward.post(everySecond(patientId, 'spo2', low, startAt));
const untilTold = (event: string, patientId: string): Promise<Told> =>
  eventually(() => ward.told.find((told) => told.event === event && told.data['patientId'] === patientId), {
    what: `${event} of ${patientId}`,
  });
/** The nurse of the ward may read of those who lie there. */
const untilOfWard = (patientId: string, isThere: boolean): Promise<unknown> =>
  eventually(async () => ((await ward.ask(getPatientStatus, { patientId })).ok === isThere ? true : undefined), {
    what: `${patientId} ${isThere ? 'on' : 'off'} the ward`,
  });
const countOf = async (patientId: string): Promise<number> => {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const to = new Date(Date.now() + 60_000).toISOString();
  const reply = await ward.ask(listVitals, { patientId, from, to, limit: 2_000 });
  return reply.ok ? (reply.data as ResultOf<typeof listVitals>).items.length : 0;
};

test('a discharge ends what is active under the ward that was left; what comes later is kept and raises nothing', async () => {
  await desaturates('p1');
  await untilTold('condition:raised', 'p1');
  const limits = [{ vital: 'spo2', below: 70, persistSeconds: 10, priority: 'high' }];
  expect(await ward.command(setLimits, { patientId: 'p2', limits })).toMatchObject({ ok: true });
  // Of p2 nothing has come yet.
  const both = ['p1', 'p2'];
  for (const patientId of both) await place(patientId, null, 2);
  for (const patientId of both) await untilOfWard(patientId, false);
  const cleared = await untilTold('condition:cleared', 'p1');
  expect(cleared.subject).toMatch(/^care\.h1\.w1\.p1\./);
  expect(cleared.data).toMatchObject({ wardId: 'w1', kind: 'spo2-below', message: 'The patient was discharged' });
  ward.told.splice(0);
  for (const patientId of both) await desaturates(patientId);
  for (const patientId of both) await untilTold('vitals:recorded', patientId);
  expect(ward.told.filter(({ event }) => event.startsWith('condition:'))).toEqual([]);

  for (const patientId of both) await place(patientId, 'w1', 3);
  for (const patientId of both) await untilOfWard(patientId, true);
  expect(await countOf('p1')).toBe(40);
  // Judged anew, by what is measured from now on; by the limits of the stay before, p2 would not raise.
  for (const patientId of both) {
    await desaturates(patientId, Date.now());
    expect(await untilTold('condition:raised', patientId)).toMatchObject({ data: { wardId: 'w1' } });
  }
});

test('a device is bound to nobody any more when its patient is discharged', async () => {
  const device = { deviceId: 'oximeter-1', type: 'oximeter', label: 'Oximeter 1' };
  expect(await ward.command(registerDevice, device)).toMatchObject({ ok: true });
  const bound = await ward.command(bindDevice, { deviceId: 'oximeter-1', patientId: 'p4' });
  expect(bound).toMatchObject({ ok: true, data: { patientId: 'p4' } });
  const itself = { person: 'oximeter-1', hospital: 'h1', roles: ['device' as const] };
  expect(await ward.command(reportDevice, { deviceId: 'oximeter-1', battery: 5 }, itself)).toMatchObject({ ok: true });
  await untilTold('condition:raised', 'p4');
  await place('p4', null, 2);
  const over = { kind: 'device-battery', isTechnical: true, message: 'The patient was discharged' };
  expect((await untilTold('condition:cleared', 'p4')).data).toMatchObject(over);
  const again = { deviceId: 'oximeter-1', patientId: 'p5' };
  await eventually(async () => ((await ward.command(bindDevice, again))?.ok === true ? true : undefined));
});

test('a transfer ends nothing, and what comes then is of the new ward', async () => {
  await desaturates('p3');
  await untilTold('condition:raised', 'p3');
  await place('p3', 'w2', 2);
  const well = Array.from({ length: 30 }, () => 97);
  await eventually(async () => {
    await ward.post(everySecond('p3', 'heartRate', [70], Date.now()));
    return ward.told.some(({ subject }) => subject.startsWith('vitals.h1.w2.p3')) ? true : undefined;
  });
  expect(ward.told.filter(({ event }) => event === 'condition:cleared')).toEqual([]);
  await ward.post(everySecond('p3', 'spo2', well, Date.now()));
  expect((await untilTold('condition:cleared', 'p3')).subject).toMatch(/^care\.h1\.w2\.p3\./);
});
