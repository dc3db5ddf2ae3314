/** What the beats of all engines, and their silence, come to. Pure. */
import type { Finding, TechnicalAlarm, TechnicalKind } from '@carillon/contracts/technical';

/** Of one engine, as of its newest beat. */
export type HeardBeat = { ageMs: number; findings: readonly Finding[] };
export type Heard = {
  /** Wall clock, ms since the epoch. */
  now: number;
  beats: readonly HeardBeat[];
  /** How long ago anything was heard; since the start where nothing was yet. */
  silentMs: number;
  isConnected: boolean;
  canary: Finding | undefined;
};

/** Of one hospital alone, or of all where that is absent. */
export type JudgedAlarm = TechnicalAlarm & Pick<Finding, 'hospital'>;

/** What the people of a hospital are told. */
export const alarmsOf = (alarms: readonly JudgedAlarm[], hospital: string): TechnicalAlarm[] =>
  alarms
    .filter((alarm) => alarm.hospital === undefined || alarm.hospital === hospital)
    .map(({ kind, since, detail, isStopped }) => ({ kind, since, detail, isStopped }));

/** Four beats: fewer may be lost in a change of the NATS leader. */
export const silentAfterMs = 8_000;

/** By one of these alone alarms may reach nobody. */
const stopping: readonly TechnicalKind[] = ['silent', 'overdueHigh', 'outboxLag', 'canary'];
/** An engine with one of these does nothing; others go on. */
const disabling: readonly TechnicalKind[] = ['database', 'loopStopped'];

export function judgeBeats({ now, beats, silentMs, isConnected, canary }: Heard): JudgedAlarm[] {
  const live = beats.filter(({ ageMs }) => ageMs <= silentAfterMs);
  const silent: Finding = {
    kind: 'silent',
    since: new Date(now - silentMs).toISOString(),
    detail: isConnected ? 'no engine is heard' : 'this gateway is cut off from NATS',
  };
  const found = [
    ...(silentMs > silentAfterMs ? [silent] : []),
    ...live.flatMap(({ findings }) => findings),
    ...(canary === undefined ? [] : [canary]),
  ];
  const areAllDisabled = live.every(({ findings }) => findings.some(({ kind }) => disabling.includes(kind)));
  const earliest = new Map<string, Finding>();
  for (const each of found) {
    const key = `${each.kind} ${each.hospital ?? ''}`;
    const before = earliest.get(key);
    if (before === undefined || Date.parse(each.since) < Date.parse(before.since)) earliest.set(key, each);
  }
  return [...earliest.values()].map((finding) => ({
    ...finding,
    isStopped: stopping.includes(finding.kind) || (disabling.includes(finding.kind) && areAllDisabled),
  }));
}
