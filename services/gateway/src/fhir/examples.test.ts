/** Observations in the shape of the examples that HL7 publishes with R4; made up. */
import { expect, test } from '@jest/globals';
import { absent, coded, quantity, type Json } from '../../test/observations.ts';
import { readObservation } from './observation-in.ts';

const example = (id: string, more: Json): Json => ({
  resourceType: 'Observation',
  id,
  meta: { profile: ['http://hl7.org/fhir/StructureDefinition/vitalsigns'] },
  text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>Made up</p></div>' },
  identifier: [{ system: 'urn:ietf:rfc:3986', value: 'urn:uuid:2c9e1c46-3f0a-4f5e-9d55-7a1f0e1b2c3d' }],
  status: 'final',
  category: [
    {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/observation-category',
          code: 'vital-signs',
          display: 'Vital Signs',
        },
      ],
      text: 'Vital Signs',
    },
  ],
  subject: { reference: 'Patient/example', display: 'A patient' },
  performer: [{ reference: 'Practitioner/example' }],
  effectiveDateTime: '2026-11-21T09:30:10+01:00',
  ...more,
});
const also = (code: Json, ...more: Json[]): Json => ({ ...code, coding: [...(code['coding'] as Json[]), ...more] });
const snomed = (code: string): Json => ({ system: 'http://snomed.info/sct', code });
const systolic = (more: Json): Json => ({
  code: also(coded('8480-6'), snomed('271649006'), { system: 'http://acme.example/devices', code: 'bp-s' }),
  ...more,
});
const diastolic = (more: Json): Json => ({ code: coded('8462-4'), ...more });
const interpretation = [
  {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'L' }],
    text: 'low',
  },
];

const examples: [string, Json, string[]][] = [
  [
    'heart-rate',
    {
      code: { ...coded('8867-4', 'Heart rate'), text: 'Heart rate' },
      valueQuantity: { ...quantity(44, '/min'), unit: 'beats/minute' },
    },
    ['heartRate 44'],
  ],
  [
    'satO2',
    {
      code: also(
        coded('2708-6'),
        { system: 'http://loinc.org', code: '59408-5' },
        { system: 'urn:iso:std:iso:11073:10101', code: '150456', display: 'MDC_PULS_OXIM_SAT_O2' },
      ),
      valueQuantity: quantity(95, '%'),
      interpretation,
      device: { reference: 'DeviceMetric/example' },
      referenceRange: [{ low: quantity(90, '%'), high: quantity(99, '%') }],
    },
    ['spo2 95'],
  ],
  [
    'blood-pressure',
    {
      code: { ...coded('85354-9'), text: 'Blood pressure systolic & diastolic' },
      bodySite: { coding: [snomed('368209003')] },
      interpretation,
      component: [
        systolic({ valueQuantity: quantity(107, 'mm[Hg]'), interpretation }),
        diastolic({ valueQuantity: quantity(60, 'mm[Hg]'), interpretation }),
      ],
    },
    ['systolic 107', 'diastolic 60'],
  ],
  [
    'blood-pressure-dar',
    {
      code: coded('85354-9'),
      component: [systolic({ valueQuantity: quantity(107, 'mm[Hg]') }), diastolic({ dataAbsentReason: absent() })],
    },
    ['systolic 107'],
  ],
  ['vitals-panel', { code: coded('85353-1'), hasMember: [{ reference: 'Observation/heart-rate' }] }, []],
  ['body-temperature', { code: coded('8310-5'), valueQuantity: quantity(36.5, 'Cel') }, ['temperature 36.5']],
  ['body-height', { code: coded('8302-2'), valueQuantity: quantity(66.9, '[in_i]') }, ['height 66.9']],
  [
    'bmi',
    {
      code: coded('39156-5'),
      valueQuantity: quantity(16.2, 'kg/m2'),
      derivedFrom: [{ reference: 'Observation/body-height' }],
    },
    ['bodyMassIndex 16.2'],
  ],
  [
    'body-weight',
    {
      code: also(coded('29463-7'), { system: 'http://loinc.org', code: '3141-9' }, snomed('27113001')),
      valueQuantity: { ...quantity(185, '[lb_av]'), unit: 'lbs' },
    },
    ['weight 185'],
  ],
  [
    'glasgow',
    {
      code: coded('9269-2'),
      valueQuantity: quantity(13, '{score}'),
      component: [{ code: coded('9268-4'), valueCodeableConcept: { text: 'Localizing pain' } }],
    },
    ['glasgowComaScale 13'],
  ],
];

test.each(examples)('an example like %s is taken', (id, more, expected) => {
  const { items, problems } = readObservation(example(id, more));
  expect(problems).toEqual([]);
  expect(items.map(({ item: { vital, value } }) => `${vital} ${value}`)).toEqual(expected);
});
