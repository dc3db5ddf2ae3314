/**
 * What makes an alert call nobody for a time. Only calls are held back, never the alert or its record. No silence holds
 * back high priority for longer than a snooze may, and no alert one of higher priority.
 */
import type { Priority } from '@carillon/contracts/monitoring';
import type { Issue } from '@carillon/contracts/schema';

/** Of an alert, what decides whether it is held. */
export type Calling = { patientId: string | null; wardId: string | null; kind: string; priority: Priority };

export type Silencing = {
  silenceId: string;
  wardId: string | null;
  patientId: string | null;
  /** Null for all. */
  kinds: readonly string[] | null;
  priorities: readonly Priority[];
  from: number;
  until: number;
};

const longestMs = 12 * 3_600_000;
const longestOfHighMs = 120_000;
/** So long high priority of a patient and kind cannot be silenced again: one after the other would be one long silence. */
export const restOfHighMs = 600_000;

/** What a silence must hold beyond its shape; times in ms since the epoch. */
export function findSilenceIssues(silence: Omit<Silencing, 'silenceId'>): Issue[] {
  const { wardId, patientId, kinds, priorities, from, until } = silence;
  const issues: Issue[] = [];
  if (wardId === null && patientId === null) issues.push({ path: 'wardId', message: 'A ward or a patient is needed' });
  if (until <= from) issues.push({ path: 'until', message: 'Lies in the past' });
  if (until - from > longestMs) issues.push({ path: 'until', message: 'At most 12 h from now' });
  if (!priorities.includes('high')) return issues;
  if (patientId === null) issues.push({ path: 'patientId', message: 'High priority is silenced of one patient only' });
  if (kinds === null) issues.push({ path: 'kinds', message: 'High priority is silenced of named kinds only' });
  if (until - from > longestOfHighMs) {
    issues.push({ path: 'until', message: 'High priority is silenced for 2 min at most' });
  }
  return issues;
}

const covers = (silence: Silencing, alert: Calling, now: number): boolean =>
  silence.from <= now &&
  now < silence.until &&
  silence.priorities.includes(alert.priority) &&
  (silence.wardId === null || silence.wardId === alert.wardId) &&
  (silence.patientId === null || silence.patientId === alert.patientId) &&
  (silence.kinds === null || silence.kinds.includes(alert.kind));

/**
 * @param silences those that were not ended
 * @returns the one that holds the alert back for longest, if any does
 */
export const silenceOf = (silences: readonly Silencing[], alert: Calling, now: number): Silencing | undefined =>
  silences
    .filter((silence) => covers(silence, alert, now))
    .reduce<Silencing | undefined>(
      (longest, each) => (longest && longest.until >= each.until ? longest : each),
      undefined,
    );

export type InhibitionRule = { source: readonly string[]; target: readonly string[]; same: 'patient' | 'ward' };
/** An alert of another kind that is open or acknowledged, its condition active, and not held itself. */
export type Inhibiting = Calling & { alertId: string };

const rank: Readonly<Record<Priority, number>> = { low: 0, medium: 1, high: 2 };

export const isAtLeast = (one: Priority, other: Priority): boolean => rank[one] >= rank[other];

/** Kinds that may hold the alert back by the rules, by what they must have in common: what to look for. */
export function sourcesOf(rules: readonly InhibitionRule[], { kind }: Calling): { patient: string[]; ward: string[] } {
  const kindsOf = (same: InhibitionRule['same']): string[] => [
    ...new Set(
      rules.filter((rule) => rule.same === same && rule.target.includes(kind)).flatMap(({ source }) => source),
    ),
  ];
  return { patient: kindsOf('patient'), ward: kindsOf('ward') };
}

/**
 * @returns which of `others` hold the alert back: of its patient or ward, of a kind that may, and not of lower priority. High
 *   priority is held back by an alert of its own patient only: what goes on in the next bed is no reason to call nobody.
 */
export function inhibitorsOf<T extends Inhibiting>(
  rules: readonly InhibitionRule[],
  alert: Inhibiting,
  others: readonly T[],
): T[] {
  const { patient, ward } = sourcesOf(rules, alert);
  return others.filter(
    (other) =>
      other.alertId !== alert.alertId &&
      isAtLeast(other.priority, alert.priority) &&
      ((alert.patientId !== null && other.patientId === alert.patientId && patient.includes(other.kind)) ||
        (alert.priority !== 'high' &&
          alert.wardId !== null &&
          other.wardId === alert.wardId &&
          ward.includes(other.kind))),
  );
}
