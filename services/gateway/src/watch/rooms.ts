/** The rooms `technical:<hospital>`: each the state of its hospital, made here, with no stream behind it. */
import type { Actor } from '@carillon/contracts/define';
import { isPermitted, type Relations } from '@carillon/contracts/permission';
import { technicalChanged, technicalRoom, type TechnicalState } from '@carillon/contracts/technical';
import type { StateMember, StateRoom } from '../state-rooms.ts';

export type TechnicalRooms = {
  /** @returns the room, if there is such a room and he may enter it */
  open(name: string, who: Actor): StateRoom | undefined;
  /** Tells everybody in the rooms of these hospitals. */
  show(isChanged: (hospital: string) => boolean): void;
};

const prefix = technicalRoom.name.replace('<id>', '');

export function createTechnicalRooms({
  current,
  relations,
  instance,
  now,
}: {
  current: (hospital: string) => TechnicalState;
  relations: (hospital: string) => Relations;
  /** Makes ids of messages unlike those of other gateways. */
  instance: string;
  now: () => number;
}): TechnicalRooms {
  /** By hospital. */
  const rooms = new Map<string, Set<StateMember>>();
  /** A time, so that it grows over gateways too: clients come from another one with what they have. */
  let version = 0;

  const leave = (hospital: string, member: StateMember): void => {
    const members = rooms.get(hospital);
    members?.delete(member);
    if (members?.size === 0) rooms.delete(hospital);
  };
  return {
    open(name, who) {
      if (!name.startsWith(prefix)) return undefined;
      const id = name.slice(prefix.length);
      if (!isPermitted(technicalRoom.allow, who, { id }, relations(who.hospital))) return undefined;
      return {
        name,
        lane: technicalRoom.lane,
        join(member) {
          const members = rooms.get(id) ?? new Set();
          rooms.set(id, members.add(member));
          return { snapshot: current(id), leave: () => leave(id, member) };
        },
      };
    },
    show(isChanged) {
      version = Math.max(version + 1, now());
      const at = new Date(now()).toISOString();
      for (const [hospital, members] of rooms) {
        if (!isChanged(hospital)) continue;
        const mid = `${instance}-technical-${version}`;
        const room = `${prefix}${hospital}`;
        const frame = { t: 'msg', room, ev: technicalChanged.name, mid, at, version, data: current(hospital) };
        const frames = [{ text: Buffer.from(JSON.stringify(frame)), event: frame.ev, key: 'alarms' }];
        for (const member of members) member.deliver(frames);
      }
    },
  };
}
