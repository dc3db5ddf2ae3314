/** What admission and discharge do to the engine of a patient: pure. */
import { activeConditions, emptyPatientState, type PatientState, type Transition } from './patient-state.ts';
import { isTechnicalKind } from './signal-part.ts';

/**
 * Ends all monitoring: what comes for him from now on is kept and judged by nobody, until he is admitted again. A patient
 * who never lay in a ward is monitored all the same.
 */
export function discharge(state: PatientState, nowMs: number): { state: PatientState; conditions: Transition[] } {
  // Never before the sample that raised it: receivers go by measurement time, and a device may be a little ahead.
  const atMs = Object.values(state.newest).reduce((newest, sample) => Math.max(newest, sample.atMs), nowMs);
  return {
    state: { ...emptyPatientState, dischargedAtMs: nowMs },
    conditions: activeConditions(state).map(({ kind, priority }) => ({
      type: 'cleared',
      kind,
      priority,
      atMs,
      ...(isTechnicalKind(kind) ? { technical: { reason: 'over' as const } } : {}),
    })),
  };
}

/** @returns the same state for one who was not discharged: wherever he was, he was monitored */
export const admit = (state: PatientState): PatientState =>
  state.dischargedAtMs === undefined ? state : { ...emptyPatientState, leftAtMs: state.dischargedAtMs };
