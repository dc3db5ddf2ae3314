/**
 * One hub a stream: reads the whole stream once, keeps the newest in a ring, and gives each message to those who are in
 * its rooms. A room is a filter over what passes; nobody's subscription costs the server a consumer.
 */
import type { StreamName } from '@carillon/contracts/define';
import type { Recovery } from '@carillon/contracts/gateway';
import type { Bus } from '@carillon/bus/connection';
import { readRange } from '@carillon/bus/read-range';
import { readStream, streamState } from '@carillon/bus/stream-reader';
import type { Logger } from '@carillon/runtime/log';
import { messageFrame, parsePosition, position, type Position } from './frames.ts';
import { createRing, toMessage, type Message } from './ring.ts';
import { matchRooms, roomFilter, type Room } from './rooms.ts';

/** Who is in a room. */
export type Member = {
  /** A message as it stands in one of his rooms. */
  send(frame: Buffer, message: Message, room: Room): void;
  /** The stream broke: what he has of all these rooms proves nothing any more, and what follows begins at `position`. */
  reset(rooms: readonly Room[], reason: 'epoch' | 'retention', position: string): void;
};

export type Joined = {
  position: string;
  recovery: Recovery;
  /** Where he resumes who gets no message after this; earlier than `position` while a replay is still to follow. */
  resumeAt: string;
};

export type HubCounts = { rooms: number; members: number; ringMessages: number; received: number; delivered: number };

export type Hub = {
  /**
   * Puts a member into rooms. `onJoined` is called once a room, in the same turn of the event loop in which the replay
   * and then live messages follow, so that nothing passes between them. The replay of all rooms is one, in the order of
   * the stream: it is complete for all of them or lost for all.
   */
  join(
    rooms: readonly Room[],
    member: Member,
    from: string | undefined,
    onJoined: (room: Room, joined: Joined) => void,
  ): Promise<void>;
  leave(room: Room, member: Member): void;
  counts(): HubCounts;
  stop(): void;
};

/** A message, and in which of a member's rooms he is to get it. */
type Copies = { message: Message; rooms: readonly Room[] };
type Missed = { after: number; copies: readonly Copies[] };
type LiveRoom = { room: Room; members: Set<Member>; lastSequence: number };

const maxReplay = 5_000;
const maxRingBytes = 64 * 1024 * 1024;
/** Reads of what is older than the ring, at once; more wait. */
const maxReads = 8;
const maxReadAttempts = 3;
const catchUpMs = 2_000;

const keysOf = (rooms: readonly Room[]): ReadonlySet<string> => new Set(rooms.map((room) => room.key));

export type HubOptions = {
  bus: Bus;
  stream: StreamName;
  ringMessages: number;
  log: Logger;
  /** Told of each message that was handed to somebody as it came, with the time that it bears. */
  onDelivered?: (stream: StreamName, at: string) => void;
};

export async function createHub({ bus, stream, ringMessages, log, onDelivered }: HubOptions): Promise<Hub> {
  const initial = await streamState(bus, stream);
  let { epoch } = initial;
  // The ring is warm from the start: who resumes after a restart of the gateway is served from it.
  const startAfter = Math.max(initial.firstSequence - 1, initial.lastSequence - ringMessages);
  const ring = createRing(ringMessages, maxRingBytes, startAfter);
  const rooms = new Map<string, LiveRoom>();
  const match = matchRooms(stream);
  let lastSequence = startAfter;
  /** Grows with each break: what was read of the stream before it proves nothing after it. */
  let life = 0;
  let received = 0;
  let delivered = 0;
  let caughtUp: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const ready = new Promise<void>((resolve, reject) => {
    caughtUp = resolve;
    fail = reject;
  });

  const deliver = (message: Message): void => {
    let isWanted = false;
    for (const key of message.rooms) {
      const live = rooms.get(key);
      if (live === undefined) continue;
      const frame = messageFrame(live.room, message, epoch, live.lastSequence);
      live.lastSequence = message.sequence;
      delivered += live.members.size;
      for (const member of live.members) member.send(frame, message, live.room);
      isWanted = true;
    }
    if (isWanted) onDelivered?.(stream, message.at);
  };

  const resetAll = (reason: 'epoch' | 'retention'): void => {
    const roomsOf = new Map<Member, Room[]>();
    for (const live of rooms.values()) {
      live.lastSequence = lastSequence;
      for (const member of live.members) roomsOf.set(member, [...(roomsOf.get(member) ?? []), live.room]);
    }
    for (const [member, his] of roomsOf) member.reset(his, reason, position(epoch, lastSequence));
  };

  const reader = readStream(bus, {
    stream,
    afterSequence: startAfter,
    onMessage(message) {
      const kept = toMessage(message, match(message.subject));
      lastSequence = message.sequence;
      received++;
      ring.push(kept);
      deliver(kept);
      if (lastSequence >= initial.lastSequence) caughtUp();
    },
    onBreak(state, continuesAfter) {
      log.error({ stream, epoch: state.epoch }, 'the stream is another, or lost messages unread');
      const reason = state.epoch === epoch ? 'retention' : 'epoch';
      ({ epoch } = state);
      life++;
      lastSequence = continuesAfter;
      ring.clear(lastSequence);
      caughtUp();
      resetAll(reason);
    },
    // A gateway that may not read would wait for ever; one that runs goes on when the right is given back.
    onDenied: ({ operation, subject }) => fail(new Error(`NATS denies this user to ${operation} ${subject}`)),
  });
  if (startAfter >= initial.lastSequence) caughtUp();
  // The newest may expire before it was read; then nothing is left to catch up with.
  const watch = setInterval(() => {
    streamState(bus, stream).then(
      (state) => {
        if (state.firstSequence > initial.lastSequence) caughtUp();
      },
      () => {},
    );
  }, catchUpMs);
  await ready
    .catch((error: unknown) => {
      reader.stop();
      throw error;
    })
    .finally(() => clearInterval(watch));

  const enter = (room: Room, member: Member): LiveRoom => {
    let live = rooms.get(room.key);
    if (live === undefined) {
      // What came before is not known here, and need not be: a `prev` up to the position of joining is no hole.
      live = { room, members: new Set(), lastSequence };
      rooms.set(room.key, live);
    }
    live.members.add(member);
    return live;
  };

  let reads = 0;
  const waitingReads: (() => void)[] = [];
  const readOlder = async (room: Room, after: number, to: number): Promise<Message[] | undefined> => {
    if (reads >= maxReads) await new Promise<void>((resolve) => waitingReads.push(resolve));
    else reads++;
    try {
      const range = { stream, filter: roomFilter(room), afterSequence: after, toSequence: to, limit: maxReplay };
      for (let attempt = 1; ; attempt++) {
        try {
          const found = await readRange(bus, range);
          return found?.map((message) => toMessage(message, match(message.subject)));
        } catch (error) {
          // nats-server 2.9.10 now and then counts one message more than there is, which then never comes (measured);
          // another consumer counts anew.
          if (attempt === maxReadAttempts) throw error;
          log.warn({ err: error, stream, attempt }, 'reading again');
          await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
        }
      }
    } finally {
      // Its place goes to the next one, or is free.
      const next = waitingReads.shift();
      if (next === undefined) reads--;
      else next();
    }
  };

  /** Whether everything after `sequence` is in the stream still: retention moves its beginning. */
  const isHeld = async (sequence: number): Promise<boolean> => {
    const state = await streamState(bus, stream);
    return state.epoch === epoch && sequence >= state.firstSequence - 1;
  };

  /** What any of the rooms got in a range, in order: one filter a consumer is all that nats-server 2.9 knows. */
  const readOlderOfAll = async (asked: readonly Room[], after: number, to: number): Promise<Message[] | undefined> => {
    const bySequence = new Map<number, Message>();
    for (const room of asked) {
      const found = await readOlder(room, after, to);
      if (found === undefined) return undefined;
      for (const message of found) bySequence.set(message.sequence, message);
      if (bySequence.size > maxReplay) return undefined;
    }
    return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
  };

  /** Messages after `sequence` up to where the hub stands; undefined when completeness cannot be proved. */
  const replay = async (asked: readonly Room[], sequence: number): Promise<Message[] | undefined> => {
    const older: Message[] = [];
    let from = sequence;
    while (from < ring.after()) {
      // Not only up to where the ring begins: that moves on with each message, and would be chased for ever. Another
      // round is needed only if the whole ring turned over meanwhile.
      const until = lastSequence;
      // Looked at again when it was read: what begins at a sequence that is gone begins later, and says nothing.
      if (!(await isHeld(from))) return undefined;
      const found = await readOlderOfAll(asked, from, until);
      if (found === undefined || !(await isHeld(from))) return undefined;
      older.push(...found);
      from = until;
      if (older.length > maxReplay) return undefined;
    }
    const all = [...older, ...ring.of(keysOf(asked), from)];
    return all.length > maxReplay ? undefined : all;
  };

  /** @returns a position that belongs to what this hub reads; whether all after it is left, `replay` tells */
  const locate = async (from: string): Promise<Position | undefined> => {
    const wanted = parsePosition(from);
    if (wanted === undefined || wanted.epoch !== epoch) return undefined;
    if (wanted.sequence <= lastSequence) return wanted;
    // This gateway may be a moment behind the one that gave the position; entering earlier would double messages.
    const state = await streamState(bus, stream).catch(() => undefined);
    if (state === undefined || state.epoch !== epoch || wanted.sequence > state.lastSequence) return undefined;
    const giveUpAt = performance.now() + catchUpMs;
    while (lastSequence < wanted.sequence && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return lastSequence < wanted.sequence || wanted.epoch !== epoch ? undefined : wanted;
  };

  /** @returns what rooms missed since a position, to be gone on with in the same turn; undefined when it is lost */
  const missedSince = async (asked: readonly Room[], from: string): Promise<Missed | undefined> => {
    const lifeBefore = life;
    const wanted = await locate(from);
    if (wanted === undefined) return undefined;
    // A message of which some copies were given is read again for the others.
    const after = wanted.upToRoom === undefined ? wanted.sequence : wanted.sequence - 1;
    const missed = await replay(asked, after).catch(() => undefined);
    if (missed === undefined || life !== lifeBefore) return undefined;
    const rest = ring.of(keysOf(asked), Math.max(missed.at(-1)?.sequence ?? after, after));
    const hasCopy = ({ sequence }: Message, { name }: Room): boolean =>
      wanted.upToRoom !== undefined && sequence === wanted.sequence && name <= wanted.upToRoom;
    const copies = [...missed, ...rest].flatMap((message) => ({
      message,
      rooms: asked.filter((room) => message.rooms.includes(room.key) && !hasCopy(message, room)),
    }));
    return { after: wanted.sequence, copies: copies.filter((each) => each.rooms.length > 0) };
  };

  const newestOf = (room: Room): Copies[] => {
    const newest = new Map(ring.of(keysOf([room]), 0).map((message) => [message.key, message]));
    return [...newest.values()].map((message) => ({ message, rooms: [room] }));
  };

  return {
    async join(joining, member, from, onJoined) {
      const ordered = [...joining].sort((a, b) => (a.name < b.name ? -1 : 1));
      const inFull = ordered.filter(({ definition }) => definition.recovery === 'complete');
      const missed = from === undefined || inFull.length === 0 ? undefined : await missedSince(inFull, from);
      // From here on one turn of the loop: what was missed, then what comes.
      const recoveryOf = ({ definition }: Room): Recovery => {
        if (from === undefined) return 'fresh';
        if (definition.recovery === 'latest') return 'latest';
        return missed === undefined ? 'lost' : 'complete';
      };
      const now = position(epoch, lastSequence);
      const resumeAt = from === undefined || missed === undefined || missed.copies.length === 0 ? now : from;
      for (const room of joining) {
        enter(room, member);
        onJoined(room, { position: now, recovery: recoveryOf(room), resumeAt });
      }
      const latest = ordered.filter((room) => recoveryOf(room) === 'latest').flatMap(newestOf);
      const previous = new Map<string, number>();
      const inOrder = [...(missed?.copies ?? []), ...latest].sort((a, b) => a.message.sequence - b.message.sequence);
      for (const { message, rooms: his } of inOrder) {
        for (const room of his) {
          const before = previous.get(room.key) ?? missed?.after ?? message.sequence;
          member.send(messageFrame(room, message, epoch, Math.min(before, message.sequence - 1)), message, room);
          previous.set(room.key, message.sequence);
          delivered++;
        }
      }
    },
    leave(room, member) {
      const live = rooms.get(room.key);
      live?.members.delete(member);
      if (live?.members.size === 0) rooms.delete(room.key);
    },
    counts: () => ({
      rooms: rooms.size,
      members: [...rooms.values()].reduce((sum, live) => sum + live.members.size, 0),
      ringMessages: ring.size(),
      received,
      delivered,
    }),
    stop: () => reader.stop(),
  };
}
