/**
 * One alert: what it is, and what each fact makes of it. Pure: (state, fact, now) → change.
 *
 *            ┌────────── condition clears ──▶ latched (open, cleared) ──acknowledge──▶ resolved
 *   raise ──▶ on (open, active) ──acknowledge──▶ ack (acknowledged, active) ──clears──▶ resolved
 *            └◀──────── the acknowledgement expires: a new run ──────┘
 *
 * While nobody has answered, the ladder goes on to its last level even when the condition has cleared: somebody must
 * have looked. Only an alert that is *on* repeats the last level.
 */
import type { Policy, TimelineEntry, alertStates, pageStatuses, presences } from '@carillon/contracts/alert-escalation';
import { CodedError } from '@carillon/contracts/errors';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import { deadlineOf, nextRepeat, peopleAtLevel, type Staffing } from './levels.ts';
import type { Receipts } from './receipts.ts';

export type Page = {
  run: number;
  level: number;
  attempt: number;
  person: string;
  at: number;
  status: (typeof pageStatuses)[number];
  /** How far its message came, as far as anybody knows: nothing is ever decided by it. */
  receipts?: Receipts;
};

export type AlertState = {
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
  policy: Policy;
  run: number;
  baseAt: number;
  /** The highest level that was started in this run; 0 before the first. */
  level: number;
  attempt: number;
  levelStartedAt: number | null;
  ackBy: string | null;
  ackUntil: number | null;
  dueAt: number | null;
  openedAt: number;
  resolvedAt: number | null;
  version: number;
  /** Of the current run. */
  pages: readonly Page[];
};

export type AlertEvent = 'raised' | 'escalated' | 'acknowledged' | 'declined' | 'cleared' | 'resolved';
/** Times in ms since the epoch. */
export type LogEntry = Omit<TimelineEntry, 'at'> & { at: number };
export type Change = {
  state: AlertState;
  /** Each with the alert as it was told: the versions of one change differ. */
  events: readonly { name: AlertEvent; alert: AlertState }[];
  log: readonly LogEntry[];
};

/** How long an acknowledgement or a resolution holds while the condition stays active; to be signed off locally. */
export const ackMs: Readonly<Record<Priority, number>> = { high: 600_000, medium: 1_800_000, low: 3_600_000 };

export const episodeKey = (patientId: string | null, wardId: string | null, kind: string): string =>
  `${patientId === null ? `ward ${wardId ?? '_'}` : `patient ${patientId}`} ${kind}`;

const isHigher = (one: Priority, other: Priority): boolean => priorities.indexOf(one) < priorities.indexOf(other);

export function presenceOf({ state, condition }: Pick<AlertState, 'state' | 'condition'>): (typeof presences)[number] {
  if (state === 'resolved') return 'off';
  if (condition === 'active') return state === 'acknowledged' ? 'ack' : 'on';
  return state === 'acknowledged' ? 'off' : 'latched';
}

/** The next moment at which something must happen by itself; null when nothing will. */
export function nextDueAt(alert: AlertState): number | null {
  const isActive = alert.condition === 'active';
  switch (alert.state) {
    case 'acknowledged':
      return isActive ? alert.ackUntil : null;
    case 'resolved':
      // A condition of a device that outlasts its resolution opens a new alert.
      return isActive && alert.source === 'condition' ? alert.ackUntil : null;
    case 'open':
      if (alert.level < alert.policy.levels.length) return deadlineOf(alert.policy, alert.baseAt, alert.level + 1);
      return isActive ? nextRepeat(alert.policy, alert.baseAt, alert.levelStartedAt ?? alert.baseAt) : null;
  }
}

const unchanged = (state: AlertState): Change => ({ state, events: [], log: [] });

/** Applies `fields`, counts the version up and tells it as `name`. */
function tell(change: Change, name: AlertEvent, fields: Partial<AlertState>, log: readonly LogEntry[]): Change {
  const next = { ...change.state, ...fields, version: change.state.version + 1 };
  const state = { ...next, dueAt: nextDueAt(next) };
  return { state, events: [...change.events, { name, alert: state }], log: [...change.log, ...log] };
}

type StartReason = 'due' | 'declined' | 'unreachable';
type Plan = {
  fields: Partial<Pick<AlertState, 'level' | 'attempt' | 'levelStartedAt' | 'pages'>>;
  log: readonly LogEntry[];
};

/**
 * Plans every level whose deadline has come: all overdue ones at once, one page a person (at the lowest of them that
 * names him). A level that reaches nobody hands over to the next at once.
 */
function planLevels(state: AlertState, now: number, staffing: Staffing, forced?: StartReason): Plan {
  const { policy, run } = state;
  const lastLevel = policy.levels.length;
  const declined = new Set(state.pages.filter((page) => page.status === 'declined').map((page) => page.person));
  const paged = new Set<string>();
  const pages: Page[] = [];
  const log: LogEntry[] = [];
  let { level, attempt } = state;
  let reason: StartReason | undefined = forced;
  while (level < lastLevel && (reason !== undefined || deadlineOf(policy, state.baseAt, level + 1) <= now)) {
    level++;
    attempt = 1;
    const reachable = peopleAtLevel(policy, level, staffing).filter(
      (person) => level === lastLevel || !declined.has(person),
    );
    const people = reachable.filter((person) => !paged.has(person));
    for (const person of people) {
      paged.add(person);
      pages.push({ run, level, attempt, person, at: now, status: 'paged' });
    }
    log.push({ at: now, kind: 'level', level, people, reason: reason ?? 'due' });
    reason = reachable.length === 0 ? 'unreachable' : undefined;
  }
  if (level === state.level) {
    // All levels were started before: this is a repeat of the last.
    attempt++;
    const people = peopleAtLevel(policy, level, staffing);
    for (const person of people) pages.push({ run, level, attempt, person, at: now, status: 'paged' });
    log.push({ at: now, kind: 'level', level, people, reason: 'repeat' });
  }
  return { fields: { level, attempt, levelStartedAt: now, pages: [...state.pages, ...pages] }, log };
}

/** The levels with which a run begins: none before the first deadline. */
const planRun = (begun: AlertState, now: number, staffing: Staffing): Plan =>
  deadlineOf(begun.policy, begun.baseAt, 1) <= now ? planLevels(begun, now, staffing) : { fields: {}, log: [] };

const startLevels = (change: Change, now: number, staffing: Staffing, forced?: StartReason): Change => {
  const { fields, log } = planLevels(change.state, now, staffing, forced);
  return tell(change, 'escalated', fields, log);
};

export type NewAlert = Pick<
  AlertState,
  'alertId' | 'hospital' | 'patientId' | 'wardId' | 'kind' | 'priority' | 'message' | 'source' | 'policy'
> & { actor?: string; reason?: string };

export function openAlert({ actor, reason, ...given }: NewAlert, now: number, staffing: Staffing): Change {
  const blank: AlertState = {
    ...given,
    state: 'open',
    condition: 'active',
    run: 1,
    baseAt: now,
    level: 0,
    attempt: 0,
    levelStartedAt: null,
    ackBy: null,
    ackUntil: null,
    dueAt: null,
    openedAt: now,
    resolvedAt: null,
    version: 0,
    pages: [],
  };
  const { fields, log } = planRun(blank, now, staffing);
  return tell(unchanged(blank), 'raised', fields, [
    { at: now, kind: 'opened', ...(actor && { actor }), ...(reason && { reason }) },
    ...log,
  ]);
}

function beginRun(state: AlertState, baseAt: number, now: number, staffing: Staffing, cause: LogEntry): Change {
  const begun: AlertState = {
    ...state,
    state: 'open',
    run: state.run + 1,
    baseAt,
    level: 0,
    attempt: 0,
    levelStartedAt: null,
    ackBy: null,
    ackUntil: null,
    pages: [],
  };
  const { fields, log } = planRun(begun, now, staffing);
  return tell(unchanged(begun), 'raised', fields, [cause, ...log]);
}

/** The same was raised again, by a condition or a person, while it is open. */
export function raiseAgain(
  before: AlertState,
  given: { priority: Priority; source: AlertState['source']; message: string; actor?: string },
  now: number,
  staffing: Staffing,
): Change {
  const isUpgrade = isHigher(given.priority, before.priority);
  const isReactivated = before.condition === 'cleared';
  const log: LogEntry = {
    at: now,
    kind: isReactivated ? 'reactivated' : isUpgrade ? 'priority' : 'merged',
    reason: given.priority,
    ...(given.actor === undefined ? {} : { actor: given.actor }),
  };
  // Once a device has reported it, the alert comes back for as long as the device does.
  const source = given.source === 'condition' ? 'condition' : before.source;
  const state: AlertState = {
    ...before,
    source,
    condition: 'active',
    priority: isUpgrade ? given.priority : before.priority,
    // The words fit the priority that they came with.
    message: isUpgrade ? given.message : before.message,
  };
  // A condition that is repeated at the same priority was taken already; a person who calls again was not heard.
  if (!isUpgrade && !isReactivated && given.actor === undefined) {
    return source === before.source ? unchanged(before) : { state, events: [], log: [log] };
  }
  return before.state === 'acknowledged'
    ? beginRun(state, now, now, staffing, log)
    : tell(unchanged(state), 'raised', {}, [log]);
}

export function acknowledge(state: AlertState, person: string, now: number): Change {
  if (state.state === 'resolved') throw new CodedError('conflict', 'The alert is resolved already');
  if (state.state === 'acknowledged') {
    if (state.ackBy === person) return unchanged(state);
    throw new CodedError('conflict', 'Somebody else has acknowledged it already');
  }
  const change = tell(
    unchanged(state),
    'acknowledged',
    {
      state: 'acknowledged',
      ackBy: person,
      ackUntil: now + ackMs[state.priority],
      pages: state.pages.map((page) =>
        page.status === 'paged' ? { ...page, status: page.person === person ? 'acknowledged' : 'withdrawn' } : page,
      ),
    },
    [{ at: now, kind: 'acknowledged', actor: person }],
  );
  return state.condition === 'cleared' ? close(change, now, { reason: 'acknowledged after it had cleared' }) : change;
}

export function decline(
  state: AlertState,
  person: string,
  now: number,
  { staffing, reason }: { staffing: Staffing; reason: string | undefined },
): Change {
  if (state.state !== 'open') throw new CodedError('conflict', `The alert is ${state.state} already`);
  const mine = state.pages.filter((page) => page.person === person);
  const hasDeclined = mine.some((page) => page.status === 'declined') && !mine.some((page) => page.status === 'paged');
  if (hasDeclined) return unchanged(state);
  const change = tell(
    unchanged(state),
    'declined',
    {
      pages: state.pages.map((page) =>
        page.status === 'paged' && page.person === person ? { ...page, status: 'declined' } : page,
      ),
    },
    [{ at: now, kind: 'declined', actor: person, ...(reason === undefined ? {} : { reason }) }],
  );
  const wasPaged = state.pages.some((page) => page.status === 'paged');
  const isAnyLeft = change.state.pages.some((page) => page.status === 'paged');
  const hasNext = state.level < state.policy.levels.length;
  return wasPaged && !isAnyLeft && hasNext ? startLevels(change, now, staffing, 'declined') : change;
}

function close(
  change: Change,
  now: number,
  { actor, reason }: { actor?: string; reason?: string | undefined },
): Change {
  const { state } = change;
  return tell(
    change,
    'resolved',
    {
      state: 'resolved',
      resolvedAt: now,
      ackUntil: now + ackMs[state.priority],
      pages: state.pages.map((page) => (page.status === 'paged' ? { ...page, status: 'withdrawn' } : page)),
    },
    [
      {
        at: now,
        kind: 'resolved',
        ...(actor === undefined ? {} : { actor }),
        ...(reason === undefined ? {} : { reason }),
      },
    ],
  );
}

export function resolve(state: AlertState, person: string, now: number, reason: string | undefined): Change {
  if (state.state === 'resolved') throw new CodedError('conflict', 'The alert is resolved already');
  return close(unchanged(state), now, { actor: person, reason });
}

/** The condition ended. Who answered has nothing left to do; who has not must still look. */
export function clear(state: AlertState, now: number): Change {
  if (state.condition === 'cleared') return unchanged(state);
  if (state.state === 'resolved') {
    // Nothing to tell any more; but no new alert must follow from a condition that is over.
    return { state: { ...state, condition: 'cleared', dueAt: null }, events: [], log: [] };
  }
  const change = tell(unchanged(state), 'cleared', { condition: 'cleared' }, [{ at: now, kind: 'cleared' }]);
  return state.state === 'acknowledged' ? close(change, now, { reason: 'cleared' }) : change;
}

/** The deadline has come. `reopen` asks for a new alert: a resolved one whose condition is still active. */
export function onDue(state: AlertState, now: number, staffing: Staffing): Change & { reopen?: true } {
  if (state.dueAt === null || state.dueAt > now) return unchanged(state);
  switch (state.state) {
    case 'open':
      return startLevels(unchanged(state), now, staffing);
    case 'acknowledged':
      // The new run counts from the moment at which the acknowledgement ended, however late this engine woke.
      return beginRun(state, state.dueAt, now, staffing, { at: now, kind: 'ackExpired' });
    case 'resolved':
      return {
        state: { ...state, condition: 'cleared', dueAt: null },
        events: [],
        log: [],
        reopen: true,
      };
  }
}
