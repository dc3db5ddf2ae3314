import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { Cell } from '../cell.ts';
import { clock } from '../clock.ts';
import { type LinkView, isOldValue, staleSince, viewLink } from '../freshness.ts';
import type { Live } from '../live.ts';
import type { Alert, Reading } from '../shapes.ts';

const LiveContext = createContext<Live | undefined>(undefined);
export const LiveProvider = LiveContext.Provider;

export const useLive = (): Live => {
  const live = useContext(LiveContext);
  if (!live) throw new Error('useLive is for components inside LiveProvider');
  return live;
};

export const useCell = <T>(cell: Cell<T>): T => useSyncExternalStore(cell.subscribe, cell.get);

/** A value that follows from cells and the clock; renders only when the (primitive) result changes. */
const useDerived = <T extends string | number | boolean | undefined>(
  cells: readonly Pick<Cell<unknown>, 'subscribe'>[],
  derive: () => T,
): T => {
  const subscribe = useCallback(
    (listener: () => void) => {
      const ends = [clock, ...cells].map((cell) => cell.subscribe(listener));
      return () => {
        for (const end of ends) end();
      };
    },
    // The cells of a component stay the same ones for its life; the array around them does not.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    cells,
  );
  return useSyncExternalStore(subscribe, derive);
};

/** Where an alert is, in words; written anew when the beds of a ward become known or change. */
export const usePlace = (alert: Pick<Alert, 'patientId' | 'wardId'> | undefined): string => {
  const { board, place } = useLive();
  useCell(board.wardChanges);
  return alert ? place(alert) : '';
};

export const useLinkView = (): LinkView => {
  const { link } = useLive().board;
  return useDerived([link], () => viewLink(link.get(), Date.now()));
};

/** See staleSince: LIVE, NO_DATA, or the moment since when. */
export const useStaleSince = (patientId: string): number => {
  const { board } = useLive();
  const newest = board.newestAt(patientId);
  return useDerived([newest, board.link], () =>
    staleSince(newest.get(), viewLink(board.link.get(), Date.now()), clock.get()),
  );
};

export const useIsOld = (reading: Reading | undefined): boolean =>
  useDerived([], () => reading !== undefined && isOldValue(reading.vital, reading.measuredAt, clock.get()));

/** Whole seconds of server time, for running clocks. */
export const useNowSeconds = (): number => useDerived([], () => Math.floor(clock.get() / 1000));

/** True when there are beds with data and not one of them is live, though the link is. */
export const useIsSilent = (patientIds: readonly string[]): boolean => {
  const { board } = useLive();
  return useDerived([board.link], () => {
    const times = patientIds.map((patientId) => board.newestAt(patientId).get()).filter((at) => at > 0);
    return times.length > 0 && times.every((at) => staleSince(at, 'live', clock.get()) >= 0);
  });
};
