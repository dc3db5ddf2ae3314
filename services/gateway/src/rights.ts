/**
 * What a changed right ends, of those who are connected: their rooms, or the connection itself. And while nobody can tell
 * who may see what, since the news of it may be missing, nothing goes out.
 */
import type { StreamName } from '@carillon/contracts/define';
import { rooms as definitions } from '@carillon/contracts/surface';
import type { Logger } from '@carillon/runtime/log';
import { closeReasonOf, endedRoomOf, type Access, type AccessChange } from './access.ts';
import type { Hub } from './hub.ts';
import type { People, PersonChange } from './people.ts';
import type { Registry } from './registry.ts';
import type { Connection } from './session.ts';
import { parseRoom, type Room } from './rooms.ts';

type RightsOptions = {
  people: People;
  access: Access;
  registry: Registry;
  hubs: ReadonlyMap<StreamName, Hub>;
  /** Called when the connection to NATS is lost. @returns how to stop that */
  onDisconnect: (listener: () => void) => () => void;
  log: Logger;
};

/** Rooms of a patient, whose members may enter them for where he lies or who cares for him. */
const ofPatient = definitions.filter(({ allow }) =>
  allow.some(({ relation }) => relation === 'wardOfPatient' || relation === 'caregiver'),
);
const roomsOf = ({ hospital, person }: PersonChange): Room[] =>
  ofPatient.flatMap(({ name }) => {
    const room = parseRoom(name.replace(/<\w+>/, person), hospital);
    return room === undefined ? [] : [room];
  });

export function watchRights({ people, access, registry, hubs, onDisconnect, log }: RightsOptions): { stop(): void } {
  const onPerson = (change: PersonChange): void => {
    for (const connection of registry.of(change.hospital, change.person)) connection.recheckAll();
    for (const room of roomsOf(change)) {
      for (const member of hubs.get(room.definition.stream)?.membersOf(room.key) ?? []) member.recheck?.(room);
    }
  };
  const onAccess = (change: AccessChange): void => {
    // A token and a device are of a person whom the change does not name.
    const isOfSomebody = change.kind === 'token' || change.kind === 'device';
    for (const connection of isOfSomebody ? [...registry.all] : registry.of(change.hospital, change.id)) {
      end(change, connection);
    }
  };
  const isCaughtUp = (): boolean => people.isCaughtUp() && access.isCaughtUp();
  const hold = (): void => hubs.forEach((hub) => hub.hold());
  const release = (): void => {
    if (!isCaughtUp()) return;
    hubs.forEach((hub) => hub.release());
    log.info('the view of the directory is whole again');
  };
  const stops = [
    people.onChange(onPerson),
    access.onChange(onAccess),
    onDisconnect(hold),
    people.onCaughtUp(release),
    access.onCaughtUp(release),
  ];
  return {
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function end(change: AccessChange, connection: Connection): void {
  const who = connection.identity;
  if (who === undefined) return;
  const reason = closeReasonOf(change, who, connection.startedAt);
  if (reason !== undefined) return connection.close(reason);
  const room = endedRoomOf(change, who);
  // An operator may have named it by its other name.
  if (room !== undefined) connection.endRoom(parseRoom(room, who.hospital)?.name ?? room, 'ended');
}
