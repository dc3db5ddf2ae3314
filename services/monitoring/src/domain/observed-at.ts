/** When a person says that something was observed: clocks of clients differ, and nothing observed is of the future. */
const aheadMs = 120_000;

/** Further ahead than a clock that is a little fast. Both in ms since the epoch. */
export const isAhead = (statedAtMs: number, nowMs: number): boolean => statedAtMs > nowMs + aheadMs;

/** What is a little ahead is of now; whole milliseconds, since the corrected clock is finer. */
export const observedAtMs = (statedAtMs: number, nowMs: number): number => Math.min(statedAtMs, Math.floor(nowMs));
