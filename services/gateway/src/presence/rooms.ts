/** The rooms `presence:<scope>:<id>`: who enters gets the state, then what changes, gathered for a moment. */
import type { Actor, Lane } from '@carillon/contracts/define';
import {
  maxPresenceList,
  presenceStates,
  type PersonPresence,
  type PresenceCounts,
  type PresenceSnapshot,
} from '@carillon/contracts/presence';
import type { PersonKey, Roster } from './roster.ts';
import { maySee, parseSubject, placeIn, presenceOf, type PeopleView, type Subject } from './sight.ts';

/** One `msg` frame. Of those with the same key in the same room the newest holds all that the older ones said. */
export type StateFrame = { text: Buffer; event: string; key: string };
export type StateMember = {
  /** Everything that has changed in the room, built once for all of its members. */
  deliver(frames: readonly StateFrame[]): void;
  /** Whom the room is about has changed, on whom the right to it may rest. */
  recheck?(): void;
};
export type StateRoom = {
  /** As clients write it. */
  name: string;
  lane: Lane;
  /** In the same turn of the event loop in which changes begin to come; so nothing falls between. */
  join(member: StateMember): { snapshot: PresenceSnapshot; leave(): void };
};

export type PresenceRooms = {
  /** @returns the room, if there is such a room and he may enter it: what does not exist and what is not his are alike */
  open(name: string, who: Actor): StateRoom | undefined;
  snapshot(subject: Subject): PresenceSnapshot;
  /** Somebody's presence is another. */
  changed(key: PersonKey): void;
  /** Somebody's entry in the directory is another: he may belong elsewhere now. */
  personChanged(hospital: string, person: string): void;
  counts(): { rooms: number; members: number };
  stop(): void;
};

export type PresenceRoomsOptions = {
  people: PeopleView;
  roster: Roster;
  now: () => number;
  /** How long changes are gathered. */
  gatherMs: number;
  /** Makes ids of messages unlike those of other gateways. */
  instance: string;
};

/** What the members of a room were last told of somebody: what they hold is this, never what is newer here. */
type Told = { record: PersonPresence; isListed: boolean };
type LiveRoom = {
  name: string;
  subject: Subject;
  members: Set<StateMember>;
  told: Map<string, Told>;
  counts: PresenceCounts;
  byRole: Record<string, PresenceCounts>;
  /** Decided when the first enters, for as long as somebody is there: so that nobody's list turns into counts. */
  isListed: boolean;
  /** Of whom the members may have to be told. */
  dirty: Set<string>;
  /** A time, so that it grows over gateways too: clients come from another one with what they have. */
  version: number;
  snapshot: PresenceSnapshot | undefined;
  timer: NodeJS.Timeout | undefined;
};

function isSame(before: Told | undefined, told: Told | undefined): boolean {
  if (before === undefined || told === undefined) return before === told;
  const [was, is] = [before.record, told.record];
  return (
    before.isListed === told.isListed &&
    was.state === is.state &&
    was.since === is.since &&
    was.name === is.name &&
    was.roles.join() === is.roles.join()
  );
}

const noCounts = (): PresenceCounts => Object.fromEntries(presenceStates.map((state) => [state, 0])) as PresenceCounts;

export function createPresenceRooms({ people, roster, now, gatherMs, instance }: PresenceRoomsOptions): PresenceRooms {
  /** By hospital and name. */
  const rooms = new Map<string, LiveRoom>();
  /** Those of more than one person: whoever changes places may be in any of them. */
  const lists = new Set<LiveRoom>();
  let messages = 0;

  const count = (room: LiveRoom, { record, isListed }: Told, by: 1 | -1): void => {
    if (isListed) room.counts[record.state] += by;
    if (room.subject.scope !== 'hospital') return;
    for (const role of record.roles) (room.byRole[role] ??= noCounts())[record.state] += by;
  };
  const tell = (room: LiveRoom, person: string, told: Told | undefined): void => {
    const before = room.told.get(person);
    if (before !== undefined) count(room, before, -1);
    room.told.delete(person);
    if (told === undefined) return;
    count(room, told, 1);
    room.told.set(person, told);
  };
  const toTell = ({ subject }: Pick<LiveRoom, 'subject'>, person: string): Told | undefined => {
    const { hospital, scope } = subject;
    const entry = people.find(hospital, person);
    // Whom the directory does not know may still look at himself.
    const place = entry === undefined ? (scope === 'person' ? 'listed' : undefined) : placeIn(subject, entry);
    if (place === undefined) return undefined;
    return { record: presenceOf(hospital, person, people, roster), isListed: place === 'listed' };
  };

  const peopleOf = (hospital: string): string[] =>
    people.all().flatMap((entry) => (entry.hospital === hospital ? [entry.person] : []));
  const load = (name: string, subject: Subject): LiveRoom => {
    const room: LiveRoom = {
      name,
      subject,
      members: new Set(),
      told: new Map(),
      counts: noCounts(),
      byRole: {},
      isListed: true,
      dirty: new Set(),
      version: 0,
      snapshot: undefined,
      timer: undefined,
    };
    const candidates = subject.scope === 'person' ? [subject.id] : peopleOf(subject.hospital);
    for (const person of candidates) tell(room, person, toTell(room, person));
    room.isListed = [...room.told.values()].filter(({ isListed }) => isListed).length <= maxPresenceList;
    return room;
  };

  const makeSnapshot = ({ subject: { scope, id }, told, counts, byRole, isListed }: LiveRoom): PresenceSnapshot => ({
    scope,
    id,
    counts: { ...counts },
    ...(scope === 'hospital' ? { byRole: structuredClone(byRole) } : {}),
    people: isListed ? [...told.values()].flatMap((each) => (each.isListed ? [each.record] : [])) : [],
    isListed,
  });

  const frameOf = ({ name, version }: LiveRoom, event: string, key: string, data: unknown): StateFrame => {
    const frame = {
      t: 'msg',
      room: name,
      ev: `presence:${event}`,
      mid: `${instance}-${++messages}`,
      at: new Date(now()).toISOString(),
      version,
      data,
    };
    return { text: Buffer.from(JSON.stringify(frame)), event: frame.ev, key };
  };

  const changeOf = (room: LiveRoom, person: string): StateFrame | undefined => {
    const before = room.told.get(person);
    const told = toTell(room, person);
    tell(room, person, told);
    if (!room.isListed || isSame(before, told)) return undefined;
    if (told?.isListed === true) return frameOf(room, 'changed', person, told.record);
    return before?.isListed === true ? frameOf(room, 'left', person, { person }) : undefined;
  };

  const flush = (room: LiveRoom): void => {
    room.timer = undefined;
    room.snapshot = undefined;
    room.version = Math.max(room.version + 1, now());
    const { subject, counts, byRole, dirty } = room;
    const before = JSON.stringify([counts, byRole]);
    const frames = [...dirty].flatMap((person) => changeOf(room, person) ?? []);
    dirty.clear();
    if (subject.scope !== 'person' && JSON.stringify([counts, byRole]) !== before)
      frames.push(frameOf(room, 'counted', 'counts', subject.scope === 'hospital' ? { counts, byRole } : { counts }));
    if (frames.length > 0) for (const member of room.members) member.deliver(frames);
  };

  const touch = (room: LiveRoom, person: string): void => {
    room.dirty.add(person);
    room.timer ??= setTimeout(() => flush(room), gatherMs).unref();
  };

  const nameOf = ({ scope, id }: Omit<Subject, 'hospital'>): string => `presence:${scope}:${id}`;
  const find = (hospital: string, scope: Subject['scope'], id: string): LiveRoom | undefined =>
    rooms.get(`${hospital}/${nameOf({ scope, id })}`);

  const join = (key: string, name: string, subject: Subject, member: StateMember): ReturnType<StateRoom['join']> => {
    const room = rooms.get(key) ?? load(name, subject);
    rooms.set(key, room);
    if (subject.scope !== 'person') lists.add(room);
    room.members.add(member);
    room.snapshot ??= makeSnapshot(room);
    return {
      snapshot: room.snapshot,
      leave() {
        room.members.delete(member);
        if (room.members.size > 0) return;
        clearTimeout(room.timer);
        if (rooms.get(key) === room) rooms.delete(key);
        lists.delete(room);
      },
    };
  };

  return {
    open(name, who) {
      const subject = parseSubject(name, who.hospital);
      if (subject === undefined || !maySee(who, subject, people)) return undefined;
      return { name, lane: 'bulk', join: (member) => join(`${subject.hospital}/${name}`, name, subject, member) };
    },
    snapshot: (subject) => makeSnapshot(find(subject.hospital, subject.scope, subject.id) ?? load('', subject)),
    changed(key) {
      if (rooms.size === 0) return;
      const [hospital = '', person = ''] = key.split('.');
      const wards = people.find(hospital, person)?.wards ?? [];
      const his = [find(hospital, 'person', person), find(hospital, 'hospital', hospital)];
      for (const room of [...his, ...wards.map((ward) => find(hospital, 'ward', ward))])
        if (room?.told.has(person) === true) touch(room, person);
    },
    personChanged(hospital, person) {
      for (const member of find(hospital, 'person', person)?.members ?? []) member.recheck?.();
      const own = find(hospital, 'person', person);
      for (const room of own === undefined ? lists : [...lists, own])
        if (room.subject.hospital === hospital && (room.told.has(person) || toTell(room, person) !== undefined))
          touch(room, person);
    },
    counts: () => ({
      rooms: rooms.size,
      members: [...rooms.values()].reduce((sum, { members }) => sum + members.size, 0),
    }),
    stop() {
      for (const { timer } of rooms.values()) clearTimeout(timer);
    },
  };
}
