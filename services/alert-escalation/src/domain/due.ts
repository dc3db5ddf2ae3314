/** What an alert does by itself when its time has come. */
import { nextStartAt, note, unchanged, type AlertState, type Change, type Facts } from './alert.ts';
import { endHold, hold } from './holds.ts';
import { startLevels } from './levels-plan.ts';
import { callHolders } from './move.ts';
import { beginRun } from './runs.ts';

type Due = {
  holdEnds: boolean;
  handOver: boolean;
  undelivered: boolean;
  /** The next level, or the last one again. */
  levels: boolean;
};

const nothing: Due = { holdEnds: false, handOver: false, undelivered: false, levels: false };

/** Of an open alert. To be woken is no reason to page: each thing that may be due has its own time. */
export function whatIsDue(state: AlertState, now: number): Due {
  const isDue = (at: number | null): boolean => at !== null && at <= now;
  if (state.state !== 'open') return nothing;
  if (state.hold !== null) return { ...nothing, holdEnds: isDue(state.hold.until) };
  return {
    holdEnds: false,
    handOver: isDue(state.handOverAt),
    undelivered: isDue(state.deliverBy),
    levels: isDue(nextStartAt(state)),
  };
}

/** Whether a call of the levels that were started last came to a device; who has it from before has not answered it. */
const isDelivered = ({ levelStartedAt, pages }: AlertState): boolean =>
  pages.some(
    ({ at, status, receipts }) =>
      (status === 'paged' || status === 'accepted') && receipts?.delivered !== undefined && at >= (levelStartedAt ?? 0),
  );

/** A level that a step of the clock has made due starts early: what nobody could help is said. */
function withStep(change: Change, { steps = [] }: Facts, since: number): Change {
  const seconds = Math.round(
    steps.filter(({ at, ms }) => at >= since && ms > 0).reduce((sum, { ms }) => sum + ms, 0) / 1_000,
  );
  if (seconds === 0) return change;
  const reason = `due, the clock stepped by +${seconds} s`;
  return { ...change, log: change.log.map((entry) => (entry.reason === 'due' ? { ...entry, reason } : entry)) };
}

/** @param looksAtPosts since nobody did while it was held */
function goOn(before: Change, now: number, facts: Facts, looksAtPosts = false): Change {
  const { state } = before;
  const due = whatIsDue(state, now);
  if (due.holdEnds) {
    const ended = endHold(state, now, facts);
    return ended.state.hold === null ? goOn(ended, now, facts, state.level > 0) : ended;
  }
  const isUndelivered = due.undelivered && !isDelivered(state);
  if ((isUndelivered || due.levels || due.handOver) && facts.hold !== undefined) return hold(before, now, facts.hold);
  const handed = due.handOver || looksAtPosts ? callHolders(before, now, facts.staffing, 'handover') : before;
  // The hand-over may have done what was due, or made it needless.
  const still = whatIsDue(handed.state, now);
  if (still.undelivered && isUndelivered) {
    return startLevels(handed, now, facts.staffing, { reason: 'undelivered', upTo: handed.state.level + 1 });
  }
  const settled = still.undelivered ? note(handed, { deliverBy: null }) : handed;
  if (!still.levels) return note(settled, {});
  return withStep(startLevels(settled, now, facts.staffing), facts, state.levelStartedAt ?? state.baseAt);
}

/** The deadline has come. `reopen` asks for a new alert: a resolved one whose condition is still active. */
export function onDue(state: AlertState, now: number, facts: Facts): Change & { reopen?: true } {
  if (state.dueAt === null || state.dueAt > now) return unchanged(state);
  switch (state.state) {
    case 'open':
      return goOn(unchanged(state), now, facts);
    case 'acknowledged':
      // The new run counts from the moment at which the answer ended, however late this engine woke.
      return beginRun(state, now, facts, {
        told: 'raised',
        baseAt: state.ackUntil ?? state.dueAt,
        cause: { at: now, kind: 'ackExpired' },
      });
    case 'resolved':
      return { ...note(unchanged(state), { condition: 'cleared' }), reopen: true };
  }
}
