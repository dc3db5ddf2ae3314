/** Two who change what a patient is judged by at the same time. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bindDevice, registerDevice } from '@carillon/contracts/devices';
import { admissionChanged } from '@carillon/contracts/directory';
import { getPatientStatus } from '@carillon/contracts/monitoring';
import { chartVitals, decideScore } from '@carillon/contracts/scores';
import { eventSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { openDatabase, type Database } from '@carillon/database/database';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { insertRules } from '../src/store-limits.ts';
import { doctor, everySecond, nurse, startWard, type Ward } from './ward.ts';

let ward: Ward;
let database: Database;
let service: RunningService;

beforeAll(async () => {
  ward = await startWard();
  service = await start(ward.infrastructure.environmentOf('monitoring'));
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'monitoring' });
});
afterAll(async () => {
  await service.stop();
  await database.close();
  await ward.stop();
});

/** That so many transactions wait for one that the test holds. */
const untilWaiting = (count: number): Promise<true> =>
  eventually(async () => {
    const { rows } = await database.query<{ count: number }>(
      `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]?.count === count ? true : undefined;
  });
const decide = (patientId: string) =>
  ward.command(decideScore, { patientId, scale: 2, reason: 'Hypercapnic failure' }, doctor);

test('who waited for a patient judges by the limits that hold when his turn comes', async () => {
  const low = Array.from({ length: 20 }, () => 80);
  await ward.post(everySecond('p1', 'spo2', low, Date.now() - low.length * 1_000));
  await eventually(() => ward.told.find(({ event }) => event === 'condition:raised'));
  const { decided } = await database.transaction(async (tx) => {
    await tx.query(`select from patient_monitor where patient_id = 'p1' for update`);
    const none = { body: { limits: [] }, setBy: 'd1', setAtMs: Date.now(), expiresAtMs: null, resumes: null };
    await insertRules(tx, { hospital: 'h1', patientId: 'p1' }, none);
    const answer = decide('p1');
    await untilWaiting(1);
    return { decided: answer };
  });
  expect(await decided).toMatchObject({ ok: true });
  expect(await ward.ask(getPatientStatus, { patientId: 'p1' })).toMatchObject({ data: { conditions: [] } });
});

test('the first two who have something of a patient are both heard', async () => {
  const { charted } = await database.transaction(async (tx) => {
    const newest = { temperature: { atMs: Date.now() - 1_000, value: 39.2 } };
    await tx.query(`insert into patient_monitor (hospital, patient_id, state, version) values ('h1', 'p3', $1, 1)`, [
      JSON.stringify({ limits: {}, newest, active: {} }),
    ]);
    const answer = ward.command(chartVitals, { patientId: 'p3', systolic: 95 }, nurse);
    await untilWaiting(1);
    return { charted: answer };
  });
  expect(await charted).toMatchObject({ data: { score: { lower: 4, parts: { temperature: 2, systolic: 2 } } } });
});

test('M10 a decision that meets the discharge does not outlive the stay', async () => {
  await ward.command(chartVitals, { patientId: 'p2', spo2: 90 }, nurse);
  expect(await decide('p2')).toMatchObject({ ok: true });
  const { decided } = await database.transaction(async (tx) => {
    await tx.query(`select from score_decision where patient_id = 'p2' for update`);
    await publish(ward.bus, {
      subject: eventSubject(admissionChanged, { hospital: 'h1', id: 'p2' }),
      headers: { 'Nats-Msg-Id': 'p2-leaves', 'Carillon-Event': admissionChanged.name, 'Carillon-Version': '2' },
      body: encode({ patientId: 'p2', wardId: null, bedId: null, version: 2 }),
    });
    await untilWaiting(1);
    const answer = decide('p2');
    await untilWaiting(2);
    return { decided: answer };
  });
  expect(await decided).toMatchObject({ error: { code: 'forbidden' } });
  const { rows } = await database.query(`select from score_decision where patient_id = 'p2' and ended_at is null`);
  expect(rows).toEqual([]);
});

test('a device is not bound to a patient who leaves while it is', async () => {
  await ward.command(registerDevice, { deviceId: 'm1', type: 'monitor', label: 'Monitor 1' });
  await ward.post(everySecond('p4', 'spo2', [97], Date.now()));
  await eventually(() => ward.told.find(({ data }) => data['patientId'] === 'p4'));
  const { bound } = await database.transaction(async (tx) => {
    await tx.query(`select from patient_monitor where patient_id = 'p4' for update`);
    await tx.query(`update directory_admission set ward_id = null, bed_id = null where patient_id = 'p4'`);
    const answer = ward.command(bindDevice, { deviceId: 'm1', patientId: 'p4' });
    await untilWaiting(1);
    return { bound: answer };
  });
  expect(await bound).toMatchObject({ error: { code: 'forbidden' } });
});
