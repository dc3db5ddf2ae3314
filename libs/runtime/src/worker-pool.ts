/** Takes deliveries in order and works on at most `width` at a time. */
export type WorkerPool<T> = { push(item: T): void; waiting(): number };

export function createWorkerPool<T>(width: number, work: (item: T) => Promise<void>): WorkerPool<T> {
  const waiting: T[] = [];
  let busy = 0;
  const next = (): void => {
    while (busy < width) {
      const item = waiting.shift();
      if (item === undefined) break;
      busy++;
      void work(item).finally(() => {
        busy--;
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
