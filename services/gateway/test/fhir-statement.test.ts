/** The CapabilityStatement and the documentation say what the code does. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fhirIssues, fhirMediaType, fhirSearchParameters } from '@carillon/contracts/fhir';
import { call, type Answer } from '@carillon/testkit/client';
import { expectRefused, startFhirDesk, type FhirDesk } from './fhir-desk.ts';
import { bundle, entryOf, observation } from './observations.ts';

let fhir: FhirDesk;
beforeAll(async () => {
  fhir = await startFhirDesk();
});
afterAll(() => fhir.stop());

test('the statement says what the code does, to anybody', async () => {
  const { status, body } = await call(fhir.desk.baseUrl, 'GET', '/fhir/R4/metadata');
  expect([status, body['fhirVersion'], body['format']]).toEqual([200, '4.0.1', [fhirMediaType, 'json']]);
  type Rest = {
    interaction: { code: string }[];
    resource: { type: string; interaction: { code: string }[]; searchParam: { name: string }[] }[];
  };
  const [rest] = body['rest'] as Rest[];
  expect(rest?.resource.map(({ type }) => type)).toEqual(['Observation']);
  // Every interaction that is claimed works.
  const works: Record<string, () => Promise<Answer>> = {
    create: () => fhir.create(observation()),
    'search-type': () => fhir.search('?patient=p1'),
    batch: () => fhir.post(bundle('batch', [entryOf(observation())])),
    transaction: () => fhir.post(bundle('transaction', [entryOf(observation())])),
  };
  const claimed = [...(rest?.interaction ?? []), ...(rest?.resource[0]?.interaction ?? [])].map(({ code }) => code);
  expect(claimed.sort()).toEqual(Object.keys(works).sort());
  for (const code of claimed) expect((await works[code]?.())?.body['resourceType']).toMatch(/Bundle|OperationOutcome/);
  for (const code of claimed) expect([200, 201]).toContain((await works[code]?.())?.status);
  // Every parameter that is claimed is read, and none besides.
  const parameters = rest?.resource[0]?.searchParam.map(({ name }) => name) ?? [];
  expect(parameters).toEqual(Object.keys(fhirSearchParameters));
  for (const name of parameters) expectRefused(await fhir.search(`?patient=p1&${name}=|`), 400, 'bad_parameter');
  for (const name of ['status', '_sort', 'code:in', '_include', 'patient.name', '_id']) {
    expectRefused(await fhir.search(`?patient=p1&${name}=1`), 400, 'unknown_parameter');
  }
  // Nothing else of the interactions of R4 is served.
  for (const [method, path] of [
    ['GET', '/Observation/1'],
    ['PUT', '/Observation/1'],
    ['DELETE', '/Observation/1'],
    ['PATCH', '/Observation/1'],
    ['GET', '/Observation/_history'],
    ['GET', '/_history'],
    ['POST', '/Observation/_search'],
    ['POST', '/$convert'],
    ['GET', ''],
    ['DELETE', '/Observation'],
  ] as const) {
    expect([404, 405]).toContain((await fhir.ask(method, path)).status);
  }
});

test('the documentation names every code, and no other', () => {
  const text = readFileSync(new URL('../../../docs/fhir.md', import.meta.url), 'utf8');
  const documented = [...text.matchAll(/^\| `(\w+)` +\|/gm)].map(([, code]) => code);
  expect(new Set(documented)).toEqual(new Set(Object.keys(fhirIssues)));
});
