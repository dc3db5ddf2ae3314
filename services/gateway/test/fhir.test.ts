/** FHIR in, over real HTTP and NATS: what reaches INTAKE, what is answered, and that every answer is FHIR. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { fhirMediaType } from '@carillon/contracts/fhir';
import { intakeFilter, partitionOf } from '@carillon/contracts/streams';
import { call, type Answer } from '@carillon/testkit/client';
import fc from 'fast-check';
import { codesOf, entriesOf, expectRefused, issuesOf, startFhirDesk, type FhirDesk } from './fhir-desk.ts';
import {
  absent,
  bloodPressure,
  bundle,
  coded,
  entryOf,
  observation,
  quantity,
  without,
  type Json,
} from './observations.ts';

let fhir: FhirDesk;
beforeAll(async () => {
  fhir = await startFhirDesk();
});
afterAll(() => fhir.stop());
beforeEach(() => {
  fhir.intake.length = 0;
  fhir.asked.length = 0;
});

test('an observation is taken, and the outcome says what', async () => {
  const measuredAt = new Date().toISOString();
  const answer = await fhir.create(
    observation({
      effectiveDateTime: measuredAt,
      valueQuantity: quantity(71, '{beats}/min'),
      device: { reference: 'Device/bed-4' },
    }),
  );
  expect(answer.status).toBe(201);
  expect(answer.headers.get('location')).toBeNull();
  expect(issuesOf(answer.body)).toMatchObject([
    {
      severity: 'information',
      code: 'informational',
      expression: ['Observation'],
      details: { coding: [{ code: 'taken' }] },
    },
  ]);
  const [reading] = await fhir.untilIntake(1);
  expect(fhir.intake[0]?.subject).toMatch(/^intake\.h1\.\d\d\.fhir$/);
  expect(fhir.intake[0]?.message).toMatchObject({ hospital: 'h1', by: 'dev1' });
  expect(reading).toEqual({
    patientId: 'p1',
    vital: 'heartRate',
    value: 71,
    receivedValue: 71,
    receivedUnit: '{beats}/min',
    measuredAt: Date.parse(measuredAt),
    statedAt: null,
    quality: 'good',
    deviceId: 'bed-4',
  });
});

test('a blood pressure is taken whole or not at all', async () => {
  expectRefused(await fhir.create(bloodPressure(120, 900)), 422, 'impossible_value');
  const answer = await fhir.create(bloodPressure(121, 81));
  expect(codesOf(answer.body)).toEqual(['taken', 'taken']);
  expect((await fhir.untilIntake(2)).map(({ vital, value }) => [vital, value])).toEqual([
    ['systolic', 121],
    ['diastolic', 81],
  ]);
});

test('history keeps its time, and a time in the future is refused', async () => {
  const effectiveDateTime = '2020-01-01T00:00:00Z';
  expect((await fhir.create(observation({ effectiveDateTime }))).status).toBe(201);
  expect(await fhir.untilIntake(1)).toMatchObject([{ measuredAt: Date.parse(effectiveDateTime), statedAt: null }]);
  const ahead = new Date(Date.now() + 5 * 60_000).toISOString();
  expectRefused(await fhir.create(observation({ effectiveDateTime: ahead })), 422, 'bad_time');
});

test('what is doubtful is told', async () => {
  const doubtful = await fhir.create(observation({ valueQuantity: quantity(0, '/min') }));
  expect(doubtful.status).toBe(201);
  expect(codesOf(doubtful.body)).toEqual(['taken', 'suspect']);
  const corrected = await fhir.create(observation({ status: 'corrected' }));
  expect(codesOf(corrected.body)).toEqual(['first_counts', 'taken']);
});

test('absence is noted, and nothing is recorded', async () => {
  const answer = await fhir.create(without(observation({ dataAbsentReason: absent() }), 'valueQuantity'));
  expect([answer.status, codesOf(answer.body)]).toEqual([201, ['absent']]);
  await fhir.create(observation({ valueQuantity: quantity(73, '/min') }));
  expect((await fhir.untilIntake(1)).map(({ value }) => value)).toEqual([73]);
});

test.each<[string, Json, number, string, string]>([
  ['an unknown patient', { subject: { reference: 'Patient/nobody' } }, 422, 'unknown_patient', 'Observation.subject'],
  ['a unit of another quantity', { valueQuantity: quantity(72, 'Cel') }, 422, 'bad_unit', 'Observation.value.code'],
  ['an impossible value', { valueQuantity: quantity(900, '/min') }, 422, 'impossible_value', 'Observation.value.value'],
  ['a wrong check digit', { code: coded('8867-5') }, 422, 'bad_loinc', 'Observation.code.coding[0].code'],
  ['a status that is none', { status: 'done' }, 400, 'bad_status', 'Observation.status'],
])('%s is refused with its place', async (_, more, status, code, place) => {
  const answer = await fhir.create(observation(more));
  expectRefused(answer, status, code);
  expect(issuesOf(answer.body)[0]?.expression).toEqual([place]);
});

test('staff post for patients of their ward, and nobody else but devices', async () => {
  expect((await fhir.create(observation(), { person: 'n1' })).status).toBe(201);
  expectRefused(await fhir.create(observation(), { person: 'n3' }), 422, 'unknown_patient');
  expectRefused(await fhir.create(observation(), { person: 'p1' }), 403, 'forbidden');
  expectRefused(await fhir.post(bundle('batch', [entryOf(observation())]), { person: 'o1' }), 403, 'forbidden');
});

test('a batch keeps what is good and names what is bad, in order', async () => {
  const answer = await fhir.post(
    bundle('batch', [
      entryOf(observation({ valueQuantity: quantity(61, '/min') })),
      entryOf(observation({ valueQuantity: quantity(900, '/min') })),
      entryOf(observation({ status: 'done' })),
      entryOf(observation(), { method: 'PUT', url: 'Observation/1' }),
      entryOf({ resourceType: 'Patient' }, { method: 'POST', url: 'Patient' }),
      entryOf({ resourceType: 'Patient' }),
      entryOf(observation(), { method: 'POST', url: 'Observation', ifNoneExist: 'code=8867-4' }),
      { resource: observation() },
      null,
      entryOf(undefined),
      entryOf(observation({ subject: { reference: 'Patient/p7' }, valueQuantity: quantity(62, '/min') })),
    ]),
  );
  expect([answer.status, answer.body['type']]).toEqual([200, 'batch-response']);
  expect(entriesOf(answer).map(({ response }) => [response.status, codesOf(response.outcome)[0]])).toEqual([
    ['201 Created', 'taken'],
    ['422 Unprocessable Entity', 'impossible_value'],
    ['400 Bad Request', 'bad_status'],
    ['405 Method Not Allowed', 'bad_method'],
    ['404 Not Found', 'unknown_interaction'],
    ['400 Bad Request', 'bad_resource'],
    ['422 Unprocessable Entity', 'conditional'],
    ['400 Bad Request', 'missing'],
    ['400 Bad Request', 'bad_element'],
    ['400 Bad Request', 'missing'],
    ['201 Created', 'taken'],
  ]);
  expect((await fhir.untilIntake(2)).map(({ value }) => value).sort((a, b) => Number(a) - Number(b))).toEqual([61, 62]);
});

test('of a transaction with a bad entry nothing is taken, and every bad one is named', async () => {
  const good = entryOf(observation());
  const answer = await fhir.post(
    bundle('transaction', [
      good,
      entryOf(bloodPressure(120, 900)),
      good,
      entryOf(observation({ status: 'cancelled' })),
    ]),
  );
  expectRefused(answer, 422, 'impossible_value', 'status_not_taken');
  expect(issuesOf(answer.body).map(({ expression }) => expression)).toEqual([
    ['Bundle.entry[1].resource.component[1].value.value'],
    ['Bundle.entry[3].resource.status'],
  ]);
  // What an entry wants of another place does not say that the Bundle came to the wrong one.
  const foreign = await fhir.post(
    bundle('transaction', [good, entryOf({ resourceType: 'Patient' }, { method: 'PUT', url: 'Patient/p1' })]),
  );
  expectRefused(foreign, 422, 'bad_method');
  const whole = await fhir.post(bundle('transaction', [good, entryOf(bloodPressure(120, 80))]));
  expect([whole.status, whole.body['type']]).toEqual([200, 'transaction-response']);
  expect(entriesOf(whole).map(({ response }) => response.status)).toEqual(['201 Created', '201 Created']);
  expect((await fhir.untilIntake(3)).map(({ vital }) => vital).sort()).toEqual(['diastolic', 'heartRate', 'systolic']);
});

test('1,000 blood pressures are taken, and 1,001 entries are too many', async () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      entryOf(bloodPressure(120, 80, { effectiveDateTime: new Date(Date.now() - index * 1_000).toISOString() })),
    );
  const answer = await fhir.post(bundle('batch', many(1_000)));
  expect(entriesOf(answer).filter(({ response }) => response.status === '201 Created')).toHaveLength(1_000);
  await fhir.untilIntake(2_000);
  expect(Math.max(...fhir.intake.map(({ message }) => message.readings.length))).toBeLessThanOrEqual(1_000);
  expectRefused(await fhir.post(bundle('transaction', many(1_001))), 413, 'too_large');
});

test.each<[string, unknown, number, string]>([
  ['of another type', bundle('message', [entryOf(observation())]), 422, 'bad_bundle'],
  ['without a type', { resourceType: 'Bundle', entry: [] }, 400, 'missing'],
  ['without entries', { resourceType: 'Bundle', type: 'batch' }, 400, 'missing'],
  ['of no entries', bundle('batch', []), 400, 'bad_element'],
  ['that is an Observation', observation(), 400, 'bad_resource'],
  ['that is a list', [], 400, 'bad_resource'],
])('a bundle %s is refused', async (_, body, status, code) => {
  expectRefused(await fhir.post(body), status, code);
});

test('every error is FHIR: of tokens, formats, sizes, paths and methods', async () => {
  const stranger = await call(fhir.desk.baseUrl, 'POST', '/fhir/R4/Observation', { body: observation() });
  expectRefused(stranger, 401, 'unauthorised');
  expect(stranger.headers.get('www-authenticate')).toBe('Bearer');
  expectRefused(await fhir.create('{"resourceType":'), 400, 'bad_json');
  expectRefused(await fhir.create('{"__proto__":{}}'), 400, 'bad_json');
  expectRefused(await fhir.create(''), 400, 'bad_resource');
  expectRefused(await fhir.create('x', { headers: { 'content-type': 'application/fhir+xml' } }), 415, 'bad_media_type');
  expectRefused(
    await fhir.create(observation(), { headers: { 'content-type': `${fhirMediaType}; fhirVersion=5.0` } }),
    415,
    'bad_media_type',
  );
  expectRefused(await fhir.create(`"${' '.repeat(2 * 1024 * 1024)}"`), 413, 'too_large');
  expectRefused(
    await fhir.ask('GET', '/metadata', undefined, { headers: { accept: 'application/xml' } }),
    406,
    'not_acceptable',
  );
  expectRefused(await fhir.ask('GET', '/metadata?_format=xml'), 406, 'not_acceptable');
  expectRefused(await fhir.create(observation(), { headers: { 'if-none-exist': 'code=8867-4' } }), 422, 'conditional');
  expectRefused(await fhir.ask('GET', '/Patient/p1'), 404, 'unknown_interaction');
  expectRefused(await fhir.ask('GET', '/Observation/1'), 404, 'unknown_interaction');
  const put = await fhir.ask('PUT', '/Observation', observation());
  expectRefused(put, 405, 'bad_method');
  expect(put.headers.get('allow')).toBe('POST, GET');
});

test.each([
  'application/fhir+json',
  'application/json',
  'application/xml, */*;q=0.1',
  'application/fhir+json;fhirVersion=4.0',
])('an answer for who accepts %s is given', async (accept) => {
  expect((await fhir.ask('GET', '/metadata', undefined, { headers: { accept } })).status).toBe(200);
});
test.each(['?_format=json', '?_format=application/fhir+json'])('an answer for %s is given', async (query) => {
  expect((await fhir.ask('GET', `/metadata${query}`, undefined, { headers: { accept: 'text/html' } })).status).toBe(
    200,
  );
});

test('application/json is taken as well', async () => {
  expect((await fhir.create(observation(), { headers: { 'content-type': 'application/json' } })).status).toBe(201);
});

test('creates count against the limit of calls', async () => {
  const { baseUrl } = await fhir.desk.startGateway({ CARILLON_LIMIT_CALLS_DEVICE: '2' });
  const answers = [];
  for (let index = 0; index < 3; index++) answers.push(await fhir.create(observation(), { baseUrl }));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 429]);
  const [, , last] = answers;
  if (last === undefined) throw new Error('no answer');
  expectRefused(last, 429, 'rate_limited');
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('whatever JSON is posted, the answer is an OperationOutcome or a Bundle', async () => {
  const json = fc.jsonValue();
  const entry = fc.oneof(
    json,
    fc.record({ resource: json, request: fc.oneof(json, fc.constant({ method: 'POST', url: 'Observation' })) }),
  );
  const bundles = fc.record({
    resourceType: fc.constant('Bundle'),
    type: fc.constantFrom('batch', 'transaction', 'x'),
    entry: fc.oneof(json, fc.array(entry)),
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('', '/Observation'), fc.oneof(json, bundles), async (path, body) => {
      const answer = await fhir.ask('POST', path, JSON.stringify(body));
      expect(['OperationOutcome', 'Bundle']).toContain(answer.body['resourceType']);
      expect(answer.status).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
});

/** Last, for it leaves the servers with a stream that takes the readings of one partition only, and then with none. */
test('what cannot be stored is told entry by entry, and is transient', async () => {
  await fhir.desk.bus.jsm.streams.update('INTAKE', { subjects: [intakeFilter(partitionOf('p1'))] });
  const entries = ['p1', 'p7'].map((id) => entryOf(observation({ subject: { reference: `Patient/${id}` } })));
  const statuses = (answer: Answer) => entriesOf(answer).map(({ response }) => response.status);
  const batch = await fhir.post(bundle('batch', [...entries, entryOf(observation({ status: 'done' }))]));
  expect(statuses(batch)).toEqual(['201 Created', '503 Service Unavailable', '400 Bad Request']);
  expect((await fhir.untilIntake(1)).map(({ patientId }) => patientId)).toEqual(['p1']);

  await fhir.desk.bus.jsm.streams.delete('INTAKE');
  const answers = [
    await fhir.create(observation()),
    await fhir.post(bundle('batch', entries)),
    await fhir.post(bundle('transaction', entries)),
  ];
  for (const answer of answers) {
    expectRefused(answer, 503, 'unavailable');
    expect(issuesOf(answer.body)[0]?.code).toBe('transient');
  }
});
