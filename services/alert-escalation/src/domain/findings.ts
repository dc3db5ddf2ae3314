/** What an engine finds wrong with itself. The bounds are those that `libs/contracts/src/technical.ts` names. */
import { maxFindings, type Finding, type TechnicalKind } from '@carillon/contracts/technical';

/** Times in ms since the epoch, ages in seconds. */
export type Sight = {
  now: number;
  /** Since when PostgreSQL has given no answer; undefined while it does. */
  unansweredSince: number | undefined;
  /** Seen whoever holds the rows; as of the last answer. */
  overdue: readonly { isHigh: boolean; count: number; oldestSeconds: number }[];
  /** Age of the oldest message of the critical lane that is not published; as of the last answer. */
  outboxSeconds: number;
  loops: readonly { name: string; sinceTurnMs: number }[];
  clockSteps: readonly { at: number; ms: number }[];
  hospitals: readonly HospitalSight[];
};

/** What was found in the plans of one hospital, and since when as far as is known. */
export type HospitalSight = {
  hospital: string;
  /** Of which an alarm of high priority would call nobody but the failsafe. */
  uncoveredWards: number;
  uncoveredSince: number;
  /** Schedules whose time zone is not known here. */
  unreadable: readonly string[];
  unreadableSince: number;
};

/** Another process takes over what a dead one held within 5 s: only what is later than that is out of order. */
export const overdueAfterSeconds = { high: 5, others: 15 } as const;
const outboxLagSeconds = 5;
const unansweredMs = 3_000;
const loopStoppedMs = 5_000;
const clockStepShownMs = 10 * 60_000;
/** Of many schedules: a detail has a length. */
const shownSchedules = 3;

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

function findingsOfHospital({ hospital, ...sight }: HospitalSight): Finding[] {
  const findings: Finding[] = [];
  const find = (kind: TechnicalKind, since: number, detail: string): void =>
    void findings.push({ kind, since: new Date(since).toISOString(), detail, hospital });
  if (sight.uncoveredWards > 0) find('noCoverage', sight.uncoveredSince, `${sight.uncoveredWards} wards`);
  if (sight.unreadable.length > 0) {
    const named = sight.unreadable.slice(0, shownSchedules).join(', ');
    find('unknownZone', sight.unreadableSince, `${sight.unreadable.length} schedules: ${named}`);
  }
  return findings;
}

export function findingsOf(sight: Sight): Finding[] {
  const { now, unansweredSince, overdue, outboxSeconds, loops, clockSteps, hospitals } = sight;
  const findings: Finding[] = [];
  const find = (kind: TechnicalKind, since: number, detail: string): void =>
    void findings.push({ kind, since: new Date(since).toISOString(), detail });
  if (unansweredSince !== undefined && now - unansweredSince > unansweredMs)
    find('database', unansweredSince, `no answer for ${seconds(now - unansweredSince)}`);
  for (const { isHigh, count, oldestSeconds } of overdue) {
    if (oldestSeconds <= overdueAfterSeconds[isHigh ? 'high' : 'others']) continue;
    const detail = `${count} alerts, the oldest for ${seconds(oldestSeconds * 1_000)}`;
    find(isHigh ? 'overdueHigh' : 'overdue', now - oldestSeconds * 1_000, detail);
  }
  if (outboxSeconds > outboxLagSeconds)
    find('outboxLag', now - outboxSeconds * 1_000, `the oldest waits for ${seconds(outboxSeconds * 1_000)}`);
  const stopped = loops.filter(({ sinceTurnMs }) => sinceTurnMs > loopStoppedMs);
  if (stopped.length > 0) {
    const longest = Math.max(...stopped.map(({ sinceTurnMs }) => sinceTurnMs));
    find('loopStopped', now - longest, `${stopped.map(({ name }) => name).join('; ')}: for ${seconds(longest)}`);
  }
  const step = clockSteps.findLast(({ at }) => now - at < clockStepShownMs);
  if (step !== undefined) find('clockStep', step.at, `by ${step.ms > 0 ? '+' : '−'}${seconds(Math.abs(step.ms))}`);
  return [...findings, ...hospitals.flatMap(findingsOfHospital)].slice(0, maxFindings);
}
