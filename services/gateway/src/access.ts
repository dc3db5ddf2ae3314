/**
 * What was revoked and what operators ended, as `directory` tells it: in memory, kept by a watch. It refuses tokens, and
 * says which connections must end.
 */
import { accessEntrySchema, type AccessEntry } from '@carillon/contracts/access';
import type { CloseReason } from '@carillon/contracts/errors';
import { validate } from '@carillon/contracts/schema';
import { accessBucket } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { watchBucket } from '@carillon/bus/key-value';
import type { Logger } from '@carillon/runtime/log';
import { parseEntry } from './people.ts';
import type { Identity } from './tokens.ts';

export type AccessChange = AccessEntry;

export type Access = {
  /** Whether the token, its person or its device was revoked after it was issued. */
  isRevoked(identity: Identity): boolean;
  /** Called for what comes after the start, once `isRevoked` says it. @returns how to stop that */
  onChange(listener: (change: AccessChange) => void): () => void;
  /** False from the loss of the connection until everything was seen that happened meanwhile. */
  isCaughtUp(): boolean;
  /** @returns how to stop that */
  onCaughtUp(listener: () => void): () => void;
  stop(): void;
};

/** What has lost its use is forgotten then; its place in the bucket is taken sooner or later. */
const sweepMs = 10 * 60_000;

const nameOf = ({ kind, hospital, id, room = '' }: Pick<AccessEntry, 'kind' | 'hospital' | 'id' | 'room'>): string =>
  `${kind} ${hospital} ${room} ${id}`;

/** Whether the change is about this token, person or device. */
function isAbout({ kind, hospital, id }: AccessChange, who: Identity): boolean {
  if (hospital !== who.hospital) return false;
  switch (kind) {
    case 'token':
      return who.tokenId === id;
    case 'device':
      return who.deviceId === id || (who.person === id && who.roles.includes('device'));
    default:
      return who.person === id;
  }
}
/** A token that does not say when it was issued may be of any time. */
const wasIssuedBy = (at: number, { issuedAt = 0 }: Identity): boolean => issuedAt <= at;

/**
 * @param startedAt when the connection began, ms since the epoch
 * @returns with which reason a connection must end for this; undefined where it goes on
 */
export function closeReasonOf(change: AccessChange, who: Identity, startedAt: number): CloseReason | undefined {
  if (!isAbout(change, who)) return undefined;
  switch (change.kind) {
    case 'token':
      return change.isLogout === true ? 'loggedOut' : 'tokenRevoked';
    case 'person':
    case 'device':
      return wasIssuedBy(change.at, who) ? 'tokenRevoked' : undefined;
    case 'disconnect':
      return startedAt <= change.at ? 'loggedOut' : undefined;
    case 'subscription':
      return undefined;
  }
}

/** @returns the room out of which this takes a connection; undefined where it takes it out of none */
export const endedRoomOf = (change: AccessChange, who: Identity): string | undefined =>
  change.kind === 'subscription' && isAbout(change, who) ? change.room : undefined;

export async function watchAccess(bus: Bus, log: Logger, now: () => number = Date.now): Promise<Access> {
  /** By what they name. Nothing is ever taken back, so that a bucket that was lost lets nobody in again. */
  const entries = new Map<string, AccessEntry>();
  const listeners = new Set<(change: AccessChange) => void>();
  const isOver = ({ until }: AccessEntry): boolean => until !== null && until <= now();
  const find = (kind: AccessEntry['kind'], hospital: string, id: string): AccessEntry | undefined =>
    entries.get(nameOf({ kind, hospital, id }));

  const watch = await watchBucket(bus, accessBucket, ({ value, revision }) => {
    if (value === undefined) return;
    const entry = validate(accessEntrySchema, parseEntry(value));
    if (!entry.ok) return log.error({ revision }, 'an entry of the bucket of revocations breaks its contract');
    const name = nameOf(entry.value);
    const known = entries.get(name);
    if (isOver(entry.value)) return;
    // Told again, as for a bucket that was lost; or older.
    if (known !== undefined && known.at >= entry.value.at && known.isLogout === entry.value.isLogout) return;
    entries.set(name, entry.value);
    for (const listener of listeners) listener(entry.value);
  });
  const sweep = setInterval(() => {
    for (const [name, entry] of entries) if (isOver(entry)) entries.delete(name);
  }, sweepMs);
  sweep.unref();

  return {
    isRevoked(who) {
      const { hospital, person, roles, tokenId, deviceId } = who;
      if (tokenId !== undefined && find('token', hospital, tokenId) !== undefined) return true;
      const devices = [deviceId, roles.includes('device') ? person : undefined];
      const revocations = [
        find('person', hospital, person),
        ...devices.map((id) => (id === undefined ? undefined : find('device', hospital, id))),
      ];
      return revocations.some((entry) => entry !== undefined && wasIssuedBy(entry.at, who));
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    isCaughtUp: watch.isCaughtUp,
    onCaughtUp: watch.onCaughtUp,
    stop() {
      clearInterval(sweep);
      watch.stop();
    },
  };
}
