/**
 * What a client knows of one room: pure, so that resume and holes can be tested without a socket.
 *
 * `last` is the position to resume from: that of the last message handed on, or of the join when nothing older was
 * owed. `joined` is the position in `subscribed`. They differ during a replay: after `complete` the joined
 * position is ahead of what has come in, and resuming from it would skip the rest of a replay cut short.
 */
import type { MessageFrame, Recovery } from './types.ts';

export type Room = { name: string; last?: string; joined?: string; isJoined: boolean };

/** Compares `e7-4711` with `e7-4720`. Undefined when the two cannot be compared. */
export const comparePositions = (left: string, right: string): number | undefined => {
  const [leftEpoch, leftNumber] = splitPosition(left);
  const [rightEpoch, rightNumber] = splitPosition(right);
  if (leftEpoch !== rightEpoch || Number.isNaN(leftNumber) || Number.isNaN(rightNumber)) return undefined;
  return leftNumber - rightNumber;
};

const splitPosition = (position: string): [string, number] => {
  const dash = position.lastIndexOf('-');
  const digits = position.slice(dash + 1);
  return [position.slice(0, Math.max(dash, 0)), /^\d+$/.test(digits) ? Number(digits) : Number.NaN];
};

/** True when `left` is surely later than `right`; a room without a position has nothing to be later than. */
const isLater = (left: string, right: string | undefined): boolean =>
  right !== undefined && (comparePositions(left, right) ?? 0) > 0;

/** Says what the room is after `subscribed`, and whether what it shows must be read again. */
export const joinRoom = (
  room: Room,
  answer: { pos?: string | undefined; recovery?: Recovery | undefined },
): { room: Room; mustReload: boolean } => {
  const next: Room = { name: room.name, isJoined: true };
  if (answer.pos !== undefined) next.joined = answer.pos;
  const isReplayed = answer.recovery === 'complete' && room.last !== undefined;
  const last = isReplayed ? room.last : answer.pos;
  if (last !== undefined) next.last = last;
  return { room: next, mustReload: answer.recovery === 'lost' || answer.recovery === 'fresh' };
};

export type Verdict = 'deliver' | 'repeated' | 'hole';

/** A hole is there exactly if `prev` is later than both the join and the last message received. */
export const judgeMessage = (room: Room, message: MessageFrame): Verdict => {
  const { pos, prev } = message;
  // Between a detected hole and the answer to the new subscribe, the old flow is of no use: the replay brings it again.
  if (!room.isJoined) return 'repeated';
  if (pos === undefined) return 'deliver';
  if (room.last !== undefined && (comparePositions(pos, room.last) ?? 1) <= 0) return 'repeated';
  if (prev !== undefined && isLater(prev, room.joined) && isLater(prev, room.last)) return 'hole';
  return 'deliver';
};
