/** How the connection is, for programs and for people. */
import type { TransportName } from './wire.ts';

export type Link = {
  /** Anything came from the server, ms since the epoch by the local clock; what is shown is as old as this. */
  heardAt: number;
} & (
  | { state: 'connecting' }
  | { state: 'live'; transport: TransportName }
  /** Nothing came for longer than it should: what is shown is not live, and another connection is being opened. */
  | { state: 'stale' }
  /** The gateway is about to stop: live still, while another connection is being opened. */
  | { state: 'draining'; transport: TransportName }
  | { state: 'waiting'; nextAttemptAt: number; reason: string }
  /** The device says that it has no network. Tried all the same, now and then. */
  | { state: 'offline'; nextAttemptAt: number | undefined }
  /** Not tried again until `start`. Without a code it was asked for. */
  | { state: 'stopped'; code: number | undefined; reason: string }
);
type WithoutHeard<L> = L extends unknown ? Omit<L, 'heardAt'> : never;
export type LinkStep = WithoutHeard<Link>;
