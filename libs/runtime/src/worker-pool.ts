/** Takes items in order and works on at most `width` at a time. Those of one key never overtake one another. */
export type WorkerPool<T> = { push(item: T): void; waiting(): number };

export function createWorkerPool<T>(
  width: number,
  work: (item: T) => Promise<void>,
  keyOf?: (item: T) => string,
): WorkerPool<T> {
  const waiting: T[] = [];
  const busyKeys = new Set<unknown>();
  const next = (): void => {
    while (busyKeys.size < width) {
      const index = keyOf === undefined ? 0 : waiting.findIndex((item) => !busyKeys.has(keyOf(item)));
      const [item] = index === -1 ? [] : waiting.splice(index, 1);
      if (item === undefined) break;
      // Without keys each item is its own.
      const key: unknown = keyOf === undefined ? {} : keyOf(item);
      busyKeys.add(key);
      void work(item).finally(() => {
        busyKeys.delete(key);
        next();
      });
    }
  };
  return {
    push(item) {
      waiting.push(item);
      next();
    },
    waiting: () => waiting.length,
  };
}
