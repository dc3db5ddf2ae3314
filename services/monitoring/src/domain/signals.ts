/**
 * Whether a vital sign that is measured all the time still comes.
 *
 * A signal is *expected* once a device has sent it as a stream: three receipts within a minute, over ten seconds at
 * least. A round never is, nor a buffer that is sent at once. It is *absent* when nothing good came for several of its
 * intervals, or when the device has said so for a while. Absence is counted from what was heard here, and only while we
 * were listening: an outage of ours makes no sensor silent.
 *
 * What never counts is expected as well once it streams: a device whose clock is slow, or that is not bound to this
 * patient, looks as if it measured, and would raise no alarm ever.
 */
import type { signalReasons } from '@carillon/contracts/monitoring';
import type { VitalName } from '@carillon/contracts/vital-signs';

export type SignalReason = (typeof signalReasons)[number];

/** Times in ms since the epoch. */
export type Signal = {
  deviceId: string;
  /** Receipt, at the edge, of the newest good sample; and of the first one, until it is expected. */
  receivedMs: number;
  startedMs?: number;
  /** When the newest good sample was judged here. */
  heardMs: number;
  /** Between the newest receipts, newest last. */
  gapsMs: readonly number[];
  isExpected?: true;
  /** Until it is expected, of one of which nothing counts: how much older than its receipt the first sample was. */
  behindMs?: number;
  /** What came since instead of a good sample. */
  doubt?: { reason: Exclude<SignalReason, 'silent'>; sinceMs: number };
  absentSinceMs?: number;
};
export type Signals = Readonly<Partial<Record<VitalName, Signal>>>;

/** From when until when the partition of a patient was listened to without a break. */
export type Hearing = { sinceMs: number; untilMs: number };

const keptGaps = 3;
const streamWithinMs = 60_000;
const streamLastsMs = 10_000;
/** Clinical default, to be signed off: how long nothing may come before somebody looks at the sensor. */
const patienceMs = 15_000;
const missedIntervals = 5;
const shortestIntervalMs = 1_000;
const longestIntervalMs = 5 * 60_000;
/** A longer break in our listening begins it anew. */
const hearingGapMs = 5_000;

export function hearOn(hearing: Hearing | undefined, nowMs: number): Hearing {
  const isContinued = hearing !== undefined && nowMs - hearing.untilMs <= hearingGapMs;
  return { sinceMs: isContinued ? hearing.sinceMs : nowMs, untilMs: nowMs };
}

/** A good live sample of a device. Receipts of one instant are one. */
export function hearSignal(
  signal: Signal | undefined,
  { deviceId, receivedMs, nowMs }: { deviceId: string; receivedMs: number; nowMs: number },
): Signal {
  const gapMs = signal === undefined ? 0 : receivedMs - signal.receivedMs;
  const isNewStream =
    signal === undefined || signal.behindMs !== undefined || (signal.isExpected !== true && gapMs > streamWithinMs);
  if (isNewStream) return { deviceId, receivedMs, startedMs: receivedMs, heardMs: nowMs, gapsMs: [] };
  const { doubt: _, absentSinceMs: __, startedMs = receivedMs, ...known } = signal;
  const beginning = signal.isExpected === true ? {} : { startedMs };
  if (gapMs <= 0) return { ...known, ...beginning, deviceId, heardMs: nowMs };
  // How long it was off says nothing of how often it is sent.
  const gapsMs = signal.absentSinceMs === undefined ? [...signal.gapsMs, gapMs].slice(-keptGaps) : signal.gapsMs;
  const lastTwoMs = gapsMs.slice(-2).reduce((sum, gap) => sum + gap, 0);
  const isStream =
    signal.isExpected === true ||
    (gapsMs.length >= 2 && lastTwoMs <= streamWithinMs && receivedMs - startedMs >= streamLastsMs);
  const heard = { ...known, deviceId, receivedMs, heardMs: nowMs, gapsMs };
  return isStream ? { ...heard, isExpected: true } : { ...heard, startedMs };
}

/** A buffer that is sent catches up; a clock that is slow stays as slow. */
const steadyMs = 10_000;

/** A sample of a device that measures now and counts for nothing. Where something good is expected, or comes, it is none. */
export function hearUseless(
  signal: Signal | undefined,
  came: { deviceId: string; receivedMs: number; nowMs: number; behindMs: number; reason: 'late' | 'notBound' },
): Signal {
  if (signal?.isExpected === true) return signal;
  const isRecent = signal !== undefined && came.receivedMs - signal.receivedMs <= streamWithinMs;
  if (isRecent && signal.behindMs === undefined) return signal;
  const { deviceId, receivedMs, nowMs, behindMs, reason } = came;
  const isSame = isRecent && Math.abs((signal.behindMs ?? 0) - behindMs) <= steadyMs;
  if (!isSame) return { ...hearSignal(undefined, { deviceId, receivedMs, nowMs }), behindMs };
  const { behindMs: firstMs = behindMs, ...known } = signal;
  const heard = hearSignal(known, { deviceId, receivedMs, nowMs });
  return heard.isExpected === true ? { ...heard, doubt: { reason, sinceMs: nowMs } } : { ...heard, behindMs: firstMs };
}

/** Something came that is no good sample. What the device says of itself weighs more than our own doubt. */
export function doubtSignal(signal: Signal, reason: Exclude<SignalReason, 'silent'>, nowMs: number): Signal {
  const { doubt } = signal;
  if (doubt !== undefined && (isSaid(doubt.reason) || !isSaid(reason))) return signal;
  return { ...signal, doubt: { reason, sinceMs: nowMs } };
}

const isSaid = (reason: SignalReason): boolean => reason === 'invalid' || reason === 'unavailable' || reason === 'off';

function patienceOf({ gapsMs }: Signal): number {
  const median = gapsMs.toSorted((a, b) => a - b)[Math.floor(gapsMs.length / 2)] ?? shortestIntervalMs;
  const intervalMs = Math.min(Math.max(median, shortestIntervalMs), longestIntervalMs);
  return Math.max(patienceMs, missedIntervals * intervalMs);
}

/** When it is absent unless something good comes before. @param listeningSinceMs 0 where that is not known here */
export function absentAtMs(signal: Signal, listeningSinceMs: number): number {
  const silentAtMs = Math.max(signal.heardMs, listeningSinceMs) + patienceOf(signal);
  const { doubt } = signal;
  return doubt !== undefined && isSaid(doubt.reason) ? Math.min(silentAtMs, doubt.sinceMs + patienceMs) : silentAtMs;
}

/** @returns the same object where none has become absent */
export function findAbsent(signals: Signals, { sinceMs, untilMs }: Hearing): Signals {
  const found = Object.entries(signals).filter(
    ([, signal]) =>
      signal.isExpected === true && signal.absentSinceMs === undefined && absentAtMs(signal, sinceMs) <= untilMs,
  );
  if (found.length === 0) return signals;
  return {
    ...signals,
    ...Object.fromEntries(found.map(([vital, signal]) => [vital, { ...signal, absentSinceMs: untilMs }])),
  };
}

/** Why it does not come. */
export const reasonOf = (signal: Signal): SignalReason => signal.doubt?.reason ?? 'silent';
