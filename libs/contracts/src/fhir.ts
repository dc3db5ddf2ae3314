/**
 * FHIR R4 at the edge: the code tables, the issues that an OperationOutcome can name, and the routes.
 *
 * Sources: FHIR R4 (4.0.1) vital-signs profile, http, OperationOutcome and search pages; LOINC Users' Guide, section 12 C.
 */
import { defineRoute } from './define.ts';
import { Type, type TSchema } from './schema.ts';
import type { NumericVital } from './vital-signs.ts';

export const fhirVersion = '4.0.1';
export const fhirBase = '/fhir/R4';
export const fhirMediaType = 'application/fhir+json';

export const loincSystem = 'http://loinc.org';
export const ucumSystem = 'http://unitsofmeasure.org';
/** ISO/IEEE 11073-10101, the nomenclature of medical devices. */
export const mdcSystem = 'urn:iso:std:iso:11073:10101';
export const categorySystem = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const dataAbsentReasonSystem = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
/** In `meta.security`: of a device under test (HL7 v3 ActReason). */
export const testLabel = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  code: 'HTEST',
  display: 'test health data',
} as const;
export const vitalSignsProfile = 'http://hl7.org/fhir/StructureDefinition/vitalsigns';
/** Our own names of vital signs: LOINC has 8867-4 for the heart rate and the pulse alike. */
export const vitalSystem = 'urn:carillon:vital-sign';
/** Our own codes of issues: the keys of `fhirIssues`. */
export const issueSystem = 'urn:carillon:issue';

const loincShape = /^\d{1,7}-\d$/;

/** The Mod 10 check digit of the number before the hyphen. */
export function loincCheckDigit(number: string): number {
  let sum = 0;
  for (let place = 1; place <= number.length; place++) {
    const doubled = Number(number.at(-place)) * (place % 2 === 1 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return (10 - (sum % 10)) % 10;
}

/** @returns what is wrong with a LOINC code, or undefined where its check digit is right. */
export function loincProblem(code: string): string | undefined {
  if (!loincShape.test(code)) return 'Not a LOINC code: expected digits, a hyphen and a check digit';
  const [number = '', given] = code.split('-');
  const right = loincCheckDigit(number);
  return String(right) === given ? undefined : `The check digit of ${number} is ${right}, not ${given}`;
}

export type VitalCode = {
  system: string;
  code: string;
  display: string;
  vital: NumericVital;
  /** UCUM codes that this code allows, where it is bound to some of those of the vital sign. */
  units?: readonly string[];
};

const loinc = (code: string, vital: NumericVital, display: string, units?: readonly string[]): VitalCode => ({
  system: loincSystem,
  code,
  vital,
  display,
  ...(units === undefined ? {} : { units }),
});
const mdc = (code: string, vital: NumericVital, display: string): VitalCode => ({
  system: mdcSystem,
  code,
  vital,
  display,
});

/** The LOINC codes that are taken. The first of a vital sign goes out first. */
export const loincCodes: readonly VitalCode[] = [
  loinc('8867-4', 'heartRate', 'Heart rate'),
  loinc('9279-1', 'respirationRate', 'Respiratory rate'),
  loinc('2708-6', 'spo2', 'Oxygen saturation in Arterial blood'),
  loinc('59408-5', 'spo2', 'Oxygen saturation in Arterial blood by Pulse oximetry'),
  loinc('8310-5', 'temperature', 'Body temperature'),
  loinc('8480-6', 'systolic', 'Systolic blood pressure'),
  loinc('8462-4', 'diastolic', 'Diastolic blood pressure'),
  loinc('8478-0', 'meanPressure', 'Mean blood pressure'),
  loinc('8302-2', 'height', 'Body height'),
  loinc('29463-7', 'weight', 'Body weight'),
  loinc('39156-5', 'bodyMassIndex', 'Body mass index (BMI) [Ratio]'),
  loinc('15074-8', 'glucose', 'Glucose [Moles/volume] in Blood', ['mmol/L']),
  loinc('2339-0', 'glucose', 'Glucose [Mass/volume] in Blood', ['mg/dL']),
  loinc('3151-8', 'oxygenFlow', 'Inhaled oxygen flow rate'),
  loinc('3150-0', 'oxygenConcentration', 'Inhaled oxygen concentration'),
  loinc('9269-2', 'glasgowComaScale', 'Glasgow coma score total'),
];

/** The code that FHIR wants for the heart rate, and that a pulse carries too, next to one that tells them apart. */
export const heartRateLoinc = '8867-4';

/** Codes that may stand next to a LOINC code, and must then mean the same. */
export const companionCodes: readonly VitalCode[] = [
  { system: vitalSystem, code: 'pulse', display: 'Pulse', vital: 'pulse' },
  mdc('147842', 'heartRate', 'MDC_ECG_HEART_RATE'),
  mdc('149530', 'pulse', 'MDC_PULS_OXIM_PULS_RATE'),
  mdc('149546', 'pulse', 'MDC_PULS_RATE_NON_INV'),
  mdc('151562', 'respirationRate', 'MDC_RESP_RATE'),
  mdc('150456', 'spo2', 'MDC_PULS_OXIM_SAT_O2'),
  mdc('150364', 'temperature', 'MDC_TEMP_BODY'),
  mdc('150021', 'systolic', 'MDC_PRESS_BLD_NONINV_SYS'),
  mdc('150022', 'diastolic', 'MDC_PRESS_BLD_NONINV_DIA'),
  mdc('150023', 'meanPressure', 'MDC_PRESS_BLD_NONINV_MEAN'),
];

export const bloodPressurePanel = { code: '85354-9', display: 'Blood pressure panel with all children optional' };
/** Taken, and never given out: its components are searched by themselves. */
export const vitalSignsPanel = {
  code: '85353-1',
  display: 'Vital signs, weight, height, head circumference, oxygen saturation and BMI panel',
};
export const panelCodes: readonly string[] = [bloodPressurePanel.code, vitalSignsPanel.code];
/** The parts of a blood pressure panel; the profile wants the first two. */
export const bloodPressureParts = ['systolic', 'diastolic', 'meanPressure'] as const satisfies NumericVital[];

/** `http://hl7.org/fhir/issue-type` */
type IssueType =
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'login'
  | 'forbidden'
  | 'not-supported'
  | 'not-found'
  | 'too-long'
  | 'code-invalid'
  | 'extension'
  | 'business-rule'
  | 'conflict'
  | 'transient'
  | 'throttled'
  | 'exception'
  | 'informational';
export type FhirIssueDefinition = { status: number; type: IssueType; description: string };

/**
 * What an OperationOutcome can say. 400: no valid R4 resource or request. 422: valid, but against the vital-signs
 * profile or our rules. 201: said with what was taken.
 */
export const fhirIssues = {
  bad_json: { status: 400, type: 'structure', description: 'The body is not JSON' },
  bad_resource: { status: 400, type: 'structure', description: 'Not the resource that belongs here' },
  unknown_element: { status: 400, type: 'structure', description: 'R4 has no such element here' },
  bad_element: { status: 400, type: 'structure', description: 'The element is not of its type' },
  missing: { status: 400, type: 'required', description: 'R4 requires the element' },
  bad_status: { status: 400, type: 'code-invalid', description: 'Not an ObservationStatus' },
  broken_invariant: { status: 400, type: 'invariant', description: 'An invariant of R4 is broken' },
  missing_in_profile: { status: 422, type: 'required', description: 'The vital-signs profile requires the element' },
  status_not_taken: {
    status: 422,
    type: 'business-rule',
    description: 'Only final, amended, corrected and preliminary observations are measurements to record',
  },
  not_understood: {
    status: 422,
    type: 'extension',
    description: 'The element changes the meaning of the others and is not understood here',
  },
  no_loinc: { status: 422, type: 'code-invalid', description: 'The code has no LOINC coding' },
  bad_loinc: { status: 422, type: 'code-invalid', description: 'A LOINC code that cannot be' },
  unknown_vital: { status: 422, type: 'not-supported', description: 'Not a vital sign that we know' },
  conflicting_codes: { status: 422, type: 'code-invalid', description: 'The codings mean different vital signs' },
  repeated_vital: { status: 422, type: 'business-rule', description: 'A vital sign twice in one observation' },
  bad_reference: { status: 422, type: 'value', description: 'Not a reference that can be followed here' },
  unknown_patient: {
    status: 422,
    type: 'not-found',
    description: 'No such patient, or not one you may post for',
  },
  bad_time: { status: 422, type: 'value', description: 'Not a time of day with a zone' },
  bad_value_type: { status: 422, type: 'not-supported', description: 'Only valueQuantity is taken' },
  bad_unit: { status: 422, type: 'code-invalid', description: 'Not a UCUM unit of the vital sign' },
  impossible_value: {
    status: 422,
    type: 'value',
    description: 'No working sensor on a living patient gives this value',
  },
  bad_bundle: { status: 422, type: 'not-supported', description: 'Only batch and transaction bundles are taken' },
  conditional: { status: 422, type: 'not-supported', description: 'Conditional creates are not supported' },
  unknown_interaction: { status: 404, type: 'not-supported', description: 'Nothing of this kind is served' },
  bad_method: { status: 405, type: 'not-supported', description: 'Not a method of this place' },
  not_acceptable: { status: 406, type: 'not-supported', description: 'Answers are FHIR R4 in JSON' },
  bad_media_type: { status: 415, type: 'not-supported', description: 'Bodies are FHIR R4 in JSON' },
  too_large: { status: 413, type: 'too-long', description: 'Too large' },
  bad_parameter: { status: 400, type: 'value', description: 'A search parameter that cannot be understood' },
  unknown_parameter: { status: 400, type: 'not-supported', description: 'Not a search parameter of this place' },
  bad_input: { status: 400, type: 'value', description: 'The input is not valid' },
  unauthorised: { status: 401, type: 'login', description: 'A valid token is needed' },
  forbidden: { status: 403, type: 'forbidden', description: 'Not allowed' },
  mfa_required: { status: 403, type: 'login', description: 'A fresh second factor is needed' },
  not_found: { status: 404, type: 'not-found', description: 'Not found' },
  conflict: { status: 409, type: 'conflict', description: 'The state has moved on' },
  rate_limited: { status: 429, type: 'throttled', description: 'Too many calls' },
  internal: { status: 500, type: 'exception', description: 'An unexpected error; it is on record' },
  unavailable: { status: 503, type: 'transient', description: 'Not available now: send the same again' },
  taken: { status: 201, type: 'informational', description: 'A reading was taken and is stored' },
  absent: { status: 201, type: 'informational', description: 'Absence was noted; nothing is recorded for it' },
  not_recorded: {
    status: 201,
    type: 'not-supported',
    description: 'Left out: a component of no vital sign known here, a member, or a device that is no Device/<id>',
  },
  suspect: { status: 201, type: 'informational', description: 'Taken, marked as suspect: it raises no alarm' },
  first_counts: {
    status: 201,
    type: 'business-rule',
    description: 'A correction does not replace a reading of the same patient, vital sign, time and device',
  },
} as const satisfies Record<string, FhirIssueDefinition>;
export type FhirIssueCode = keyof typeof fhirIssues;

/** Entries of a batch or transaction. */
export const maxBundleEntries = 1000;
export const maxSearchCount = 500;
export const defaultSearchCount = 100;

/** What a search takes, as the CapabilityStatement declares it. */
export const fhirSearchParameters = {
  patient: { type: 'reference', description: '`<id>` or `Patient/<id>`; exactly one patient must be named' },
  subject: { type: 'reference', description: 'The same as patient' },
  category: { type: 'token', description: '`vital-signs`, with its system or without; all that is here is of it' },
  code: { type: 'token', description: '`<code>` or `http://loinc.org|<code>`; a comma means or' },
  date: { type: 'date', description: 'Prefixes eq, ge, gt, le, lt; at most two; days without a zone are of UTC' },
  _count: { type: 'number', description: `Observations on a page: ${defaultSearchCount}, at most ${maxSearchCount}` },
  cursor: { type: 'special', description: 'Only as it stands in a `next` link' },
} as const;
export type FhirSearchParameter = keyof typeof fhirSearchParameters;

const Resource = (resourceType: string, ...examples: object[]): TSchema =>
  Type.Object(
    { resourceType: Type.Literal(resourceType) },
    { description: `FHIR R4 ${resourceType}`, ...(examples.length === 0 ? {} : { examples }) },
  );
const exampleObservation = {
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: categorySystem, code: 'vital-signs' }] }],
  code: { coding: [{ system: loincSystem, code: heartRateLoinc, display: 'Heart rate' }] },
  subject: { reference: 'Patient/patient-1' },
  effectiveDateTime: '2026-11-21T08:00:00+01:00',
  valueQuantity: { value: 72, unit: 'beats/minute', system: ucumSystem, code: '/min' },
  device: { reference: 'Device/device-1' },
};
const exampleBundle = {
  resourceType: 'Bundle',
  type: 'batch',
  entry: [{ resource: exampleObservation, request: { method: 'POST', url: 'Observation' } }],
};
const answer = (description: string, resourceType: string) => ({
  description,
  schema: Resource(resourceType),
  contentType: fhirMediaType,
});
const refused = (description: string) => answer(description, 'OperationOutcome');
const failures = {
  400: refused('No valid request'),
  401: refused('A valid token is needed'),
  403: refused('Not allowed'),
  406: refused('Another format is wanted'),
  429: refused('Too many calls'),
  500: refused('An unexpected error; it is on record'),
  503: refused('Not available now: send the same again'),
};
const takingFailures = {
  ...failures,
  413: refused('Too large'),
  415: refused('Not FHIR R4 in JSON'),
  422: refused('Against the vital-signs profile or our rules; nothing was taken'),
};
const contentTypes = [fhirMediaType, 'application/json'];

export const fhirMetadataRoute = defineRoute({
  name: 'fhir:metadata',
  method: 'GET',
  path: `${fhirBase}/metadata`,
  description: 'The CapabilityStatement: what of FHIR R4 is served here.',
  access: 'none',
  answers: { 200: answer('The statement', 'CapabilityStatement'), 406: failures[406] },
});
export const fhirCreateRoute = defineRoute({
  name: 'fhir:create',
  method: 'POST',
  path: `${fhirBase}/Observation`,
  description:
    'Takes one Observation of the R4 vital-signs profile, whole or not at all, with the rights and limits of ' +
    '`vitals:record`. Its readings are kept, not the resource: there is no read, and no `Location`.',
  access: 'bearer',
  body: { schema: Resource('Observation', exampleObservation), contentTypes },
  answers: { 201: answer('Taken; the outcome says what', 'OperationOutcome'), ...takingFailures },
});
export const fhirBundleRoute = defineRoute({
  name: 'fhir:bundle',
  method: 'POST',
  path: fhirBase,
  description:
    `Takes a batch or transaction of 1 to ${maxBundleEntries.toLocaleString('en')} Observations, as one call. Of a batch ` +
    'good entries are taken beside bad ones; a transaction with a bad entry is refused whole, and the outcome names each.',
  access: 'bearer',
  body: { schema: Resource('Bundle', exampleBundle), contentTypes },
  answers: { 200: answer('One entry for each entry, in order', 'Bundle'), ...takingFailures },
});
export const fhirSearchRoute = defineRoute({
  name: 'fhir:search',
  method: 'GET',
  path: `${fhirBase}/Observation`,
  description:
    'Recorded vital signs of a patient, oldest first, with the rights of `vitals:list`. An unknown parameter is refused, ' +
    'or with `Prefer: handling=lenient` ignored and named.',
  access: 'bearer',
  query: Type.Object(
    Object.fromEntries(
      Object.entries(fhirSearchParameters).map(([name, { description }]) => [
        name,
        Type.Optional(
          name === 'date'
            ? Type.Union([Type.String(), Type.Array(Type.String())], { description })
            : Type.String({ description }),
        ),
      ]),
    ),
  ),
  answers: { 200: answer('A searchset', 'Bundle'), ...failures },
});
