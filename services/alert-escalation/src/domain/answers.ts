/**
 * What people answer. That somebody comes (accepted), that enough do (acknowledged: the ladder stops), that he is there
 * (arrived) and that he cannot come (declined) are facts of their own.
 */
import { CodedError, badInput } from '@carillon/contracts/errors';
import type { Priority } from '@carillon/contracts/monitoring';
import {
  isOnLastLevel,
  note,
  tell,
  unchanged,
  type AlertState,
  type Change,
  type Facts,
  type LogEntry,
} from './alert.ts';
import { close, take, takeIfEnough, withStatus } from './endings.ts';
import { hold } from './holds.ts';
import { startLevels } from './levels-plan.ts';
import { canBeMet } from './quorum.ts';

/** How long one may put an alert off, and how often before it is taken in earnest; to be signed off locally. */
const snoozeBounds: Readonly<Record<Priority, { seconds: number; times: number }>> = {
  high: { seconds: 120, times: 1 },
  medium: { seconds: 900, times: 2 },
  low: { seconds: 3_600, times: 3 },
};

const accept = (state: AlertState, person: string): Pick<AlertState, 'accepted' | 'pages'> => ({
  accepted: state.accepted.includes(person) ? state.accepted : [...state.accepted, person],
  pages: withStatus(state.pages, 'paged', 'accepted', person),
});

export function acknowledge(state: AlertState, person: string, now: number): Change {
  if (state.state === 'resolved') throw new CodedError('conflict', 'The alert is resolved already');
  const isKnown = state.accepted.includes(person);
  if (state.state === 'acknowledged') {
    if (state.ackBy === person || isKnown) return unchanged(state);
    throw new CodedError('conflict', 'Somebody else has acknowledged it already');
  }
  const entries: LogEntry[] = isKnown ? [] : [{ at: now, kind: 'accepted', actor: person }];
  const enough = takeIfEnough(note(unchanged(state), accept(state, person), entries), now);
  if (enough !== undefined) return enough;
  return isKnown ? unchanged(state) : tell(unchanged(state), 'accepted', accept(state, person), entries);
}

export function decline(
  state: AlertState,
  person: string,
  now: number,
  { facts, reason }: { facts: Facts; reason: string | undefined },
): Change {
  if (state.state !== 'open') throw new CodedError('conflict', `The alert is ${state.state} already`);
  const mine = state.pages.filter((page) => page.person === person);
  const isCalled = mine.some(({ status }) => status === 'paged' || status === 'accepted');
  if (!isCalled && !state.accepted.includes(person)) {
    if (mine.some(({ status }) => status === 'declined')) return unchanged(state);
    throw new CodedError('conflict', 'You are not called');
  }
  const change = tell(
    unchanged(state),
    'declined',
    {
      accepted: state.accepted.filter((each) => each !== person),
      pages: withStatus(withStatus(state.pages, 'paged', 'declined', person), 'accepted', 'declined', person),
    },
    [{ at: now, kind: 'declined', actor: person, ...(reason === undefined ? {} : { reason }) }],
  );
  const enough = takeIfEnough(change, now);
  if (enough !== undefined) return enough;
  if (canBeMet(change.state) || isOnLastLevel(state) || state.hold !== null) return change;
  if (facts.hold !== undefined) return hold(change, now, facts.hold);
  return startLevels(change, now, facts.staffing, { reason: 'declined', upTo: state.level + 1 });
}

/** Puts it off: an answer that ends soon, and needs nobody else. */
export function snooze(
  state: AlertState,
  person: string,
  now: number,
  { seconds, reason }: { seconds: number; reason: string | undefined },
): Change {
  if (state.state !== 'open') throw new CodedError('conflict', `The alert is ${state.state} already`);
  if (state.condition === 'cleared') throw new CodedError('conflict', 'Its condition is over: acknowledge it');
  const bounds = snoozeBounds[state.priority];
  if (seconds > bounds.seconds) {
    throw badInput([{ path: 'seconds', message: `At most ${bounds.seconds} s at ${state.priority} priority` }]);
  }
  if (state.snoozes >= bounds.times) throw new CodedError('conflict', 'It was put off as often as it may be');
  const until = now + seconds * 1_000;
  const others = state.accepted.filter((each) => each !== person);
  const answered = { ...accept(state, person), accepted: [person, ...others] };
  return take(note(unchanged(state), answered), until, { snoozes: state.snoozes + 1 }, [
    { at: now, kind: 'snoozed', actor: person, until, ...(reason === undefined ? {} : { reason }) },
  ]);
}

/** Starts the next levels now. @param seenVersion what the person saw: refused if the alert is not that any more */
export function escalateByHand(
  state: AlertState,
  person: string,
  now: number,
  given: { seenVersion: number; level: number | undefined; reason: string | undefined; facts: Facts },
): Change {
  const { seenVersion, reason, facts } = given;
  if (state.version !== seenVersion) throw new CodedError('conflict', 'The alert is not any more as you saw it');
  if (state.state !== 'open') throw new CodedError('conflict', `The alert is ${state.state} already`);
  // Also by what has come up since it was looked at: what is due would be called together with what was asked for.
  const held = state.hold ?? facts.hold;
  if (held !== undefined) throw new CodedError('conflict', `It is held by ${held.kind} ${held.by}`);
  const last = state.policy.levels.length;
  const upTo = given.level ?? Math.min(last, state.level + 1);
  if (given.level !== undefined && (upTo <= state.level || upTo > last)) {
    throw badInput([{ path: 'level', message: `Between ${state.level + 1} and ${last}` }]);
  }
  const entry: LogEntry = {
    at: now,
    kind: 'escalated',
    actor: person,
    level: upTo,
    ...(reason === undefined ? {} : { reason }),
  };
  return startLevels(note(unchanged(state), {}, [entry]), now, facts.staffing, { reason: 'manual', upTo });
}

/** A fact: it stops nothing by itself. */
export function arrive(state: AlertState, person: string, now: number): Change {
  if (state.state === 'resolved') throw new CodedError('conflict', 'The alert is resolved already');
  if (state.arrived.includes(person)) return unchanged(state);
  return tell(unchanged(state), 'arrived', { arrived: [...state.arrived, person] }, [
    { at: now, kind: 'arrived', actor: person },
  ]);
}

/** The condition ended. Who answered has nothing left to do; where nobody has, somebody must still look. */
export function clear(state: AlertState, now: number): Change {
  if (state.condition === 'cleared') return unchanged(state);
  // Nothing to tell any more; but no new alert must follow from a condition that is over.
  if (state.state === 'resolved') return note(unchanged(state), { condition: 'cleared' });
  const change = tell(unchanged(state), 'cleared', { condition: 'cleared' }, [{ at: now, kind: 'cleared' }]);
  if (state.state === 'acknowledged') return close(change, now, { reason: 'cleared' });
  return takeIfEnough(change, now) ?? change;
}
