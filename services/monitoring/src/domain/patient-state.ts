/** What the engine of one patient remembers, is given, and tells. Plain JSON where it is kept. */
import type { Absence, Mode, Priority, Quality } from '@carillon/contracts/monitoring';
import type { NumericVital, VitalName } from '@carillon/contracts/vital-signs';
import type { LimitStates } from './alarm-engine.ts';
import type { Limit } from './limit.ts';
import type { News2Parts, News2Result } from './news2.ts';
import type { CompiledRules } from './rules.ts';
import type { Combination } from './combination.ts';
import type { Trend, TrendWindows } from './trend.ts';
import type { Hearing, SignalReason, Signals } from './signals.ts';

/** A stored reading, in the canonical unit. Times in ms since the epoch. */
export type MonitorSample = {
  vital: VitalName;
  /** A number; for consciousness one of A, C, V, P, U. */
  value: number | string;
  /** Measurement time. */
  atMs: number;
  receivedAtMs: number;
  quality: Quality;
  /** Absent or null: a person entered it. */
  deviceId?: string | null;
  /** Of a device under test: it is as if there were no such sample. */
  mode?: Mode;
};

/** What a device said instead of a value; null where it is not said which. */
export type MonitorAbsence = { vital: VitalName; reason: Absence['reason']; atMs: number; deviceId: string | null };

/** Why somebody must look at a device; `over` where that is no longer so. */
export type TechnicalReason = SignalReason | 'battery' | 'over';

/** `scale`: of SpO2; absent in states of a release before, which knew scale 1 only. */
export type TimedScore = News2Result & { atMs: number; scale?: 1 | 2 };

export const news2Levels = ['high', 'medium'] as const;
export type News2Level = (typeof news2Levels)[number];

/** Written once per patient and second, so it holds nothing that can be derived. */
export type PatientState = {
  /** By the keys of the rules. */
  limits: LimitStates;
  /** Newest good sample of each vital sign that was processed. */
  newest: Readonly<Partial<Record<VitalName, { atMs: number; value: number | string }>>>;
  /** Active conditions by kind, with the priority they were last reported with. */
  active: Readonly<Record<string, Priority>>;
  /**
   * While `news2` is active: the points of every parameter known since, so that a lost sensor is no recovery, and the
   * measurement time at which each level was last reached.
   */
  news2?: { parts: News2Parts; reachedAtMs: Partial<Record<News2Level, number>> };
  score?: TimedScore;
  /** Since when no score is shown: what was measured before brings none back. */
  withheldAtMs?: number;
  /** What trends are judged by. */
  trends?: TrendWindows;
  /** What devices measure all the time. */
  signals?: Signals;
  /** Since when nobody judges what comes: the patient was discharged, and not admitted again. */
  dischargedAtMs?: number;
  /** When the stay before this one ended, where there was one: what was measured by then is nothing to this one. */
  leftAtMs?: number;
};

export const emptyPatientState: PatientState = Object.freeze({ limits: {}, newest: {}, active: {} });

/**
 * `raised`: became active, or its priority went up (then it pages again). `changed`: still active with a lower
 * priority. `atMs` is the measurement time of the sample that decided.
 */
export type Transition = {
  type: 'raised' | 'changed' | 'cleared';
  /** `spo2-below`, `heartRate-above`, …, or `news2`. */
  kind: string;
  vital?: NumericVital;
  /** Absent where the limit was removed. */
  limit?: Limit;
  combination?: Combination;
  trend?: Trend;
  /** What decided, in the canonical unit; for `news2` the lower bound of the score, for a trend the change. */
  value?: number;
  priority: Priority;
  atMs: number;
  /** About the measuring, not about the patient; `atMs` is then when it was found. */
  technical?: { reason: TechnicalReason; vital?: VitalName };
};

/** A named clinician's decision on the score of a patient: it holds from its time until its end. */
export type Decision = { decidedAtMs: number; endedAtMs: number | null; scale: 1 | 2; isApplicable: boolean };

/** On which patient a device measured; `untilMs` is the first instant at which it did not any more. */
export type Binding = { deviceId: string; patientId: string; fromMs: number; untilMs: number | null };

/** A registered device. `isConnected`: null before it was first heard; `patientId`: on whom it measures now. */
export type KnownDevice = {
  deviceId: string;
  patientId: string | null;
  isUnderTest: boolean;
  isConnected: boolean | null;
  heardAtMs: number | null;
  expectEverySeconds: number | null;
  battery: number | null;
  batteryLowPercent: number;
};

export type Population = 'adult' | 'paediatric' | 'maternity';

export type ApplyOptions = {
  rules: CompiledRules;
  /** When other rules take their place; absent: never. */
  rulesExpireAtMs?: number;
  nowMs: number;
  /** YYYY-MM-DD; absent where it is not known. */
  birthDate?: string;
  /** Of the ward; absent where it is not known. */
  population?: Population;
  /** Of this patient, oldest first. */
  decisions: readonly Decision[];
  /** Of the devices of these samples, and those in which this patient is bound now. */
  bindings: readonly Binding[];
  /** Whose bindings are asked for; absent in a replay, where all samples are one patient's. */
  patientId?: string;
  /** The registered ones among these devices. */
  devices?: readonly KnownDevice[];
  /** What devices said instead of values. */
  absences?: readonly MonitorAbsence[];
  /** Kinds whose alert somebody has answered. */
  answered?: readonly string[];
  /** Only with it a signal becomes absent: given by whoever listens to the patient's partition. */
  hearing?: Hearing;
};

export function activeAfter(active: PatientState['active'], conditions: readonly Transition[]): PatientState['active'] {
  if (conditions.length === 0) return active;
  const after = { ...active };
  for (const { type, kind, priority } of conditions) {
    if (type === 'cleared') delete after[kind];
    else after[kind] = priority;
  }
  return after;
}

/** Kinds that are active now, with their priorities. */
export const activeConditions = (state: PatientState): { kind: string; priority: Priority }[] =>
  Object.entries(state.active).map(([kind, priority]) => ({ kind, priority }));
