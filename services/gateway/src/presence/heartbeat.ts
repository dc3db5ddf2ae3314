/** Says again and again that this gateway lives, and sees to it that what it has written is there. */
export type Heartbeat = {
  start(): void;
  /** Something was lost, or may be: mends it and says everything anew, until that has succeeded. */
  restore(): void;
  stop(): Promise<void>;
};

export type HeartbeatOptions = {
  everyMs: number;
  /** Whoever was silent for so long says everything anew. */
  lateAfterMs: number;
  beat: (n: number) => Promise<void>;
  /** Makes the buckets where they are missing. */
  repair: () => Promise<void>;
  onMended: () => void;
  isConnected: () => boolean;
};

/** So that many gateways that started together do not beat together. */
const jitter = (ms: number): number => ms * (0.8 + Math.random() * 0.4);

export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { everyMs, lateAfterMs, beat, repair, onMended, isConnected } = options;
  let count = 0;
  let lastAt = performance.now();
  let isMendingWanted = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let work: Promise<void> | undefined;

  const once = async (): Promise<void> => {
    const isMending = isMendingWanted;
    isMendingWanted = false;
    try {
      if (isMending) await repair();
      await beat(++count);
      const isLate = performance.now() - lastAt > lateAfterMs;
      lastAt = performance.now();
      if (isMending || isLate) onMended();
    } catch {
      // The bucket may be gone; while there is no connection nothing can be said of it, and its return mends anyway.
      isMendingWanted ||= isMending || isConnected();
    }
  };
  const run = (): void => {
    clearTimeout(timer);
    work ??= once().finally(() => {
      work = undefined;
      if (isStopped) return;
      timer = setTimeout(run, jitter(isMendingWanted ? everyMs / 6 : everyMs)).unref();
    });
  };

  return {
    start: run,
    restore() {
      isMendingWanted = true;
      if (!isStopped) run();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await work;
    },
  };
}
