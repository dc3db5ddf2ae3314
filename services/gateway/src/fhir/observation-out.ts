/**
 * Recorded vital signs as Observations of the R4 vital-signs profile. The pressures of one moment and device are one
 * panel. A suspect value is `preliminary`, which is FHIR's word for "not verified", and says so in a note.
 */
import { createHash } from 'node:crypto';
import type { ResultOf } from '@carillon/contracts/define';
import {
  bloodPressurePanel,
  bloodPressureParts,
  categorySystem,
  companionCodes,
  dataAbsentReasonSystem,
  heartRateLoinc,
  loincCodes,
  loincSystem,
  testLabel,
  ucumSystem,
  vitalSignsProfile,
  vitalSystem,
  type VitalCode,
} from '@carillon/contracts/fhir';
import type { listVitals } from '@carillon/contracts/monitoring';
import { vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';

export type RecordedReading = ResultOf<typeof listVitals>['items'][number];
export type NumericReading = RecordedReading & { vital: NumericVital; value: number };
/** Consciousness has no code in the profile: it is read by `/v1`. */
export const isNumeric = (reading: RecordedReading): reading is NumericReading => reading.vital !== 'consciousness';

const codingOf = ({ system, code, display }: VitalCode) => ({ system, code, display });

function codingsOf(vital: NumericVital) {
  const { unit } = vitalSigns[vital];
  // Of glucose there is one code a unit.
  const own = loincCodes.filter((known) => known.vital === vital && known.units?.includes(unit) !== false);
  if (vital !== 'pulse') return own.map(codingOf);
  const heartRate = loincCodes.filter(({ code }) => code === heartRateLoinc);
  return [...heartRate, ...companionCodes.filter(({ system }) => system === vitalSystem)].map(codingOf);
}
const codingsByVital = new Map(
  (Object.keys(vitalSigns) as NumericVital[]).map((vital) => [vital, codingsOf(vital)] as const),
);

const conceptOf = (vital: NumericVital) => ({ coding: codingsByVital.get(vital) });
const quantityOf = ({ vital, value }: NumericReading) => {
  const { unit } = vitalSigns[vital];
  return { value, unit, system: ucumSystem, code: unit };
};

/** A part of one answer: one reading, or the pressures of one moment and device. */
export type Group = { key: string; readings: readonly NumericReading[]; isPanel: boolean };
export type Owner = { hospital: string; patientId: string };

/** The same for the same readings, as long as they are kept; a UUID because there is no address to read it from. */
function idOf({ hospital, patientId }: Owner, measuredAt: string, key: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([hospital, patientId, measuredAt, key]))
    .digest('hex');
  // RFC 9562, section 5.8: version 8 is for values made in a way of one's own.
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

const suspectNote = { text: 'Suspect: possible, and more often an artefact than true' };

function panelComponents(readings: readonly NumericReading[]): Record<string, unknown>[] {
  return bloodPressureParts.flatMap((vital): Record<string, unknown>[] => {
    const reading = readings.find((each) => each.vital === vital);
    const code = conceptOf(vital);
    if (reading !== undefined) return [{ code, valueQuantity: quantityOf(reading) }];
    if (vital === 'meanPressure') return [];
    return [{ code, dataAbsentReason: { coding: [{ system: dataAbsentReasonSystem, code: 'unknown' }] } }];
  });
}

export function toObservation(owner: Owner, { key, readings, isPanel }: Group): Record<string, unknown> {
  const [first] = readings;
  if (first === undefined) throw new Error('a group without readings');
  const isSuspect = readings.some(({ quality }) => quality === 'suspect');
  const panelCode = { coding: [{ system: loincSystem, ...bloodPressurePanel }] };
  return {
    resourceType: 'Observation',
    id: idOf(owner, first.measuredAt, key),
    meta: {
      profile: [vitalSignsProfile],
      ...(readings.some(({ mode }) => mode !== undefined) ? { security: [testLabel] } : {}),
    },
    status: isSuspect ? 'preliminary' : 'final',
    category: [{ coding: [{ system: categorySystem, code: 'vital-signs', display: 'Vital Signs' }] }],
    code: isPanel ? panelCode : conceptOf(first.vital),
    subject: { reference: `Patient/${owner.patientId}` },
    effectiveDateTime: first.measuredAt,
    issued: readings.map(({ receivedAt }) => receivedAt).reduce((a, b) => (a > b ? a : b)),
    ...(isPanel ? {} : { valueQuantity: quantityOf(first) }),
    ...(isSuspect ? { note: [suspectNote] } : {}),
    ...(first.deviceId === null ? {} : { device: { reference: `Device/${first.deviceId}` } }),
    ...(isPanel ? { component: panelComponents(readings) } : {}),
  };
}

export type Wanted = { isPanelWanted: boolean; vitals: ReadonlySet<NumericVital> };
const panelKey = 'blood-pressure';
const isPart = (vital: NumericVital): boolean => (bloodPressureParts as readonly string[]).includes(vital);

/** Readings of one moment as groups, in an order that is the same on every page. */
export function groupMoment(readings: readonly NumericReading[], { isPanelWanted, vitals }: Wanted): Group[] {
  const singles = readings
    .filter(({ vital }) => vitals.has(vital))
    .map((reading): Group => ({
      key: `${reading.vital} ${reading.deviceId ?? ''}`,
      readings: [reading],
      isPanel: false,
    }));
  const byDevice = new Map<string, NumericReading[]>();
  for (const reading of readings) {
    if (!isPanelWanted || !isPart(reading.vital)) continue;
    const device = reading.deviceId ?? '';
    byDevice.set(device, [...(byDevice.get(device) ?? []), reading]);
  }
  const panels = [...byDevice].map(([device, parts]): Group => ({
    key: `${panelKey} ${device}`,
    readings: parts,
    isPanel: true,
  }));
  return [...singles, ...panels].sort((a, b) => (a.key < b.key ? -1 : 1));
}
