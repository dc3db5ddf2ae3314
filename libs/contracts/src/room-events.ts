/** Which events a room shows: those whose subjects its filter lets through. */
import type { EventDefinition, RoomDefinition } from './define.ts';
import { events } from './surface.ts';

const isOpen = (token: string): boolean => token === '*' || token.startsWith('<');

function canMatch(filter: readonly string[], subject: readonly string[]): boolean {
  const [expected, ...filterRest] = filter;
  const [actual, ...subjectRest] = subject;
  if (expected === undefined || actual === undefined) return expected === actual;
  if (expected === '>') return true;
  return (isOpen(expected) || isOpen(actual) || expected === actual) && canMatch(filterRest, subjectRest);
}

export const eventsOf = (room: RoomDefinition): readonly EventDefinition[] =>
  events.filter((event) => event.stream === room.stream && canMatch(room.filter.split('.'), event.subject.split('.')));
