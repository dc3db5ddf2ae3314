import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, openRealtime, type Frame } from '@carillon/testkit/client';
import { constant, postVitals, series } from '@carillon/testkit/hospital';
import { startHouse, type House } from './house.ts';

let house: House;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  house = await startHouse();
  for (const person of ['n1', 'n2', 'n3', 'd1', 'd2', 'o1', 'a1', 'p1', 'p2', 'c1', 'dev1', 'r1']) {
    tokens[person] = await house.token(person);
  }
});
afterAll(() => house.stop());

const as = (person: string, body?: unknown, headers: Record<string, string> = {}) => ({
  token: tokens[person] ?? '',
  ...(body === undefined ? {} : { body }),
  headers,
});
const connect = (person: string) => openRealtime(house.baseUrl, { token: tokens[person] ?? '' });
const ofEvent =
  (room: string, event: string, fits: (data: Record<string, unknown>) => boolean = () => true) =>
  (frame: Frame): boolean =>
    frame.t === 'msg' &&
    frame['room'] === room &&
    frame['ev'] === event &&
    fits(frame['data'] as Record<string, unknown>);

test('a vital sign that was posted is kept, and shown to the ward and to nobody else', async () => {
  const [nurse, patient, stranger] = await Promise.all([connect('n1'), connect('p1'), connect('n3')]);
  const subscribed = await nurse.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
  expect(subscribed).toMatchObject({ t: 'subscribed', room: 'ward:w1:vitals', lane: 'bulk', recovery: 'fresh' });
  expect(await patient.ask({ t: 'subscribe', room: 'patient:p1:vitals' })).toMatchObject({ t: 'subscribed' });
  expect(await stranger.ask({ t: 'subscribe', room: 'ward:w1:vitals' })).toMatchObject({ code: 'forbidden' });
  await stranger.ask({ t: 'subscribe', room: 'ward:w2:vitals' });

  const measuredAt = new Date().toISOString();
  const item = { patientId: 'p1', vital: 'temperature', value: 98.6, unit: '[degF]', measuredAt, deviceId: 'dev1' };
  const posted = await postVitals(house.baseUrl, tokens['dev1'] ?? '', [item]);
  expect(posted).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });

  const shown = await nurse.expect(ofEvent('ward:w1:vitals', 'vitals:recorded', (data) => data['patientId'] === 'p1'));
  expect(shown['data']).toEqual({
    patientId: 'p1',
    wardId: 'w1',
    items: [{ vital: 'temperature', value: 37, unit: 'Cel', measuredAt, quality: 'good' }],
  });
  await patient.expect(ofEvent('patient:p1:vitals', 'vitals:recorded'));
  const stored = await call(house.baseUrl, 'GET', '/v1/patients/p1/vitals?vital=temperature', as('c1'));
  expect(stored.body['items']).toEqual([expect.objectContaining({ value: 37, unit: 'Cel', measuredAt })]);
  const refused = await call(house.baseUrl, 'GET', '/v1/patients/p1/vitals', as('n3'));
  expect(refused).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
  expect(stranger.frames.filter((frame) => frame.t === 'msg')).toEqual([]);
  for (const client of [nurse, patient, stranger]) client.close();
});

test('SpO2 below its limit for 15 s pages the bed nurse, shows in the right rooms, and acknowledging stops it', async () => {
  const [n1, n2, d1, p2, n3, o1] = await Promise.all([
    connect('n1'),
    connect('n2'),
    connect('d1'),
    connect('p2'),
    connect('n3'),
    connect('o1'),
  ]);
  await d1.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  await p2.ask({ t: 'subscribe', room: 'patient:p2' });
  await o1.ask({ t: 'subscribe', room: 'hospital:h1:alerts' });
  await n3.ask({ t: 'subscribe', room: 'ward:w2:alerts' });

  await postVitals(house.baseUrl, tokens['dev1'] ?? '', series('p2', 'spo2', constant(84, 17), Date.now()));
  const page = await n1.expect(
    ofEvent('person:n1', 'page:new', (data) => data['level'] === 1),
    'the page',
  );
  expect(page).toMatchObject({ ack: true, data: { level: 1, alert: { kind: 'spo2-below', priority: 'high' } } });
  const { alertId } = page['data'] as { alertId: string };
  const isIt = (data: Record<string, unknown>): boolean => data['alertId'] === alertId;
  const raised = await d1.expect(ofEvent('ward:w1:alerts', 'alert:raised', isIt));
  expect(raised['data']).toMatchObject({ patientId: 'p2', wardId: 'w1', state: 'open', presence: 'on', level: 1 });
  await p2.expect(ofEvent('patient:p2', 'alert:raised', isIt));
  await o1.expect(ofEvent('hospital:h1:alerts', 'alert:raised', isIt));
  expect(n2.frames.some(ofEvent('person:n2', 'page:new', isIt))).toBe(false);

  const second = await n2.expect(ofEvent('person:n2', 'page:new', isIt), 'the page of level 2', 45_000);
  expect(second['data']).toMatchObject({ level: 2 });
  const path = `/v1/alerts/${alertId}/acknowledge`;
  expect((await call(house.baseUrl, 'POST', path, as('n3'))).status).toBe(403);
  const answered = await call(house.baseUrl, 'POST', path, as('n2'));
  expect(answered).toMatchObject({ status: 200, body: { state: 'acknowledged', presence: 'ack' } });
  const acknowledged = await d1.expect(ofEvent('ward:w1:alerts', 'alert:acknowledged', isIt));
  expect(Number(acknowledged['version'])).toBeGreaterThan(Number(raised['version']));
  await n1.expect(ofEvent('person:n1', 'page:withdrawn', isIt));
  expect((await call(house.baseUrl, 'POST', path, as('n1'))).status).toBe(409);

  await postVitals(house.baseUrl, tokens['dev1'] ?? '', series('p2', 'spo2', [96], Date.now() + 1000));
  const resolved = await d1.expect(ofEvent('ward:w1:alerts', 'alert:resolved', isIt));
  expect(resolved['data']).toMatchObject({ state: 'resolved', presence: 'off' });
  const whole = await call(house.baseUrl, 'GET', `/v1/alerts/${alertId}`, as('n1'));
  const kinds = (whole.body['timeline'] as { kind: string }[]).map((entry) => entry.kind);
  expect(kinds).toEqual(['opened', 'level', 'level', 'accepted', 'acknowledged', 'cleared', 'resolved']);
  expect(n3.frames.filter((frame) => frame.t === 'msg')).toEqual([]);
  for (const client of [n1, n2, d1, p2, n3, o1]) client.close();
});

test('a patient calls an SOS for himself, his caregiver for him, and neither raises anything else', async () => {
  const sos = { kind: 'sos', priority: 'high', message: 'Help' };
  const raised = await call(house.baseUrl, 'POST', '/v1/alerts', as('p1', sos));
  expect(raised).toMatchObject({ status: 201, body: { patientId: 'p1', wardId: 'w1', state: 'open', level: 1 } });
  expect(raised.body['pages']).toEqual([expect.objectContaining({ person: 'n1', level: 1, status: 'paged' })]);
  const again = await call(house.baseUrl, 'POST', '/v1/alerts', as('c1', { ...sos, patientId: 'p1' }));
  expect(again.body['alertId']).toBe(raised.body['alertId']);
  expect((await call(house.baseUrl, 'POST', '/v1/alerts', as('c1', { ...sos, patientId: 'p2' }))).status).toBe(403);
  expect((await call(house.baseUrl, 'POST', '/v1/alerts', as('p1', { ...sos, kind: 'fall' }))).status).toBe(403);
  expect((await call(house.baseUrl, 'POST', '/v1/alerts', as('p1', { ...sos, patientId: 'p2' }))).status).toBe(403);
  const resolve = `/v1/alerts/${String(raised.body['alertId'])}/resolve`;
  expect((await call(house.baseUrl, 'POST', resolve, as('p1'))).status).toBe(403);
  expect((await call(house.baseUrl, 'POST', resolve, as('n1', { reason: 'seen' }))).body['state']).toBe('resolved');
});

test('a repeated key answers the same and does nothing twice; another body with it is key_reused', async () => {
  const body = { patientId: 'p3', kind: 'fall', priority: 'medium', message: 'On the floor' };
  const key = { 'idempotency-key': 'fall-1' };
  const first = await call(house.baseUrl, 'POST', '/v1/alerts', as('n1', body, key));
  const repeated = await call(house.baseUrl, 'POST', '/v1/alerts', as('n1', body, key));
  expect(first.status).toBe(201);
  expect(repeated).toMatchObject({ status: 201, body: first.body });
  const other = await call(house.baseUrl, 'POST', '/v1/alerts', as('n1', { ...body, message: 'Another' }, key));
  expect(other).toMatchObject({ status: 409, body: { error: { code: 'key_reused' } } });
  const socket = await connect('n1');
  const asCall = await socket.ask({ t: 'call', op: 'alert:raise', key: 'fall-1', data: body });
  expect(asCall).toMatchObject({ t: 'ok', data: { alertId: first.body['alertId'] } });
  const listed = await call(house.baseUrl, 'GET', '/v1/alerts?wardId=w1&patientId=p3', as('n1'));
  expect(listed.body['items']).toHaveLength(1);
  socket.close();
});

test('when all who were paged decline, the next level starts at once and the timeline says why', async () => {
  const raised = await call(
    house.baseUrl,
    'POST',
    '/v1/alerts',
    as('n2', { patientId: 'p4', kind: 'help', priority: 'high', message: 'Second pair of hands' }),
  );
  const path = `/v1/alerts/${String(raised.body['alertId'])}/decline`;
  const declined = await call(house.baseUrl, 'POST', path, as('n2', { reason: 'with another patient' }));
  expect(declined).toMatchObject({ status: 200, body: { state: 'open', level: 2 } });
  expect(declined.body['pages']).toEqual([
    expect.objectContaining({ person: 'n2', level: 1, status: 'declined' }),
    expect.objectContaining({ person: 'n1', level: 2, status: 'paged' }),
  ]);
  const started = (declined.body['timeline'] as { kind: string; reason?: string }[]).at(-1);
  expect(started).toMatchObject({ kind: 'level', reason: 'declined' });
});

test('limits are read by the ward, written by its doctor, and refused when they make no sense', async () => {
  const limits = [{ vital: 'spo2', below: 88, clearAt: 90, persistSeconds: 0, priority: 'medium' }];
  const path = '/v1/patients/p5/limits';
  expect((await call(house.baseUrl, 'PUT', path, as('n1', { limits }))).status).toBe(403);
  expect((await call(house.baseUrl, 'PUT', path, as('d2', { limits }))).status).toBe(403);
  expect(await call(house.baseUrl, 'PUT', path, as('d1', { limits }))).toMatchObject({ status: 200, body: { limits } });
  expect((await call(house.baseUrl, 'GET', path, as('p1'))).status).toBe(403);
  expect((await call(house.baseUrl, 'GET', path, as('n2'))).body).toMatchObject({ limits, version: 1, origin: 'own' });
  const both = [{ ...limits[0], above: 99 }];
  expect(await call(house.baseUrl, 'PUT', path, as('a1', { limits: both }))).toMatchObject({
    status: 400,
    body: { error: { code: 'bad_input' } },
  });
  const nowhere = await call(house.baseUrl, 'PUT', '/v1/patients/nobody/limits', as('a1', { limits }));
  expect(nowhere.status).toBe(403);
});

test('a policy without a failsafe is refused; one with it is kept, and running alerts keep theirs', async () => {
  const policy = {
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
      { afterSeconds: 30, targets: [{ kind: 'person', person: 'd1' }, { kind: 'failsafe' }] },
    ],
    repeatSeconds: 30,
  };
  const path = '/v1/policies/night';
  const bad = { ...policy, levels: policy.levels.slice(0, 1) };
  expect(await call(house.baseUrl, 'PUT', path, as('a1', bad))).toMatchObject({
    status: 400,
    body: { error: { code: 'bad_input', issues: [{ path: 'levels.0.targets' }] } },
  });
  expect((await call(house.baseUrl, 'PUT', path, as('n1', policy))).status).toBe(403);
  expect(await call(house.baseUrl, 'PUT', path, as('d1', policy))).toMatchObject({ status: 200, body: policy });
  expect((await call(house.baseUrl, 'GET', path, as('n1'))).body).toEqual({ policyId: 'night', version: 1, ...policy });
  expect((await call(house.baseUrl, 'GET', '/v1/policies/none', as('n1'))).status).toBe(404);
});

test('NEWS2 is calculated with bounds, and counts against no call limit', async () => {
  const whole = {
    respirationRate: 25,
    spo2: 91,
    onOxygen: true,
    systolic: 90,
    pulse: 131,
    consciousness: 'V',
    temperature: 39.1,
  };
  const scored = await call(house.baseUrl, 'POST', '/v1/news2', as('n1', whole));
  expect(scored).toMatchObject({ status: 200, body: { score: 19, lower: 19, upper: 19, missing: [], risk: 'high' } });
  const partial = await call(house.baseUrl, 'POST', '/v1/news2', as('p1', { spo2: 97, pulse: 72 }));
  expect(partial.body).toMatchObject({ score: null, lower: 0, upper: 14, risk: 'low' });
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => call(house.baseUrl, 'POST', '/v1/news2', as('p1', { spo2: 97 }))),
  );
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
});

test('a client resumes with recovery complete on a gateway that was started anew, with no gap and no double', async () => {
  const watcher = await connect('d2');
  const subscribed = await watcher.ask({ t: 'subscribe', room: 'ward:w2:alerts' });
  const raise = (kind: string) =>
    call(house.baseUrl, 'POST', '/v1/alerts', as('n3', { patientId: 'p7', kind, priority: 'low', message: kind }));
  await raise('one');
  await watcher.expect(ofEvent('ward:w2:alerts', 'alert:raised', (data) => data['kind'] === 'one'));
  const last = watcher.frames.findLast((frame) => frame.t === 'msg');
  watcher.close();
  await raise('two');
  await house.restartGateway();
  await raise('three');

  const resumed = await connect('d2');
  const answer = await resumed.ask({ t: 'subscribe', room: 'ward:w2:alerts', from: last?.['pos'] });
  expect(answer).toMatchObject({ recovery: 'complete' });
  await resumed.expect(ofEvent('ward:w2:alerts', 'alert:raised', (data) => data['kind'] === 'three'));
  await raise('four');
  await resumed.expect(ofEvent('ward:w2:alerts', 'alert:raised', (data) => data['kind'] === 'four'));
  const messages = resumed.frames.filter((frame) => frame.t === 'msg');
  expect(messages.map((frame) => (frame['data'] as { kind: string }).kind)).toEqual(['two', 'three', 'four']);
  let before = String(last?.['pos']);
  const sequence = (position: unknown): number => Number(String(position).split('-')[1]);
  const floor = sequence(answer['pos']);
  for (const message of messages) {
    // A hole is a `prev` later than both the position of joining and the last message that came.
    expect(sequence(message['prev'])).toBeLessThanOrEqual(Math.max(floor, sequence(before)));
    before = String(message['pos']);
  }
  const other = await connect('d2');
  const foreign = `zz-${sequence(subscribed['pos'])}`;
  expect(await other.ask({ t: 'subscribe', room: 'ward:w2:alerts', from: foreign })).toMatchObject({
    recovery: 'lost',
  });
  resumed.close();
  other.close();
});
