/** The rooms `technical:<hospital>`: the same state in all of them, made here, with no stream behind it. */
import type { Actor } from '@carillon/contracts/define';
import { isPermitted, type Relations } from '@carillon/contracts/permission';
import { technicalChanged, technicalRoom, type TechnicalState } from '@carillon/contracts/technical';
import type { StateMember, StateRoom } from '../state-rooms.ts';

export type TechnicalRooms = {
  /** @returns the room, if there is such a room and he may enter it */
  open(name: string, who: Actor): StateRoom | undefined;
  /** Tells everybody. */
  show(state: TechnicalState): void;
};

const prefix = technicalRoom.name.replace('<id>', '');

export function createTechnicalRooms({
  current,
  relations,
  instance,
  now,
}: {
  current: () => TechnicalState;
  relations: (hospital: string) => Relations;
  /** Makes ids of messages unlike those of other gateways. */
  instance: string;
  now: () => number;
}): TechnicalRooms {
  const rooms = new Map<string, Set<StateMember>>();
  /** A time, so that it grows over gateways too: clients come from another one with what they have. */
  let version = 0;

  const leave = (name: string, member: StateMember): void => {
    const members = rooms.get(name);
    members?.delete(member);
    if (members?.size === 0) rooms.delete(name);
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
          const members = rooms.get(name) ?? new Set();
          rooms.set(name, members.add(member));
          return { snapshot: current(), leave: () => leave(name, member) };
        },
      };
    },
    show(state) {
      version = Math.max(version + 1, now());
      const at = new Date(now()).toISOString();
      for (const [room, members] of rooms) {
        const mid = `${instance}-technical-${version}`;
        const frame = { t: 'msg', room, ev: technicalChanged.name, mid, at, version, data: state };
        const frames = [{ text: Buffer.from(JSON.stringify(frame)), event: frame.ev, key: 'alarms' }];
        for (const member of members) member.deliver(frames);
      }
    },
  };
}
