/**
 * What a client knows of one room. Pure, so that resume, doubles and holes can be tested without a server.
 *
 * `last` is where the room resumes from: the position of the last message that was handed on, or that of the join when
 * nothing older was owed. `joined` is the position in `subscribed`. They differ during a replay: after `complete` the
 * joined position is ahead of what has come, and resuming from it would skip the rest of a replay that was cut short.
 */
import type { MessageFrame, SubscribedFrame } from './frames.ts';

export type RoomState = {
  last: string | undefined;
  joined: string | undefined;
  /** Whether it was ever entered: being `fresh` again then means that something may be missing. */
  wasJoined: boolean;
  /**
   * Positions of messages handed on, where a resume brings the newest of each key, older ones than `last` among them.
   * Undefined where messages come in order.
   */
  seen: ReadonlySet<string> | undefined;
};

/** Why the state of a room has to be read: `fresh` at the first join, `lost` and `reset` as the protocol says. */
export type LoadReason = 'fresh' | 'lost' | 'reset';

export const newRoom: RoomState = { last: undefined, joined: undefined, wasJoined: false, seen: undefined };

/** More than any ward has keys: a double beyond them is one of a value long superseded. */
const seenLimit = 1_024;

function split(position: string): { epoch: string; sequence: number } {
  const dash = position.lastIndexOf('-');
  const digits = position.slice(dash + 1);
  return { epoch: position.slice(0, Math.max(dash, 0)), sequence: /^\d+$/.test(digits) ? Number(digits) : Number.NaN };
}

/** Negative, 0 or positive; undefined when the two are of different lives of a stream, and cannot be compared. */
export function comparePositions(left: string, right: string): number | undefined {
  const [a, b] = [split(left), split(right)];
  const difference = a.sequence - b.sequence;
  return a.epoch !== b.epoch || Number.isNaN(difference) ? undefined : difference;
}

const isLater = (left: string, right: string | undefined): boolean =>
  right !== undefined && (comparePositions(left, right) ?? 0) > 0;

/** After `subscribed`: the room, and why its state has to be read anew, if it has to. */
export function join(room: RoomState, { pos, recovery, lane }: Pick<SubscribedFrame, 'pos' | 'recovery' | 'lane'>) {
  const isResumed = room.last !== undefined && (recovery === 'complete' || recovery === 'latest');
  const next: RoomState = {
    last: isResumed ? room.last : pos,
    joined: pos,
    wasJoined: true,
    seen: lane === 'bulk' && pos !== undefined ? (room.seen ?? new Set()) : undefined,
  };
  const isNew = !room.wasJoined && recovery !== 'lost';
  const load: LoadReason | undefined = isResumed || recovery === 'snapshot' ? undefined : isNew ? 'fresh' : 'lost';
  return { room: next, load };
}

/** After `reset`, or when the server says that what is known is void. */
export const forget = (room: RoomState): RoomState => ({ ...newRoom, wasJoined: room.wasJoined });

export type Verdict = 'deliver' | 'double' | 'hole';

/** There is a hole exactly if `prev` is later than both the join and the last message. */
export function judge(room: RoomState, { pos, prev }: Pick<MessageFrame, 'pos' | 'prev'>): Verdict {
  if (pos === undefined) return 'deliver';
  if (room.seen !== undefined) return room.seen.has(pos) ? 'double' : 'deliver';
  if (room.last !== undefined && (comparePositions(pos, room.last) ?? 1) <= 0) return 'double';
  return prev !== undefined && isLater(prev, room.joined) && isLater(prev, room.last) ? 'hole' : 'deliver';
}

/** After a message was handed on. */
export function advance(room: RoomState, pos: string): RoomState {
  if (room.seen === undefined) return { ...room, last: pos };
  const isBehind = room.last !== undefined && (comparePositions(pos, room.last) ?? 1) < 0;
  const seen = room.seen as Set<string>;
  seen.add(pos);
  if (seen.size > seenLimit) seen.delete([...seen.keys()][0] ?? '');
  return isBehind ? room : { ...room, last: pos };
}
