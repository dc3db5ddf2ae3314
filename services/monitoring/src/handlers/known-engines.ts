/**
 * The states of engines as this process saved them last, so that a patient of whom something comes each second is not
 * read and parsed each second. A state belongs to its version: who saves another one saves another version.
 */
import type { KnownEngine, MonitorRow } from '../store.ts';

export type KnownEngines = {
  find(hospital: string, patientId: string): KnownEngine | undefined;
  keep(hospital: string, saved: readonly MonitorRow[]): void;
  clear(): void;
};

/** Some 10 kB each at most; of more patients those are forgotten of whom nothing came for longest. */
const maxKept = 10_000;

export function createKnownEngines(limit = maxKept): KnownEngines {
  const engines = new Map<string, KnownEngine>();
  const keyOf = (hospital: string, patientId: string): string => `${hospital} ${patientId}`;
  return {
    find: (hospital, patientId) => engines.get(keyOf(hospital, patientId)),
    keep(hospital, saved) {
      for (const { patientId, state, version } of saved) {
        const key = keyOf(hospital, patientId);
        // Last in the order of the map.
        engines.delete(key);
        engines.set(key, { state, version });
      }
      for (const oldest of engines.keys()) {
        if (engines.size <= limit) break;
        engines.delete(oldest);
      }
    },
    clear: () => engines.clear(),
  };
}
