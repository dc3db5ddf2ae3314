/**
 * Reads an Observation by the rules of the R4 vital-signs profile. Pure: what it finds are items as `POST /v1/vitals`
 * takes them, which are judged there like all others.
 *
 * Source: http://hl7.org/fhir/R4/observation-vitalsigns.html (vs-1 to vs-3, bp profile), Observation obs-6 and obs-7.
 */
import {
  bloodPressurePanel,
  categorySystem,
  dataAbsentReasonSystem,
  testLabel,
  ucumSystem,
} from '@carillon/contracts/fhir';
import type { VitalItem } from '@carillon/contracts/monitoring';
import { isId, parseInstant } from '@carillon/contracts/schema';
import type { NumericVital } from '@carillon/contracts/vital-signs';
import { readMeaning, type Meaning } from './coding.ts';
import {
  createReport,
  idOfReference,
  isRecord,
  readReference,
  refuseModifiers,
  refuseUnknown,
  type Report,
} from './element.ts';
import type { Issue } from './outcome.ts';

/** An item with the FHIRPath of the element that holds its value. */
export type PlacedItem = { item: VitalItem; at: string };
export type ObservationRead = {
  items: PlacedItem[];
  /** Nothing is taken of an Observation with any. */
  problems: Issue[];
  /** To be said when it is taken. */
  notes: Issue[];
};

const names = (text: string): readonly string[] => text.split(' ');
const valueNames = names(
  'valueQuantity valueCodeableConcept valueString valueBoolean valueInteger valueRange valueRatio valueSampledData valueTime valueDateTime valuePeriod',
);
const shared = ['id', 'extension', 'modifierExtension', 'code', ...valueNames];
const componentNames = new Set([...shared, ...names('dataAbsentReason interpretation referenceRange')]);
const observationNames = new Set([
  ...componentNames,
  ...names('resourceType meta implicitRules language text contained identifier basedOn partOf status category subject'),
  ...names('focus encounter effectiveDateTime effectivePeriod effectiveTiming effectiveInstant issued performer note'),
  ...names('bodySite method specimen device hasMember derivedFrom component'),
]);

const takenStatuses = ['final', 'amended', 'corrected', 'preliminary'];
const otherStatuses: Readonly<Record<string, string>> = {
  registered: 'a registered observation has no result yet',
  cancelled: 'a cancelled observation was not made',
  'entered-in-error': 'what was entered in error is no measurement; readings are never deleted by FHIR',
  unknown: 'of an unknown status it is not known whether it is a measurement',
};

function readStatus({ status }: Record<string, unknown>, at: string, report: Report): void {
  const place = `${at}.status`;
  if (status === undefined) report('missing', place);
  else if (typeof status !== 'string') report('bad_element', place, 'Expected a text');
  else if (Object.hasOwn(otherStatuses, status))
    report('status_not_taken', place, `${status}: ${otherStatuses[status]}`);
  else if (!takenStatuses.includes(status)) report('bad_status', place, `Expected one of ${takenStatuses.join(', ')}`);
}

function readCategory({ category }: Record<string, unknown>, at: string, report: Report): void {
  const place = `${at}.category`;
  if (category !== undefined && !Array.isArray(category)) return report('bad_element', place, 'Expected a list');
  const codings = (category ?? []).flatMap((concept: unknown) =>
    isRecord(concept) && Array.isArray(concept['coding']) ? (concept['coding'] as unknown[]) : [],
  );
  const isVital = codings.some(
    (coding) => isRecord(coding) && coding['system'] === categorySystem && coding['code'] === 'vital-signs',
  );
  if (!isVital) report('missing_in_profile', place, `Expected a coding ${categorySystem}|vital-signs`);
}

function readSubject({ subject }: Record<string, unknown>, at: string, report: Report): string | undefined {
  const place = `${at}.subject`;
  if (subject === undefined) return report('missing_in_profile', place);
  const id = readReference(subject, 'Patient', place, report);
  if (id !== undefined && !isId(id)) return report('unknown_patient', place);
  return id;
}

/** A device that is not named as we name them is left out and noted: it is no reason to lose what it measured. */
function readDevice(
  { device }: Record<string, unknown>,
  at: string,
  { report, note }: { report: Report; note: Report },
): string | undefined {
  if (device === undefined) return undefined;
  const place = `${at}.device`;
  if (!isRecord(device)) return report('bad_element', place, 'Expected a Reference');
  const { reference = '' } = device;
  if (typeof reference !== 'string') return report('bad_element', `${place}.reference`, 'Expected a text');
  const id = idOfReference(reference, 'Device');
  if (id !== undefined && isId(id)) return id;
  return note('not_recorded', place, 'Only Device/<id>, with an id of letters, digits, _ and -, is kept');
}

function readInstant(value: unknown, at: string, report: Report): string | undefined {
  if (typeof value !== 'string') return report('bad_element', at, 'Expected a dateTime');
  if (parseInstant(value) === undefined) return report('bad_time', at, 'Expected YYYY-MM-DDThh:mm:ss with a zone');
  return value;
}

/** Of a period its end, when the value was complete; of one that has not ended its start. */
function readPeriod(period: unknown, at: string, report: Report): string | undefined {
  if (!isRecord(period)) return report('bad_element', at, 'Expected a Period');
  const { start, end } = period;
  if (start === undefined && end === undefined) return report('bad_time', at, 'Expected a start or an end');
  const startText = start === undefined ? undefined : readInstant(start, `${at}.start`, report);
  const endText = end === undefined ? undefined : readInstant(end, `${at}.end`, report);
  if (startText !== undefined && endText !== undefined && Date.parse(startText) > Date.parse(endText)) {
    return report('broken_invariant', at, 'per-1: the start is after the end');
  }
  return end === undefined ? startText : endText;
}

function readEffective(observation: Record<string, unknown>, at: string, report: Report): string | undefined {
  const place = `${at}.effective`;
  const given = [...observationNames].filter((name) => name.startsWith('effective') && observation[name] !== undefined);
  if (given.length > 1) return report('bad_element', place, 'More than one effective[x]');
  switch (given[0]) {
    case 'effectiveDateTime':
      return readInstant(observation['effectiveDateTime'], place, report);
    case 'effectivePeriod':
      return readPeriod(observation['effectivePeriod'], place, report);
    case undefined:
      return report('missing_in_profile', place);
    default:
      return report('bad_time', place, 'The profile allows effectiveDateTime and effectivePeriod');
  }
}

type Quantity = { value: number; unit: string };

function readQuantity(quantity: unknown, units: readonly string[] | undefined, at: string, report: Report) {
  if (!isRecord(quantity)) return report('bad_element', at, 'Expected a Quantity');
  const { value, comparator, system, code } = quantity;
  if (comparator !== undefined) {
    return report('not_understood', `${at}.comparator`, 'A bound is no measured value');
  }
  if (value === undefined) return report('missing_in_profile', `${at}.value`);
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return report('bad_element', `${at}.value`, 'Expected a number');
  }
  if (system !== ucumSystem) return report('bad_unit', `${at}.system`, `Expected ${ucumSystem}`);
  if (typeof code !== 'string') return report('bad_unit', `${at}.code`, 'Expected a UCUM code');
  if (units !== undefined && !units.includes(code)) {
    return report('bad_unit', `${at}.code`, `The LOINC code is bound to ${units.join(', ')}`);
  }
  return { value, unit: code } satisfies Quantity;
}

/** What the sensor says of itself. Of the other reasons none tells that a device failed to measure. */
const statusOfReason: ReadonlyMap<unknown, VitalItem['status']> = new Map([
  ['error', 'invalid'],
  ['not-a-number', 'invalid'],
  ['temp-unknown', 'unavailable'],
]);
type Absent = { status: VitalItem['status'] };

function readAbsence(dataAbsentReason: Record<string, unknown>): Absent {
  const { coding } = dataAbsentReason;
  const known = (Array.isArray(coding) ? (coding as unknown[]) : [])
    .filter(isRecord)
    .find(({ system }) => system === dataAbsentReasonSystem);
  return { status: statusOfReason.get(known?.['code']) };
}

function isUnderTest({ meta }: Record<string, unknown>): boolean {
  const labels = isRecord(meta) && Array.isArray(meta['security']) ? (meta['security'] as unknown[]) : [];
  return labels.some(
    (label) => isRecord(label) && label['system'] === testLabel.system && label['code'] === testLabel.code,
  );
}

/** @returns the quantity, that it is absent for a reason, that nothing is said, or undefined for what was reported */
function readValue(element: Record<string, unknown>, units: readonly string[] | undefined, at: string, report: Report) {
  const given = valueNames.filter((name) => element[name] !== undefined);
  const { dataAbsentReason } = element;
  const place = `${at}.value`;
  if (dataAbsentReason !== undefined) {
    if (!isRecord(dataAbsentReason)) {
      return report('bad_element', `${at}.dataAbsentReason`, 'Expected a CodeableConcept');
    }
    if (given.length > 0) return report('broken_invariant', at, 'obs-6: a value and a dataAbsentReason');
    return readAbsence(dataAbsentReason);
  }
  if (given.length > 1) return report('bad_element', place, 'More than one value[x]');
  if (given.length === 0) return 'nothing';
  if (given[0] !== 'valueQuantity') return report('bad_value_type', place);
  return readQuantity(element['valueQuantity'], units, place, report);
}

type Found = { vital: NumericVital; at: string; value: Quantity | Absent };

/** What of an Observation is known to us, and what is noted of the rest. */
type Findings = { found: Found[]; note: Report };

function readComponent(component: unknown, at: string, report: Report, { found, note }: Findings): void {
  if (!isRecord(component)) return report('bad_element', at, 'Expected an element');
  refuseModifiers(component, at, report);
  refuseUnknown(component, componentNames, at, report);
  const meaning = readMeaning(component['code'], `${at}.code`, report);
  if (meaning === undefined) return;
  if (meaning.kind === 'panel') return report('unknown_vital', `${at}.code`, 'A panel is no component of another');
  if (meaning.kind === 'other') {
    // A head circumference must not keep the heart rate beside it from being recorded.
    return note('not_recorded', at, meaning.text);
  }
  const value = readValue(component, meaning.units, at, report);
  if (value === 'nothing') return report('missing_in_profile', at, 'vs-3: expected a value or a dataAbsentReason');
  if (value !== undefined) found.push({ vital: meaning.vital, at, value });
}

function readComponents(list: unknown, at: string, report: Report, findings: Findings): void {
  if (list === undefined) return;
  if (!Array.isArray(list)) return report('bad_element', at, 'Expected a list');
  for (const [index, component] of list.entries()) readComponent(component, `${at}[${index}]`, report, findings);
}

type Observation = Record<string, unknown>;

function readSelf(observation: Observation, meaning: Meaning, at: string, report: Report): Found | undefined {
  if (meaning.kind === 'other') return report(meaning.code, `${at}.code`, meaning.text);
  const value = readValue(observation, meaning.kind === 'vital' ? meaning.units : undefined, at, report);
  if (value === undefined) return undefined;
  if (meaning.kind === 'panel') {
    if (value === 'nothing' || 'status' in value) return undefined;
    return report('broken_invariant', `${at}.value`, 'A panel has no value but its components');
  }
  if (value !== 'nothing') return { vital: meaning.vital, at, value };
  const hasParts = observation['component'] !== undefined || observation['hasMember'] !== undefined;
  return hasParts
    ? undefined
    : report('missing_in_profile', `${at}.value`, 'vs-2: expected a value or a dataAbsentReason');
}

function checkPanel(observation: Record<string, unknown>, panel: string, found: readonly Found[]): string | undefined {
  if (observation['dataAbsentReason'] !== undefined) return undefined;
  if (panel === bloodPressurePanel.code) {
    const missing = (['systolic', 'diastolic'] as const).filter((vital) => !found.some((each) => each.vital === vital));
    return missing.length === 0
      ? undefined
      : `A blood pressure without ${missing.join(' and ')} needs a dataAbsentReason there or of its own`;
  }
  const isEmpty = observation['component'] === undefined && observation['hasMember'] === undefined;
  return isEmpty ? 'vs-2: expected components, members or a dataAbsentReason' : undefined;
}

/** @param at FHIRPath of the resource, for the places of its issues */
export function readObservation(resource: unknown, at = 'Observation'): ObservationRead {
  const problems: Issue[] = [];
  const notes: Issue[] = [];
  const report = createReport(problems);
  const note = createReport(notes);
  if (!isRecord(resource) || resource['resourceType'] !== 'Observation') {
    report('bad_resource', at, 'Expected a resource of type Observation');
    return { items: [], problems, notes };
  }
  refuseModifiers(resource, at, report);
  refuseUnknown(resource, observationNames, at, report);
  if (resource['focus'] !== undefined) report('not_understood', `${at}.focus`, 'It would not be the patient’s own');
  readStatus(resource, at, report);
  readCategory(resource, at, report);
  const patientId = readSubject(resource, at, report);
  const ofDevice: Issue[] = [];
  const deviceId = readDevice(resource, at, { report, note: createReport(ofDevice) });
  const measuredAt = readEffective(resource, at, report);
  const meaning = readMeaning(resource['code'], `${at}.code`, report);
  const found: Found[] = [];
  const self = meaning === undefined ? undefined : readSelf(resource, meaning, at, report);
  if (self !== undefined) found.push(self);
  readComponents(resource['component'], `${at}.component`, report, { found, note });
  if (meaning?.kind === 'panel' && problems.length === 0) {
    const problem = checkPanel(resource, meaning.panel, found);
    if (problem !== undefined) report('missing_in_profile', `${at}.component`, problem);
  }
  if (problems.length + found.length === 0 && notes.length > 0 && resource['dataAbsentReason'] === undefined) {
    report('unknown_vital', `${at}.component`, 'None of the components is a vital sign that we know');
  }
  for (const [index, { vital, at: place }] of found.entries()) {
    // One of the two would be lost: readings are kept by patient, vital sign, time and device.
    if (found.findIndex((each) => each.vital === vital) < index) report('repeated_vital', place, vital);
  }
  if (problems.length > 0 || patientId === undefined || measuredAt === undefined) return { items: [], problems, notes };

  const mode = isUnderTest(resource) ? ({ status: 'test' } as const) : {};
  const items = found.flatMap(({ vital, at: place, value }): PlacedItem[] => {
    const item = { patientId, vital, measuredAt, ...(deviceId === undefined ? {} : { deviceId }) };
    if ('value' in value) return [{ item: { ...item, ...value, ...mode }, at: place }];
    notes.push({ code: 'absent', expression: place, diagnostics: `${vital} is absent; no value is recorded for it` });
    return value.status === undefined ? [] : [{ item: { ...item, status: value.status }, at: place }];
  });
  if (resource['hasMember'] !== undefined) {
    note('not_recorded', `${at}.hasMember`, 'Members are not fetched: send them too');
  } else if (items.length === 0 && notes.length === 0) notes.push({ code: 'absent', expression: at });
  notes.push(...ofDevice);
  const { status } = resource;
  if (items.length > 0 && (status === 'amended' || status === 'corrected')) {
    notes.push({ code: 'first_counts', expression: `${at}.status` });
  }
  return { items, problems, notes };
}
