import { identityOf } from '../src/process-table.ts';

/** Those that still run at the deadline. */
export async function untilGone(pids: readonly number[], deadlineMs: number): Promise<number[]> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const running = pids.filter((pid) => identityOf(pid) !== undefined);
    if (running.length === 0 || performance.now() > until) return running;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
