/** FHIR out: searches, their pages and rights, and that what comes out goes in again. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { loincCodes } from '@carillon/contracts/fhir';
import type { Answer } from '@carillon/testkit/client';
import fc from 'fast-check';
import { entriesOf, expectRefused, issuesOf, linkOf, startFhirDesk, type FhirDesk, type Listed } from './fhir-desk.ts';
import { bundle, entryOf, quantity, type Json } from './observations.ts';

let fhir: FhirDesk;
beforeAll(async () => {
  fhir = await startFhirDesk();
});
afterAll(() => fhir.stop());
beforeEach(() => {
  fhir.intake.length = 0;
  fhir.asked.length = 0;
});

const second = (offset: number): string => new Date(Date.UTC(2026, 10, 21, 8, 0, offset)).toISOString();
const listed = (vital: string, value: number | string, offset: number, more: Partial<Listed> = {}): Listed => ({
  vital,
  value,
  unit: null,
  measuredAt: second(offset),
  quality: 'good',
  deviceId: 'dev1',
  receivedAt: second(offset + 1),
  ...more,
});
const summary = ({ resource }: { resource: Json }): unknown => {
  const { code, component, effectiveDateTime } = resource as {
    code: { coding: Json[] };
    component?: Json[];
    effectiveDateTime: string;
  };
  return [code.coding[0]?.['code'], new Date(effectiveDateTime).getUTCSeconds(), component?.length ?? 0];
};

test('recorded vital signs come as observations, the pressures of a moment as one panel', async () => {
  fhir.record(
    listed('heartRate', 72, 0),
    listed('pulse', 71, 0),
    listed('systolic', 120, 0),
    listed('diastolic', 80, 0),
    listed('systolic', 118, 0, { deviceId: 'dev2' }),
    listed('spo2', 12, 1, { quality: 'suspect', deviceId: null }),
    listed('consciousness', 'A', 1),
  );
  const answer = await fhir.search('?patient=p1');
  expect([answer.status, answer.body['type']]).toEqual([200, 'searchset']);
  expect(entriesOf(answer).map(summary)).toEqual([
    ['85354-9', 0, 2],
    ['85354-9', 0, 2],
    ['8867-4', 0, 0],
    ['8867-4', 0, 0],
    ['2708-6', 1, 0],
  ]);
  const [panel, partial, rate, pulse, spo2] = entriesOf(answer).map(({ resource }) => resource);
  expect(panel).toMatchObject({
    resourceType: 'Observation',
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    status: 'final',
    subject: { reference: 'Patient/p1' },
    device: { reference: 'Device/dev1' },
    effectiveDateTime: second(0),
    component: [{ valueQuantity: quantity(120, 'mm[Hg]') }, { valueQuantity: quantity(80, 'mm[Hg]') }],
  });
  expect(partial).toMatchObject({ component: [{ valueQuantity: { value: 118 } }, { dataAbsentReason: {} }] });
  expect(rate?.['code']).not.toEqual(pulse?.['code']);
  expect(spo2).toMatchObject({ status: 'preliminary', note: [{ text: expect.stringContaining('Suspect') }] });
  expect(spo2).not.toHaveProperty('device');
  const again = await fhir.search('?patient=p1');
  expect(again.body['entry']).toEqual(answer.body['entry']);
});

test('what comes out goes in again as the same readings', async () => {
  const at = new Date(Date.now() - 60_000).toISOString();
  const values: Record<string, number> = {
    temperature: 36.6,
    glucose: 5.5,
    height: 178,
    weight: 71.5,
    glasgowComaScale: 15,
    bodyMassIndex: 22.6,
  };
  const vitals = ['pulse', ...new Set(loincCodes.map(({ vital }) => vital))];
  fhir.record(...vitals.map((vital) => listed(vital, values[vital] ?? 60, 0, { measuredAt: at })));
  const found = entriesOf(await fhir.search('?patient=p1')).map(({ resource }) => resource);
  const answer = await fhir.post(
    bundle(
      'transaction',
      found.map((resource) => entryOf(resource)),
    ),
  );
  expect(answer.status).toBe(200);
  const readings = await fhir.untilIntake(vitals.length);
  const keyOf = ({ vital, value, deviceId }: { vital: string; value: unknown; deviceId: string | null }) =>
    `${vital} ${String(value)} ${deviceId ?? ''}`;
  expect(readings.map(keyOf).sort()).toEqual(fhir.recorded().map(keyOf).sort());
  expect(readings.every(({ measuredAt }) => measuredAt === Date.parse(at))).toBe(true);
});

test.each<[string, unknown[]]>([
  [
    '8867-4',
    [
      ['8867-4', 0, 0],
      ['8867-4', 0, 0],
    ],
  ],
  [
    'http://loinc.org|8867-4',
    [
      ['8867-4', 0, 0],
      ['8867-4', 0, 0],
    ],
  ],
  ['urn:carillon:vital-sign|pulse', [['8867-4', 0, 0]]],
  ['59408-5', [['2708-6', 2, 0]]],
  ['85354-9', [['85354-9', 1, 3]]],
  ['8480-6', [['8480-6', 1, 0]]],
  [
    '8480-6,2708-6',
    [
      ['8480-6', 1, 0],
      ['2708-6', 2, 0],
    ],
  ],
  [
    '8480-6,85354-9',
    [
      ['85354-9', 1, 3],
      ['8480-6', 1, 0],
    ],
  ],
  ['http://snomed.info/sct|8867-4', []],
  ['85353-1', []],
  ['718-7', []],
])('code=%s finds what carries it', async (code, expected) => {
  fhir.record(
    listed('heartRate', 72, 0),
    listed('pulse', 71, 0),
    listed('systolic', 120, 1),
    listed('diastolic', 80, 1),
    listed('meanPressure', 93, 1),
    listed('spo2', 97, 2),
  );
  const answer = await fhir.search(`?patient=Patient/p1&code=${encodeURIComponent(code)}`);
  expect([answer.status, entriesOf(answer).map(summary)]).toEqual([200, expected]);
});

test.each<[string, number[]]>([
  ['date=2026-11-21', [0, 1, 2, 3]],
  ['date=2026-11', [0, 1, 2, 3]],
  ['date=2026', [0, 1, 2, 3]],
  ['date=2026-11-20', []],
  ['date=eq2026-11-21T08:00:01Z', [1]],
  ['date=2026-11-21T09:00:01%2B01:00', [1]],
  ['date=2026-11-21T09:00:01+01:00', [1]],
  ['date=2026-11-21T08:00Z', [0, 1, 2, 3]],
  ['date=ge2026-11-21T08:00:02Z', [2, 3]],
  ['date=gt2026-11-21T08:00:02Z', [3]],
  ['date=le2026-11-21T08:00:01Z', [0, 1]],
  ['date=lt2026-11-21T08:00:01Z', [0]],
  ['date=ge2026-11-21T08:00:01Z&date=lt2026-11-21T08:00:03Z', [1, 2]],
  ['date=gt2026-11-21&date=lt2026-11-21', []],
  ['date=lt1950', []],
  ['date=gt9999', []],
])('%s finds what lies within', async (query, seconds) => {
  fhir.record(...[0, 1, 2, 3].map((offset) => listed('heartRate', 72, offset)));
  const answer = await fhir.search(`?subject=Patient/p1&${query}`);
  expect([
    answer.status,
    entriesOf(answer).map(({ resource }) => new Date(String(resource['effectiveDateTime'])).getUTCSeconds()),
  ]).toEqual([200, seconds]);
});

test.each([
  '',
  '?patient=p1&subject=p2',
  '?patient=p1,p2',
  '?patient=Group/p1',
  '?patient=p1&code=',
  '?patient=p1&code=8867-5',
  '?patient=p1&code=8867-4&code=2708-6',
  '?patient=p1&date=ne2026',
  '?patient=p1&date=2026-02-30',
  '?patient=p1&date=2026-11-21T08:00:00',
  '?patient=p1&date=yesterday',
  '?patient=p1&date=2024&date=2025&date=2026',
  '?patient=p1&_count=0',
  '?patient=p1&_count=-1',
  '?patient=p1&_count=many',
  '?patient=p1&cursor=x',
])('a search of %j is refused', async (query) => {
  expectRefused(await fhir.search(query), 400, 'bad_parameter');
});

test('rights to search are those of vitals:list, also where nothing can be found', async () => {
  fhir.record(listed('heartRate', 72, 0));
  for (const person of ['p1', 'c1', 'd1']) expect((await fhir.search('?patient=p1', { person })).status).toBe(200);
  for (const person of ['n3', 'p2', 'dev1', 'o1']) {
    expectRefused(await fhir.search('?patient=p1', { person }), 403, 'forbidden');
    expectRefused(await fhir.search('?patient=p1&code=85353-1', { person }), 403, 'forbidden');
  }
});

test('the self link says what was understood, and lenient handling what was not', async () => {
  fhir.record(listed('heartRate', 72, 0));
  const answer = await fhir.search('?subject=Patient/p1&_count=9999&status=final&_pretty=true', {
    headers: { prefer: 'handling=lenient' },
  });
  const [self] = answer.body['link'] as { relation: string; url: string }[];
  expect(self).toEqual({ relation: 'self', url: `${fhir.desk.baseUrl}/fhir/R4/Observation?patient=p1&_count=500` });
  const entries = answer.body['entry'] as { search: { mode: string }; resource: Json }[];
  expect(entries.map(({ search: { mode } }) => mode)).toEqual(['match', 'outcome']);
  expect(issuesOf(entries[1]?.resource)).toMatchObject([{ severity: 'warning', diagnostics: 'Ignored: status' }]);
});

test('a search by category finds everything or nothing, and reads no history for nothing', async () => {
  fhir.record(listed('heartRate', 72, 0), listed('systolic', 120, 1));
  const system = 'http://terminology.hl7.org/CodeSystem/observation-category';
  for (const category of ['vital-signs', `${system}|vital-signs`, 'laboratory,vital-signs']) {
    const answer = await fhir.search(`?patient=p1&category=${encodeURIComponent(category)}`);
    expect(entriesOf(answer).map(summary)).toEqual([
      ['8867-4', 0, 0],
      ['85354-9', 1, 2],
    ]);
    expect(new URL(linkOf(answer, 'self') ?? '').searchParams.get('category')).toBe(category);
  }
  expect(entriesOf(await fhir.search('?patient=p1&category=vital-signs&code=8867-4')).map(summary)).toEqual([
    ['8867-4', 0, 0],
  ]);
  fhir.asked.length = 0;
  for (const category of ['laboratory', 'urn:acme.example|vital-signs']) {
    const answer = await fhir.search(`?patient=p1&category=${encodeURIComponent(category)}`);
    expect([answer.status, entriesOf(answer)]).toEqual([200, []]);
  }
  expect(fhir.asked.every(({ from, to }) => from === to)).toBe(true);
});

test('a search for one code asks for that vital sign alone', async () => {
  await fhir.search('?patient=p1&code=9269-2');
  expect(fhir.asked.map(({ vital }) => vital)).toEqual(['glasgowComaScale']);
});

test('pages lose nothing and give nothing twice, whatever their size', async () => {
  const item = fc.record({
    vital: fc.constantFrom('heartRate', 'pulse', 'spo2', 'systolic', 'diastolic', 'meanPressure', 'consciousness'),
    offset: fc.integer({ min: 0, max: 3 }),
    deviceId: fc.constantFrom(null, 'dev1', 'dev2'),
  });
  const query = fc.constantFrom('', '&code=85354-9', '&code=8480-6,8867-4', '&code=85354-9,8462-4');
  const items = fc.uniqueArray(item, { maxLength: 25, selector: (each) => JSON.stringify(each) });
  await fc.assert(
    fc.asyncProperty(items, query, fc.integer({ min: 1, max: 7 }), async (given, more, count) => {
      fhir.record(
        ...given.map(({ vital, offset, deviceId }) =>
          listed(vital, vital === 'consciousness' ? 'A' : 60, offset, { deviceId }),
        ),
      );
      const whole = entriesOf(await fhir.search(`?patient=p1${more}`));
      const paged: Json[] = [];
      let next: string | undefined = `?patient=p1${more}&_count=${count}`;
      while (next !== undefined) {
        const page: Answer = await fhir.search(next);
        expect(entriesOf(page).length).toBeLessThanOrEqual(count);
        paged.push(...entriesOf(page));
        const url = linkOf(page, 'next');
        next = url === undefined ? undefined : new URL(url).search;
      }
      expect(paged).toEqual(whole);
      expect(new Set(paged.map((entry) => (entry['resource'] as Json)['id'])).size).toBe(paged.length);
    }),
    { numRuns: 40 },
  );
});
