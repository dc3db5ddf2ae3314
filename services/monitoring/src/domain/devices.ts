/** When a registered device was heard, and when it is silent. */
import type { KnownDevice } from './patient-state.ts';

/** Clinical default, to be signed off: so long nothing may come from a device that is bound to a patient. */
const silentAfterMs = 60_000;
const missedIntervals = 5;
/** So exactly it is known when a device was heard: more would be a write a second. */
const heardWithinMs = 5_000;

/** @returns ms since the epoch; null for a device of which nobody knows how often it sends */
export const silentAtMs = (
  { expectEverySeconds }: { expectEverySeconds: number | null },
  heardAtMs: number,
): number | null =>
  expectEverySeconds === null
    ? null
    : heardAtMs + Math.max(silentAfterMs, missedIntervals * expectEverySeconds * 1_000);

/** Those of the devices from which readings came that must be marked as heard. */
export const toMark = (devices: readonly KnownDevice[], sending: ReadonlySet<string>, nowMs: number): KnownDevice[] =>
  devices.filter(
    ({ deviceId, isConnected, heardAtMs }) =>
      sending.has(deviceId) && (isConnected !== true || heardAtMs === null || nowMs - heardAtMs >= heardWithinMs),
  );
