/** Who may see whose presence, and whom a room is about. A look-up in the gateway's view of the directory. */
import { staffRoles, type Actor, type Role, type StateRoomDefinition } from '@carillon/contracts/define';
import type { PersonEntry } from '@carillon/contracts/directory';
import { isPermitted } from '@carillon/contracts/permission';
import {
  colleagueRoles,
  presenceScopes,
  presentRoles,
  type PersonPresence,
  type PresenceScope,
} from '@carillon/contracts/presence';
import { isId } from '@carillon/contracts/schema';
import { stateRooms } from '@carillon/contracts/surface';
import type { People } from '../people.ts';
import type { PersonKey, Roster } from './roster.ts';

export type Subject = { hospital: string; scope: PresenceScope; id: string };
export type PeopleView = Pick<People, 'find' | 'all' | 'relations'>;

const hasRole = (entry: PersonEntry, wanted: readonly Role[]): boolean =>
  entry.roles.some((role) => wanted.includes(role));
const isColleague = (entry: PersonEntry | undefined): boolean => entry !== undefined && hasRole(entry, colleagueRoles);

const definitionOf = (scope: PresenceScope): StateRoomDefinition | undefined =>
  stateRooms.find(({ name }) => name === `presence:${scope}:<id>`);

/** @returns what a room's name asks for, or undefined for what is no name of such a room */
export function parseSubject(name: string, hospital: string): Subject | undefined {
  const [kind, scope, id, ...rest] = name.split(':');
  const known = presenceScopes.find((each) => each === scope);
  if (kind !== 'presence' || known === undefined || id === undefined || !isId(id) || rest.length > 0) return undefined;
  return { hospital, scope: known, id };
}

/** A rule `entity` leaves it to us: who works here may be seen by all who do. Whoever is unknown is nobody's to see. */
export function maySee(who: Actor, { hospital, scope, id }: Subject, people: PeopleView): boolean {
  const rules = definitionOf(scope)?.allow ?? [];
  const allows = (isEntity: boolean): boolean =>
    isPermitted(
      rules.filter(({ relation }) => (relation === 'entity') === isEntity),
      who,
      { id },
      people.relations(hospital),
    );
  return who.hospital === hospital && (allows(false) || (isColleague(people.find(hospital, id)) && allows(true)));
}

/** Whether a person counts in a room, and whether he is in its list. */
export function placeIn({ hospital, scope, id }: Subject, entry: PersonEntry): 'listed' | 'counted' | undefined {
  if (entry.hospital !== hospital) return undefined;
  switch (scope) {
    case 'person':
      return entry.person === id ? 'listed' : undefined;
    case 'ward':
      return entry.wards.includes(id) && hasRole(entry, staffRoles) ? 'listed' : undefined;
    case 'hospital':
      if (isColleague(entry)) return 'listed';
      return hasRole(entry, presentRoles) ? 'counted' : undefined;
  }
}

const instantOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** Joined, since a template would keep its parts as well as the whole. */
export const personKey = (hospital: string, person: string): PersonKey => [hospital, person].join('.');

/** A person as others see him; whom the directory does not know has no name but his id. */
export function presenceOf(hospital: string, person: string, people: PeopleView, roster: Roster): PersonPresence {
  const entry = people.find(hospital, person);
  const { state, since } = roster.standing(personKey(hospital, person));
  return {
    person,
    name: entry?.name ?? person,
    roles: entry?.roles ?? [],
    state,
    since: instantOf(since),
    lastSeenAt: state === 'offline' ? instantOf(since) : null,
  };
}
