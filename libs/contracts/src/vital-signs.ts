/**
 * Vital signs as data: codes, units, and the two ranges that judge a value.
 *
 * - Outside `possible` no living patient and no working sensor can be: the value is refused (`impossible_value`).
 * - Outside `plausible` it may be true but is more often an artefact: kept, marked `suspect`, and raises no alarm.
 *
 * Codes: FHIR R4 vital-signs profile (LOINC), UCUM. The ranges are defaults of this product, to be signed off by
 * the clinical safety officer of the hospital that uses it; NEWS2 bands lie well within every plausible range.
 */

export const vitalNames = [
  'heartRate',
  'pulse',
  'respirationRate',
  'spo2',
  'temperature',
  'systolic',
  'diastolic',
  'meanPressure',
  'glucose',
  'height',
  'weight',
  'bodyMassIndex',
  'oxygenFlow',
  'oxygenConcentration',
  'glasgowComaScale',
  'consciousness',
] as const;
export type VitalName = (typeof vitalNames)[number];
export type NumericVital = Exclude<VitalName, 'consciousness'>;
export const numericVitals: readonly NumericVital[] = vitalNames.filter((name) => name !== 'consciousness');

/** ACVPU: alert, new confusion, responds to voice, to pain, unresponsive (RCP 2017). */
export const consciousnessLevels = ['A', 'C', 'V', 'P', 'U'] as const;
export type Consciousness = (typeof consciousnessLevels)[number];

type Range = readonly [low: number, high: number];
/** canonical = value · factor + offset */
type Conversion = { unit: string; factor: number; offset?: number };

export type VitalDefinition = {
  loinc: string;
  /** UCUM code of the canonical unit. */
  unit: string;
  convertible: readonly Conversion[];
  possible: Range;
  plausible: Range;
};

const mmHg = [{ unit: 'kPa', factor: 7.50062 }] as const;

export const vitalSigns: Readonly<Record<NumericVital, VitalDefinition>> = {
  heartRate: { loinc: '8867-4', unit: '/min', convertible: [], possible: [0, 400], plausible: [20, 300] },
  pulse: { loinc: '8867-4', unit: '/min', convertible: [], possible: [0, 400], plausible: [20, 300] },
  respirationRate: { loinc: '9279-1', unit: '/min', convertible: [], possible: [0, 150], plausible: [2, 80] },
  spo2: { loinc: '2708-6', unit: '%', convertible: [], possible: [0, 100], plausible: [40, 100] },
  temperature: {
    loinc: '8310-5',
    unit: 'Cel',
    convertible: [
      { unit: '[degF]', factor: 5 / 9, offset: -160 / 9 },
      { unit: 'K', factor: 1, offset: -273.15 },
    ],
    possible: [10, 50],
    plausible: [25, 44],
  },
  systolic: { loinc: '8480-6', unit: 'mm[Hg]', convertible: mmHg, possible: [0, 400], plausible: [40, 300] },
  diastolic: { loinc: '8462-4', unit: 'mm[Hg]', convertible: mmHg, possible: [0, 300], plausible: [15, 200] },
  meanPressure: { loinc: '8478-0', unit: 'mm[Hg]', convertible: mmHg, possible: [0, 350], plausible: [20, 250] },
  glucose: {
    loinc: '15074-8',
    unit: 'mmol/L',
    // 18.0156 mg/dL a mmol/L: the molar mass of glucose, 180.156 g/mol.
    convertible: [{ unit: 'mg/dL', factor: 1 / 18.0156 }],
    possible: [0, 150],
    plausible: [0.6, 70],
  },
  height: {
    loinc: '8302-2',
    unit: 'cm',
    convertible: [
      { unit: 'm', factor: 100 },
      { unit: 'mm', factor: 0.1 },
      { unit: '[in_i]', factor: 2.54 },
      { unit: '[ft_i]', factor: 30.48 },
    ],
    possible: [10, 300],
    plausible: [25, 250],
  },
  weight: {
    loinc: '29463-7',
    unit: 'kg',
    convertible: [
      { unit: 'g', factor: 0.001 },
      { unit: '[lb_av]', factor: 0.45359237 },
      { unit: '[oz_av]', factor: 0.028349523125 },
    ],
    possible: [0.1, 700],
    plausible: [0.3, 400],
  },
  bodyMassIndex: { loinc: '39156-5', unit: 'kg/m2', convertible: [], possible: [3, 300], plausible: [8, 120] },
  oxygenFlow: {
    loinc: '3151-8',
    unit: 'L/min',
    convertible: [
      { unit: 'l/min', factor: 1 },
      { unit: 'mL/min', factor: 0.001 },
    ],
    possible: [0, 100],
    plausible: [0, 70],
  },
  // Less than the 21 % of air is given on purpose to some newborns.
  oxygenConcentration: { loinc: '3150-0', unit: '%', convertible: [], possible: [0, 100], plausible: [14, 100] },
  // The sum of three scores of at least 1; nothing between 3 and 15 is an artefact.
  glasgowComaScale: { loinc: '9269-2', unit: '{score}', convertible: [], possible: [3, 15], plausible: [3, 15] },
};

export const isVitalName = (text: string): text is VitalName => (vitalNames as readonly string[]).includes(text);

/** Rounds away what a conversion adds, so that 98.6 [degF] is 37 Cel and not 36.99999999999999. */
const round = (value: number): number => Number(value.toFixed(4));

/** In UCUM an annotation in braces means nothing: `{beats}/min` is `/min`, as `1/min` is, and `{score}` the unity 1. */
const withoutAnnotations = (unit: string): string => unit.replaceAll(/\{[^{}]*\}/g, '').replace(/^1(?=\/)/, '') || '1';

/** @returns the value in the canonical unit, or undefined where the unit does not belong to the vital sign. */
export function toCanonical(vital: NumericVital, value: number, unit: string | undefined): number | undefined {
  const definition = vitalSigns[vital];
  if (unit === undefined || unit === definition.unit) return value;
  if (unit === '') return undefined;
  const plain = withoutAnnotations(unit);
  if (plain === withoutAnnotations(definition.unit)) return value;
  const conversion = definition.convertible.find((candidate) => candidate.unit === plain);
  return conversion === undefined ? undefined : round(value * conversion.factor + (conversion.offset ?? 0));
}

const within = (value: number, [low, high]: Range): boolean => value >= low && value <= high;
export const isPossible = (vital: NumericVital, value: number): boolean => within(value, vitalSigns[vital].possible);
export const isPlausible = (vital: NumericVital, value: number): boolean => within(value, vitalSigns[vital].plausible);
