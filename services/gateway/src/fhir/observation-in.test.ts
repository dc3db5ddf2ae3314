import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fhirIssues } from '@carillon/contracts/fhir';
import { absent, bloodPressure, coded, observation, quantity, without, type Json } from '../../test/observations.ts';
import { readObservation } from './observation-in.ts';

const at = '2026-11-21T08:00:00+01:00';
const heartRate = (more: Json = {}): Json => observation({ effectiveDateTime: at, ...more });
const pressure = (more: Json = {}): Json => bloodPressure(120, 80, { effectiveDateTime: at, ...more });
const itemsOf = (resource: unknown) => readObservation(resource).items.map(({ item }) => item);
const problemsOf = (resource: unknown) =>
  readObservation(resource).problems.map(({ code, expression }) => `${code} ${expression ?? ''}`);
const loinc = (code: string): Json => ({ system: 'http://loinc.org', code });
const mdc = (code: string): Json => ({ system: 'urn:iso:std:iso:11073:10101', code });
const bp = (code: string, more: Json): Json => ({ code: coded(code), ...more });

test('an observation becomes an item as POST /v1/vitals takes it', () => {
  expect(itemsOf(heartRate({ device: { reference: 'Device/dev9' } }))).toEqual([
    { patientId: 'p1', vital: 'heartRate', value: 72, unit: '/min', measuredAt: at, deviceId: 'dev9' },
  ]);
});

test('a blood pressure becomes an item for each of its parts', () => {
  const mean = bp('8478-0', { valueQuantity: quantity(93, 'mm[Hg]') });
  const panel = pressure();
  const items = itemsOf({ ...panel, component: [...(panel['component'] as Json[]), mean] });
  expect(items.map(({ vital, value }) => [vital, value])).toEqual([
    ['systolic', 120],
    ['diastolic', 80],
    ['meanPressure', 93],
  ]);
});

test('a vital signs panel becomes an item for each of its components', () => {
  const component = [
    bp('8867-4', { valueQuantity: quantity(72, '/min') }),
    bp('9279-1', { dataAbsentReason: absent() }),
  ];
  const { items, notes } = readObservation(without(heartRate({ code: coded('85353-1'), component }), 'valueQuantity'));
  expect(items.map(({ item }) => item.vital)).toEqual(['heartRate']);
  expect(notes).toMatchObject([{ code: 'absent', expression: 'Observation.component[1]' }]);
});

test.each<[string, Json, string, number, string]>([
  ['8867-4', quantity(72, '{beats}/min'), 'heartRate', 72, '{beats}/min'],
  ['9279-1', quantity(16, '/min'), 'respirationRate', 16, '/min'],
  ['2708-6', quantity(97, '%'), 'spo2', 97, '%'],
  ['59408-5', quantity(97, '%'), 'spo2', 97, '%'],
  ['8310-5', quantity(98.6, '[degF]'), 'temperature', 98.6, '[degF]'],
  ['8480-6', quantity(120, 'mm[Hg]'), 'systolic', 120, 'mm[Hg]'],
  ['8302-2', quantity(70, '[in_i]'), 'height', 70, '[in_i]'],
  ['29463-7', quantity(154, '[lb_av]'), 'weight', 154, '[lb_av]'],
  ['39156-5', quantity(22.1, 'kg/m2'), 'bodyMassIndex', 22.1, 'kg/m2'],
  ['2339-0', quantity(90, 'mg/dL'), 'glucose', 90, 'mg/dL'],
  ['15074-8', quantity(5, 'mmol/L'), 'glucose', 5, 'mmol/L'],
  ['3151-8', quantity(2, 'L/min'), 'oxygenFlow', 2, 'L/min'],
  ['3150-0', quantity(40, '%'), 'oxygenConcentration', 40, '%'],
  ['9269-2', quantity(14, '{score}'), 'glasgowComaScale', 14, '{score}'],
])('LOINC %s is taken', (code, valueQuantity, vital, value, unit) => {
  expect(itemsOf(heartRate({ code: coded(code), valueQuantity }))).toMatchObject([{ vital, value, unit }]);
});

test.each<[string, Json[], string]>([
  ['both codes of SpO2', [loinc('59408-5'), loinc('2708-6'), mdc('150456')], 'spo2'],
  ['a LOINC code that we do not know beside one that we do', [loinc('8867-4'), loinc('55284-4')], 'heartRate'],
  [
    'a code of a system that we do not know',
    [loinc('8867-4'), { system: 'http://acme.example', code: 'hr' }],
    'heartRate',
  ],
  ['a pulse by our own code', [loinc('8867-4'), { system: 'urn:carillon:vital-sign', code: 'pulse' }], 'pulse'],
  ['a pulse of an oximeter', [loinc('8867-4'), mdc('149530')], 'pulse'],
  ['a heart rate of an ECG', [loinc('8867-4'), mdc('147842')], 'heartRate'],
])('%s is one reading', (_, coding, vital) => {
  const valueQuantity = quantity(72, vital === 'spo2' ? '%' : '/min');
  expect(itemsOf(heartRate({ code: { coding }, valueQuantity }))).toMatchObject([{ vital }]);
});

test.each(['final', 'amended', 'corrected', 'preliminary'])('status %s is taken', (status) => {
  expect(itemsOf(heartRate({ status }))).toHaveLength(1);
});

test.each(['amended', 'corrected'])('who sends %s is told that a stored reading is not replaced', (status) => {
  expect(readObservation(heartRate({ status })).notes).toMatchObject([{ code: 'first_counts' }]);
});

test.each<[string, Json, string]>([
  ['an absolute reference', { reference: 'https://ehr.example/fhir/Patient/p1' }, 'p1'],
  ['a version', { reference: 'Patient/p1/_history/3', type: 'Patient' }, 'p1'],
])('the subject may be %s', (_, subject, patientId) => {
  expect(itemsOf(heartRate({ subject }))).toMatchObject([{ patientId }]);
});

test.each<[string, Json, string]>([
  ['start and end', { start: '2026-11-21T07:00:00Z', end: '2026-11-21T07:01:00Z' }, '2026-11-21T07:01:00Z'],
  ['an end', { end: '2026-11-21T07:01:00Z' }, '2026-11-21T07:01:00Z'],
  ['a start', { start: '2026-11-21T07:00:00Z' }, '2026-11-21T07:00:00Z'],
])('of a period of %s the end counts where there is one', (_, effectivePeriod, measuredAt) => {
  expect(itemsOf(without(heartRate({ effectivePeriod }), 'effectiveDateTime'))).toMatchObject([{ measuredAt }]);
});

test.each<[string, Json]>([
  ['a metric of a device', { reference: 'DeviceMetric/d1' }],
  ['a contained device', { reference: '#monitor' }],
  ['a device of the same bundle', { reference: 'urn:uuid:2c9e1c46-3f0a-4f5e-9d55-7a1f0e1b2c3d' }],
  ['a device by identifier', { identifier: { system: 'urn:acme.example', value: '4711' } }],
  ['a device by name', { display: 'The monitor of bed 4' }],
  ['a device whose id is none of ours', { reference: 'Device/1.2.840' }],
])('of %s the reading is taken, and the device is named as left out', (_, device) => {
  const { items, problems, notes } = readObservation(heartRate({ device }));
  expect(problems).toEqual([]);
  expect(items.map(({ item }) => [item.value, item.deviceId])).toEqual([[72, undefined]]);
  expect(notes).toMatchObject([{ code: 'not_recorded', expression: 'Observation.device' }]);
});

test('what is absent is noted, and nothing becomes of it', () => {
  const { items, notes, problems } = readObservation(
    without(heartRate({ dataAbsentReason: absent() }), 'valueQuantity'),
  );
  expect({ items, problems }).toEqual({ items: [], problems: [] });
  expect(notes).toMatchObject([{ code: 'absent', expression: 'Observation' }]);
});

test.each([
  ['error', 'invalid'],
  ['not-a-number', 'invalid'],
  ['temp-unknown', 'unavailable'],
])('a sensor that says %s of itself is %s', (reason, status) => {
  const { items, notes } = readObservation(without(heartRate({ dataAbsentReason: absent(reason) }), 'valueQuantity'));
  expect(items.map(({ item }) => item)).toMatchObject([{ vital: 'heartRate', status }]);
  expect(items[0]?.item).not.toHaveProperty('value');
  expect(notes).toMatchObject([{ code: 'absent' }]);
});

test('M5 an observation with the label HTEST is of a device under test', () => {
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'HTEST' }];
  expect(itemsOf(heartRate({ meta: { security } }))).toMatchObject([{ vital: 'heartRate', value: 72, status: 'test' }]);
  expect(itemsOf(heartRate({ meta: { security: [{ code: 'HTEST' }] } }))[0]).not.toHaveProperty('status');
});

test('of a blood pressure with one absent part the other is taken', () => {
  const component = [
    bp('8480-6', { valueQuantity: quantity(120, 'mm[Hg]') }),
    bp('8462-4', { dataAbsentReason: absent() }),
  ];
  expect(itemsOf(pressure({ component }))).toMatchObject([{ vital: 'systolic' }]);
  const systolicOnly = component.slice(0, 1);
  expect(itemsOf(pressure({ component: systolicOnly, dataAbsentReason: absent() }))).toMatchObject([
    { vital: 'systolic' },
  ]);
});

test.each<[string, Json]>([
  ['a code that we do not know', bp('9843-4', { valueQuantity: quantity(35, 'cm') })],
  ['a code of another system', { code: { coding: [mdc('150020')] }, valueString: 'regular' }],
])('a component of %s does not keep the others from being taken, and is named', (_, component) => {
  const panel = pressure();
  const { items, notes } = readObservation({ ...panel, component: [...(panel['component'] as Json[]), component] });
  expect(items).toHaveLength(2);
  expect(notes).toMatchObject([{ code: 'not_recorded', expression: 'Observation.component[2]' }]);
});

test('a panel of nothing that we know is refused', () => {
  const component = [bp('9843-4', { valueQuantity: quantity(35, 'cm') })];
  const panel = without(heartRate({ code: coded('85353-1'), component }), 'valueQuantity');
  expect(problemsOf(panel)).toEqual(['unknown_vital Observation.component']);
});

test('a panel that only names its members is noted', () => {
  const { items, problems, notes } = readObservation(
    without(heartRate({ code: coded('85353-1'), hasMember: [{ reference: 'Observation/1' }] }), 'valueQuantity'),
  );
  expect({ items, problems }).toEqual({ items: [], problems: [] });
  expect(notes).toMatchObject([{ code: 'not_recorded', expression: 'Observation.hasMember' }]);
});

test.each<[string, unknown, string]>([
  ['no object', null, 'bad_resource Observation'],
  ['a list', [], 'bad_resource Observation'],
  ['another resource', { resourceType: 'Patient' }, 'bad_resource Observation'],
  ['no status', without(heartRate(), 'status'), 'missing Observation.status'],
  ['a status of no value set', heartRate({ status: 'done' }), 'bad_status Observation.status'],
  ['a status that is an inherited name', heartRate({ status: 'constructor' }), 'bad_status Observation.status'],
  ['a status that is a number', heartRate({ status: 1 }), 'bad_element Observation.status'],
  ['registered', heartRate({ status: 'registered' }), 'status_not_taken Observation.status'],
  ['cancelled', heartRate({ status: 'cancelled' }), 'status_not_taken Observation.status'],
  ['entered-in-error', heartRate({ status: 'entered-in-error' }), 'status_not_taken Observation.status'],
  ['unknown', heartRate({ status: 'unknown' }), 'status_not_taken Observation.status'],
  ['no category', without(heartRate(), 'category'), 'missing_in_profile Observation.category'],
  [
    'another category',
    heartRate({ category: [{ coding: [{ code: 'laboratory' }] }] }),
    'missing_in_profile Observation.category',
  ],
  ['a category that is no list', heartRate({ category: {} }), 'bad_element Observation.category'],
  ['no code', without(heartRate(), 'code'), 'missing Observation.code'],
  ['a code that is text', heartRate({ code: '8867-4' }), 'bad_element Observation.code'],
  ['codings that are no list', heartRate({ code: { coding: loinc('8867-4') } }), 'bad_element Observation.code.coding'],
  ['a code of text alone', heartRate({ code: { text: 'Heart rate' } }), 'no_loinc Observation.code'],
  ['a code of another system', heartRate({ code: { coding: [mdc('147842')] } }), 'no_loinc Observation.code'],
  ['a wrong check digit', heartRate({ code: coded('8867-5') }), 'bad_loinc Observation.code.coding[0].code'],
  [
    'a wrong check digit in a second coding',
    heartRate({ code: { coding: [loinc('8867-4'), loinc('55284-5')] } }),
    'bad_loinc Observation.code.coding[1].code',
  ],
  ['an unknown vital sign', heartRate({ code: coded('9843-4') }), 'unknown_vital Observation.code'],
  [
    'codings of two vital signs',
    heartRate({ code: { coding: [loinc('8867-4'), loinc('9279-1')] } }),
    'conflicting_codes Observation.code',
  ],
  [
    'a coding of another nomenclature that means another',
    heartRate({ code: { coding: [loinc('8867-4'), mdc('150456')] } }),
    'conflicting_codes Observation.code',
  ],
  [
    'an ECG and an oximeter at once',
    heartRate({ code: { coding: [loinc('8867-4'), mdc('147842'), mdc('149530')] } }),
    'conflicting_codes Observation.code',
  ],
  [
    'a panel and a vital sign at once',
    pressure({ code: { coding: [loinc('85354-9'), loinc('8480-6')] } }),
    'conflicting_codes Observation.code',
  ],
  ['no subject', without(heartRate(), 'subject'), 'missing_in_profile Observation.subject'],
  [
    'a subject by identifier',
    heartRate({ subject: { identifier: { value: '1' } } }),
    'bad_reference Observation.subject',
  ],
  [
    'a subject that is a group',
    heartRate({ subject: { reference: 'Group/p1' } }),
    'bad_reference Observation.subject.reference',
  ],
  ['a contained subject', heartRate({ subject: { reference: '#p1' } }), 'bad_reference Observation.subject.reference'],
  [
    'a subject that is an id',
    heartRate({ subject: { reference: 'p1' } }),
    'bad_reference Observation.subject.reference',
  ],
  [
    'a patient whose id cannot be one',
    heartRate({ subject: { reference: 'Patient/p.1' } }),
    'unknown_patient Observation.subject',
  ],
  ['a device that is text', heartRate({ device: 'Device/d1' }), 'bad_element Observation.device'],
  [
    'a reference to a device that is a number',
    heartRate({ device: { reference: 1 } }),
    'bad_element Observation.device.reference',
  ],
  ['no time', without(heartRate(), 'effectiveDateTime'), 'missing_in_profile Observation.effective'],
  ['a day', heartRate({ effectiveDateTime: '2026-11-21' }), 'bad_time Observation.effective'],
  ['a time without a zone', heartRate({ effectiveDateTime: '2026-11-21T08:00:00' }), 'bad_time Observation.effective'],
  ['a day that is not', heartRate({ effectiveDateTime: '2026-02-30T08:00:00Z' }), 'bad_time Observation.effective'],
  ['two times', heartRate({ effectiveInstant: at }), 'bad_element Observation.effective'],
  ['an instant', without(heartRate({ effectiveInstant: at }), 'effectiveDateTime'), 'bad_time Observation.effective'],
  [
    'an empty period',
    without(heartRate({ effectivePeriod: {} }), 'effectiveDateTime'),
    'bad_time Observation.effective',
  ],
  [
    'a period that ends before it starts',
    without(heartRate({ effectivePeriod: { start: at, end: '2026-11-20T00:00:00Z' } }), 'effectiveDateTime'),
    'broken_invariant Observation.effective',
  ],
  ['no value', without(heartRate(), 'valueQuantity'), 'missing_in_profile Observation.value'],
  ['a value and its absence', heartRate({ dataAbsentReason: absent() }), 'broken_invariant Observation'],
  ['two values', heartRate({ valueString: '72' }), 'bad_element Observation.value'],
  ['a text as value', without(heartRate({ valueString: '72' }), 'valueQuantity'), 'bad_value_type Observation.value'],
  [
    'a number as text',
    heartRate({ valueQuantity: { ...quantity(72, '/min'), value: '72' } }),
    'bad_element Observation.value.value',
  ],
  [
    'a quantity without value',
    heartRate({ valueQuantity: without(quantity(72, '/min'), 'value') }),
    'missing_in_profile Observation.value.value',
  ],
  [
    'a comparator',
    heartRate({ valueQuantity: { ...quantity(72, '/min'), comparator: '>' } }),
    'not_understood Observation.value.comparator',
  ],
  [
    'another system of units',
    heartRate({ valueQuantity: { ...quantity(72, '/min'), system: 'http://acme.example' } }),
    'bad_unit Observation.value.system',
  ],
  [
    'no system of units',
    heartRate({ valueQuantity: without(quantity(72, '/min'), 'system') }),
    'bad_unit Observation.value.system',
  ],
  [
    'a unit without code',
    heartRate({ valueQuantity: without(quantity(72, '/min'), 'code') }),
    'bad_unit Observation.value.code',
  ],
  [
    'mmol/L under a code of mg/dL',
    heartRate({ code: coded('2339-0'), valueQuantity: quantity(5, 'mmol/L') }),
    'bad_unit Observation.value.code',
  ],
  [
    'a panel with a value',
    { ...pressure(), valueQuantity: quantity(120, 'mm[Hg]') },
    'broken_invariant Observation.value',
  ],
  ['a blood pressure of nothing', without(pressure(), 'component'), 'missing_in_profile Observation.component'],
  [
    'a blood pressure without diastolic',
    pressure({ component: [bp('8480-6', { valueQuantity: quantity(120, 'mm[Hg]') })] }),
    'missing_in_profile Observation.component',
  ],
  [
    'a component without value',
    pressure({ component: [bp('8480-6', {})] }),
    'missing_in_profile Observation.component[0]',
  ],
  [
    'a component that is a panel',
    pressure({ component: [bp('85354-9', {})] }),
    'unknown_vital Observation.component[0].code',
  ],
  ['a component that is a text', pressure({ component: ['120/80'] }), 'bad_element Observation.component[0]'],
  ['components that are no list', pressure({ component: {} }), 'bad_element Observation.component'],
  [
    'the systolic pressure twice',
    pressure({
      component: ['8480-6', '8480-6', '8462-4'].map((code) => bp(code, { valueQuantity: quantity(120, 'mm[Hg]') })),
    }),
    'repeated_vital Observation.component[1]',
  ],
  ['a modifier extension', heartRate({ modifierExtension: [] }), 'not_understood Observation.modifierExtension'],
  [
    'a modifier extension of a component',
    pressure({ component: [bp('8480-6', { modifierExtension: [], valueQuantity: quantity(1, 'mm[Hg]') })] }),
    'not_understood Observation.component[0].modifierExtension',
  ],
  [
    'rules that we do not know',
    heartRate({ implicitRules: 'http://acme.example' }),
    'not_understood Observation.implicitRules',
  ],
  [
    'the heart rate of somebody else',
    heartRate({ focus: [{ reference: 'RelatedPerson/1' }] }),
    'not_understood Observation.focus',
  ],
  ['an element that R4 does not have', heartRate({ valueQuantitty: {} }), 'unknown_element Observation'],
])('%s is refused', (_, resource, problem) => {
  expect(problemsOf(resource)).toContain(problem);
  expect(itemsOf(resource)).toEqual([]);
});

test('the message of a wrong check digit names the right one', () => {
  const [problem] = readObservation(heartRate({ code: coded('8867-5') })).problems;
  expect(problem?.diagnostics).toContain('is 4');
});

test('what R4 knows and we do not keep is no error', () => {
  const rest = {
    id: 'x',
    meta: {},
    text: {},
    note: [{ text: 'at rest' }],
    performer: [],
    bodySite: {},
    issued: at,
    _status: {},
  };
  expect(problemsOf(heartRate(rest))).toEqual([]);
});

test('an observation that is wrong in a thousand places is told of twenty', () => {
  const unknown = Array.from({ length: 1_000 }, () => bp('9843-4', {}));
  const panel = pressure();
  const { items, notes } = readObservation({ ...panel, component: [...(panel['component'] as Json[]), ...unknown] });
  expect([items.length, notes.length]).toEqual([2, 20]);
  expect(readObservation(pressure({ component: Array.from({ length: 1_000 }, () => null) })).problems).toHaveLength(20);
});

test('whatever JSON comes is read or refused with a code of the table, and never throws', () => {
  const json = fc.jsonValue() as fc.Arbitrary<unknown>;
  const names = Object.keys(
    pressure({ valueQuantity: 1, effectivePeriod: 1, device: 1, dataAbsentReason: 1, hasMember: 1 }),
  );
  const broken = fc.tuple(fc.constantFrom(heartRate(), pressure()), fc.constantFrom(...names), json);
  fc.assert(
    fc.property(
      fc.oneof(
        json,
        broken.map(([whole, name, value]) => ({ ...whole, [name]: value })),
      ),
      (resource) => {
        const { items, problems, notes } = readObservation(resource);
        for (const { code } of [...problems, ...notes]) expect(fhirIssues).toHaveProperty(code);
        expect(problems.length === 0 ? items.length + notes.length > 0 : items.length === 0).toBe(true);
      },
    ),
    { numRuns: 2_000 },
  );
});
