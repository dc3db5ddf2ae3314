import type { Clock, ClockStep } from '@carillon/runtime/clock';

/** Time that moves when the test says so; sleepers whose time has come wake in order. */
export type VirtualClock = Clock & {
  advance(ms: number): void;
  /** The clock is set forward by somebody: it has not become later, and sleepers wake all the same. */
  step(ms: number): void;
};

export function createVirtualClock(startAt: number): VirtualClock {
  let time = startAt;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const steps: ClockStep[] = [];
  const advance = (ms: number): void => {
    time += ms;
    const due = [...sleepers].filter((sleeper) => sleeper.at <= time).sort((a, b) => a.at - b.at);
    for (const sleeper of due) {
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };
  return {
    now: () => time,
    steps: () => steps,
    wakeAfter(delayMs, wake) {
      const sleeper = { at: time + delayMs, wake };
      sleepers.add(sleeper);
      return () => sleepers.delete(sleeper);
    },
    advance,
    step(ms) {
      steps.push({ at: time + ms, ms });
      advance(ms);
    },
  };
}
