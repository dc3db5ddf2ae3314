import type { SummaryResolution } from '@carillon/contracts/history';

/** Instants are ms since the epoch; `from` inclusive, `to` exclusive. */
export type SummaryPlan = { resolution: SummaryResolution; from: number; to: number; everySeconds: number };

const minuteMs = 60_000;
/** From here on a part is made of whole minutes; a shorter one would have too few of them to be near what was asked for. */
const minutesFromSeconds = 120;

/**
 * What a time is summed up from, in at most `points` parts: from single readings where these are kept and the parts are
 * short, else from whole minutes, outwards.
 *
 * @param readingsFrom since when single readings are kept
 */
export function planSummary(
  { from, to }: { from: number; to: number },
  { points, readingsFrom }: { points: number; readingsFrom: number },
): SummaryPlan {
  const everySeconds = Math.ceil((to - from) / 1_000 / points);
  if (from >= readingsFrom && everySeconds < minutesFromSeconds)
    return { resolution: 'readings', from, to, everySeconds };
  const first = Math.floor(from / minuteMs) * minuteMs;
  const end = Math.ceil(to / minuteMs) * minuteMs;
  const everyMinutes = Math.ceil((end - first) / minuteMs / points);
  return { resolution: 'minutes', from: first, to: end, everySeconds: everyMinutes * 60 };
}
