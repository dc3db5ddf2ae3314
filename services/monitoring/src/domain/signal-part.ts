/**
 * Signals and devices of one patient, and the technical conditions that follow from them: `<vital>-absent`,
 * `device-silent` in place of those where all that a device sends is gone, and `device-battery`. They say that somebody
 * must look at the measuring. While one is on, nothing is measured, so no alarm of that vital sign ends.
 */
import type { Priority } from '@carillon/contracts/monitoring';
import { isVitalName, vitalNames, type VitalName } from '@carillon/contracts/vital-signs';
import { historyAfterMs, isHistory } from './history.ts';
import {
  activeAfter,
  type ApplyOptions,
  type MonitorSample,
  type PatientState,
  type TechnicalReason,
  type Transition,
} from './patient-state.ts';
import { reportOf } from './priority.ts';
import type { Judged } from './quality.ts';
import {
  absentAtMs,
  doubtSignal,
  findAbsent,
  hearSignal,
  hearUseless,
  reasonOf,
  type Signal,
  type SignalReason,
  type Signals,
} from './signals.ts';

/** After the samples of the batch were taken in. @returns the same state where nothing changed */
export function applySignals(
  state: PatientState,
  judged: Judged,
  given: ApplyOptions,
): { state: PatientState; conditions: Transition[] } {
  const { hearing } = given;
  // It is written once a second: no digits that mean nothing.
  const options = { ...given, nowMs: Math.floor(given.nowMs) };
  const before = state.signals ?? {};
  const good = doubtedBy(heardBy(before, judged, options), judged, options);
  const heard = saidBy(uselessBy(good, judged, options), state, options);
  const signals = hearing === undefined ? heard : findAbsent(heard, hearing);
  const conditions = technicalTransitions(state, signals, options);
  if (signals === before && conditions.length === 0) return { state, conditions };
  const { signals: _, ...rest } = state;
  const active = activeAfter(state.active, conditions);
  const hasSignals = Object.keys(signals).length > 0;
  return { state: { ...rest, active, ...(hasSignals ? { signals } : {}) }, conditions };
}

/** Where it is time already, what we listen to lies behind a little. */
const lookAgainMs = 1_000;
const lookAtSilentMs = 60_000;

/** @returns ms since the epoch, later than now; null where no signal is waited for */
export function nextSignalLookAt(
  { active, signals = {} }: PatientState,
  { hearing, nowMs }: ApplyOptions,
): number | null {
  const times = Object.values(signals)
    .filter(({ isExpected, absentSinceMs }) => isExpected === true && absentSinceMs === undefined)
    .map((signal) => absentAtMs(signal, hearing?.sinceMs ?? 0));
  // It may be heard with readings of somebody else.
  if (active[deviceSilentKind] !== undefined) times.push(nowMs + lookAtSilentMs);
  return times.length === 0 ? null : Math.max(Math.min(...times), nowMs + lookAgainMs);
}

/** As they are shown: those that are expected and do not come as they should. */
export const troubledSignals = ({ signals = {} }: PatientState) =>
  entriesOf(signals).flatMap(([vital, signal]) => {
    if (signal.isExpected !== true) return [];
    const isAbsent = signal.absentSinceMs !== undefined;
    if (!isAbsent && signal.doubt === undefined) return [];
    const since = new Date(signal.doubt?.sinceMs ?? signal.heardMs).toISOString();
    return [{ vital, state: isAbsent ? ('absent' as const) : ('suspect' as const), since, reason: reasonOf(signal) }];
  });

/** What somebody has taken off on purpose is not expected until it is a stream again. */
export function stopSignals(
  state: PatientState,
  isStopped: (vital: VitalName, deviceId: string) => boolean,
): PatientState {
  const all = entriesOf(state.signals ?? {});
  const kept = all.filter(([vital, { deviceId }]) => !isStopped(vital, deviceId));
  return kept.length === all.length ? state : { ...state, signals: Object.fromEntries(kept) };
}

const entriesOf = (signals: Signals): [VitalName, Signal][] =>
  Object.entries(signals).flatMap(([vital, signal]) => (isVitalName(vital) ? [[vital, signal]] : []));

function heardBy(signals: Signals, { usable }: Judged, { nowMs }: ApplyOptions): Signals {
  const heard: Partial<Record<VitalName, Signal>> = {};
  for (const sample of usable.toSorted(byReceipt)) {
    const { vital, deviceId, receivedAtMs: receivedMs } = sample;
    if (typeof deviceId !== 'string' || isHistory(sample, nowMs)) continue;
    heard[vital] = hearSignal(heard[vital] ?? signals[vital], { deviceId, receivedMs, nowMs });
  }
  return Object.keys(heard).length === 0 ? signals : { ...signals, ...heard };
}

/** By receipt; the device only makes equal receipts come out the same in whatever order they come. */
const byReceipt = (a: MonitorSample, b: MonitorSample): number =>
  a.receivedAtMs - b.receivedAtMs || ((a.deviceId ?? '') < (b.deviceId ?? '') ? -1 : 1);

/** A good sample of the same batch weighs more: a signal is in doubt when nothing good comes. */
function doubtedBy(signals: Signals, { usable, doubted }: Judged, { nowMs }: ApplyOptions): Signals {
  const next: Partial<Record<VitalName, Signal>> = {};
  for (const [sample, doubt] of [...doubted].toSorted(([, a], [, b]) => (a < b ? -1 : 1))) {
    const { vital } = sample;
    const signal = signals[vital];
    const isGood = usable.some((other) => other.vital === vital);
    if (signal === undefined || isGood || isHistory(sample, nowMs)) continue;
    next[vital] = doubtSignal(next[vital] ?? signal, doubt, nowMs);
  }
  return Object.keys(next).length === 0 ? signals : { ...signals, ...next };
}

/** What streams and never counts. */
function uselessBy(signals: Signals, { usable, doubted }: Judged, { nowMs }: ApplyOptions): Signals {
  const next: Partial<Record<VitalName, Signal>> = {};
  const came = [
    // Old when it came to us: what has waited here says nothing of the device.
    ...usable
      .filter((sample) => isHistory(sample, sample.receivedAtMs))
      .map((sample) => ({ sample, reason: 'late' as const })),
    ...[...doubted].flatMap(([sample, reason]) => (reason === 'notBound' ? [{ sample, reason }] : [])),
  ];
  for (const { sample, reason } of came.toSorted(
    (a, b) => byReceipt(a.sample, b.sample) || a.sample.atMs - b.sample.atMs,
  )) {
    const { vital, deviceId, receivedAtMs: receivedMs, atMs } = sample;
    const known = next[vital] ?? signals[vital];
    if (typeof deviceId !== 'string') continue;
    const heard = hearUseless(known, { deviceId, receivedMs, nowMs, behindMs: receivedMs - atMs, reason });
    if (heard !== known) next[vital] = heard;
  }
  return Object.keys(next).length === 0 ? signals : { ...signals, ...next };
}

/** What a device says instead of its own value counts where no newer value is known. */
function saidBy(signals: Signals, { newest }: PatientState, { absences = [], nowMs }: ApplyOptions): Signals {
  let next = signals;
  for (const { vital, reason, atMs, deviceId } of absences.toSorted(
    (a, b) => a.atMs - b.atMs || (a.reason < b.reason ? -1 : 1),
  )) {
    const signal = next[vital];
    const isOld = nowMs - atMs > historyAfterMs || atMs <= (newest[vital]?.atMs ?? -Infinity);
    const isItsOwn = deviceId === null || deviceId === signal?.deviceId;
    if (signal !== undefined && isItsOwn && !isOld) next = { ...next, [vital]: doubtSignal(signal, reason, nowMs) };
  }
  return next;
}

type Technical = { priority: Priority; vital?: VitalName; reason: TechnicalReason };

export const deviceSilentKind = 'device-silent';
export const deviceBatteryKind = 'device-battery';
const absentKind = (vital: VitalName): string => `${vital}-absent`;
export const technicalKinds: ReadonlySet<string> = new Set([
  deviceSilentKind,
  deviceBatteryKind,
  ...vitalNames.map(absentKind),
]);
export const isTechnicalKind = (kind: string): boolean => technicalKinds.has(kind);

/** An alarm that cannot end because nothing is measured must not wait for somebody to come by. */
const priorityOf = (vitals: readonly VitalName[], { active }: PatientState): Priority =>
  vitals.some((vital) => [`${vital}-above`, `${vital}-below`].some((kind) => active[kind] !== undefined))
    ? 'medium'
    : 'low';

/** What a device says of all that it does not measure is said once. */
function commonReason(lost: readonly [VitalName, Signal][]): SignalReason {
  const [reason = 'silent', ...others] = new Set(lost.map(([, signal]) => reasonOf(signal)));
  return others.length === 0 ? reason : 'silent';
}

function technicalConditions(
  state: PatientState,
  signals: Signals,
  { devices = [], patientId }: ApplyOptions,
): Map<string, Technical> {
  const found = new Map<string, Technical>();
  const expected = entriesOf(signals).filter(([, { isExpected }]) => isExpected === true);
  const worn = devices.filter((device) => device.patientId === patientId && !device.isUnderTest);
  const silent = new Set(worn.filter(({ isConnected }) => isConnected === false).map(({ deviceId }) => deviceId));
  for (const deviceId of new Set(expected.map(([, signal]) => signal.deviceId))) {
    const own = expected.filter(([, signal]) => signal.deviceId === deviceId);
    if (own.length > 1 && own.every(([, signal]) => signal.absentSinceMs !== undefined)) silent.add(deviceId);
  }
  for (const [vital, signal] of expected) {
    if (signal.absentSinceMs === undefined || silent.has(signal.deviceId)) continue;
    found.set(absentKind(vital), { vital, priority: priorityOf([vital], state), reason: reasonOf(signal) });
  }
  if (silent.size > 0) {
    const lost = expected.filter(([, { deviceId }]) => silent.has(deviceId));
    const vitals = lost.map(([vital]) => vital);
    found.set(deviceSilentKind, { priority: priorityOf(vitals, state), reason: commonReason(lost) });
  }
  if (worn.some((device) => isBatteryLow(device, state.active[deviceBatteryKind] !== undefined))) {
    found.set(deviceBatteryKind, { priority: 'low', reason: 'battery' });
  }
  return found;
}

/** An alarm that a charge of one percent would end and the next minute would raise again is no use. */
const batteryHysteresis = 5;
const isBatteryLow = (
  { battery, batteryLowPercent }: NonNullable<ApplyOptions['devices']>[number],
  isOn: boolean,
): boolean => battery !== null && battery < batteryLowPercent + (isOn ? batteryHysteresis : 0);

function technicalTransitions(state: PatientState, signals: Signals, options: ApplyOptions): Transition[] {
  const { nowMs: atMs } = options;
  const now = technicalConditions(state, signals, options);
  const ended = Object.entries(state.active)
    .filter(([kind]) => isTechnicalKind(kind) && !now.has(kind))
    .map(([kind, priority]): Transition => ({ type: 'cleared', kind, priority, atMs, technical: { reason: 'over' } }));
  const begun = [...now].flatMap(([kind, { priority, reason, vital }]): Transition[] => {
    const before = state.active[kind];
    if (before === priority) return [];
    const technical = { reason, ...(vital === undefined ? {} : { vital }) };
    return [{ type: reportOf(before, priority), kind, priority, atMs, technical }];
  });
  return [...ended, ...begun];
}
