/** How vital signs are named and written on the screen. */
import type { Alert, Reading } from './shapes.ts';

type VitalSign = { label: string; name: string; unit: string; decimals: number };

/** Labels are what stands on a bedside monitor; names are read aloud and used where there is room. */
const VITAL_SIGNS: Record<string, VitalSign> = {
  heartRate: { label: 'HR', name: 'Heart rate', unit: '/min', decimals: 0 },
  pulse: { label: 'Pulse', name: 'Pulse', unit: '/min', decimals: 0 },
  spo2: { label: 'SpO₂', name: 'Oxygen saturation', unit: '%', decimals: 0 },
  respirationRate: { label: 'Resp', name: 'Respiration rate', unit: '/min', decimals: 0 },
  systolic: { label: 'Sys', name: 'Systolic pressure', unit: 'mmHg', decimals: 0 },
  diastolic: { label: 'Dia', name: 'Diastolic pressure', unit: 'mmHg', decimals: 0 },
  meanPressure: { label: 'Mean', name: 'Mean pressure', unit: 'mmHg', decimals: 0 },
  temperature: { label: 'Temp', name: 'Temperature', unit: '°C', decimals: 1 },
  glucose: { label: 'Glucose', name: 'Glucose', unit: 'mmol/L', decimals: 1 },
  height: { label: 'Height', name: 'Height', unit: 'cm', decimals: 0 },
  weight: { label: 'Weight', name: 'Weight', unit: 'kg', decimals: 1 },
  bodyMassIndex: { label: 'BMI', name: 'Body mass index', unit: 'kg/m²', decimals: 1 },
  oxygenFlow: { label: 'O₂ flow', name: 'Oxygen flow', unit: 'L/min', decimals: 1 },
  oxygenConcentration: { label: 'FiO₂', name: 'Oxygen concentration', unit: '%', decimals: 0 },
  glasgowComaScale: { label: 'GCS', name: 'Glasgow coma scale', unit: '', decimals: 0 },
  consciousness: { label: 'ACVPU', name: 'Consciousness', unit: '', decimals: 0 },
  onOxygen: { label: 'O₂', name: 'Air or oxygen', unit: '', decimals: 0 },
};

export const vitalSign = (vital: string): VitalSign =>
  VITAL_SIGNS[vital] ?? { label: vital, name: vital, unit: '', decimals: 0 };

export const NO_VALUE = '–';

export const writeValue = (reading: Reading | undefined): string => {
  if (!reading) return NO_VALUE;
  if (typeof reading.value === 'string') return reading.value;
  return reading.value.toFixed(vitalSign(reading.vital).decimals);
};

/** The value as a person says it: "Heart rate 82 /min, suspect". */
export const sayValue = (vital: string, reading: Reading | undefined): string => {
  const { name, unit } = vitalSign(vital);
  if (!reading) return `${name}: no value`;
  return `${name} ${writeValue(reading)} ${unit}${reading.quality === 'suspect' ? ', suspect' : ''}`.trim();
};

/**
 * Which vital sign an alert is about, as far as its kind tells ("spo2:below"); its number is then marked on the tile.
 * Undefined for an SOS, a score or anything else.
 */
export const vitalOfAlert = (alert: Pick<Alert, 'kind'>): string | undefined => {
  const kind = alert.kind.toLowerCase();
  return Object.keys(VITAL_SIGNS).find((vital) => kind.includes(vital.toLowerCase()));
};
