/** What is said of the measuring, and not of the patient: sensors that are off, devices that are silent. Pure. */
import { vitalSign } from './vital-signs.ts';

const DEVICE_SILENT = 'device-silent';
const DEVICE_BATTERY = 'device-battery';
/** A combination of vital signs may be named so as well: `multi-absent`. */
const absentVital = (kind: string): string | undefined => {
  const vital = /^([A-Za-z0-9]+)-absent$/.exec(kind)?.[1];
  return vital === 'multi' || vital === 'trend' ? undefined : vital;
};

export const isTechnical = (kind: string): boolean =>
  kind === DEVICE_SILENT || kind === DEVICE_BATTERY || absentVital(kind) !== undefined;

/** "SpO₂ not measured"; undefined for what is not technical. */
export const nameTechnical = (kind: string): string | undefined => {
  if (kind === DEVICE_SILENT) return 'Device silent';
  if (kind === DEVICE_BATTERY) return 'Device battery low';
  const vital = absentVital(kind);
  return vital === undefined ? undefined : `${vitalSign(vital).label} not measured`;
};

/** What the band of a tile says; undefined while all that is expected comes. */
export const signalBand = (kinds: readonly string[]): { title: string; vitals: string } | undefined => {
  const vitals = kinds
    .map(absentVital)
    .filter((vital) => vital !== undefined)
    .map((vital) => vitalSign(vital).label)
    .join(', ');
  if (kinds.includes(DEVICE_SILENT)) return { title: 'Device silent', vitals };
  return vitals === '' ? undefined : { title: 'Sensor off', vitals };
};
