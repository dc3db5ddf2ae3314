/** The devices that are connected to this gateway: what it alone knows, and tells the others. */
import type { Device, SettableState, SetEntry } from '@carillon/contracts/presence';
import type { PersonKey } from './roster.ts';

/** What a connection says of itself. The same tab that connects again is the same device. */
export type Arrival = { id: string; tab?: string | undefined };
export type Word = { state: SettableState; until?: number | undefined };

type OwnDevice = { device: Device; connections: string[] };

export type OwnDevices = {
  arrive(key: PersonKey, arrival: Arrival): void;
  leave(key: PersonKey, connection: string): void;
  /** @returns whether the connection is here */
  set(key: PersonKey, connection: string, word: Word): boolean;
  /** Said for all devices that were there at that time and have not said anything since. */
  setAll(key: PersonKey, entry: SetEntry): void;
  devicesOf(key: PersonKey): readonly Device[];
  keys(): MapIterator<PersonKey>;
  /** How many people have devices here. */
  size(): number;
  /** Ends what was to hold until now. */
  sweep(): void;
};

export type OwnDevicesOptions = {
  now: () => number;
  /** The same device as it is or was elsewhere: what its person has said goes on. */
  findDevice: (key: PersonKey, id: string) => Device | undefined;
  onChanged: (key: PersonKey) => void;
};

/** More than this are connected, and not told of: entries stay small, whoever plays with tabs. */
const maxDevices = 32;

const said = ({ id }: Device, { state, until }: Word, since: number): Device => ({
  id,
  state,
  since,
  ...(until === undefined ? {} : { until }),
});

export function createOwnDevices({ now, findDevice, onChanged }: OwnDevicesOptions): OwnDevices {
  const people = new Map<PersonKey, OwnDevice[]>();
  /** Of these some device says something that ends by itself. */
  const timed = new Set<PersonKey>();

  const isOver = ({ until }: Device): boolean => until !== undefined && until <= now();

  const say = (key: PersonKey, own: OwnDevice, word: Word, since = now()): void => {
    own.device = said(own.device, word, since);
    if (word.until !== undefined) timed.add(key);
  };

  return {
    arrive(key, { id, tab }) {
      const name = tab ?? id;
      const devices = people.get(key) ?? [];
      const known = devices.find(({ device }) => device.id === name);
      if (known !== undefined) known.connections.push(id);
      else {
        const before = findDevice(key, name);
        const own = { device: { id: name, state: 'online' as const, since: now() }, connections: [id] };
        if (before !== undefined && !isOver(before)) say(key, own, before, before.since);
        people.set(key, [...devices, own]);
        onChanged(key);
      }
    },
    leave(key, connection) {
      const devices = people.get(key);
      const own = devices?.find(({ connections }) => connections.includes(connection));
      if (devices === undefined || own === undefined) return;
      own.connections = own.connections.filter((each) => each !== connection);
      if (own.connections.length > 0) return;
      const rest = devices.filter((each) => each !== own);
      if (rest.length === 0) people.delete(key);
      else people.set(key, rest);
      onChanged(key);
    },
    set(key, connection, word) {
      const own = people.get(key)?.find(({ connections }) => connections.includes(connection));
      if (own === undefined) return false;
      say(key, own, word);
      onChanged(key);
      return true;
    },
    setAll(key, { at, ...word }) {
      const earlier = people.get(key)?.filter(({ device }) => device.since <= at) ?? [];
      if (earlier.length === 0) return;
      for (const own of earlier) say(key, own, word, at);
      onChanged(key);
    },
    devicesOf(key) {
      const devices = people.get(key) ?? [];
      const told = devices.length > maxDevices ? devices.slice(-maxDevices) : devices;
      return told.map(({ device }) => device);
    },
    keys: () => people.keys(),
    size: () => people.size,
    sweep() {
      for (const key of timed) {
        const devices = people.get(key) ?? [];
        const over = devices.filter(({ device }) => isOver(device));
        for (const own of over) say(key, own, { state: 'online' });
        if (over.length > 0) onChanged(key);
        if (!devices.some(({ device }) => device.until !== undefined)) timed.delete(key);
      }
    },
  };
}
