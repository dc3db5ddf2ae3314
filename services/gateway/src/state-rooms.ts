/** Rooms that show a state, and not what happened: a snapshot, then changes. They have no positions. */
import type { Lane } from '@carillon/contracts/define';

export type StateSubscription = { snapshot: unknown; leave(): void };
export type StateRoom = {
  name: string;
  lane: Lane;
  join(member: StateMember): StateSubscription;
};
export type StateMember = {
  /** Changes, each as the text of one `msg` frame; of each key the newest is needed. */
  deliver(frames: readonly { text: Buffer; event: string; key: string }[]): void;
  /** Whom the room is about has changed, on whom the right to it may rest. */
  recheck(): void;
};
