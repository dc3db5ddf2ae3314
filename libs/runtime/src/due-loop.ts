/**
 * Timers without memory: a due column on the row they belong to. The loop sleeps until the earliest, is woken by
 * changes, and looks again every second for what another process left behind.
 */
import type { Clock } from './clock.ts';
import type { Gate } from './gate.ts';
import type { Logger } from './log.ts';
import { judge } from './outcome.ts';

export type DueWork = {
  name: string;
  /** The earliest due time, ms since the epoch; undefined when nothing is pending. */
  nextDueAt(): Promise<number | undefined>;
  /** Does a batch of what is due at `now`, claimed with skip locked. @returns how many were done */
  run(now: number): Promise<number>;
};

export type DueLoop = {
  name: string;
  wake(): void;
  /** How long ago it last began to look for what is due: about a second at most while all is well. */
  sinceTurnMs(): number;
  stop(): Promise<void>;
};

const lookAgainMs = 1_000;
const afterTroubleMs = 20;
const heldAgainMs = 20;

export function startDueLoop(work: DueWork, { clock, gate, log }: { clock: Clock; gate: Gate; log: Logger }): DueLoop {
  let isStopped = false;
  let isWoken = false;
  let wakeSleeper: () => void = () => {};
  let turnedAt = performance.now();

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (isWoken || isStopped) return resolve();
      const cancel = clock.wakeAfter(ms, resolve);
      wakeSleeper = () => {
        cancel();
        resolve();
      };
    });

  const loop = async (): Promise<void> => {
    while (!isStopped) {
      isWoken = false;
      turnedAt = performance.now();
      try {
        // First of all: it is one statement, and most changes that wake this loop make nothing due.
        const dueAt = await work.nextDueAt();
        const untilDueMs = dueAt === undefined ? lookAgainMs : dueAt - clock.now();
        if (untilDueMs > 0) await sleep(Math.min(untilDueMs, lookAgainMs));
        // Due, and yet nothing was claimed: another process holds the row; not a reason to spin.
        else if ((await work.run(clock.now())) === 0) await sleep(heldAgainMs);
      } catch (error) {
        const outcome = judge(error);
        if (outcome.kind === 'later') {
          gate.close();
          await gate.whenOpen();
          await sleep(afterTroubleMs);
        } else {
          log.error({ err: error, timer: work.name }, 'timer failed');
          await sleep(lookAgainMs);
        }
      }
    }
  };
  const finished = loop();
  return {
    name: work.name,
    sinceTurnMs: () => performance.now() - turnedAt,
    wake() {
      isWoken = true;
      wakeSleeper();
    },
    async stop() {
      isStopped = true;
      wakeSleeper();
      await finished;
    },
  };
}
