/** Runs the engines of patients over what is new, saves them, and tells what changed. */
import {
  conditionChanged,
  conditionCleared,
  conditionRaised,
  laneOfPriority,
  scoreUpdated,
  vitalsRecorded,
  type RecordedVital,
} from '@carillon/contracts/monitoring';
import { vitalSigns, type VitalName } from '@carillon/contracts/vital-signs';
import { assertAllKnown } from '@carillon/runtime/directory-projection';
import { observeHop } from '@carillon/runtime/metrics';
import type { Work } from '@carillon/runtime/work';
import { nextLookAt } from '../domain/next-look.ts';
import { applySamples } from '../domain/patient-monitor.ts';
import {
  emptyPatientState,
  type ApplyOptions,
  type MonitorAbsence,
  type MonitorSample,
  type TimedScore,
  type Transition,
} from '../domain/patient-state.ts';
import { compileRules } from '../domain/rules.ts';
import type { Hearing } from '../domain/signals.ts';
import { stopSignals } from '../domain/signal-part.ts';
import { conditionMessage } from '../domain/words.ts';
import { hearDevices } from './device-events.ts';
import type { KnownEngines } from './known-engines.ts';
import { settleRules, type Judging } from './rules.ts';
import {
  insertMonitors,
  lockEngines,
  findPatients,
  upsertMonitors,
  type KnownEngine,
  type MonitorRow,
  type PatientRow,
  type StoredReading,
} from '../store.ts';
import { recordAlarms, type AlarmChange } from '../store-alarms.ts';
import { markSuspect } from '../store-quality.ts';

const eventOf = { raised: conditionRaised, changed: conditionChanged, cleared: conditionCleared } as const;

const toSample = (reading: StoredReading): MonitorSample => ({
  vital: reading.vital,
  value: reading.value,
  atMs: reading.measuredAt,
  receivedAtMs: reading.receivedAt,
  quality: reading.quality,
  deviceId: reading.deviceId,
  ...(reading.mode === undefined ? {} : { mode: reading.mode }),
});

const toRecorded = (reading: StoredReading, isDoubted: boolean): RecordedVital => ({
  vital: reading.vital,
  value: reading.value,
  unit: reading.vital === 'consciousness' ? null : vitalSigns[reading.vital].unit,
  measuredAt: new Date(reading.measuredAt).toISOString(),
  quality: isDoubted ? 'suspect' : reading.quality,
  ...(reading.mode === undefined ? {} : { mode: reading.mode }),
});

type Place = { hospital: string; patientId: string; wardId: string | null };

const toAlarm = ({ patientId, wardId }: Place, { type, kind, priority, technical, atMs }: Transition): AlarmChange => ({
  type,
  patientId,
  wardId,
  kind,
  priority,
  isTechnical: technical !== undefined,
  atMs,
});

function tellConditions(work: Work, place: Place, conditions: readonly Transition[], version: number): void {
  const { hospital, patientId, wardId } = place;
  for (const [index, condition] of conditions.entries()) {
    const { kind, priority, atMs, technical } = condition;
    const isMeasured = technical === undefined;
    if (condition.type === 'raised' && isMeasured)
      observeHop(work, 'measured_condition', { hospital, priority }, work.now - atMs);
    work.emit(
      eventOf[condition.type],
      {
        patientId,
        wardId,
        kind,
        priority,
        message: conditionMessage(condition),
        ...(isMeasured ? {} : { isTechnical: true as const }),
        at: new Date(atMs).toISOString(),
      },
      {
        lane: laneOfPriority(priority),
        entity: `condition ${patientId} ${kind}`,
        // Each of one batch has its own: an older one of the same kind must be seen to be older.
        version: version + index,
        tokens: { hospital, ward: wardId, patient: patientId },
      },
    );
  }
}

function tellScore(work: Work, place: Place, { atMs, ...score }: TimedScore, version: number): void {
  const { hospital, patientId, wardId } = place;
  work.emit(
    scoreUpdated,
    { patientId, wardId, ...score, at: new Date(atMs).toISOString() },
    { lane: 'normal', entity: `score ${patientId}`, version, tokens: { hospital, ward: wardId, patient: patientId } },
  );
}

function tellVitals(
  work: Work,
  place: Place,
  { readings, isDoubted }: { readings: readonly StoredReading[]; isDoubted: (index: number) => boolean },
  version: number,
): void {
  const { hospital, patientId, wardId } = place;
  const names = [...new Set(readings.map((reading) => reading.vital))].sort();
  work.emit(
    vitalsRecorded,
    { patientId, wardId, items: readings.map((reading, index) => toRecorded(reading, isDoubted(index))) },
    {
      lane: 'bulk',
      entity: `vitals ${patientId}`,
      version,
      tokens: { hospital, ward: wardId, patient: patientId },
      // The newest of each set of vital signs together holds the newest of each.
      key: `${patientId} ${names.join()}`,
    },
  );
}

/** Who says that it measures nothing is heard as well. */
const devicesOf = (said: readonly Pick<StoredReading, 'deviceId'>[]): string[] =>
  [...new Set(said.flatMap(({ deviceId }) => deviceId ?? []))].sort();

const optionsOf = (
  patient: PatientRow,
  { rules, expiresAtMs }: Judging,
  { nowMs, sending }: { nowMs: number; sending: ReadonlySet<string> },
): ApplyOptions => ({
  rules: compileRules(rules),
  ...(expiresAtMs === null ? {} : { rulesExpireAtMs: expiresAtMs }),
  nowMs,
  ...(patient.birthDate === null ? {} : { birthDate: patient.birthDate }),
  ...(patient.population === null ? {} : { population: patient.population }),
  decisions: patient.decisions,
  bindings: patient.bindings,
  patientId: patient.patientId,
  // What sends is there, whatever was known of it before.
  devices: patient.devices.map((device) => (sending.has(device.deviceId) ? { ...device, isConnected: true } : device)),
});

/** What is known beside readings. */
export type Observed = {
  /** By patient: what devices said instead of values. */
  absences?: ReadonlyMap<string, readonly MonitorAbsence[]>;
  /** By patient: kinds whose alert somebody has answered. */
  answers?: ReadonlyMap<string, readonly string[]>;
  /** From when until when the patient's partition was listened to; given by whoever listens to it. */
  hearingOf?: (patientId: string) => Hearing | undefined;
  /** What this process saved last; given where the same process judges a patient again and again. */
  engines?: KnownEngines;
  /** What somebody has taken off these patients on purpose. */
  isStopped?: (vital: VitalName, deviceId: string) => boolean;
};

const observedOf = ({ absences, answers, hearingOf }: Observed, patientId: string): Partial<ApplyOptions> => {
  const hearing = hearingOf?.(patientId);
  const own = absences?.get(patientId);
  const answered = answers?.get(patientId);
  return {
    ...(hearing === undefined ? {} : { hearing }),
    ...(own === undefined ? {} : { absences: own }),
    ...(answered === undefined ? {} : { answered }),
  };
};

/**
 * Applies readings that were stored just now to the engines of their patients. A patient without readings is looked at
 * all the same: his limits may have changed, or it was time to.
 */
export async function runMonitors(
  work: Work,
  hospital: string,
  byPatient: ReadonlyMap<string, readonly StoredReading[]>,
  observed: Observed = {},
): Promise<void> {
  const { tx, now } = work;
  const ids = [...byPatient.keys()].sort();
  const all = [...byPatient.values()].flat();
  // The others are locked since their readings were stored.
  const silent = ids.filter((patientId) => (byPatient.get(patientId) ?? []).length === 0);
  if (silent.length > 0) await lockEngines(tx, hospital, silent);
  const saidOf = (patientId: string) => [
    ...(byPatient.get(patientId) ?? []),
    ...(observed.absences?.get(patientId) ?? []),
  ];
  const devices = new Map(ids.map((patientId) => [patientId, devicesOf(saidOf(patientId))]));
  const measuredSince = all.reduce((oldest, { measuredAt }) => Math.min(oldest, measuredAt), now);
  const known = (patientId: string): KnownEngine | undefined => observed.engines?.find(hospital, patientId);
  let patients = await findPatients(tx, hospital, devices, { measuredSince, known });
  const strangers = patients.filter(({ version }) => version === null).map(({ patientId }) => patientId);
  if (strangers.length > 0) {
    await insertMonitors(tx, hospital, strangers, emptyPatientState);
    // Somebody else may have been the first.
    await lockEngines(tx, hospital, strangers);
    patients = await findPatients(tx, hospital, devices, { measuredSince, known });
  }
  const since = all.reduce((newest, { receivedAt }) => Math.max(newest, receivedAt), 0);
  assertAllKnown(
    patients.every((patient) => patient.isKnown),
    { since, now },
  );
  const sending = new Set(devicesOf(ids.flatMap(saidOf)));
  if (sending.size > 0)
    await hearDevices(work, hospital, { known: patients.flatMap(({ devices }) => devices), sending });
  const rules = await settleRules(work, hospital, patients);
  const changed: MonitorRow[] = [];
  const alarms: AlarmChange[] = [];
  const suspect: StoredReading[] = [];
  for (const patient of patients) {
    const { patientId, wardId } = patient;
    const readings = byPatient.get(patientId) ?? [];
    const saved = patient.state ?? emptyPatientState;
    const before = observed.isStopped === undefined ? saved : stopSignals(saved, observed.isStopped);
    const version = patient.version ?? 0;
    const judging = rules.get(patientId);
    if (judging === undefined) continue;
    const options = { ...optionsOf(patient, judging, { nowMs: now, sending }), ...observedOf(observed, patientId) };
    const samples = readings.map(toSample);
    const { state, conditions, score, doubted } = applySamples(before, samples, options);
    const dueAtMs = nextLookAt(state, options);
    if (readings.length === 0 && state === saved) {
      const knownDueMs = patient.dueAtMs;
      const isDue = knownDueMs !== null && knownDueMs <= now;
      if (isDue || (dueAtMs !== null && dueAtMs < (knownDueMs ?? Infinity))) {
        changed.push({ patientId, state, version, dueAtMs });
      }
      continue;
    }
    const place: Place = { hospital, patientId, wardId };
    const next = version + 1;
    const isDoubted = (index: number): boolean => samples[index] !== undefined && doubted?.has(samples[index]) === true;
    if (doubted !== undefined)
      suspect.push(...readings.filter(({ quality }, index) => quality === 'good' && isDoubted(index)));
    if (readings.length > 0) tellVitals(work, place, { readings, isDoubted }, next);
    if (score !== undefined) tellScore(work, place, score, next);
    tellConditions(work, place, conditions, next);
    alarms.push(...conditions.map((condition) => toAlarm(place, condition)));
    changed.push({ patientId, state, version: version + Math.max(1, conditions.length), dueAtMs });
  }
  // What is read back later must be doubted as it was told.
  if (suspect.length > 0) await markSuspect(tx, hospital, suspect);
  const isLook = observed.hearingOf !== undefined;
  if (changed.length > 0) await upsertMonitors(tx, { hospital, now, isLook }, changed);
  // What is rolled back was never saved.
  work.afterCommit(() => observed.engines?.keep(hospital, changed));
  if (alarms.length > 0) await recordAlarms(tx, hospital, alarms);
}
