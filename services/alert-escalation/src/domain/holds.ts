/** A silence, or another alert that explains this one: it stays open and told, and calls nobody. */
import { note, tell, unchanged, type AlertState, type Change, type Facts, type Hold } from './alert.ts';
import { heldEntry } from './runs.ts';

/** Whether the rules of inhibition may hold others back by it: not while it is held itself, so that there are no chains. */
export const holdsOthers = (alert: AlertState): boolean =>
  alert.state !== 'resolved' && alert.condition === 'active' && alert.hold === null;

/** Holds it from now on, instead of a call: the levels that were started stay as they are, and none follows. */
export const hold = (change: Change, now: number, by: Hold): Change => note(change, { hold: by }, [heldEntry(by, now)]);

/**
 * It goes on where it was, or something that comes and goes would keep it from ever climbing: the level that was held back
 * is due now, and what follows keeps its distance. All that would have come meanwhile does not come at once: the end of a
 * silence is no reason to wake a hospital.
 */
function release(state: AlertState, now: number): Change {
  const next = state.policy.levels[state.level];
  const baseAt = next === undefined ? state.baseAt : Math.max(state.baseAt, now - next.afterSeconds * 1_000);
  return tell(unchanged(state), 'released', { hold: null, baseAt }, [{ at: now, kind: 'released' }]);
}

/** The time of the hold is over: another holds it, the same still does, or it calls. */
export function endHold(state: AlertState, now: number, facts: Facts): Change {
  const next = facts.hold;
  if (next === undefined) return release(state, now);
  return next.by === state.hold?.by ? note(unchanged(state), { hold: next }) : hold(unchanged(state), now, next);
}
