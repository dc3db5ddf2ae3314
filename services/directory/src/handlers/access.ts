/** Revocation and what operators end: a row, the record, and the entry that every gateway watches, in this order. */
import { randomUUID } from 'node:crypto';
import {
  accessDisconnected,
  accessRevoked,
  accessSubscriptionEnded,
  type disconnectPerson as disconnectContract,
  type endSubscription as endSubscriptionContract,
  type logOut as logOutContract,
  type revokeAccess as revokeContract,
} from '@carillon/contracts/access';
import type { DataOf, EventDefinition, InputOf, ResultOf } from '@carillon/contracts/define';
import { badInput } from '@carillon/contracts/errors';
import { isId } from '@carillon/contracts/schema';
import { accessSubject, eventHeaders } from '@carillon/contracts/streams';
import type { CommandWork } from '@carillon/runtime/commands';
import type { Work } from '@carillon/runtime/work';
import {
  insertAccessEntry,
  listAccessEntries,
  listAccessHospitals,
  lockAccess,
  replaceAccessEntry,
  updateAccessEntry,
  type NewEntry,
  type PlacedEntry,
} from '../store-access.ts';

/** A gateway that was away so long has no connections of before. */
const endedKeepMs = 7 * 86_400_000;
/** A token may be taken a little longer than it says, by clocks that differ. */
const tokenKeepMs = 5 * 60_000;
/** An `exp` of the far future is no time of a calendar. */
const furthest = Date.UTC(9999, 0);

const entityOf = ({ entryId }: PlacedEntry): string => `access ${entryId}`;
const iso = (at: number): string => new Date(at).toISOString();

function publishEntry(work: Work, placed: PlacedEntry): void {
  const { entryId, ...entry } = placed;
  work.publish({
    lane: 'critical',
    entity: entityOf(placed),
    subject: accessSubject(entry.hospital, entry.kind, entryId),
    headers: { [eventHeaders.id]: randomUUID(), [eventHeaders.traceparent]: work.traceparent },
    body: JSON.stringify(entry),
  });
}

async function place(work: CommandWork, given: Omit<NewEntry, 'hospital' | 'at'>): Promise<PlacedEntry> {
  const { tx, actor, now } = work;
  // The clock has parts of milliseconds, and dates have none.
  const until = given.until === null ? null : Math.floor(given.until);
  const entry = { ...given, hospital: actor.hospital, at: Math.floor(now), until };
  await lockAccess(tx, actor.hospital);
  return (
    (await updateAccessEntry(tx, entry)) ??
    (await replaceAccessEntry(tx, entry)) ??
    (await insertAccessEntry(tx, entry, randomUUID()))
  );
}

/** The record leaves first: both are of one entity, whose messages are published one after another. */
function tell<E extends EventDefinition>(work: CommandWork, placed: PlacedEntry, event: E, data: DataOf<E>): string {
  const tokens = { hospital: work.actor.hospital };
  work.emit(event, data, { lane: 'critical', entity: entityOf(placed), version: 1, tokens });
  publishEntry(work, placed);
  return iso(placed.at);
}

export async function revokeAccess(
  work: CommandWork,
  { kind, id, reason }: InputOf<typeof revokeContract>,
): Promise<ResultOf<typeof revokeContract>> {
  if (kind !== 'token' && !isId(id)) throw badInput([{ path: 'id', message: `Not the id of a ${kind}` }]);
  // Nobody here knows how long the tokens live that it refuses.
  const placed = await place(work, { kind, id, until: null, isLogout: false });
  const record = { kind, id, by: work.actor.person, at: iso(placed.at), reason };
  return { revokedAt: tell(work, placed, accessRevoked, record) };
}

export async function logOut(work: CommandWork): Promise<ResultOf<typeof logOutContract>> {
  const { tokenId: id, expiresAt, person: by } = work.actor;
  if (id === undefined) throw badInput([{ path: 'jti', message: 'A token without `jti` cannot be revoked alone' }]);
  const until = expiresAt === undefined || expiresAt > furthest ? null : expiresAt + tokenKeepMs;
  const placed = await place(work, { kind: 'token', id, until, isLogout: true });
  const record = { kind: 'token' as const, id, by, at: iso(placed.at), reason: 'Logged out' };
  return { revokedAt: tell(work, placed, accessRevoked, record) };
}

export async function disconnectPerson(
  work: CommandWork,
  { person, reason }: InputOf<typeof disconnectContract>,
): Promise<ResultOf<typeof disconnectContract>> {
  const until = work.now + endedKeepMs;
  const placed = await place(work, { kind: 'disconnect', id: person, until, isLogout: false });
  const record = { person, by: work.actor.person, at: iso(placed.at), reason: reason ?? null };
  return { disconnectedAt: tell(work, placed, accessDisconnected, record) };
}

export async function endSubscription(
  work: CommandWork,
  { person, room, reason }: InputOf<typeof endSubscriptionContract>,
): Promise<ResultOf<typeof endSubscriptionContract>> {
  const until = work.now + endedKeepMs;
  const placed = await place(work, { kind: 'subscription', id: person, room, until, isLogout: false });
  const record = { person, room, by: work.actor.person, at: iso(placed.at), reason: reason ?? null };
  return { endedAt: tell(work, placed, accessSubscriptionEnded, record) };
}

/** All of it again, for a bucket that was lost: without it what was revoked would be good again. */
export async function publishAllEntries(work: Work): Promise<void> {
  for (const hospital of await listAccessHospitals(work.tx)) {
    // So that none is read before it changes, and published after.
    await lockAccess(work.tx, hospital);
    for (const placed of await listAccessEntries(work.tx, hospital)) publishEntry(work, placed);
  }
}
