/**
 * One observable value. `get` returns the same reference until `set` changes it, which is what
 * React's useSyncExternalStore needs, so that a new heart rate renders one number and not a board.
 */
export type Cell<T> = {
  get: () => T;
  set: (value: T) => void;
  subscribe: (listener: () => void) => () => void;
};

export const createCell = <T>(initial: T): Cell<T> => {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};

/** Cells by key, made when they are first asked for. */
export type CellMap<T> = { at: (key: string) => Cell<T>; entries: () => Iterable<[string, Cell<T>]> };

export const createCellMap = <T>(initial: T): CellMap<T> => {
  const cells = new Map<string, Cell<T>>();
  return {
    at: (key) => {
      const known = cells.get(key);
      if (known) return known;
      const made = createCell(initial);
      cells.set(key, made);
      return made;
    },
    entries: () => cells.entries(),
  };
};
