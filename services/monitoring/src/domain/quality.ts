/**
 * Which samples may decide anything. What a device under test measures is nothing to the patient; what cannot be, or is
 * not his, is doubted. Pure, and the same in whatever order the samples of a batch come.
 */
import type { SignalReason } from './signals.ts';
import { isMeasuredOn } from './bindings.ts';
import { isBeyond, limitSide, thresholdOf } from './limit.ts';
import { limitsAt } from './rules.ts';
import type { ApplyOptions, MonitorSample, PatientState } from './patient-state.ts';

export type Doubt = Extract<SignalReason, 'suspect' | 'notBound'>;
export type Judged = {
  usable: readonly MonitorSample[];
  /** None of them is of a device under test. */
  doubted: ReadonlyMap<MonitorSample, Doubt>;
};

export function judgeSamples(
  state: PatientState,
  samples: readonly MonitorSample[],
  options: Pick<ApplyOptions, 'bindings' | 'devices' | 'patientId' | 'rules'>,
): Judged {
  const { bindings, devices = [], patientId } = options;
  const underTest = new Set(devices.filter(({ isUnderTest }) => isUnderTest).map(({ deviceId }) => deviceId));
  const real = samples.filter(
    ({ mode, deviceId }) => mode === undefined && !(typeof deviceId === 'string' && underTest.has(deviceId)),
  );
  const doubted = new Map<MonitorSample, Doubt>();
  for (const sample of real) {
    const { deviceId, atMs } = sample;
    const isElsewhere =
      patientId !== undefined && typeof deviceId === 'string' && !isMeasuredOn(bindings, { deviceId, patientId, atMs });
    if (isElsewhere) doubted.set(sample, 'notBound');
    else if (sample.quality === 'suspect') doubted.set(sample, 'suspect');
  }
  const credible = real.filter((sample) => !doubted.has(sample));
  for (const sample of [...impossiblePressures(credible), ...contradictedPulses(state, credible, options)]) {
    doubted.set(sample, 'suspect');
  }
  return { usable: credible.filter((sample) => !doubted.has(sample)), doubted };
}

const pressures = ['systolic', 'diastolic', 'meanPressure'] as const;

/** Of one device and instant: the diastolic lies below the systolic, the mean between them. */
function impossiblePressures(samples: readonly MonitorSample[]): MonitorSample[] {
  const groups = new Map<string, MonitorSample[]>();
  for (const sample of samples) {
    if (!pressures.some((name) => name === sample.vital)) continue;
    const key = `${sample.deviceId ?? ''} ${sample.atMs}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].filter((group) => !isPossible(group)).flat();
}

function isPossible(group: readonly MonitorSample[]): boolean {
  const valuesOf = (vital: (typeof pressures)[number]): number[] =>
    group.filter((sample) => sample.vital === vital).map(({ value }) => Number(value));
  const systolic = Math.min(...valuesOf('systolic'));
  const diastolic = Math.max(...valuesOf('diastolic'));
  return diastolic < systolic && valuesOf('meanPressure').every((mean) => mean <= systolic && mean >= diastolic);
}

/** An ECG rate this far from a pulse in time says something of it. */
const togetherMs = 10_000;
const toleratedRate = 20;
const toleratedShare = 0.2;

/**
 * A pulse beyond its limit, which all ECG rates at the time contradict without being beyond theirs: perfusion or
 * movement. Never the other way round: with a pulse that the ECG does not show, it is the ECG that raises its alarm.
 */
function contradictedPulses(
  state: PatientState,
  samples: readonly MonitorSample[],
  { rules }: Pick<ApplyOptions, 'rules'>,
): MonitorSample[] {
  const isBreachAt =
    (atMs: number) =>
    (vital: 'heartRate' | 'pulse', value: number): boolean =>
      limitsAt(rules, vital, atMs).some((limit) => isBeyond(limitSide(limit), value, thresholdOf(limit)));
  const { heartRate } = state.newest;
  const known = heartRate === undefined ? [] : [heartRate];
  const rates = [...known, ...samples.filter(({ vital }) => vital === 'heartRate')];
  return samples.filter((sample) => {
    const pulse = Number(sample.value);
    const isBreach = isBreachAt(sample.atMs);
    if (sample.vital !== 'pulse' || !isBreach('pulse', pulse)) return false;
    const together = rates.filter(({ atMs }) => Math.abs(atMs - sample.atMs) <= togetherMs);
    return together.length > 0 && together.every(({ value }) => contradicts(Number(value), pulse, isBreach));
  });
}

const contradicts = (rate: number, pulse: number, isBreach: (vital: 'heartRate', value: number) => boolean): boolean =>
  !isBreach('heartRate', rate) && Math.abs(rate - pulse) > Math.max(toleratedRate, toleratedShare * rate);
