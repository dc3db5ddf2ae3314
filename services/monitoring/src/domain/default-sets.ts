/**
 * The default sets that come with the product, for patients who have no limits of their own.
 *
 * Clinical defaults, to be signed before use: by the clinical safety officer with the consultant of the ward (adults),
 * by the consultant paediatrician (children). The adult set suits one whose usual values are unknown; a patient with
 * chronic hypoxaemia, for one, needs limits of his own. The 15 s of persistence leave out movement artefacts, which
 * make up most of the alarms of bedside monitors.
 */
import type { Limit } from './limit.ts';
import type { Rules } from './rules.ts';

export type NurseRange = Readonly<Record<string, { low: number; high: number }>>;

/** `version` 0: as it comes with the product. */
export type DefaultSet = Rules & {
  setId: string;
  label: string;
  wardId: string | null;
  fromAgeDays: number;
  toAgeDays: number | null;
  nurseRange: NurseRange;
  source: string;
  version: number;
  signedOffBy: string | null;
};

const yearDays = 365.25;
export const adultFromDays = Math.ceil(16 * yearDays);

/** Thresholds in canonical units (% and /min). */
const adultLimits: readonly Limit[] = [
  { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, priority: 'high' },
  { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 15, priority: 'high' },
  { vital: 'heartRate', below: 40, clearAt: 45, persistSeconds: 15, priority: 'high' },
  { vital: 'respirationRate', above: 30, clearAt: 28, persistSeconds: 15, priority: 'medium' },
  { vital: 'respirationRate', below: 8, clearAt: 10, persistSeconds: 15, priority: 'medium' },
];

const builtIn = (set: Omit<DefaultSet, 'wardId' | 'version' | 'signedOffBy'>): DefaultSet => ({
  ...set,
  wardId: null,
  version: 0,
  signedOffBy: null,
});

const adult = builtIn({
  setId: 'adult',
  label: 'Adults, 16 years and over',
  fromAgeDays: adultFromDays,
  toAgeDays: null,
  limits: adultLimits,
  nurseRange: {
    spo2: { low: 88, high: 96 },
    heartRate: { low: 45, high: 125 },
    respirationRate: { low: 9, high: 28 },
  },
  source: 'Clinical defaults of the product',
});

const spo2Limits: readonly Limit[] = [
  { vital: 'spo2', below: 92, clearAt: 93, persistSeconds: 15, clearForSeconds: 10, priority: 'medium' },
  { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, clearForSeconds: 10, priority: 'high' },
];

/** A child of unknown age: what is the same at any age, and nothing that could be wrong. */
export const unknownAgeSet = builtIn({
  setId: 'age-unknown',
  label: 'Children whose age is not known: SpO2 only',
  fromAgeDays: 0,
  toAgeDays: adultFromDays,
  limits: spo2Limits,
  nurseRange: {},
  source: 'Clinical defaults of the product',
});

type Row = readonly [
  setId: string,
  label: string,
  fromAgeDays: number,
  heartRate: readonly [low: number, high: number],
  respirationRate: readonly [low: number, high: number],
  hypotension: number,
];

const months = (count: number): number => Math.round((count * yearDays) / 12);
const years = (count: number): number => Math.ceil(count * yearDays);

/**
 * Warning: 1st and 99th centile of healthy children (Fleming et al., Lancet 2011; 377: 1011–18). Critical systolic:
 * hypotension as of Pediatric Advanced Life Support. Both to be checked against the source before they are signed.
 */
// prettier-ignore
const children: readonly Row[] = [
  ['newborn',       'Newborn, to 28 days',  0,          [107, 181], [25, 66], 60],
  ['months-1-3',    '1 to 3 months',        29,         [107, 181], [25, 66], 70],
  ['months-3-6',    '3 to 6 months',        months(3),  [104, 175], [24, 64], 70],
  ['months-6-9',    '6 to 9 months',        months(6),  [98, 168],  [23, 61], 70],
  ['months-9-12',   '9 to 12 months',       months(9),  [93, 161],  [22, 58], 70],
  ['months-12-18',  '12 to 18 months',      months(12), [88, 156],  [21, 53], 72],
  ['months-18-24',  '18 to 24 months',      months(18), [82, 149],  [19, 46], 72],
  ['years-2-3',     '2 years',              years(2),   [76, 142],  [18, 38], 74],
  ['years-3-4',     '3 years',              years(3),   [70, 136],  [17, 33], 76],
  ['years-4-6',     '4 and 5 years',        years(4),   [65, 131],  [17, 29], 78],
  ['years-6-8',     '6 and 7 years',        years(6),   [59, 123],  [16, 27], 82],
  ['years-8-10',    '8 and 9 years',        years(8),   [52, 115],  [14, 25], 86],
  ['years-10-12',   '10 and 11 years',      years(10),  [52, 115],  [14, 25], 90],
  ['years-12-15',   '12 to 14 years',       years(12),  [47, 108],  [12, 23], 90],
  ['years-15-16',   '15 years',             years(15),  [43, 104],  [11, 22], 90],
];

/** A fifth beyond the centile, to the next 5: of the product, without a source. */
const beyond = (value: number, factor: number): number => Math.round((value * factor) / 5) * 5;

function limitsOfChild(heartRate: Row[3], respirationRate: Row[4], hypotension: number): Limit[] {
  const timing = { persistSeconds: 15, clearForSeconds: 10 } as const;
  return [
    ...spo2Limits,
    { vital: 'heartRate', above: heartRate[1], ...timing, priority: 'medium' },
    { vital: 'heartRate', above: beyond(heartRate[1], 1.2), ...timing, priority: 'high' },
    { vital: 'heartRate', below: heartRate[0], ...timing, priority: 'medium' },
    { vital: 'heartRate', below: beyond(heartRate[0], 0.8), ...timing, priority: 'high' },
    { vital: 'respirationRate', above: respirationRate[1], ...timing, priority: 'medium' },
    { vital: 'respirationRate', below: respirationRate[0], ...timing, priority: 'medium' },
    { vital: 'systolic', below: hypotension, persistSeconds: 0, priority: 'high' },
  ];
}

export const defaultSets: readonly DefaultSet[] = [
  adult,
  ...children.map(([setId, label, fromAgeDays, heartRate, respirationRate, hypotension], index) =>
    builtIn({
      setId,
      label,
      fromAgeDays,
      toAgeDays: children[index + 1]?.[2] ?? adultFromDays,
      limits: limitsOfChild(heartRate, respirationRate, hypotension),
      nurseRange: {
        heartRate: { low: beyond(heartRate[0], 0.9), high: beyond(heartRate[1], 1.1) },
        respirationRate: { low: respirationRate[0], high: respirationRate[1] },
      },
      source: 'Fleming 2011, centiles 1 and 99; PALS; SpO2 and critical heart rate of the product',
    }),
  ),
];
