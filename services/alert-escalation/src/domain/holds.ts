/** A silence, or another alert that explains this one: it stays open and told, and calls nobody. */
import { note, unchanged, type AlertState, type Change, type Facts, type Hold } from './alert.ts';
import { beginRun, heldEntry } from './runs.ts';

/** Whether the rules of inhibition may hold others back by it: not while it is held itself, so that there are no chains. */
export const holdsOthers = (alert: AlertState): boolean =>
  alert.state !== 'resolved' && alert.condition === 'active' && alert.hold === null;

/** Holds it from now on: the levels that were started stay as they are, and none follows. */
export const hold = (state: AlertState, now: number, by: Hold): Change =>
  note(unchanged(state), { hold: by, deliverBy: null, handOverAt: null }, [heldEntry(by, now)]);

/** The time of the hold is over: another holds it, the same still does, or it calls, from its first level. */
export function endHold(state: AlertState, now: number, facts: Facts): Change {
  const next = facts.hold;
  if (next === undefined) {
    const cause = { at: now, kind: 'released' };
    return beginRun(state, now, facts, { told: 'released', baseAt: now, cause });
  }
  return next.by === state.hold?.by ? note(unchanged(state), { hold: next }) : hold(state, now, next);
}
