/** A dependency that is down stops the work that needs it, instead of failing it: nothing is counted as a failure. */
import type { Logger } from './log.ts';

export type Gate = {
  isOpen(): boolean;
  /** The dependency failed; probing begins. */
  close(): void;
  /** Resolves at once while open, else when a probe succeeded (or the gate was stopped). */
  whenOpen(): Promise<void>;
  stop(): void;
};

const firstProbeMs = 100;
const longestProbeMs = 2_000;

export function createGate(probe: () => Promise<unknown>, log: Logger, what: string): Gate {
  let opened: Promise<void> | undefined;
  let isStopped = false;
  let cutShort: () => void = () => {};

  const untilProbeSucceeds = async (): Promise<void> => {
    log.warn({ what }, 'dependency is down; work waits');
    for (let delayMs = firstProbeMs; !isStopped; delayMs = Math.min(delayMs * 2, longestProbeMs)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs * (0.5 + Math.random() / 2));
        cutShort = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      try {
        await probe();
        log.info({ what }, 'dependency is back');
        break;
      } catch {
        // Still down.
      }
    }
    opened = undefined;
  };

  return {
    isOpen: () => opened === undefined,
    close() {
      if (!isStopped) opened ??= untilProbeSucceeds();
    },
    whenOpen: async () => opened,
    stop() {
      isStopped = true;
      cutShort();
    },
  };
}
