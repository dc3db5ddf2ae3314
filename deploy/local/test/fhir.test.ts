/** FHIR in and out of the whole house: what a sender posts is what a reader finds. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, type Answer } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startHouse, type House } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse();
}, 90_000);
afterAll(() => house.stop());

type Json = Record<string, unknown>;
const loinc = (...codes: string[]): Json => ({ coding: codes.map((code) => ({ system: 'http://loinc.org', code })) });
const quantity = (value: number, code: string): Json => ({ value, system: 'http://unitsofmeasure.org', code });
const measuredAt = new Date(Date.now() - 60_000).toISOString();
const sent = (code: Json, value: Json): Json => ({
  resourceType: 'Observation',
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
  ],
  code,
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: measuredAt,
  device: { reference: 'Device/ward-cart' },
  ...value,
});
const pressures = [
  { code: loinc('8480-6'), valueQuantity: quantity(124, 'mm[Hg]') },
  { code: loinc('8462-4'), valueQuantity: quantity(78, 'mm[Hg]') },
];
const observations = [
  sent(loinc('85354-9'), { component: pressures }),
  sent(loinc('2708-6', '59408-5'), { valueQuantity: quantity(97, '%') }),
  sent(loinc('8310-5'), { valueQuantity: quantity(98.6, '[degF]') }),
  sent(loinc('8302-2'), { valueQuantity: quantity(70, '[in_i]') }),
  sent(loinc('39156-5'), { valueQuantity: quantity(22.5, 'kg/m2') }),
  sent(loinc('3150-0'), { valueQuantity: quantity(28, '%') }),
  sent(loinc('9269-2'), { valueQuantity: quantity(15, '{score}') }),
  sent(loinc('2339-0'), { valueQuantity: quantity(90.078, 'mg/dL') }),
];

const ask = async (method: string, path: string, body?: unknown): Promise<Answer> =>
  call(house.baseUrl, method, path, {
    token: await house.token('n1'),
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/fhir+json' } }),
  });
/** `124/78` of a blood pressure. */
const valuesOf = (observation: Json): string => {
  const parts = (observation['component'] as Json[] | undefined) ?? [observation];
  return parts.map(({ valueQuantity }) => String((valueQuantity as Json)['value'])).join('/');
};
const found = async (query: string): Promise<Json[]> => {
  const { status, body } = await ask('GET', `/fhir/R4/Observation?patient=p1${query}`);
  expect(status).toBe(200);
  return ((body['entry'] ?? []) as { resource: Json }[]).map(({ resource }) => resource);
};

test('observations of a transaction come out again in canonical units, once', async () => {
  const transaction = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: observations.map((resource) => ({ resource, request: { method: 'POST', url: 'Observation' } })),
  };
  for (let time = 0; time < 2; time++) expect((await ask('POST', '/fhir/R4', transaction)).status).toBe(200);
  const all = await eventually(async () => {
    const seen = await found('');
    return seen.length >= observations.length ? seen : undefined;
  });
  expect(all.every(({ effectiveDateTime }) => effectiveDateTime === measuredAt)).toBe(true);
  expect(all.map(valuesOf).sort()).toEqual(['124/78', '97', '37', '177.8', '22.5', '28', '15', '5'].sort());

  expect((await found('&code=85354-9')).map(valuesOf)).toEqual(['124/78']);
  expect((await found('&code=8462-4,9269-2')).map(valuesOf).sort()).toEqual(['15', '78']);
  expect(await found(`&date=gt${measuredAt}`)).toEqual([]);
  expect(await found(`&date=${measuredAt}`)).toHaveLength(observations.length);

  const paged: Json[] = [];
  let query: string | undefined = '?patient=p1&_count=3';
  while (query !== undefined) {
    const { body }: Answer = await ask('GET', `/fhir/R4/Observation${query}`);
    paged.push(...((body['entry'] ?? []) as { resource: Json }[]).map(({ resource }) => resource));
    const next = (body['link'] as { relation: string; url: string }[]).find(({ relation }) => relation === 'next');
    query = next === undefined ? undefined : new URL(next.url).search;
  }
  expect(paged).toEqual(all);
});
