/**
 * One hub a stream: reads the whole stream once, keeps the newest in a ring, and gives each message to those who are in
 * its rooms. A room is a filter over what passes; nobody's subscription costs the server a consumer.
 */
import type { StreamName } from '@carillon/contracts/define';
import type { Recovery } from '@carillon/contracts/gateway';
import type { Bus } from '@carillon/bus/connection';
import type { StreamMessage, StreamState } from '@carillon/bus/stream-reader';
import type { Logger } from '@carillon/runtime/log';
import type { IsDeparted } from './departed.ts';
import { batchesOf, createFanout, emptyQueue, type RoomQueue } from './fanout.ts';
import { conflationKey, position, roomFrame, type RoomFrame } from './frames.ts';
import type { Member } from './member.ts';
import { createReplay, type Copies } from './replay.ts';
import { createRing, toMessage, type Message } from './ring.ts';
import { matchRooms, type Room } from './rooms.ts';
import { natsSource, type StreamSource } from './stream-source.ts';

export type Joined = {
  position: string;
  recovery: Recovery;
  /** Where he resumes who gets no message after this; earlier than `position` while a replay is still to follow. */
  resumeAt: string;
};

export type HubCounts = {
  rooms: number;
  members: number;
  ringMessages: number;
  received: number;
  delivered: number;
  reads: number;
};

export type Hub = {
  /**
   * Puts a member into rooms. `onJoined` is called once a room, in the same turn of the event loop in which the replay
   * and then live messages follow, so that nothing passes between them. The replay of all rooms is one, in the order of
   * the stream: it is complete for all of them or lost for all.
   * @param isWanted asked again when what he missed was read; where not, he is put into no room
   * @returns whether he was put into them
   */
  join(
    rooms: readonly Room[],
    member: Member,
    from: string | undefined,
    onJoined: (room: Room, joined: Joined) => void,
    isWanted?: () => boolean,
  ): Promise<boolean>;
  leave(room: Room, member: Member): void;
  /** Those who are in a room now. */
  membersOf(key: string): Iterable<Member>;
  /** The room as its members hold it, so that ten thousand of them share one; the given one where nobody is in it. */
  shared(room: Room): Room;
  /** A message that asks for receipts, by its id; undefined for one that is older than the ring. */
  find(id: string): Message | undefined;
  /** While nobody can tell who may see what, nothing goes out and nobody gets further. */
  hold(): void;
  release(): void;
  counts(): HubCounts;
  stop(): void;
};

type LiveRoom = RoomQueue & { room: Room; lastSequence: number; inStreamOrder: Set<Member> | undefined };

const maxRingBytes = 64 * 1024 * 1024;
/** What comes while the hub is held; more is a break, from which clients load their state. */
const maxHeld = 100_000;
const lookAgainMs = 2_000;
/** Frames of replays: of many who come back at the same time, most miss the same. */
const maxRemembered = 4_000;
const maxRememberedBytes = 8 * 1024 * 1024;

export type HubOptions = {
  bus: Bus;
  stream: StreamName;
  ringMessages: number;
  /** How often the streams were restored from a copy: positions of before prove nothing. */
  restores?: number;
  log: Logger;
  /** What is not told again to those who come back; nothing where absent. */
  isDeparted?: IsDeparted;
  /** How the stream is reached; tests have one of their own, to decide what happens first. */
  source?: StreamSource;
  /** Told of each message that was handed to somebody as it came, with the time that it bears. */
  onDelivered?: (stream: StreamName, at: string) => void;
};

export async function createHub(options: HubOptions): Promise<Hub> {
  const { bus, stream, ringMessages, restores = 0, log, isDeparted, onDelivered, source = natsSource } = options;
  const epochOf = (state: StreamState): string => (restores === 0 ? state.epoch : `${state.epoch}r${restores}`);
  const initial = await source.streamState(bus, stream);
  let epoch = epochOf(initial);
  // The ring is warm from the start: who resumes after a restart of the gateway is served from it.
  const startAfter = Math.max(initial.firstSequence - 1, initial.lastSequence - ringMessages);
  const ring = createRing(ringMessages, maxRingBytes, startAfter);
  const rooms = new Map<string, LiveRoom>();
  const match = matchRooms(stream);
  let lastSequence = startAfter;
  /** Grows with each break: what was read of the stream before it proves nothing after it. */
  let life = 0;
  let held: StreamMessage[] | undefined;
  let tellReleased: (() => void)[] = [];
  let received = 0;
  let delivered = 0;
  let caughtUp: () => void = () => {};
  let fail: (error: Error) => void = () => {};
  const ready = new Promise<void>((resolve, reject) => {
    caughtUp = resolve;
    fail = reject;
  });

  const fanout = createFanout(
    ({ frames }, members) => {
      delivered += frames.length * members;
      for (const { message } of frames) onDelivered?.(stream, message.at);
    },
    ({ pending, members }) => {
      const live = rooms.get(pending[0]?.room.key ?? '');
      if (live === undefined) return;
      log.error({ stream, members: members.size }, 'a room gets more than can be handed out: its members load it anew');
      fanout.forget(live);
      for (const member of members) member.reset([live.room], 'retention', position(epoch, lastSequence));
    },
  );

  const deliver = (message: Message): void => {
    for (const key of message.rooms) {
      const live = rooms.get(key);
      if (live === undefined) continue;
      const frame = roomFrame(live.room, message, epoch, live.lastSequence);
      live.lastSequence = message.sequence;
      if (live.members.size > 0) fanout.push(live, frame);
      if (live.inStreamOrder === undefined) continue;
      const [batch] = batchesOf([frame]);
      if (batch !== undefined) for (const member of live.inStreamOrder) member.deliver(batch);
      delivered += live.inStreamOrder.size;
    }
  };

  const resetAll = (reason: 'epoch' | 'retention'): void => {
    const roomsOf = new Map<Member, Room[]>();
    for (const live of rooms.values()) {
      live.lastSequence = lastSequence;
      // Of before the break; whoever loads his state anew would take them for newer.
      fanout.forget(live);
      for (const member of membersOf(live)) roomsOf.set(member, [...(roomsOf.get(member) ?? []), live.room]);
    }
    for (const [member, his] of roomsOf) member.reset(his, reason, position(epoch, lastSequence));
  };

  const take = (message: StreamMessage): void => {
    const kept = toMessage(message, match(message.subject));
    lastSequence = message.sequence;
    received++;
    ring.push(kept);
    deliver(kept);
    if (lastSequence >= initial.lastSequence) caughtUp();
  };
  const breakAt = (reason: 'epoch' | 'retention', continuesAfter: number): void => {
    life++;
    lastSequence = continuesAfter;
    ring.clear(lastSequence);
    caughtUp();
    resetAll(reason);
  };

  const reader = source.readStream(bus, {
    stream,
    afterSequence: startAfter,
    onMessage(message) {
      if (held === undefined) return take(message);
      held.push(message);
      if (held.length <= maxHeld) return undefined;
      log.error({ stream }, 'held for too long: what came meanwhile is not handed out');
      held = [];
      return breakAt('retention', message.sequence);
    },
    onBreak(state, continuesAfter) {
      log.error({ stream, epoch: state.epoch }, 'the stream is another, or lost messages unread');
      const reason = epochOf(state) === epoch ? 'retention' : 'epoch';
      epoch = epochOf(state);
      if (held !== undefined) held = [];
      breakAt(reason, continuesAfter);
    },
    // A gateway that may not read would wait for ever; one that runs goes on when the right is given back.
    onDenied: ({ operation, subject }) => fail(new Error(`NATS denies this user to ${operation} ${subject}`)),
  });
  if (startAfter >= initial.lastSequence) caughtUp();
  // The newest may expire before it was read; then nothing is left to catch up with.
  const watch = setInterval(() => {
    source.streamState(bus, stream).then(
      (state) => {
        if (state.firstSequence > initial.lastSequence) caughtUp();
      },
      () => {},
    );
  }, lookAgainMs);
  await ready
    .catch((error: unknown) => {
      reader.stop();
      throw error;
    })
    .finally(() => clearInterval(watch));

  const enter = (room: Room, member: Member): void => {
    let live = rooms.get(room.key);
    if (live === undefined) {
      // What came before is not known here, and need not be: a `prev` up to the position of joining is no hole.
      live = { ...emptyQueue(), room, lastSequence, inStreamOrder: undefined };
      rooms.set(room.key, live);
    }
    if (member.isInStreamOrder === true) (live.inStreamOrder ??= new Set()).add(member);
    else fanout.join(live, member, lastSequence);
  };

  const replay = createReplay({
    bus,
    stream,
    source,
    ring,
    match,
    log,
    standing: { epoch: () => epoch, epochOf, life: () => life, lastSequence: () => lastSequence },
  });

  const newestOf = (room: Room): Copies[] => {
    const newest = new Map(ring.of(new Set([room.key]), 0).map((message) => [conflationKey(message), message]));
    return [...newest.values()].map((message) => ({ message, rooms: [room] }));
  };

  /** The same list where all of them are, as nearly always. */
  const ofThoseWhoAreThere = (all: readonly Copies[]): readonly Copies[] => {
    if (isDeparted === undefined) return all;
    if (!all.some(({ message, rooms: his }) => his.some((room) => isDeparted(message, room)))) return all;
    const kept = all.map(({ message, rooms: his }) => ({
      message,
      rooms: his.filter((room) => !isDeparted(message, room)),
    }));
    return kept.filter((each) => each.rooms.length > 0);
  };

  const released = (): Promise<void> => new Promise((resolve) => tellReleased.push(resolve));
  const remembered = new Map<string, RoomFrame>();
  let rememberedBytes = 0;
  const replayedFrame = (room: Room, message: Message, previous: number): RoomFrame => {
    const name = `${room.key} ${life} ${message.sequence} ${previous}`;
    const known = remembered.get(name);
    if (known !== undefined) return known;
    const frame = roomFrame(room, message, epoch, previous);
    if (remembered.size >= maxRemembered || rememberedBytes > maxRememberedBytes) {
      remembered.clear();
      rememberedBytes = 0;
    }
    remembered.set(name, frame);
    rememberedBytes += frame.wire.length;
    return frame;
  };

  return {
    async join(joining, member, from, onJoined, isWanted) {
      const ordered = [...joining].sort((a, b) => (a.name < b.name ? -1 : 1));
      const inFull = ordered.filter(({ definition }) => definition.recovery === 'complete');
      // Who asks for nothing of before gets nothing now. The others come in when their rights are known.
      while (from !== undefined && held !== undefined) await released();
      const takeMissed = from === undefined || inFull.length === 0 ? undefined : await replay.missedSince(inFull, from);
      while (from !== undefined && held !== undefined) await released();
      if (isWanted?.() === false) return false;
      // From here on there is no wait: what was missed, then what comes.
      const missed = takeMissed?.();
      const copies = ofThoseWhoAreThere(missed?.copies ?? []);
      const recoveryOf = ({ definition }: Room): Recovery => {
        if (from === undefined) return 'fresh';
        if (definition.recovery === 'latest') return 'latest';
        return missed === undefined ? 'lost' : 'complete';
      };
      const now = position(epoch, lastSequence);
      const resumeAt = from === undefined || missed === undefined || copies.length === 0 ? now : from;
      for (const room of joining) {
        enter(room, member);
        onJoined(room, { position: now, recovery: recoveryOf(room), resumeAt });
      }
      const latest = ofThoseWhoAreThere(ordered.filter((room) => recoveryOf(room) === 'latest').flatMap(newestOf));
      const previous = new Map<string, number>();
      const inOrder = [...copies, ...latest].sort((a, b) => a.message.sequence - b.message.sequence);
      const frames = inOrder.flatMap(({ message, rooms: his }) =>
        his.map((room) => {
          const before = previous.get(room.key) ?? missed?.after ?? message.sequence;
          previous.set(room.key, message.sequence);
          return replayedFrame(room, message, Math.min(before, message.sequence - 1));
        }),
      );
      delivered += frames.length;
      for (const batch of batchesOf(frames)) member.deliver(batch);
      return true;
    },
    leave(room, member) {
      const live = rooms.get(room.key);
      if (live === undefined) return;
      fanout.leave(live, member);
      live.inStreamOrder?.delete(member);
      if (live.inStreamOrder?.size === 0) live.inStreamOrder = undefined;
      if (live.members.size === 0 && live.inStreamOrder === undefined) rooms.delete(room.key);
    },
    membersOf(key) {
      const live = rooms.get(key);
      return live === undefined ? [] : membersOf(live);
    },
    shared: (room) => rooms.get(room.key)?.room ?? room,
    find: ring.find,
    hold() {
      held ??= [];
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const message of waiting) take(message);
      const tell = tellReleased;
      tellReleased = [];
      for (const each of tell) each();
    },
    counts: () => ({
      rooms: rooms.size,
      members: [...rooms.values()].reduce(
        (sum, { members, inStreamOrder }) => sum + members.size + (inStreamOrder?.size ?? 0),
        0,
      ),
      ringMessages: ring.size(),
      received,
      delivered,
      reads: replay.reads(),
    }),
    stop() {
      reader.stop();
      fanout.stop();
    },
  };
}

const membersOf = ({ members, inStreamOrder }: LiveRoom): Member[] => [...members, ...(inStreamOrder ?? [])];
