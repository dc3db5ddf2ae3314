import type { Clock } from '@carillon/runtime/clock';

/** Time that moves when the test says so; sleepers whose time has come wake in order. */
export type VirtualClock = Clock & { advance(ms: number): void };

export function createVirtualClock(startAt: number): VirtualClock {
  let time = startAt;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    now: () => time,
    wakeAfter(delayMs, wake) {
      const sleeper = { at: time + delayMs, wake };
      sleepers.add(sleeper);
      return () => sleepers.delete(sleeper);
    },
    advance(ms) {
      time += ms;
      const due = [...sleepers].filter((sleeper) => sleeper.at <= time).sort((a, b) => a.at - b.at);
      for (const sleeper of due) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
