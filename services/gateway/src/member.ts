import type { Lane } from '@carillon/contracts/define';
import type { RoomFrame } from './frames.ts';
import type { Room } from './rooms.ts';

/** What is handed to each member of a room at once, in the order of the stream. */
export type Batch = {
  frames: readonly RoomFrame[];
  /** The frames of all, one behind the other, as they go over a WebSocket. */
  readonly wire: Buffer;
  /** The most urgent of its frames. */
  lane: Lane;
};

/** Who is in a room. */
export type Member = {
  /** Gets each message as it comes, so that his rooms of one stream keep its order; others get theirs room by room. */
  readonly isInStreamOrder?: boolean;
  deliver(batch: Batch): void;
  /** The stream broke: what he has of all these rooms proves nothing any more, and what follows begins at `position`. */
  reset(rooms: readonly Room[], reason: 'epoch' | 'retention', position: string): void;
  /** A right may have changed on which his being in the room rests. */
  recheck?(room: Room): void;
};
