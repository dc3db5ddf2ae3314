/** What of the canary's alarm comes to this gateway: as a member of its rooms, as the nurse's own phone would be. */
import { canary } from '@carillon/contracts/canary';
import type { StreamName } from '@carillon/contracts/define';
import { decode } from '@carillon/bus/request';
import type { Hub } from '../hub.ts';
import { parseRoom } from '../rooms.ts';

export type Heard = {
  event: string;
  /** Id of the message: what receipts name it by. */
  mid: string;
  /** By this process's monotonic clock, ms. */
  at: number;
  data: { kind?: string; alertId?: string; alert?: { kind?: string } };
};

export type CanaryEar = {
  /** The next that fits, from now on; undefined when none came in time. */
  next(fits: (heard: Heard) => boolean, withinMs: number): Promise<Heard | undefined>;
  onHeard(listener: (heard: Heard) => void): void;
};

const roomNames = [`patient:${canary.patient}`, `person:${canary.nurse}`];

export async function listenToCanary(hubs: ReadonlyMap<StreamName, Hub>): Promise<CanaryEar> {
  const listeners = new Set<(heard: Heard) => void>();
  for (const name of roomNames) {
    const room = parseRoom(name, canary.hospital);
    const hub = room === undefined ? undefined : hubs.get(room.definition.stream);
    if (room === undefined || hub === undefined) throw new Error(`no stream for ${name}`);
    const member = {
      deliver({ frames }: Parameters<Parameters<Hub['join']>[1]['deliver']>[0]) {
        const at = performance.now();
        for (const { message } of frames) {
          const heard = { event: message.event, mid: message.id, at, data: decode(message.body) as Heard['data'] };
          for (const listener of listeners) listener(heard);
        }
      },
      reset() {},
    };
    await hub.join([room], member, undefined, () => {});
  }
  return {
    next: (fits, withinMs) =>
      new Promise((resolve) => {
        const end = (heard: Heard | undefined): void => {
          clearTimeout(timer);
          listeners.delete(listen);
          resolve(heard);
        };
        const listen = (heard: Heard): void => {
          if (fits(heard)) end(heard);
        };
        const timer = setTimeout(() => end(undefined), withinMs).unref();
        listeners.add(listen);
      }),
    onHeard: (listener) => void listeners.add(listener),
  };
}
