/** What the scores are computed of: the newest values that still stand for the present. */
import type { Consciousness, VitalName } from '@carillon/contracts/vital-signs';
import type { MewsInput } from './mews.ts';
import type { News2Input } from './news2.ts';
import type { PatientState } from './patient-state.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/**
 * How long a value stands for the present in the score. Clinical default, to be signed off by the responsible
 * clinician: monitors measure all the time, cuffs and thermometers by rounds, consciousness and oxygen are charted.
 */
const scoreValidityMs = {
  respirationRate: 15 * minuteMs,
  spo2: 15 * minuteMs,
  pulse: 15 * minuteMs,
  heartRate: 15 * minuteMs,
  temperature: 4 * hourMs,
  systolic: 4 * hourMs,
  consciousness: 12 * hourMs,
  oxygenFlow: 12 * hourMs,
  oxygenConcentration: 12 * hourMs,
} as const satisfies Partial<Record<VitalName, number>>;
type ScoredVital = keyof typeof scoreValidityMs;
export const scoredVitals = Object.keys(scoreValidityMs) as readonly ScoredVital[];
export const longestValidityMs = Math.max(...Object.values(scoreValidityMs));

/** @returns the last instant at which the value counts in a score; undefined for a vital sign that is in none */
export const scoreValidUntilMs = (vital: VitalName, atMs: number): number | undefined => {
  const scored = scoredVitals.find((name) => name === vital);
  return scored === undefined ? undefined : atMs + scoreValidityMs[scored];
};

/** @returns when the next of the values expires that stand for the present in the score; null where none does */
export function scoreExpiresAtMs({ newest }: PatientState, nowMs: number): number | null {
  const ends = scoredVitals
    // The last millisecond still counts.
    .map((vital) => (newest[vital]?.atMs ?? -Infinity) + scoreValidityMs[vital] + 1)
    .filter((endMs) => endMs > nowMs);
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Oxygen in air, of which monitors say 21 %. */
const percentOfAir = 21;

type Newest = PatientState['newest'];
type Valid = (vital: ScoredVital) => { atMs: number; value: number | string } | undefined;

const validAt =
  (newest: Newest, nowMs: number): Valid =>
  (vital) => {
    const sample = newest[vital];
    return sample !== undefined && nowMs - sample.atMs <= scoreValidityMs[vital] ? sample : undefined;
  };

function numbersOf<V extends ScoredVital>(valid: Valid, vitals: readonly V[]): Partial<Record<V, number>> {
  const numbers: Partial<Record<V, number>> = {};
  for (const vital of vitals) {
    const value = valid(vital)?.value;
    if (typeof value === 'number') numbers[vital] = value;
  }
  return numbers;
}

function consciousnessOf(valid: Valid): { consciousness?: Consciousness } {
  const value = valid('consciousness')?.value;
  return value === undefined ? {} : { consciousness: value as Consciousness };
}

/** The newer of flow and concentration tells; so a nurse can chart that a mask was taken off. */
function oxygenOf(valid: Valid): { onOxygen?: boolean } {
  const flow = valid('oxygenFlow');
  const concentration = valid('oxygenConcentration');
  const isFlowNewer = (flow?.atMs ?? -Infinity) >= (concentration?.atMs ?? -Infinity);
  if (flow !== undefined && isFlowNewer) return { onOxygen: Number(flow.value) > 0 };
  return concentration === undefined ? {} : { onOxygen: Number(concentration.value) > percentOfAir };
}

export function news2Input(newest: Newest, nowMs: number): News2Input {
  const valid = validAt(newest, nowMs);
  // The oximeter's pulse is the heart's mechanical rate; the ECG's stands in where no oximeter is worn.
  const { heartRate, ...numbers } = numbersOf(valid, [
    'respirationRate',
    'spo2',
    'systolic',
    'temperature',
    'pulse',
    'heartRate',
  ]);
  const pulse = numbers.pulse ?? heartRate;
  return { ...numbers, ...(pulse === undefined ? {} : { pulse }), ...consciousnessOf(valid), ...oxygenOf(valid) };
}

export function mewsInput(newest: Newest, nowMs: number): MewsInput {
  const valid = validAt(newest, nowMs);
  const { pulse, ...numbers } = numbersOf(valid, ['systolic', 'heartRate', 'respirationRate', 'temperature', 'pulse']);
  const heartRate = numbers.heartRate ?? pulse;
  return { ...numbers, ...(heartRate === undefined ? {} : { heartRate }), ...consciousnessOf(valid) };
}
