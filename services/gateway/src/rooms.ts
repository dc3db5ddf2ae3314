/** Rooms, derived from contracts: which room a name means, and to which rooms a subject belongs. */
import type { Actor, RoomDefinition, StreamName } from '@carillon/contracts/define';
import { isPermitted, type Relations } from '@carillon/contracts/permission';
import { isId } from '@carillon/contracts/schema';
import { rooms as definitions } from '@carillon/contracts/surface';

export type Room = {
  /** As clients write it. */
  name: string;
  definition: RoomDefinition;
  id: string;
  hospital: string;
  /** Names the room over all hospitals. */
  key: string;
};

const roomKey = (hospital: string, name: string): string => `${hospital}/${name}`;
const fill = (template: string, hospital: string, id: string): string =>
  template.replaceAll('<hospital>', hospital).replaceAll('<id>', id);

/** @returns the room, or undefined for a name that is no room: wildcards and dots are no ids */
export function parseRoom(name: string, hospital: string): Room | undefined {
  const parts = name.split(':');
  for (const definition of definitions) {
    const template = definition.name.split(':');
    if (template.length !== parts.length) continue;
    if (!template.every((part, index) => part === '<id>' || part === parts[index])) continue;
    const id = parts[template.indexOf('<id>')];
    if (id === undefined || !isId(id)) return undefined;
    return { name, definition, id, hospital, key: roomKey(hospital, name) };
  }
  return undefined;
}

/** The room's subjects in its stream. */
export const roomFilter = (room: Room): string => fill(room.definition.filter, room.hospital, room.id);

export function mayEnter(room: Room, actor: Actor, relations: Relations): boolean {
  const rules = room.definition.allow.map((rule) => ({ ...rule, field: 'id' }));
  return isPermitted(rules, actor, { id: room.id }, relations);
}

/** The keys of all rooms to which a message belongs, whether anybody is in them or not. */
export type RoomMatcher = (subject: string) => string[];

export function matchRooms(stream: StreamName): RoomMatcher {
  const filters = definitions
    .filter((definition) => definition.stream === stream)
    .map(({ name, filter }) => ({ name, tokens: filter.split('.') }));
  return (subject) => {
    const tokens = subject.split('.');
    const keys: string[] = [];
    for (const filter of filters) {
      let id: string | undefined;
      let hospital = tokens[1];
      const isMatch = filter.tokens.every((wanted, index) => {
        const token = tokens[index];
        if (wanted === '>') return tokens.length > index;
        if (filter.tokens.at(-1) !== '>' && tokens.length !== filter.tokens.length) return false;
        if (token === undefined) return false;
        if (wanted === '<id>') id = token;
        else if (wanted === '<hospital>') hospital = token;
        else if (wanted !== '*') return wanted === token;
        return true;
      });
      if (isMatch && id !== undefined && id !== '_' && hospital !== undefined) {
        keys.push(roomKey(hospital, filter.name.replace('<id>', id)));
      }
    }
    return keys;
  };
}
