/** Who is admitted, moved or discharged: what is told of him from then on, and what ends. */
import { deviceReleased } from '@carillon/contracts/devices';
import { conditionCleared, laneOfPriority } from '@carillon/contracts/monitoring';
import type { DirectoryChange } from '@carillon/runtime/directory-projection';
import type { EventWork } from '@carillon/runtime/subscriptions';
import { emptyPatientState, type Binding, type Transition } from '../domain/patient-state.ts';
import { admit, discharge } from '../domain/stays.ts';
import { lockEngines, findPatients, upsertMonitors } from '../store.ts';
import { recordAlarms } from '../store-alarms.ts';
import { endBinding } from '../store-devices.ts';
import { insertRules } from '../store-limits.ts';
import { endDecisions } from '../store-places.ts';
import { lockScores } from '../store-scores.ts';
import { keepStay } from './alarm-load.ts';
import { getDevice, save } from './device-change.ts';
import { tellDevice } from './device-events.ts';
import { runMonitors } from './patients.ts';

const noRules = { body: null, setBy: null, expiresAtMs: null, resumes: null };

type Admission = DirectoryChange & { kind: 'admission' };

/** @param onMoved called after the commit, for who is in another ward */
export const followPlaces =
  (onMoved: () => void) =>
  async (work: EventWork, change: DirectoryChange): Promise<void> => {
    await keepStay(work, change);
    if (change.kind !== 'admission' || change.before === change.after) return;
    work.afterCommit(onMoved);
    await (change.after === undefined ? endMonitoring(work, change) : placeMonitoring(work, change));
  };

async function endMonitoring(work: EventWork, { patientId, before }: Admission): Promise<void> {
  const { tx, hospital, now } = work;
  const wardId = before ?? null;
  // Before the engine, as a decision does it: one that is made meanwhile must not outlive the stay.
  await lockScores(tx, hospital, patientId);
  await lockEngines(tx, hospital, [patientId]);
  const [patient] = await findPatients(tx, hospital, new Map([[patientId, []]]));
  if (patient?.own?.body != null) {
    await insertRules(tx, { hospital, patientId }, { ...noRules, setAtMs: now });
  }
  for (const binding of patient?.bindings ?? []) await releaseDevice(work, patientId, binding);
  await endDecisions(tx, { hospital, patientId, now });
  // Also of one of whom nothing has come yet: what comes late is of a stay that is over.
  const { state, conditions } = discharge(patient?.state ?? emptyPatientState, now);
  const version = patient?.version ?? 0;
  tellEnds(work, { patientId, wardId }, conditions, version + 1);
  const next = version + Math.max(1, conditions.length);
  await upsertMonitors(tx, { hospital, now }, [{ patientId, state, version: next, dueAtMs: null }]);
  const alarms = conditions.map((condition) => ({
    ...condition,
    patientId,
    wardId,
    isTechnical: condition.technical !== undefined,
  }));
  if (alarms.length > 0) await recordAlarms(tx, hospital, alarms);
}

async function releaseDevice(work: EventWork, patientId: string, binding: Binding): Promise<void> {
  if (binding.untilMs !== null || binding.patientId !== patientId) return;
  const { hospital, tx, now } = work;
  const at = { hospital, deviceId: binding.deviceId };
  const device = await getDevice(work, at);
  await endBinding(tx, at, { untilMs: Math.max(now, binding.fromMs + 1), by: null });
  await save(work, at, device);
  tellDevice(work, hospital, deviceReleased, await getDevice(work, at));
}

/** The ward that he left is told, since its people know of them. */
function tellEnds(
  work: EventWork,
  { patientId, wardId }: { patientId: string; wardId: string | null },
  conditions: readonly Transition[],
  version: number,
): void {
  for (const [index, { kind, priority, atMs, technical }] of conditions.entries()) {
    const told = { message: 'The patient was discharged', at: new Date(atMs).toISOString() };
    const isTechnical = technical === undefined ? {} : { isTechnical: true as const };
    work.emit(
      conditionCleared,
      { patientId, wardId, kind, priority, ...told, ...isTechnical },
      {
        lane: laneOfPriority(priority),
        entity: `condition ${patientId} ${kind}`,
        version: version + index,
        tokens: { hospital: work.hospital, ward: wardId, patient: patientId },
      },
    );
  }
}

/** What is active goes with him; the default limits may be those of another ward. */
async function placeMonitoring(work: EventWork, { patientId }: Admission): Promise<void> {
  const { tx, hospital, now } = work;
  await lockEngines(tx, hospital, [patientId]);
  const [patient] = await findPatients(tx, hospital, new Map([[patientId, []]]));
  if (patient?.state == null) return;
  const state = admit(patient.state);
  if (state !== patient.state) {
    const version = (patient.version ?? 0) + 1;
    await upsertMonitors(tx, { hospital, now }, [{ patientId, state, version, dueAtMs: null }]);
  }
  await runMonitors(work, hospital, new Map([[patientId, []]]));
}
