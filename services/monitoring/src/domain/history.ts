import type { MonitorSample } from './patient-state.ts';

/** Beyond this age a sample is history. */
export const historyAfterMs = 15 * 60_000;

/** Also by now: readings that waited in our own backlog are as old as those that waited in the device. */
export const isHistory = (sample: Pick<MonitorSample, 'atMs' | 'receivedAtMs'>, nowMs: number): boolean =>
  Math.max(sample.receivedAtMs, nowMs) - sample.atMs > historyAfterMs;
