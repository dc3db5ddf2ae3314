/** Takes deliveries in order and works on at most `width` at a time. */
export type WorkerPool<T> = { push(item: T): void; idle(): Promise<void> };

export function createWorkerPool<T>(width: number, work: (item: T) => Promise<void>): WorkerPool<T> {
  const waiting: T[] = [];
  let busy = 0;
  let whenIdle: (() => void)[] = [];
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
    if (busy === 0 && waiting.length === 0) {
      for (const resolve of whenIdle) resolve();
      whenIdle = [];
    }
  };
  return {
    push(item) {
      waiting.push(item);
      next();
    },
    idle: () => (busy === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((r) => whenIdle.push(r))),
  };
}
