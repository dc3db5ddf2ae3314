/**
 * Hands the messages of rooms to those who are in them: what comes for a room in one turn of the event loop is joined, and
 * goes to each member as one piece. A large room is handed out in slices, so that no turn takes long, and between two slices
 * what is more urgent goes first.
 */
import { lanes, type Lane } from '@carillon/contracts/define';
import { newestOfEach, type RoomFrame } from './frames.ts';
import type { Batch, Member } from './member.ts';

/** One room that somebody is in. */
export type RoomQueue = {
  members: Set<Member>;
  /** Who came while messages waited, with the last sequence before: those messages are not for him, or came as a replay. */
  late: Map<Member, number> | undefined;
  pending: RoomFrame[];
  /** Of what is pending. */
  bytes: number;
  work: { batch: Batch; rest: Iterator<Member>; lastSequence: number } | undefined;
};

export type Fanout = {
  /** In the same turn of the event loop it is handed on, behind what the room has waiting. */
  push(queue: RoomQueue, frame: RoomFrame): void;
  /** Called before a member is put into a room; `lastSequence` is the newest that is not for him. */
  join(queue: RoomQueue, member: Member, lastSequence: number): void;
  leave(queue: RoomQueue, member: Member): void;
  /** What the room has waiting is for nobody any more, and its sequences begin anew. */
  forget(queue: RoomQueue): void;
  stop(): void;
};

export const emptyQueue = (): RoomQueue => ({
  members: new Set(),
  late: undefined,
  pending: [],
  bytes: 0,
  work: undefined,
});

const mostUrgent = (frames: readonly RoomFrame[]): Lane =>
  lanes.find((lane) => frames.some((frame) => frame.lane === lane)) ?? 'bulk';

function batchOf(frames: readonly [RoomFrame, ...RoomFrame[]]): Batch {
  let joined: Buffer | undefined;
  return {
    frames,
    get wire() {
      joined ??= frames.length === 1 ? frames[0].wire : Buffer.concat(frames.map(({ wire }) => wire));
      return joined;
    },
    lane: frames.length === 1 ? frames[0].lane : mostUrgent(frames),
  };
}

/** Frames of one member in pieces, so that what is more urgent can go in between. */
export function batchesOf(frames: readonly RoomFrame[]): Batch[] {
  const batches: Batch[] = [];
  let from = 0;
  while (from < frames.length) {
    const count = countOfPiece(frames, from, () => false);
    const [first, ...others] = frames.slice(from, from + count);
    if (first !== undefined) batches.push(batchOf([first, ...others]));
    from += count;
  }
  return batches;
}

/** @returns how many frames make the next piece */
function countOfPiece(frames: readonly RoomFrame[], from: number, isJoint: (index: number) => boolean): number {
  let bytes = 0;
  let index = from;
  for (; index < frames.length; index++) {
    bytes += frames[index]?.wire.length ?? 0;
    if (index > from && (bytes > maxBatchBytes || isJoint(index))) break;
  }
  return index - from;
}

/** A turn of the event loop hands out for this long, and reads and answers between two of them. */
const sliceMs = 8;
/** Between two looks at the clock. */
const sliceMembers = 32;
/** One piece holds no more than this, so that a socket that is full is noticed. */
const maxBatchBytes = 64 * 1024;

/**
 * What a room may have waiting to be handed out. Beyond it this process cannot keep up: of bulk the newest of each key is
 * kept, and whoever is in another room is told to load its state anew.
 */
const maxPendingBytes = 16 * 1024 * 1024;

const bytesOf = (frames: readonly RoomFrame[]): number => frames.reduce((sum, { wire }) => sum + wire.length, 0);
const isMore = (queue: RoomQueue): boolean => queue.work !== undefined || queue.pending.length > 0;

/**
 * @param onHanded told when a batch was handed to all members
 * @param onOverflow told when a room has more waiting than may be
 */
export function createFanout(
  onHanded: (batch: Batch, members: number) => void,
  onOverflow: (queue: RoomQueue) => void,
): Fanout {
  const waiting: Readonly<Record<Lane, Set<RoomQueue>>> = { critical: new Set(), normal: new Set(), bulk: new Set() };
  let scheduled: NodeJS.Immediate | undefined;

  const nextBatch = (queue: RoomQueue): RoomQueue['work'] => {
    const [only] = queue.pending;
    if (only !== undefined && queue.pending.length === 1 && queue.late === undefined) {
      // So it is in most rooms: one message, and nobody who came meanwhile.
      queue.pending = [];
      queue.bytes = 0;
      return { batch: batchOf([only]), rest: queue.members.values(), lastSequence: only.message.sequence };
    }
    const next = queue.pending[0]?.message.sequence ?? Infinity;
    // Nothing of before they came is left: a room that never rests would remember all who ever came.
    for (const [member, cameAt] of queue.late ?? []) if (cameAt < next) queue.late?.delete(member);
    // Somebody came between two of them: the first is not for him, the second is.
    const cameAts = [...new Set(queue.late?.values())];
    const sequenceAt = (index: number): number => queue.pending[index]?.message.sequence ?? 0;
    const count = countOfPiece(queue.pending, 0, (index) =>
      cameAts.some((cameAt) => sequenceAt(index - 1) <= cameAt && cameAt < sequenceAt(index)),
    );
    const [first, ...others] = count === queue.pending.length ? queue.pending : queue.pending.slice(0, count);
    if (first === undefined) return undefined;
    queue.pending = count === queue.pending.length ? [] : queue.pending.slice(count);
    queue.bytes -= bytesOf([first, ...others]);
    const last = others.at(-1) ?? first;
    return {
      batch: batchOf([first, ...others]),
      rest: queue.members.values(),
      lastSequence: last.message.sequence,
    };
  };

  /** @returns whether everything of the room was handed out before `until` */
  const handOut = (queue: RoomQueue, until: number): boolean => {
    let sinceLook = 0;
    for (;;) {
      queue.work ??= nextBatch(queue);
      if (queue.work === undefined) {
        queue.late = undefined;
        return true;
      }
      const { batch, rest, lastSequence } = queue.work;
      for (let step = rest.next(); step.done !== true; step = rest.next()) {
        const member = step.value;
        const cameAt = queue.late?.get(member);
        if (cameAt === undefined || cameAt < lastSequence) member.deliver(batch);
        if (++sinceLook < sliceMembers) continue;
        sinceLook = 0;
        if (performance.now() > until) return false;
      }
      queue.work = undefined;
      onHanded(batch, queue.members.size);
    }
  };

  const turn = (): void => {
    scheduled = undefined;
    const until = performance.now() + sliceMs;
    for (const lane of lanes) {
      for (const queue of waiting[lane]) {
        // Behind the others of its lane: one that never comes to an end must not keep them waiting.
        waiting[lane].delete(queue);
        if (!handOut(queue, until)) waiting[lane].add(queue);
        if (performance.now() > until) return schedule();
      }
    }
  };
  const schedule = (): void => {
    scheduled ??= setImmediate(turn);
  };

  return {
    push(queue, frame) {
      queue.pending.push(frame);
      queue.bytes += frame.wire.length;
      if (queue.bytes > maxPendingBytes && frame.lane === 'bulk') {
        queue.pending = newestOfEach(queue.pending);
        queue.bytes = bytesOf(queue.pending);
      }
      if (queue.bytes > maxPendingBytes) return onOverflow(queue);
      // A room that waits in a lower lane moves up; an entry that is left behind finds nothing to do.
      waiting[frame.lane].add(queue);
      schedule();
    },
    join(queue, member, lastSequence) {
      queue.members.add(member);
      if (isMore(queue)) (queue.late ??= new Map()).set(member, lastSequence);
    },
    leave(queue, member) {
      queue.members.delete(member);
      queue.late?.delete(member);
    },
    forget(queue) {
      queue.pending = [];
      queue.bytes = 0;
      queue.work = undefined;
      queue.late = undefined;
    },
    stop() {
      clearImmediate(scheduled);
      for (const lane of lanes) waiting[lane].clear();
    },
  };
}
