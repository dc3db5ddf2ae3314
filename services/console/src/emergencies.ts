/**
 * Emergencies of the hospital that are not over. Events and what is read back meet here in any order: the higher version
 * counts, and what somebody has heard to be over stays so.
 */
import type { EventData, Result } from '@carillon/client/client';
import { createCell } from './cell.ts';

export type Emergency = Result<'emergency:list'>['items'][number];
type Told = EventData<'emergency:declared'> | EventData<'emergency:ended'>;

/** "Cardiac arrest", of `cardiac-arrest`. */
export const nameOfEmergency = (kind: string): string => {
  const words = kind.replaceAll(/[-_]+/g, ' ').trim();
  return words.length <= 3 ? words.toUpperCase() : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};

export const createEmergencies = () => {
  const running = createCell<readonly Emergency[]>([]);
  /** The newest that was told of each, and when, by a counter. */
  const told = new Map<string, { version: number; at: number }>();
  let count = 0;

  const put = (emergency: Told): void => {
    const { alertId, version } = emergency;
    if (version <= (told.get(alertId)?.version ?? 0)) return;
    told.set(alertId, { version, at: ++count });
    const others = running.get().filter((other) => other.alertId !== alertId);
    running.set('endedAt' in emergency ? others : [emergency, ...others]);
  };

  return {
    running,
    put,
    /** Before a list is asked for: what is told from here on may be missing in it. */
    mark: (): number => count,
    /** All that are not over, as they were at some time after the mark. */
    putAll: (items: readonly Emergency[], since: number): void => {
      const listed = new Map(items.map((item) => [item.alertId, item]));
      const isOver = ({ alertId }: Emergency): boolean => !listed.has(alertId) && (told.get(alertId)?.at ?? 0) <= since;
      // To another bed of the ward a patient goes without news of it.
      const asListed = (emergency: Emergency): Emergency => {
        const item = listed.get(emergency.alertId);
        return item?.version === emergency.version ? item : emergency;
      };
      const before = running.get();
      if (before.length > 0) running.set(before.filter((emergency) => !isOver(emergency)).map(asListed));
      for (const emergency of items.toReversed()) put(emergency);
    },
  };
};
