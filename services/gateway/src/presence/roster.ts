/**
 * Who is there, from the devices of all gateways. No I/O: it is told what happens, and says what that changes.
 *
 * Grace is kept here and nowhere else: a device that goes lingers as it was, whether its connection closed, its gateway
 * stopped or died, or the bucket was lost. So none of these is seen by anybody if the device is back in time.
 */
import { presenceStates, type Device, type PresenceState } from '@carillon/contracts/presence';

/** `<hospital>.<person>` */
export type PersonKey = string;

export type Standing = {
  state: PresenceState;
  /** Since when, in ms since the epoch, as far as it is known; of who is offline, when he was last there. */
  since: number | undefined;
};
/** The last device of somebody has gone, and the grace has passed: he was last seen later than anybody knew. */
export type Departure = { key: PersonKey; instance: string; at: number };

export type RosterOptions = {
  graceMs: number;
  /** ms since the epoch. */
  now: () => number;
  /** ms of a clock that no one sets. */
  elapsed: () => number;
  onChanged: (key: PersonKey) => void;
  onDeparted: (departure: Departure) => void;
};

export type Roster = {
  /** All devices that a person has on a gateway now. */
  put(instance: string, key: PersonKey, devices: readonly Device[]): void;
  /** A gateway is no more; `at` is when it was last heard. */
  removeGateway(instance: string, at: number, when: 'after grace' | 'at once'): void;
  /** When somebody was last there, as far as another gateway or a bucket knows. @returns whether that is news */
  rememberLastSeen(key: PersonKey, at: number): boolean;
  lastSeen(key: PersonKey): number | undefined;
  /** Of whom it is known when they were last there. */
  everSeen(): Iterable<PersonKey>;
  standing(key: PersonKey): Standing;
  /** A device that is connected somewhere, or was a moment ago. */
  findDevice(key: PersonKey, id: string): Device | undefined;
  hasDevices(key: PersonKey): boolean;
  /** Who was there last through this gateway and nowhere else: they go when it goes. */
  departuresOf(instance: string): Departure[];
  /** How many people count as there. */
  size(): number;
  /** Ends what has lingered long enough, so many at most. To be called now and then. @returns whether there is more */
  sweep(atMost: number): boolean;
};

type Entry = { instance: string; devices: readonly Device[] };
type Lingering = { device: Device; until: number };
/** One for each person who is there: thousands, so small lists instead of maps. */
type Person = {
  entries: Entry[];
  lingering: readonly Lingering[];
  state: PresenceState;
  since: number;
  /** Where the last device went, and when. */
  left: { instance: string; at: number } | undefined;
};

const none: readonly Lingering[] = [];

const rank = (state: PresenceState): number => presenceStates.indexOf(state);

/** What several devices say together. */
export const mostTelling = (devices: Iterable<Pick<Device, 'state'>>): PresenceState => {
  let most: PresenceState = 'offline';
  for (const { state } of devices) if (rank(state) > rank(most)) most = state;
  return most;
};

export function createRoster({ graceMs, now, elapsed, onChanged, onDeparted }: RosterOptions): Roster {
  const people = new Map<PersonKey, Person>();
  const lastSeen = new Map<PersonKey, number>();
  /** In order of time, since the grace is the same for all. */
  let dues: { key: PersonKey; until: number }[] = [];

  const isLive = (person: Person, id: string): boolean =>
    person.entries.some(({ devices }) => devices.some((device) => device.id === id));

  const rememberLastSeen = (key: PersonKey, at: number): boolean => {
    if (at <= (lastSeen.get(key) ?? 0)) return false;
    lastSeen.set(key, at);
    return true;
  };

  const settle = (key: PersonKey, person: Person): void => {
    const devices = [
      ...person.entries.flatMap((entry) => entry.devices),
      ...person.lingering.map((each) => each.device),
    ];
    const state = mostTelling(devices);
    if (state === person.state) return;
    // Who is met for the first time was so before we came.
    const firstSince = Math.min(...devices.flatMap((device) => (device.state === state ? [device.since] : [])));
    person.since = person.state === 'offline' ? firstSince : now();
    person.state = state;
    if (state === 'offline') {
      people.delete(key);
      const left = person.left ?? { instance: '', at: now() };
      if (rememberLastSeen(key, left.at)) onDeparted({ key, ...left });
    }
    onChanged(key);
  };

  const replace = (
    instance: string,
    key: PersonKey,
    devices: readonly Device[],
    leftAt: number,
    lingers: boolean,
  ): void => {
    const known = people.get(key);
    if (known === undefined && devices.length === 0) return;
    const person = known ?? { entries: [], lingering: none, state: 'offline', since: 0, left: undefined };
    if (known === undefined) people.set(key, person);
    const before = person.entries.find((entry) => entry.instance === instance)?.devices ?? [];
    const others = person.entries.filter((entry) => entry.instance !== instance);
    // Spread, not pushed: a list that grows makes place for sixteen more.
    person.entries = devices.length > 0 ? [...others, { instance, devices }] : others;
    if (person.lingering.length > 0)
      person.lingering = person.lingering.filter(({ device }) => !isLive(person, device.id));
    const until = elapsed() + graceMs;
    for (const device of lingers ? before : []) {
      if (isLive(person, device.id)) continue;
      person.lingering = [...person.lingering, { device, until }];
      dues.push({ key, until });
    }
    if (before.length > 0 && person.entries.length === 0) person.left = { instance, at: leftAt };
    settle(key, person);
  };

  return {
    put: (instance, key, devices) => replace(instance, key, devices, now(), true),
    removeGateway(instance, at, when) {
      for (const [key, { entries }] of people) {
        if (entries.some((entry) => entry.instance === instance))
          replace(instance, key, [], at, when === 'after grace');
      }
    },
    rememberLastSeen,
    lastSeen: (key) => lastSeen.get(key),
    everSeen: () => lastSeen.keys(),
    standing(key) {
      const person = people.get(key);
      return person === undefined
        ? { state: 'offline', since: lastSeen.get(key) }
        : { state: person.state, since: person.since };
    },
    findDevice(key, id) {
      const person = people.get(key);
      const all = person?.entries.flatMap(({ devices }) => devices) ?? [];
      return all.find((device) => device.id === id) ?? person?.lingering.find(({ device }) => device.id === id)?.device;
    },
    hasDevices: (key) => (people.get(key)?.entries.length ?? 0) > 0,
    departuresOf(instance) {
      return [...people].flatMap(([key, { entries, left }]) => {
        if (entries.length === 0) return left?.instance === instance ? [{ key, ...left }] : [];
        return entries.every((entry) => entry.instance === instance) ? [{ key, instance, at: now() }] : [];
      });
    },
    size: () => people.size,
    sweep(atMost) {
      const time = elapsed();
      const isDue = (due: { until: number } | undefined): boolean => due !== undefined && due.until <= time;
      let count = 0;
      while (count < atMost && isDue(dues[count])) count++;
      const due = dues.slice(0, count);
      if (count > 0) dues = dues.slice(count);
      for (const { key } of due) {
        const person = people.get(key);
        if (person === undefined) continue;
        person.lingering = person.lingering.filter(({ until }) => until > time);
        settle(key, person);
      }
      return isDue(dues[0]);
    },
  };
}
