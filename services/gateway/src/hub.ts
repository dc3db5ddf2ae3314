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
import { messageFrame, parsePosition, position } from './frames.ts';
import { createRing, toMessage, type Message } from './ring.ts';
import { matchRooms, roomFilter, type Room } from './rooms.ts';

/** Who is in a room. */
export type Member = {
  send(frame: Buffer): void;
  /** The stream broke: what he has proves nothing any more. */
  reset(room: Room, reason: 'epoch' | 'retention'): void;
};

export type Joined = { position: string; recovery: Recovery };

export type Hub = {
  /**
   * Puts a member into a room. `onJoined` is called once, in the same turn of the event loop in which the replay and
   * then live messages follow, so that nothing passes between them.
   */
  join(room: Room, member: Member, from: string | undefined, onJoined: (joined: Joined) => void): Promise<void>;
  leave(room: Room, member: Member): void;
  counts(): { rooms: number; members: number };
  stop(): void;
};

type LiveRoom = { room: Room; members: Set<Member>; lastSequence: number };

const maxReplay = 5_000;
const maxRingBytes = 64 * 1024 * 1024;
/** Reads of what is older than the ring, at once; more wait. */
const maxReads = 8;
const catchUpMs = 2_000;

export type HubOptions = { bus: Bus; stream: StreamName; ringMessages: number; log: Logger };

export async function createHub({ bus, stream, ringMessages, log }: HubOptions): Promise<Hub> {
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
  let caughtUp: () => void = () => {};
  const ready = new Promise<void>((resolve) => (caughtUp = resolve));

  const deliver = (message: Message): void => {
    for (const key of message.rooms) {
      const live = rooms.get(key);
      if (live === undefined) continue;
      const frame = messageFrame(live.room, message, epoch, live.lastSequence);
      live.lastSequence = message.sequence;
      for (const member of live.members) member.send(frame);
    }
  };

  const reader = readStream(bus, {
    stream,
    afterSequence: startAfter,
    onMessage(message) {
      const kept = toMessage(message, match(message.subject));
      lastSequence = message.sequence;
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
      for (const live of rooms.values()) {
        live.lastSequence = lastSequence;
        for (const member of live.members) member.reset(live.room, reason);
      }
    },
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
  await ready;
  clearInterval(watch);

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
      const found = await readRange(bus, range);
      return found?.map((message) => toMessage(message, [room.key]));
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

  /** Messages after `sequence` up to where the hub stands; undefined when completeness cannot be proved. */
  const replay = async (room: Room, sequence: number): Promise<Message[] | undefined> => {
    const older: Message[] = [];
    let from = sequence;
    while (from < ring.after()) {
      // Not only up to where the ring begins: that moves on with each message, and would be chased for ever. Another
      // round is needed only if the whole ring turned over meanwhile.
      const until = lastSequence;
      // Looked at again when it was read: what begins at a sequence that is gone begins later, and says nothing.
      if (!(await isHeld(from))) return undefined;
      const found = await readOlder(room, from, until);
      if (found === undefined || !(await isHeld(from))) return undefined;
      older.push(...found);
      from = until;
      if (older.length > maxReplay) return undefined;
    }
    const all = [...older, ...ring.of(room.key, from)];
    return all.length > maxReplay ? undefined : all;
  };

  /** @returns the sequence of a position that belongs to what this hub reads; whether all after it is left, `replay` tells */
  const locate = async (from: string): Promise<number | undefined> => {
    const wanted = parsePosition(from);
    if (wanted === undefined || wanted.epoch !== epoch) return undefined;
    if (wanted.sequence > lastSequence) {
      // This gateway may be a moment behind the one that gave the position; entering earlier would double messages.
      const state = await streamState(bus, stream).catch(() => undefined);
      if (state === undefined || state.epoch !== epoch || wanted.sequence > state.lastSequence) return undefined;
      const giveUpAt = performance.now() + catchUpMs;
      while (lastSequence < wanted.sequence && performance.now() < giveUpAt) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return lastSequence < wanted.sequence || wanted.epoch !== epoch ? undefined : wanted.sequence;
    }
    return wanted.sequence;
  };

  return {
    async join(room, member, from, onJoined) {
      const fresh = (recovery: Recovery): void => {
        enter(room, member);
        onJoined({ position: position(epoch, lastSequence), recovery });
      };
      if (from === undefined) return fresh('fresh');
      if (room.definition.recovery === 'latest') {
        fresh('latest');
        const newest = new Map(ring.of(room.key, 0).map((message) => [message.key, message]));
        const inOrder = [...newest.values()].sort((a, b) => a.sequence - b.sequence);
        for (const message of inOrder) member.send(messageFrame(room, message, epoch, message.sequence));
        return undefined;
      }
      const lifeBefore = life;
      const sequence = await locate(from);
      const missed = sequence === undefined ? undefined : await replay(room, sequence).catch(() => undefined);
      if (sequence === undefined || missed === undefined || life !== lifeBefore) return fresh('lost');
      // From here on one turn of the loop: what the ring held, then what comes.
      const reached = missed.at(-1)?.sequence ?? sequence;
      const rest = ring.of(room.key, Math.max(reached, sequence));
      enter(room, member);
      onJoined({ position: position(epoch, lastSequence), recovery: 'complete' });
      let previous = sequence;
      for (const message of [...missed, ...rest]) {
        member.send(messageFrame(room, message, epoch, previous));
        previous = message.sequence;
      }
      return undefined;
    },
    leave(room, member) {
      const live = rooms.get(room.key);
      live?.members.delete(member);
      if (live?.members.size === 0) rooms.delete(room.key);
    },
    counts: () => ({
      rooms: rooms.size,
      members: [...rooms.values()].reduce((sum, live) => sum + live.members.size, 0),
    }),
    stop: () => reader.stop(),
  };
}
