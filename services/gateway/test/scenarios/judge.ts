/**
 * Holds what a client was told against what was published, by the promises of `carillon.v1`: in rooms without loss each
 * message once, in order, and no hole but where the client was told that something may be missing; in bulk rooms the
 * newest of each key, with the older ones counted.
 */
import { judgeBulk } from './judge-bulk.ts';
import { epochOf, sequenceOf, type Entry, type Journal, type Received } from './journal.ts';
import { describe, type Published, type Truth } from './truth.ts';

/**
 * From then on, plus `withinMs`, nothing of this room may reach the person; of no room where none is named. What was on a
 * slow line before cannot be called back: there the time at which a message was made counts.
 */
export type Ended = { person: string; at: number; room?: string; withinMs: number; isOnSlowLine?: true };

export type Judgement = {
  truth: Pick<Truth, 'of'>;
  /** Whether the client is expected to have everything up to the end of its rooms. */
  isCurrent?: boolean;
  ended?: readonly Ended[];
};

/** How many faults of one room are worth reading. */
const enough = 5;

export function judge(journal: Journal, judgement: Judgement): string[] {
  const rooms = new Set(journal.entries.flatMap((entry) => ('room' in entry ? [entry.room] : [])));
  const faults = [...rooms].flatMap((room) => {
    const entries = journal.entries.filter((entry) => !('room' in entry) || entry.room === room);
    const published = judgement.truth.of(room);
    const found = room.endsWith(':vitals')
      ? judgeBulk(entries, published, judgement.isCurrent === true)
      : judgeComplete(entries, published, judgement.isCurrent === true);
    return found.slice(0, enough).map((fault) => `${journal.client} in ${room}: ${fault}`);
  });
  return [...faults, ...deliveredAfterEnd(journal, judgement.ended ?? [])];
}

function judgeComplete(entries: readonly Entry[], published: readonly Published[], isCurrent: boolean): string[] {
  const faults: string[] = [];
  const indexOf = new Map(published.map(({ id }, index) => [id, index]));
  const seen = new Set<string>();
  /** Index of what he had last, or of the last before he joined; undefined where nothing is owed. */
  let last: number | undefined;
  let joinedAt = -1;
  let isIn = false;
  for (const entry of entries) {
    switch (entry.kind) {
      case 'joined': {
        isIn = true;
        const standing = entry.position === undefined ? undefined : lastUpTo(published, entry.position);
        joinedAt = entry.position === undefined ? -1 : sequenceOf(entry.position);
        if (entry.recovery === 'complete') {
          if (last === undefined && seen.size > 0) faults.push('complete, though positions were void');
        } else last = standing;
        break;
      }
      case 'voided':
        last = undefined;
        joinedAt = -1;
        break;
      case 'left':
        isIn = false;
        last = undefined;
        break;
      case 'message': {
        const index = indexOf.get(entry.id);
        if (index === undefined) {
          faults.push(`what nobody published here: ${entry.id} at ${entry.position}`);
          break;
        }
        if (seen.has(entry.id)) faults.push(`double: ${describe(published[index])}`);
        else if (last !== undefined && index <= last) faults.push(`out of order: ${describe(published[index])}`);
        else if (last !== undefined && index > last + 1) {
          faults.push(
            `hole: ${index - last - 1} after ${describe(published[last])}, before ${describe(published[index])}`,
          );
        }
        faults.push(...judgePositions(entry, published, index, { last, joinedAt }));
        seen.add(entry.id);
        last = index;
        break;
      }
    }
  }
  if (isCurrent && isIn && last !== undefined && last < published.length - 1) {
    faults.push(`${published.length - 1 - last} missing at the end, after ${describe(published[last])}`);
  }
  return faults;
}

/** The position is that of the stream, and `prev` tells a hole if and only if there is one. */
function judgePositions(
  { position, previous }: Received,
  published: readonly Published[],
  index: number,
  { last, joinedAt }: { last: number | undefined; joinedAt: number },
): string[] {
  const own = published[index];
  if (position === undefined || own === undefined) return [];
  if (position !== `${own.epoch}-${own.sequence}`) return [`${own.id} bears ${position}, and is ${describe(own)}`];
  if (previous === undefined) return ['a message without prev'];
  if (last === undefined) return [];
  const lastSequence = published[last]?.epoch === own.epoch ? (published[last]?.sequence ?? 0) : 0;
  const isTold = sequenceOf(previous) > joinedAt && sequenceOf(previous) > lastSequence;
  const isHole = index > last + 1;
  if (isTold && !isHole) return [`prev ${previous} tells a hole before ${describe(own)}, where there is none`];
  if (isHole && !isTold && own.sequence > joinedAt) return [`prev ${previous} hides the hole before ${describe(own)}`];
  return [];
}

function deliveredAfterEnd({ client, person, entries }: Journal, ended: readonly Ended[]): string[] {
  return ended
    .filter((each) => each.person === person)
    .flatMap(({ at, room, withinMs, isOnSlowLine }) => {
      const late = entries.filter(
        (entry): entry is Received =>
          entry.kind === 'message' &&
          (isOnSlowLine === true ? entry.sentAt : entry.at) > at + withinMs &&
          (room === undefined || entry.room === room),
      );
      const [first] = late;
      if (first === undefined) return [];
      return [
        `${client}: ${late.length} messages after the right had ended, the first in ${first.room} ${first.at - at} ms after`,
      ];
    });
}

/** @returns each time at which a client was told that something may be missing: no fault of order, but a loss */
export const lossesOf = ({ client, entries }: Journal): string[] =>
  entries.flatMap((entry) => {
    const isLoss =
      (entry.kind === 'joined' && entry.recovery === 'lost') || (entry.kind === 'voided' && entry.reason !== 'fresh');
    return isLoss ? [`${client} in ${entry.room} was told of a loss`] : [];
  });

export type Lateness = { room: (room: string) => boolean; withinMs: number };

/** @returns a fault for each client whose messages of these rooms were not there in time */
export function judgeLateness({ client, entries }: Journal, { room, withinMs }: Lateness): string[] {
  const tooks = entries.flatMap((entry) =>
    entry.kind === 'message' && room(entry.room) ? [entry.at - entry.sentAt] : [],
  );
  const worst = Math.max(0, ...tooks);
  return worst <= withinMs ? [] : [`${client}: a critical message took ${worst} ms, of ${withinMs} allowed`];
}

/** The last that was there when somebody joined at this position. */
function lastUpTo(published: readonly Published[], position: string): number {
  const [epoch, sequence] = [epochOf(position), sequenceOf(position)];
  // A room of which nothing was published in this life of the stream begins behind those before.
  const isBefore = (each: Published): boolean => each.epoch !== epoch || each.sequence <= sequence;
  const lives = published.map((each) => each.epoch);
  const end = lives.lastIndexOf(epoch);
  return published.slice(0, end < 0 ? published.length : end + 1).findLastIndex(isBefore);
}
