/** The link as the board shows it: live, being made or mended, or stopped. */
import type { Link } from '@carillon/client/client';

export type BoardLink =
  | { state: 'connecting' | 'reconnecting' | 'live'; heardAt: number }
  | { state: 'stopped'; heardAt: number; reason: string };

/** @param wasLive whether it was live before: the first connection is made, every other one mends something */
export const toBoardLink = (link: Link, wasLive: boolean): BoardLink => {
  const { heardAt } = link;
  // A gateway that drains is still heard.
  if (link.state === 'live' || link.state === 'draining') return { state: 'live', heardAt };
  if (link.state === 'stopped') return { state: 'stopped', heardAt, reason: link.reason };
  return { state: wasLive ? 'reconnecting' : 'connecting', heardAt };
};
