/**
 * On which patient a device measures. An interval is half-open: what was measured at its end is no longer of it, so two
 * that follow one another never both hold an instant.
 */
import type { Binding } from './patient-state.ts';

/** A time before this is no correction of a binding that was forgotten. */
const oldestMs = 24 * 3_600_000;

const holds = ({ fromMs, untilMs }: Binding, atMs: number): boolean =>
  fromMs <= atMs && (untilMs === null || atMs < untilMs);

/**
 * Whether what a device measured is of this patient: by the interval of its measurement time, however late it comes. A
 * device that was never bound to anybody is believed.
 */
export function isMeasuredOn(
  bindings: readonly Binding[],
  { deviceId, patientId, atMs }: { deviceId: string; patientId: string; atMs: number },
): boolean {
  const own = bindings.filter((binding) => binding.deviceId === deviceId);
  return own.length === 0 || own.some((binding) => binding.patientId === patientId && holds(binding, atMs));
}

export type BindingRefusal = { code: 'bad_input' | 'conflict'; field: 'from' | 'until'; message: string };

/**
 * Whether a device may be bound from a time on.
 * @param bindings all of the device
 * @returns undefined where it may; `bound` where the same patient has it already
 */
export function decideBinding(
  bindings: readonly Binding[],
  { patientId, fromMs, nowMs }: { patientId: string; fromMs: number; nowMs: number },
): BindingRefusal | 'bound' | undefined {
  const open = bindings.find(({ untilMs }) => untilMs === null);
  if (open?.patientId === patientId) return 'bound';
  if (open !== undefined) {
    return { code: 'conflict', field: 'from', message: 'It is bound to another patient: release it first' };
  }
  if (fromMs > nowMs || fromMs < nowMs - oldestMs) {
    return { code: 'bad_input', field: 'from', message: 'Expected a time of the last 24 hours' };
  }
  if (bindings.some(({ untilMs }) => untilMs !== null && untilMs > fromMs)) {
    return { code: 'conflict', field: 'from', message: 'It was bound to somebody at that time' };
  }
  return undefined;
}

/**
 * Whether the binding to a patient may end at a time.
 * @param bindings all of the device
 * @returns undefined where it may
 */
export function decideRelease(
  bindings: readonly Binding[],
  { patientId, untilMs, nowMs }: { patientId: string; untilMs: number; nowMs: number },
): BindingRefusal | undefined {
  const open = bindings.find((binding) => binding.untilMs === null);
  if (open?.patientId !== patientId) {
    return { code: 'conflict', field: 'until', message: 'It is not bound to this patient' };
  }
  if (untilMs > nowMs || untilMs <= open.fromMs) {
    return { code: 'bad_input', field: 'until', message: 'Expected a time after the beginning, and not ahead' };
  }
  return undefined;
}
