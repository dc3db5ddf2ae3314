/**
 * Limits of a patient who has none of his own.
 *
 * A clinical default, to be signed off by the responsible clinician of the hospital before use: these suit an adult
 * whose usual values are unknown. A patient with chronic hypoxaemia, for one, needs limits of his own.
 * The 15 s of persistence leave out movement artefacts, which make up most of the alarms of bedside monitors.
 */
import type { Limit } from './alarm-engine.ts';

/** Thresholds in canonical units (% and /min). */
export const defaultLimits: readonly Limit[] = [
  { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 15, priority: 'high' },
  { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 15, priority: 'high' },
  { vital: 'heartRate', below: 40, clearAt: 45, persistSeconds: 15, priority: 'high' },
  { vital: 'respirationRate', above: 30, clearAt: 28, persistSeconds: 15, priority: 'medium' },
  { vital: 'respirationRate', below: 8, clearAt: 10, persistSeconds: 15, priority: 'medium' },
];
