/** When a patient must be looked at again although no sample came. */
import { scheduleLookAtMs } from './rules.ts';
import { scoreExpiresAtMs } from './score-input.ts';
import { nextSignalLookAt } from './signal-part.ts';
import type { ApplyOptions, PatientState } from './patient-state.ts';

/** @returns ms since the epoch, later than now; null where nothing waits for a time */
export function nextLookAt(state: PatientState, options: ApplyOptions): number | null {
  const { nowMs, rulesExpireAtMs = null } = options;
  const waiting = [
    rulesExpireAtMs,
    scheduleLookAtMs(options.rules, state.limits, nowMs),
    scoreExpiresAtMs(state, nowMs),
    nextSignalLookAt(state, options),
  ].filter((atMs): atMs is number => atMs !== null && atMs > nowMs);
  return waiting.length === 0 ? null : Math.min(...waiting);
}
