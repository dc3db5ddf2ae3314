/** Rooms, derived from contracts: which room a name means, and to which rooms a subject belongs. */
import type { Actor, RoomDefinition, StreamName } from '@carillon/contracts/define';
import { isPermitted, type Relations } from '@carillon/contracts/permission';
import { isId } from '@carillon/contracts/schema';
import { rooms as definitions } from '@carillon/contracts/surface';

export type Room = {
  /** As clients write it. */
  name: string;
  definition: RoomDefinition;
  /** What stands for the tokens of the room's name. */
  tokens: Readonly<Record<string, string>>;
  hospital: string;
  /** Names the room over all hospitals. */
  key: string;
};

const roomKey = (hospital: string, name: string): string => [hospital, name].join('/');
const isToken = (part: string): boolean => part.startsWith('<');
const fill = (template: string, tokens: Readonly<Record<string, string>>): string =>
  template.replaceAll(/<(\w+)>/g, (whole, name: string) => tokens[name] ?? whole);

/** The room of the caller's own hospital, whichever that is. */
const ownHospital = 'system';

/** @returns the room, or undefined for a name that is no room: wildcards and dots are no ids */
export function parseRoom(given: string, hospital: string): Room | undefined {
  const name = given === ownHospital ? `hospital:${hospital}` : given;
  const parts = name.split(':');
  for (const definition of definitions) {
    const template = definition.name.split(':');
    if (template.length !== parts.length) continue;
    if (!template.every((part, index) => isToken(part) || part === parts[index])) continue;
    const ids = template.flatMap((part, index) => (isToken(part) ? [[part.slice(1, -1), parts[index] ?? '']] : []));
    if (!ids.every(([, id]) => id !== undefined && isId(id))) return undefined;
    const tokens = Object.fromEntries(ids) as Record<string, string>;
    return { name, definition, tokens, hospital, key: roomKey(hospital, name) };
  }
  return undefined;
}

/** The room's subjects in its stream. */
export const roomFilter = (room: Room): string =>
  fill(room.definition.filter, { ...room.tokens, hospital: room.hospital });

export function mayEnter(room: Room, actor: Actor, relations: Relations): boolean {
  return isPermitted(room.definition.allow, actor, room.tokens, relations);
}

/** @returns the room, if there is such a room and he may enter it: what does not exist and what is not his are alike */
export function openRoom(name: string, actor: Actor, relations: Relations): Room | undefined {
  const room = parseRoom(name, actor.hospital);
  return room !== undefined && mayEnter(room, actor, relations) ? room : undefined;
}

/** The keys of all rooms to which a message belongs, whether anybody is in them or not, in order. */
export type RoomMatcher = (subject: string) => readonly string[];

/** Subjects come again and again: those of a hospital's patients, wards and events. */
const maxRememberedSubjects = 20_000;

export function matchRooms(stream: StreamName): RoomMatcher {
  const matcher = createMatcher(stream);
  const remembered = new Map<string, readonly string[]>();
  return (subject) => {
    const known = remembered.get(subject);
    if (known !== undefined) return known;
    if (remembered.size >= maxRememberedSubjects) remembered.clear();
    const keys = matcher(subject);
    remembered.set(subject, keys);
    return keys;
  };
}

function createMatcher(stream: StreamName): RoomMatcher {
  const filters = definitions
    .filter((definition) => definition.stream === stream)
    .map(({ name, filter }) => ({ name, tokens: filter.split('.') }));
  return (subject) => {
    const tokens = subject.split('.');
    const keys: string[] = [];
    for (const filter of filters) {
      const found: Record<string, string> = {};
      let hospital = tokens[1];
      const isMatch = filter.tokens.every((wanted, index) => {
        const token = tokens[index];
        if (wanted === '>') return tokens.length > index;
        if (filter.tokens.at(-1) !== '>' && tokens.length !== filter.tokens.length) return false;
        if (token === undefined) return false;
        if (wanted === '<hospital>') hospital = token;
        else if (wanted !== undefined && isToken(wanted)) found[wanted.slice(1, -1)] = token;
        else if (wanted !== '*') return wanted === token;
        return true;
      });
      const isNamed = Object.values(found).every((id) => id !== '_');
      if (isMatch && isNamed && hospital !== undefined) keys.push(roomKey(hospital, fill(filter.name, found)));
    }
    return keys.sort();
  };
}
