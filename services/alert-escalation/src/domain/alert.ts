/**
 * One alert: what it is, and what is told of it. Pure.
 *
 *            ┌────────── condition clears ──▶ latched (open, cleared) ──acknowledge──▶ resolved
 *   raise ──▶ on (open, active) ──acknowledge──▶ ack (acknowledged, active) ──clears──▶ resolved
 *            └◀──────── the acknowledgement expires: a new run ──────┘
 *
 * While nobody has answered, the ladder goes on to its last level even when the condition has cleared: somebody must
 * have looked. Only an alert that is *on* repeats the last level. One that is held calls nobody while it is.
 */
import type { TimelineEntry, alertStates, pageStatuses, presences } from '@carillon/contracts/alert-escalation';
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { Priority } from '@carillon/contracts/monitoring';
import { deadlineOf, nextRepeat, type Staffing } from './levels.ts';
import type { Receipts } from './receipts.ts';

export type Page = {
  run: number;
  level: number;
  attempt: number;
  person: string;
  at: number;
  status: (typeof pageStatuses)[number];
  /** How far its message came, as far as anybody knows. That it was displayed or read decides nothing. */
  receipts?: Receipts;
};

/** Why an alert calls nobody for now, and when that is looked at again. `by` is the silence, or the other alert. */
export type Hold = { kind: 'silence' | 'inhibition'; by: string; until: number };
/** A copy: who edits or removes a policy changes no alert that runs by it. */
export type ChosenPolicy = { policyId: string; policyVersion: number; policy: Policy };

export type AlertState = ChosenPolicy & {
  alertId: string;
  hospital: string;
  patientId: string | null;
  wardId: string | null;
  kind: string;
  priority: Priority;
  message: string;
  source: 'condition' | 'person';
  state: (typeof alertStates)[number];
  condition: 'active' | 'cleared';
  run: number;
  baseAt: number;
  /** The highest level that was started in this run; 0 before the first. */
  level: number;
  attempt: number;
  levelStartedAt: number | null;
  /** Who is coming, in the order in which they said so, and who said that he is there: of this run. */
  accepted: readonly string[];
  arrived: readonly string[];
  ackBy: string | null;
  ackUntil: number | null;
  /** How often it was put off since somebody took it in earnest. */
  snoozes: number;
  /** If the calls of this run came to no device by then, the next level starts. */
  deliverBy: number | null;
  /** When to look whether others hold the posts that were called. */
  handOverAt: number | null;
  hold: Hold | null;
  dueAt: number | null;
  openedAt: number;
  resolvedAt: number | null;
  /** The time of the newest decision about it. */
  touchedAt: number;
  /** When what raised it was measured. */
  measuredAt: number | null;
  /** When its condition became active, by the clock of who found it. */
  activeAt: number | null;
  outcome: 'actionable' | 'notActionable' | null;
  version: number;
  /** Of the current run. */
  pages: readonly Page[];
};

export type AlertEvent =
  | 'raised'
  | 'released'
  | 'escalated'
  | 'accepted'
  | 'arrived'
  | 'acknowledged'
  | 'declined'
  | 'cleared'
  | 'entered'
  | 'resolved';
/** Times in ms since the epoch. */
export type LogEntry = Omit<TimelineEntry, 'at' | 'until'> & { at: number; until?: number };
export type Change = {
  state: AlertState;
  /** Each with the alert as it was told: the versions of one change differ. */
  events: readonly { name: AlertEvent; alert: AlertState }[];
  log: readonly LogEntry[];
};
/** What is true beside the alert when something is decided about it. */
export type Facts = {
  staffing: Staffing;
  /** Holds it now; absent when nothing does. */
  hold?: Hold | undefined;
  /** The policy by which it would run as it has become; absent where it keeps its own. */
  chosen?: ChosenPolicy | undefined;
  /** How the clock by which it is decided was set, and when. */
  steps?: readonly { at: number; ms: number }[];
};

/** How long an acknowledgement or a resolution holds while the condition stays active; to be signed off locally. */
export const ackMs: Readonly<Record<Priority, number>> = { high: 600_000, medium: 1_800_000, low: 3_600_000 };

export const episodeKey = (patientId: string | null, wardId: string | null, kind: string): string =>
  `${patientId === null ? `ward ${wardId ?? '_'}` : `patient ${patientId}`} ${kind}`;

/** The clocks of two engines differ by a little: within one alert no time is earlier than what was decided before. */
export const timeFor = ({ touchedAt }: AlertState, now: number): number => Math.max(now, touchedAt);

export const isOnLastLevel = ({ level, policy }: AlertState): boolean => level === policy.levels.length;

export function presenceOf({ state, condition }: Pick<AlertState, 'state' | 'condition'>): (typeof presences)[number] {
  if (state === 'resolved') return 'off';
  if (condition === 'active') return state === 'acknowledged' ? 'ack' : 'on';
  return state === 'acknowledged' ? 'off' : 'latched';
}

const earliest = (...times: readonly (number | null)[]): number | null => {
  const known = times.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
};

/** When the ladder goes on: its next level, or the last one again. */
export function nextStartAt(alert: AlertState): number | null {
  const { policy, baseAt, level, levelStartedAt } = alert;
  if (!isOnLastLevel(alert)) return deadlineOf(policy, baseAt, level + 1);
  return alert.condition === 'active' ? nextRepeat(policy, baseAt, levelStartedAt ?? baseAt) : null;
}

/** The next moment at which something must happen, or be looked at, by itself; null when nothing will. */
export function nextDueAt(alert: AlertState): number | null {
  const isActive = alert.condition === 'active';
  switch (alert.state) {
    case 'acknowledged':
      return isActive ? alert.ackUntil : null;
    case 'resolved':
      // A condition of a device that outlasts its resolution opens a new alert.
      return isActive && alert.source === 'condition' ? alert.ackUntil : null;
    case 'open':
      return alert.hold === null ? earliest(nextStartAt(alert), alert.deliverBy, alert.handOverAt) : alert.hold.until;
  }
}

export const unchanged = (state: AlertState): Change => ({ state, events: [], log: [] });

/** Applies `fields` and tells nobody: of what only an engine needs to know. */
export function note(change: Change, fields: Partial<AlertState>, log: readonly LogEntry[] = []): Change {
  const touchedAt = Math.max(change.state.touchedAt, ...log.map(({ at }) => at));
  const next = { ...change.state, ...fields, touchedAt };
  return { ...change, state: { ...next, dueAt: nextDueAt(next) }, log: [...change.log, ...log] };
}

/** Applies `fields`, counts the version up and tells it as `name`. */
export function tell(change: Change, name: AlertEvent, fields: Partial<AlertState>, log: readonly LogEntry[]): Change {
  const noted = note(change, { ...fields, version: change.state.version + 1 }, log);
  return { ...noted, events: [...change.events, { name, alert: noted.state }] };
}
