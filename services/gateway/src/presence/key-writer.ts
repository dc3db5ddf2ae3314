/**
 * Writes keys that change: each at most once in a while, never twice at a time, few at once, until it has succeeded. What is
 * written is what holds when its turn comes, so a storm of changes costs one write a key.
 */
export type KeyWriter = {
  /** What stands under the key is no longer what it should be. */
  touch(key: string): void;
  /** How many are still to be written, or are being written. */
  pending(): number;
  /** Takes no more, and waits for what is to be written, so long at most. */
  stop(withinMs: number): Promise<void>;
};

export type KeyWriterOptions = {
  /** Rejects when it is not known to be stored. */
  write: (key: string) => Promise<void>;
  /** Between two writes of a key, whether they succeeded or not. */
  restMs: number;
  maxInFlight: number;
};

export function createKeyWriter({ write, restMs, maxInFlight }: KeyWriterOptions): KeyWriter {
  const ready = new Set<string>();
  const inFlight = new Set<string>();
  /** Until when a key rests; in order of time, since all rest equally long. */
  const resting = new Map<string, number>();
  const restless = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isStopping = false;
  let onIdle: () => void = () => {};

  const pending = (): number => ready.size + inFlight.size + restless.size;

  const start = async (key: string): Promise<void> => {
    ready.delete(key);
    inFlight.add(key);
    try {
      await write(key);
    } catch {
      // Once more when it has rested; whoever stops has said how long that may go on.
      restless.add(key);
    }
    inFlight.delete(key);
    resting.set(key, performance.now() + restMs);
    pump();
  };

  const wake = (): void => {
    timer = undefined;
    const now = performance.now();
    for (const [key, until] of resting) {
      if (until > now) break;
      resting.delete(key);
      if (restless.delete(key)) ready.add(key);
    }
    pump();
  };

  const pump = (): void => {
    for (const key of ready) {
      if (inFlight.size >= maxInFlight) break;
      void start(key);
    }
    const [first] = resting.values();
    if (first !== undefined && timer === undefined)
      timer = setTimeout(wake, Math.max(1, first - performance.now())).unref();
    if (pending() === 0) onIdle();
  };

  return {
    touch(key) {
      if (isStopping) return;
      if (inFlight.has(key) || resting.has(key)) restless.add(key);
      else ready.add(key);
      pump();
    },
    pending,
    async stop(withinMs) {
      isStopping = true;
      if (pending() > 0) {
        let timeout: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          onIdle = resolve;
          timeout = setTimeout(resolve, withinMs);
        });
        clearTimeout(timeout);
      }
      clearTimeout(timer);
      ready.clear();
      restless.clear();
    },
  };
}
