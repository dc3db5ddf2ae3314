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
import { vitalSigns } from '@carillon/contracts/vital-signs';
import { assertAllKnown } from '@carillon/runtime/directory-projection';
import { observeHop } from '@carillon/runtime/metrics';
import type { Work } from '@carillon/runtime/work';
import { defaultLimits } from '../domain/default-limits.ts';
import {
  applySamples,
  emptyPatientState,
  type MonitorSample,
  type TimedScore,
  type Transition,
} from '../domain/patient-monitor.ts';
import { conditionMessage } from '../domain/words.ts';
import { lockPatients, upsertMonitors, type MonitorRow, type StoredReading } from '../store.ts';

const eventOf = { raised: conditionRaised, changed: conditionChanged, cleared: conditionCleared } as const;

const toSample = (reading: StoredReading): MonitorSample => ({
  vital: reading.vital,
  value: reading.value,
  atMs: reading.measuredAt,
  receivedAtMs: reading.receivedAt,
  quality: reading.quality,
});

const toRecorded = (reading: StoredReading): RecordedVital => ({
  vital: reading.vital,
  value: reading.value,
  unit: reading.vital === 'consciousness' ? null : vitalSigns[reading.vital].unit,
  measuredAt: new Date(reading.measuredAt).toISOString(),
  quality: reading.quality,
});

type Place = { hospital: string; patientId: string; wardId: string | null };

function tellConditions(work: Work, place: Place, conditions: readonly Transition[], version: number): void {
  const { hospital, patientId, wardId } = place;
  for (const [index, condition] of conditions.entries()) {
    const { kind, priority, atMs } = condition;
    if (condition.type === 'raised') observeHop(work, 'measured_condition', priority, work.now - atMs);
    work.emit(
      eventOf[condition.type],
      { patientId, wardId, kind, priority, message: conditionMessage(condition), at: new Date(atMs).toISOString() },
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

function tellVitals(work: Work, place: Place, readings: readonly StoredReading[], version: number): void {
  const { hospital, patientId, wardId } = place;
  const names = [...new Set(readings.map((reading) => reading.vital))].sort();
  work.emit(
    vitalsRecorded,
    { patientId, wardId, items: readings.map(toRecorded) },
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

/**
 * Applies readings that were stored just now to the engines of their patients. A patient without readings is looked at
 * all the same: his limits may have changed.
 */
export async function runMonitors(
  work: Work,
  hospital: string,
  byPatient: ReadonlyMap<string, readonly StoredReading[]>,
): Promise<void> {
  const { tx } = work;
  const patients = await lockPatients(tx, hospital, [...byPatient.keys()].sort());
  const since = [...byPatient.values()].flat().reduce((newest, { receivedAt }) => Math.max(newest, receivedAt), 0);
  assertAllKnown(
    patients.every((patient) => patient.isKnown),
    { since, now: work.now },
  );
  const changed: MonitorRow[] = [];
  for (const patient of patients) {
    const { patientId, wardId, limits } = patient;
    const readings = byPatient.get(patientId) ?? [];
    const before = patient.state ?? emptyPatientState;
    const version = patient.version ?? 0;
    const { state, conditions, score } = applySamples(before, readings.map(toSample), {
      limits: limits ?? defaultLimits,
      nowMs: work.now,
    });
    if (readings.length === 0 && state === before) continue;
    const place: Place = { hospital, patientId, wardId };
    const next = version + 1;
    if (readings.length > 0) tellVitals(work, place, readings, next);
    if (score !== undefined) tellScore(work, place, score, next);
    tellConditions(work, place, conditions, next);
    changed.push({ patientId, state, version: version + Math.max(1, conditions.length) });
  }
  if (changed.length > 0) await upsertMonitors(tx, hospital, changed);
}
