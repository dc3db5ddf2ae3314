/** Takes items in order and works on at most `width` at a time. Those of one key never overtake one another. */
export type WorkerPool<T> = { push(item: T): void; waiting(): number };

/** What an item that can do nothing until then calls: others take its place meanwhile, and none of its own key. */
export type Pause = (until: Promise<void>) => Promise<void>;

export function createWorkerPool<T>(
  width: number,
  work: (item: T, pause: Pause) => Promise<void>,
  keyOf?: (item: T) => string,
): WorkerPool<T> {
  const waiting: T[] = [];
  /** Those whose pause is over: they began before all that wait. */
  const resuming: (() => void)[] = [];
  const busyKeys = new Set<unknown>();
  let working = 0;
  const pause: Pause = async (until) => {
    working--;
    next();
    await until;
    await new Promise<void>((resolve) => {
      resuming.push(resolve);
      next();
    });
  };
  const next = (): void => {
    while (working < width) {
      const resume = resuming.shift();
      if (resume !== undefined) {
        working++;
        resume();
        continue;
      }
      const index = keyOf === undefined ? 0 : waiting.findIndex((item) => !busyKeys.has(keyOf(item)));
      const [item] = index === -1 ? [] : waiting.splice(index, 1);
      if (item === undefined) break;
      // Without keys each item is its own.
      const key: unknown = keyOf === undefined ? {} : keyOf(item);
      busyKeys.add(key);
      working++;
      void work(item, pause).finally(() => {
        busyKeys.delete(key);
        working--;
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
