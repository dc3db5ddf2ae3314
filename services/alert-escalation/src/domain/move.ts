/** Posts change hands: at the end of a shift, or when the patient lies in another ward. */
import {
  isOnLastLevel,
  note,
  tell,
  type AlertState,
  type Change,
  type Facts,
  type LogEntry,
  type Page,
} from './alert.ts';
import { takeIfEnough } from './endings.ts';
import { hold as holdIt } from './holds.ts';
import { deliveryBound, nextLookAtPosts, reachOf, startLevels } from './levels-plan.ts';
import { peopleAtLevel, type Staffing } from './levels.ts';
import { canBeMet } from './quorum.ts';

/**
 * Who holds a post that was called. Not who is nearest: that changes with every step, and whoever was nearest when his
 * level started stays called.
 */
function holdersOf({ policy, level }: AlertState, staffing: Staffing): Set<string> {
  const standing = {
    ...policy,
    levels: policy.levels.map((each) => ({
      ...each,
      targets: each.targets.filter(({ kind }) => kind !== 'nearest'),
    })),
  };
  return new Set(standing.levels.slice(0, level).flatMap((_, index) => peopleAtLevel(standing, index + 1, staffing)));
}

/**
 * Calls who holds the posts of the levels that were started and is not called yet, and lets go of who holds none any more,
 * as long as somebody is called. No deadline moves.
 */
export function callHolders(change: Change, now: number, staffing: Staffing, cause: 'handover' | 'moved'): Change {
  const { state } = change;
  const handOverAt = nextLookAtPosts(state, staffing);
  const holders = holdersOf(state, staffing);
  const has = (person: string, ...statuses: Page['status'][]): boolean =>
    state.pages.some((page) => page.person === person && statuses.includes(page.status));
  const asked = new Set(state.pages.filter(({ status }) => status === 'paged').map(({ person }) => person));
  const isGone = (person: string): boolean =>
    !holders.has(person) && (cause === 'moved' || !staffing.onShift.has(person));
  const gone = new Set([...asked].filter(isGone));
  const stay = asked.size - gone.size;
  const meant = [...holders].filter(
    (person) => !state.accepted.includes(person) && !has(person, 'paged', 'accepted', 'declined'),
  );
  // Whoever leaves can be replaced, also where the levels together have called more than one of them may.
  const called = meant.slice(0, Math.max(gone.size, reachOf(state.policy, state.level) - stay));
  const isAnybodyLeft =
    called.length > 0 ||
    state.accepted.length > 0 ||
    state.pages.some(({ status, person }) => status === 'paged' && !gone.has(person));
  if (!isAnybodyLeft) {
    return isOnLastLevel(state)
      ? note(change, { handOverAt })
      : startLevels(note(change, { handOverAt }), now, staffing, { reason: 'unreachable', upTo: state.level + 1 });
  }
  const attempt = state.attempt + 1;
  const { run, level } = state;
  const pages = [
    ...state.pages.map((page) =>
      page.status === 'paged' && gone.has(page.person) ? { ...page, status: 'withdrawn' as const } : page,
    ),
    ...called.map((person): Page => ({ run, level, attempt, person, at: now, status: 'paged' })),
  ];
  const deliverBy = called.length === 0 ? state.deliverBy : deliveryBound(state, now);
  const relieved = [...gone];
  const limited: LogEntry[] =
    called.length === meant.length
      ? []
      : [{ at: now, kind: 'reachLimited', level, reason: `${stay + meant.length} are meant` }];
  const handed =
    called.length === 0 && gone.size === 0
      ? note(change, { handOverAt }, limited)
      : tell(change, 'escalated', { attempt, pages, deliverBy, handOverAt }, [
          ...(relieved.length === 0 ? [] : [{ at: now, kind: 'relieved', people: relieved }]),
          ...limited,
          { at: now, kind: cause, level, people: called },
        ]);
  // Who has left need not answer: those who are coming may be all of them, or too few.
  const taken = called.length > 0 ? undefined : takeIfEnough(handed, now);
  if (taken !== undefined || canBeMet(handed.state) || isOnLastLevel(state)) return taken ?? handed;
  return startLevels(handed, now, staffing, { reason: 'unreachable', upTo: level + 1 });
}

/** The patient lies in another ward: its people are called for an alert that nobody has answered. */
export function move(change: Change, now: number, wardId: string, facts: Facts): Change {
  const { state } = change;
  // What held it was perhaps of the old ward only: the due loop looks at once.
  const hold = state.hold === null ? null : { ...state.hold, until: Math.min(state.hold.until, now) };
  const moved = tell(change, 'entered', { wardId, hold }, [{ at: now, kind: 'entered', reason: wardId }]);
  const isCalling = state.state === 'open' && state.level > 0 && state.hold === null;
  if (!isCalling) return moved;
  return facts.hold === undefined ? callHolders(moved, now, facts.staffing, 'moved') : holdIt(moved, now, facts.hold);
}
