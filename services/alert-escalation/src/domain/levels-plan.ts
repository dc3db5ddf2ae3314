/** Starting levels: who is paged by them, and what the log says of it. */
import type { Policy } from '@carillon/contracts/escalation-policies';
import { isOnLastLevel, nextStartAt, tell, type AlertState, type Change, type LogEntry, type Page } from './alert.ts';
import { takeIfEnough } from './endings.ts';
import { deadlineOf, peopleAtLevel, type Staffing } from './levels.ts';
import { canBeMet } from './quorum.ts';

/** So many people a level calls at most where its policy says nothing else: a slip in a policy wakes no whole hospital. */
const usualReach = 100;

/** How many people a level calls at most; never fewer than must answer it. */
export function reachOf({ levels, maxReach = usualReach }: Policy, level: number): number {
  const needs = levels[level - 1]?.needs;
  return Math.max(maxReach, typeof needs === 'number' ? needs : 1);
}

/** Levels that start before their time, up to this one. */
type Forced = { reason: 'declined' | 'unreachable' | 'undelivered' | 'manual'; upTo: number };

export type Plan = {
  fields: Partial<Pick<AlertState, 'level' | 'attempt' | 'levelStartedAt' | 'pages' | 'deliverBy' | 'handOverAt'>>;
  log: readonly LogEntry[];
};

/** Posts change hands only where it must not wait: an unanswered alert of high priority. */
export const nextLookAtPosts = ({ priority }: AlertState, { changesAt }: Staffing): number | null =>
  priority === 'high' ? (changesAt ?? null) : null;

/** Until when a call that was just made must have come to a device; the last level has nobody to go on to. */
export function deliveryBound(state: AlertState, now: number): number | null {
  const seconds = state.policy.levels[state.level - 1]?.deliverWithinSeconds;
  return seconds === undefined || isOnLastLevel(state) ? null : now + seconds * 1_000;
}

/**
 * Plans every level whose deadline has come, or that is forced: all at once, one page a person (at the lowest of them that
 * names him). A level that cannot be answered hands over to the next at once. When all were started before: the last again.
 */
function planLevels(state: AlertState, now: number, staffing: Staffing, forced?: Forced): Plan {
  const { policy, run } = state;
  const lastLevel = policy.levels.length;
  const declined = new Set(state.pages.filter((page) => page.status === 'declined').map((page) => page.person));
  const around: Staffing = { ...staffing, answered: new Set([...declined, ...state.accepted]) };
  // Whoever was called at this very instant, or is coming, is not called again.
  const paged = new Set([
    ...state.accepted,
    ...state.pages.filter((page) => page.at === now && page.status === 'paged').map((page) => page.person),
  ]);
  const pages: Page[] = [];
  const log: LogEntry[] = [];
  let { level, attempt } = state;
  const page = (meant: readonly string[], reason: string): void => {
    const people = meant.slice(0, reachOf(policy, level));
    if (people.length < meant.length) {
      log.push({ at: now, kind: 'reachLimited', level, reason: `${meant.length} are meant` });
    }
    for (const person of people) {
      paged.add(person);
      pages.push({ run, level, attempt, person, at: now, status: 'paged' });
    }
    log.push({ at: now, kind: 'level', level, people, reason });
  };
  const soFar = (): AlertState => ({ ...state, level, pages: [...state.pages, ...pages] });
  let isInVain = false;
  while (
    level < lastLevel &&
    (isInVain || level < (forced?.upTo ?? 0) || deadlineOf(policy, state.baseAt, level + 1) <= now)
  ) {
    const reason = isInVain ? 'unreachable' : level < (forced?.upTo ?? 0) ? forced?.reason : 'due';
    level++;
    attempt = 1;
    const reachable = peopleAtLevel(policy, level, around).filter(
      (person) => level === lastLevel || !declined.has(person),
    );
    page(
      reachable.filter((person) => !paged.has(person)),
      reason ?? 'due',
    );
    isInVain = reachable.length === 0 || !canBeMet(soFar());
  }
  if (level === state.level) {
    attempt++;
    page(
      peopleAtLevel(policy, level, around).filter((person) => !paged.has(person)),
      forced?.reason ?? 'repeat',
    );
  }
  const deliverBy = pages.length === 0 ? null : deliveryBound(soFar(), now);
  // A look that is due stays due: who came on shift a moment ago must not wait for the one after.
  const isLookDue = state.handOverAt !== null && state.handOverAt <= now;
  const handOverAt = isLookDue ? state.handOverAt : nextLookAtPosts(state, staffing);
  return { fields: { level, attempt, levelStartedAt: now, pages: soFar().pages, deliverBy, handOverAt }, log };
}

/** The levels with which a run begins: none before the first deadline, and none while it is held. */
export const planRun = (begun: AlertState, now: number, staffing: Staffing): Plan =>
  begun.hold === null && (nextStartAt(begun) ?? Infinity) <= now
    ? planLevels(begun, now, staffing)
    : { fields: {}, log: [] };

/** The alert is taken where the last level finds nobody left to call but who is coming already. */
export function startLevels(change: Change, now: number, staffing: Staffing, forced?: Forced): Change {
  const { fields, log } = planLevels(change.state, now, staffing, forced);
  const started = tell(change, 'escalated', fields, log);
  return takeIfEnough(started, now) ?? started;
}
