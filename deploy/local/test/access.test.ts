/** Who is shut out, and who is let in for once, over two gateways and all services. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { start as startGateway } from '@carillon/gateway/service';
import { call, openRealtime, type Answer, type Frame, type RealtimeClient } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { figure } from '@carillon/testkit/figures';
import { postVitals } from '@carillon/testkit/hospital';
import { patience } from '@carillon/testkit/patience';
import { startHouse, type House } from './house.ts';

let folder: string;
let house: House;
let second: Awaited<ReturnType<typeof startGateway>>;
let gateways: readonly string[];
const opened: RealtimeClient[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-access-'));
  house = await startHouse({ CARILLON_LOG_LEVEL: 'trace', CARILLON_LOG_FILE: join(folder, 'log') });
  second = await startGateway({ ...house.environment, NATS_URL: house.infrastructure.nats.urlOf('gateway') });
  gateways = [house.baseUrl, `http://127.0.0.1:${second.port}`];
}, 90_000);
afterAll(async () => {
  for (const client of opened) client.terminate();
  await second.stop();
  await house.stop();
  await rm(folder, { recursive: true, force: true });
});

const promisedMs = 2_000;
const tokenWith = async (person: string, more: Record<string, unknown> = {}): Promise<string> =>
  String((await call(house.baseUrl, 'POST', '/v1/dev/token', { body: { person, ...more } })).body['token']);
const withMfa = (person: string): Promise<string> => tokenWith(person, { mfa: true });
async function connectEverywhere(token: string): Promise<RealtimeClient[]> {
  const clients = await Promise.all(gateways.map((url) => openRealtime(url, { token })));
  opened.push(...clients);
  await Promise.all(clients.map((client) => client.expect(({ t }) => t === 'ready')));
  return clients;
}
const within = <T>(work: Promise<T>, what: string): Promise<T> =>
  Promise.race([
    work,
    new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error(`${what}: not within the time`)), patience(promisedMs)).unref(),
    ),
  ]);
const codes = (clients: readonly RealtimeClient[]): Promise<number[]> =>
  within(Promise.all(clients.map(async ({ closed }) => (await closed).code)), 'the closes');
const statusOf = (url: string, token: string, path = '/v1/me'): Promise<number> =>
  call(url, 'GET', path, { token }).then(({ status }) => status);
const ask = (token: string, path: string, body: unknown, method = 'POST'): Promise<Answer> =>
  call(house.baseUrl, method, path, { token, body });
const isOver =
  (room: string, code: string) =>
  (frame: Frame): boolean =>
    frame.t === 'unsubscribed' && frame['room'] === room && frame['code'] === code;

test('a revoked person is out of every gateway within two seconds, and comes back with a new token', async () => {
  const old = await tokenWith('n2');
  const clients = await connectEverywhere(old);
  const startedAt = performance.now();
  const body = { kind: 'person', id: 'n2', reason: 'lost the phone' };
  expect(await ask(await tokenWith('o1'), '/v1/access/revocations', body)).toMatchObject({ status: 200 });
  expect(await codes(clients)).toEqual([4101, 4101]);
  figure(`connections of a revoked person closed after ${Math.round(performance.now() - startedAt)} ms`);
  for (const url of gateways) expect(await statusOf(url, old)).toBe(401);
  // Tokens have whole seconds.
  const fresh = await eventually(async () => {
    const token = await tokenWith('n2');
    return (await statusOf(house.baseUrl, token)) === 200 ? token : undefined;
  });
  await connectEverywhere(fresh);
});

test('who logs out ends his own session, and no other of his', async () => {
  const [here, there] = [await tokenWith('c1'), await tokenWith('c1')];
  const [leaving, staying] = [await connectEverywhere(here), await connectEverywhere(there)];
  expect((await ask(here, '/v1/session/logout', undefined)).status).toBe(200);
  expect(await codes(leaving)).toEqual([4440, 4440]);
  expect(await statusOf(house.baseUrl, here)).toBe(401);
  for (const client of staying) expect(await client.ask({ t: 'call', op: 'person:me' })).toMatchObject({ t: 'ok' });
});

test('an operator disconnects a person, who may come again with the same token', async () => {
  const token = await tokenWith('n1');
  const clients = await connectEverywhere(token);
  expect((await ask(await tokenWith('o1'), '/v1/people/n1/disconnect', {})).status).toBe(200);
  expect(await codes(clients)).toEqual([4440, 4440]);
  await connectEverywhere(token);
});

test('an operator takes a person out of a room, to which he may return', async () => {
  const clients = await connectEverywhere(await tokenWith('n1'));
  const room = 'ward:w1:alerts';
  for (const client of clients) expect(await client.ask({ t: 'subscribe', room })).toMatchObject({ t: 'subscribed' });
  const path = '/v1/people/n1/subscriptions/end';
  expect((await ask(await tokenWith('o1'), path, { room })).status).toBe(200);
  await Promise.all(clients.map((client) => client.expect(isOver(room, 'ended'), 'the end', patience(promisedMs))));
  for (const client of clients) expect(await client.ask({ t: 'subscribe', room })).toMatchObject({ t: 'subscribed' });
});

test('a nurse breaks the glass with a fresh second factor, sees the patient everywhere, and no longer when it is mended', async () => {
  const path = '/v1/patients/p7/break-glass';
  const body = { reason: 'found on the corridor, not breathing' };
  const status = '/v1/patients/p7/status';
  const refused = await ask(await tokenWith('n1'), path, body);
  expect(refused).toMatchObject({ status: 403, body: { error: { code: 'mfa_required' } } });
  const token = await withMfa('n1');
  expect(await statusOf(house.baseUrl, token, status)).toBe(403);
  const [client] = await connectEverywhere(token);
  const room = 'patient:p7';
  expect(await client?.ask({ t: 'subscribe', room })).toMatchObject({ t: 'err', code: 'forbidden' });

  expect(await ask(token, path, body)).toMatchObject({ status: 200, body: { patientId: 'p7' } });
  for (const url of gateways) {
    await eventually(async () => ((await statusOf(url, token, status)) === 200 ? true : undefined), {
      withinMs: patience(promisedMs),
      what: 'the access',
    });
  }
  expect(await client?.ask({ t: 'subscribe', room })).toMatchObject({ t: 'subscribed' });
  const raised = await ask(token, '/v1/alerts', { kind: 'code', priority: 'high', message: 'x', patientId: 'p7' });
  expect(raised.status).toBe(201);
  const alert = `/v1/alerts/${String(raised.body['alertId'])}`;
  expect(await statusOf(house.baseUrl, token, alert)).toBe(200);

  expect((await ask(token, path, undefined, 'DELETE')).status).toBe(200);
  await client?.expect(isOver(room, 'relation_ended'), 'the end', patience(promisedMs));
  for (const url of gateways) expect(await statusOf(url, token, status)).toBe(403);
});

test('no token, patient or name of a person is in any log or metric, whatever is tried', async () => {
  const patient = 'patient-zebra-77';
  const name = 'Zebulon Quagga';
  const hospital = await readFile(new URL('../demo-hospital.json', import.meta.url), 'utf8');
  const file = {
    hospital: (JSON.parse(hospital) as { hospital: unknown }).hospital,
    wards: [{ wardId: 'wx', name: 'X', beds: [{ bedId: 'wx-b1', label: '1' }] }],
    people: [
      { personId: patient, name, roles: ['patient'], wards: [] },
      { personId: 'nurse-okapi-5', name: 'Okapia Johnstone', roles: ['nurse'], wards: ['wx'] },
    ],
    admissions: [{ patientId: patient, wardId: 'wx', bedId: 'wx-b1' }],
    careTeams: [],
    shifts: [],
  };
  expect((await ask(await tokenWith('a1'), '/v1/hospital/import', file)).status).toBe(200);
  const nurse = await eventually(async () => {
    const token = await tokenWith('nurse-okapi-5');
    return (await statusOf(house.baseUrl, token, `/v1/patients/${patient}/status`)) === 200 ? token : undefined;
  });
  const own = await tokenWith(patient);
  const stranger = await withMfa('n1');
  const forged = `${nurse.split('.').slice(0, 2).join('.')}.Zm9yZ2VkLXNpZ25hdHVyZQ`;
  const cookie = 'session=cookie-of-zebra';
  const item = {
    patientId: patient,
    vital: 'heartRate',
    value: 190,
    unit: '/min',
    measuredAt: new Date().toISOString(),
  };
  const room = `patient:${patient}`;

  for (const token of [nurse, own, stranger, forged, `${forged}x`]) {
    for (const [method, path, body] of [
      ['GET', `/v1/patients/${patient}/status`, undefined],
      ['GET', `/v1/patients/${patient}/vitals?x=${patient}`, undefined],
      ['GET', `/v1/patients/${patient}%00/vitals`, undefined],
      ['GET', `/${patient}/${token}`, undefined],
      ['POST', '/v1/alerts', { kind: 'sos', priority: 'high', message: name, patientId: patient }],
      ['POST', '/v1/alerts', { kind: 'sos', priority: 'high', message: `${name}\0`, patientId: `${patient}.>` }],
      ['POST', '/v1/alerts', `{"patientId":"${patient}","token":"${token}"`],
      ['POST', `/v1/patients/${patient}/break-glass`, { reason: `${name} fell out of bed` }],
      ['DELETE', `/v1/patients/${patient}/break-glass`, undefined],
      ['POST', '/v1/people/x/disconnect', { reason: name }],
      ['POST', '/realtime/command', { t: 'call', id: 1, op: 'vitals:list', data: { patientId: patient, token } }],
      ['POST', '/fhir/R4/Observation', { resourceType: 'Observation', subject: { reference: `Patient/${patient}` } }],
      ['GET', `/realtime/events/patient/${patient}x?token=${token}&room=${patient}`, undefined],
      ['GET', `/realtime/stats?token=${token}`, undefined],
    ] as const) {
      await call(house.baseUrl, method, path, { token, body, headers: { cookie } });
    }
    await postVitals(house.baseUrl, token, [item, { ...item, patientId: `${patient}x` }, { ...item, value: 'high' }]);
  }
  const reasons: string[] = [];
  const frames: Frame[] = [];
  for (const send of [
    (client: RealtimeClient) => client.sendRaw(`{"t":"connect","id":1,"token":"${forged}"}`),
    (client: RealtimeClient) => client.sendRaw(`{"t":"${patient}","id":1}`),
    (client: RealtimeClient) => client.sendRaw(`${patient} ${own}`),
    (client: RealtimeClient) => client.sendRaw(new TextEncoder().encode(own)),
    (client: RealtimeClient) => client.sendRaw(`{"t":"subscribe","id":1,"room":"${room}"}`),
  ]) {
    const client = await openRealtime(house.baseUrl);
    send(client);
    reasons.push((await within(client.closed, 'a close')).reason);
    frames.push(...client.frames);
  }
  for (const token of [nurse, own, stranger]) {
    const client = await openRealtime(house.baseUrl, {
      protocols: ['carillon.v1', `bearer.${token}`],
      headers: { cookie },
    });
    await client.ask({ t: 'subscribe', room });
    await client.ask({ t: 'subscribe', room: `${room}:vitals`, from: `${patient}-1` });
    await client.ask({ t: 'subscribe', room: `ward:${patient}:alerts`, token });
    await client.ask({ t: 'call', op: 'patient:status', data: { patientId: patient, name } });
    await client.ask({ t: 'call', op: patient, data: {} });
    // Another each time: the same is not looked at for ever.
    await client.ask({ t: 'reauth', token: `${forged}${reasons.length}` });
    reasons.push((await within(client.closed, 'a close')).reason);
  }
  // What NATS has lost and brought again is logged, too.
  house.infrastructure.nats.kill();
  await call(house.baseUrl, 'GET', `/v1/patients/${patient}/status`, { token: nurse });
  await house.infrastructure.restartNats();
  await eventually(async () =>
    (await statusOf(house.baseUrl, nurse, `/v1/patients/${patient}/status`)) === 200 ? true : undefined,
  );

  const secrets = [patient, name, 'Okapia', 'cookie-of-zebra', 'Zm9yZ2Vk'];
  secrets.push(...[nurse, own, stranger].flatMap((token) => token.split('.').slice(1)));
  const log = await readFile(join(folder, 'log'), 'utf8');
  // It is the log of all of them, and of what was done here.
  for (const part of ['"service":"gateway"', 'break-glass', 'alert:raise']) expect(log).toContain(part);
  const metrics = `${await second.metrics.registry.metrics()}${await house.gatewayMetrics()}`;
  for (const secret of secrets) {
    const lines = `${log}\n${metrics}\n${reasons.join('\n')}`.split('\n').filter((line) => line.includes(secret));
    expect({ secret, lines }).toEqual({ secret, lines: [] });
    if (secret.length > 30) expect(JSON.stringify(frames)).not.toContain(secret);
  }
});
