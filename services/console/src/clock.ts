/** The server's time as the console shows and reckons with it: a ward PC may be minutes off. */
import { createCell } from './cell.ts';

let offsetMs = 0;

/** What the server's clock says now, in epoch milliseconds. */
export const serverNow = (): number => Date.now() + offsetMs;

/** Half a second: a stale tile shows within 0.5 s of its limit, and running clocks never skip a second. */
const TICK_MS = 500;

export const clock = createCell(serverNow());

export const setServerTime = (iso: string): void => {
  const time = Date.parse(iso);
  if (!Number.isNaN(time)) offsetMs = time - Date.now();
  clock.set(serverNow());
};

/** Starts the tick; returns what stops it. */
export const startClock = (): (() => void) => {
  const timer = setInterval(() => clock.set(serverNow()), TICK_MS);
  return () => clearInterval(timer);
};

/** A moment of this browser's clock as the server would have it. */
export const toServerTime = (localMs: number): number => localMs + offsetMs;
