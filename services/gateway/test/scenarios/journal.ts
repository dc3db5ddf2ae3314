/** What one client was told, in order: all that a judge needs to hold it against what was published. */

/** Of a message. `sentAt` and `at` are ms since the epoch, by the same clock. */
export type Received = {
  kind: 'message';
  room: string;
  at: number;
  id: string;
  sentAt: number;
  /** Undefined where the client hands on no positions. */
  position: string | undefined;
  previous: string | undefined;
  skipped: number;
};

export type Entry =
  | Received
  /** A connection lives: rooms that were entered before it are entered anew. */
  | { kind: 'connected'; at: number }
  /** `position` is undefined where the client hands on none. */
  | { kind: 'joined'; room: string; at: number; recovery: string; position: string | undefined }
  /** The client knows that something may be missing: holes up to here are no fault. */
  | { kind: 'voided'; room: string; at: number; reason: string }
  | { kind: 'left'; room: string; at: number; reason: string };

export type Journal = {
  /** Names the client in what a judge says. */
  client: string;
  person: string;
  entries: Entry[];
};

export const sequenceOf = (position: string): number => Number(position.slice(position.lastIndexOf('-') + 1));
export const epochOf = (position: string): string => position.slice(0, position.lastIndexOf('-'));
