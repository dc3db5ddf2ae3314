/** Who of the staff of a ward is there, from its presence room: a snapshot each time it is entered, then changes. */
import type { EventData } from '@carillon/client/client';
import { createCellMap } from './cell.ts';

export type PresentPerson = EventData<'presence:changed'>;
type PresenceState = PresentPerson['state'];

export const STATE_WORD: Record<PresenceState, string> = {
  online: 'here',
  busy: 'busy',
  inCall: 'in a call',
  away: 'away',
  offline: 'not here',
};
const STATE_ORDER: readonly PresenceState[] = ['online', 'busy', 'inCall', 'away', 'offline'];

export const wardPresenceRoom = (wardId: string): string => `presence:ward:${wardId}`;

/** Who is there, those who can come at once first. */
export const whoIsThere = (people: readonly PresentPerson[]): PresentPerson[] =>
  people
    .filter(({ state }) => state !== 'offline')
    .sort(
      (left, right) =>
        STATE_ORDER.indexOf(left.state) - STATE_ORDER.indexOf(right.state) || left.name.localeCompare(right.name),
    );

/** "3 (1 busy, 1 away)". */
export const headcount = (people: readonly PresentPerson[]): string => {
  const there = whoIsThere(people);
  const parts = STATE_ORDER.filter((state) => state !== 'online').flatMap((state) => {
    const count = there.filter((person) => person.state === state).length;
    return count > 0 ? [`${count} ${STATE_WORD[state]}`] : [];
  });
  return parts.length > 0 ? `${there.length} (${parts.join(', ')})` : String(there.length);
};

export const createPresence = () => {
  /** By room; undefined while it is not known, or not this person's to see. */
  const rooms = createCellMap<readonly PresentPerson[] | undefined>(undefined);
  const change = (room: string, next: (people: readonly PresentPerson[]) => readonly PresentPerson[]): void => {
    const cell = rooms.at(room);
    const people = cell.get();
    if (people !== undefined) cell.set(next(people));
  };
  return {
    ward: (wardId: string) => rooms.at(wardPresenceRoom(wardId)),
    show: (room: string, people: readonly PresentPerson[]): void => rooms.at(room).set(people),
    put: (room: string, person: PresentPerson): void =>
      change(room, (people) => [...people.filter((other) => other.person !== person.person), person]),
    remove: (room: string, person: string): void =>
      change(room, (people) => people.filter((other) => other.person !== person)),
    hide: (room: string): void => rooms.at(room).set(undefined),
  };
};
