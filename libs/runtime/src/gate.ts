/** A dependency that is down stops the work that needs it, instead of failing it: nothing is counted as a failure. */
import type { Logger } from './log.ts';

export type Gate = {
  /** The dependency failed; probing begins. */
  close(): void;
  /** Resolves at once while open, else when a probe succeeded (or the gate was stopped). */
  whenOpen(): Promise<void>;
  /** Tells when it has been down for 3 s, longer than a restart takes, and when it is back after that. */
  watch(listener: (isLost: boolean) => void): void;
  /** Nobody waits any more. */
  stop(): void;
};

const firstProbeMs = 100;
/** Short, since the board must be live again 3 s after the return, and other waits follow this one. */
const longestProbeMs = 1_000;
/** By then what we hold is better given back: another replica may reach what we cannot. */
const lostAfterMs = 3_000;

export function createGate(probe: () => Promise<unknown>, log: Logger, what: string): Gate {
  let opened: Promise<void> | undefined;
  let isStopped = false;
  let cutShort: () => void = () => {};
  const listeners: ((isLost: boolean) => void)[] = [];

  const untilProbeSucceeds = async (): Promise<void> => {
    log.warn({ what }, 'dependency is down; work waits');
    let isLost = false;
    const tell = (): void => {
      isLost = !isLost;
      for (const listener of listeners) listener(isLost);
    };
    const patience = setTimeout(tell, lostAfterMs);
    for (let delayMs = firstProbeMs; !isStopped; delayMs = Math.min(delayMs * 2, longestProbeMs)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs * (0.5 + Math.random() / 2));
        cutShort = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (isStopped) break;
      try {
        await probe();
        log.info({ what }, 'dependency is back');
        break;
      } catch {
        // Still down.
      }
    }
    clearTimeout(patience);
    opened = undefined;
    if (isLost && !isStopped) tell();
  };

  return {
    close() {
      if (!isStopped) opened ??= untilProbeSucceeds();
    },
    whenOpen: async () => opened,
    watch: (listener) => void listeners.push(listener),
    stop() {
      isStopped = true;
      cutShort();
    },
  };
}
