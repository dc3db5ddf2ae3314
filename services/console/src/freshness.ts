/** When what is on the screen may still be called live. Pure. */
import type { BoardLink } from './link.ts';

/** Samples come once a second: five missed ones are not chance. */
export const LIVE_WITHIN_MS = 5000;

/**
 * How old a single value may be before its time is written beside it. The first three come once a second; cuffs and
 * thermometers measure now and then, and an old value of theirs is normal but must not look new.
 */
const VALUE_WITHIN_MS: Record<string, number> = {
  heartRate: 10_000,
  pulse: 10_000,
  spo2: 10_000,
  respirationRate: 30_000,
};
const RARE_VALUE_WITHIN_MS = 120_000;

export const isContinuous = (vital: string): boolean => vital in VALUE_WITHIN_MS;

export const isOldValue = (vital: string, measuredAt: string, now: number): boolean =>
  now - Date.parse(measuredAt) > (VALUE_WITHIN_MS[vital] ?? RARE_VALUE_WITHIN_MS);

export type LinkView = 'live' | 'connecting' | 'reconnecting' | 'not live';

/** A short loss is being mended and says so; after five seconds nothing on the screen may pass for live. */
export const viewLink = (link: BoardLink, nowLocal: number): LinkView => {
  if (link.state === 'live') return 'live';
  if (link.state === 'stopped' || nowLocal - link.heardAt > LIVE_WITHIN_MS) return 'not live';
  return link.state;
};

export const LIVE = -1;
export const NO_DATA = 0;

/** LIVE, NO_DATA, or since when (server time) this bed has not been live. */
export const staleSince = (newestAt: number, link: LinkView, now: number): number => {
  if (newestAt === 0) return NO_DATA;
  const isLive = link !== 'not live' && now - newestAt <= LIVE_WITHIN_MS;
  return isLive ? LIVE : newestAt;
};
