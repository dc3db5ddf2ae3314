/**
 * Rooms of which only the newest counts: of each key the newest comes, never an older one after it, and each that was left
 * out for it is counted in `skipped`.
 */
import { epochOf, sequenceOf, type Entry, type Received } from './journal.ts';
import { describe, type Published } from './truth.ts';

/** One time in the room. `newest` says of each key what came last, and how many messages that stands for. */
type Stay = {
  epoch: string;
  joinedAt: number;
  isResumed: boolean;
  newest: Map<string, { sequence: number; count: number }>;
};

/** @param published of the room, in order */
export function judgeBulk(entries: readonly Entry[], published: readonly Published[], isCurrent: boolean): string[] {
  const faults: string[] = [];
  const byId = new Map(published.map((each) => [each.id, each]));
  let stay: Stay | undefined;
  for (const entry of entries) {
    switch (entry.kind) {
      case 'joined':
        faults.push(...judgeCounts(stay, published));
        stay = begin(entry);
        break;
      case 'voided':
      case 'left':
        faults.push(...judgeCounts(stay, published));
        stay = undefined;
        break;
      case 'message':
        faults.push(...take(stay, entry, byId.get(entry.id)));
        break;
    }
  }
  faults.push(...judgeCounts(stay, published));
  return isCurrent ? [...faults, ...judgeEnd(stay, published)] : faults;
}

function begin({ position, recovery }: Entry & { kind: 'joined' }): Stay | undefined {
  if (position === undefined) return undefined;
  return {
    epoch: epochOf(position),
    joinedAt: sequenceOf(position),
    isResumed: recovery === 'latest',
    newest: new Map(),
  };
}

function take(stay: Stay | undefined, { id, skipped }: Received, own: Published | undefined): string[] {
  if (own === undefined) return [`what nobody published here: ${id}`];
  if (stay === undefined) return [];
  const before = stay.newest.get(own.key);
  // What a resume brings was published before it, and is not counted, unless it took the place of something.
  const counts = own.sequence > stay.joinedAt || skipped > 0;
  stay.newest.set(own.key, { sequence: own.sequence, count: (before?.count ?? 0) + (counts ? 1 + skipped : 0) });
  return before !== undefined && own.sequence <= before.sequence ? [`older or again: ${describe(own)}`] : [];
}

function judgeCounts(stay: Stay | undefined, published: readonly Published[]): string[] {
  if (stay === undefined) return [];
  const { epoch, joinedAt, isResumed, newest } = stay;
  return [...newest].flatMap(([key, { sequence, count }]) => {
    if (sequence <= joinedAt) return [];
    const live = published.filter(
      (each) => each.epoch === epoch && each.key === key && each.sequence > joinedAt && each.sequence <= sequence,
    ).length;
    // Of a replay one more may have been left out for what came live.
    const isRight = count === live || (isResumed && count === live + 1);
    return isRight ? [] : [`of ${key} ${count} came or were counted as skipped, of ${live}`];
  });
}

function judgeEnd(stay: Stay | undefined, published: readonly Published[]): string[] {
  if (stay === undefined) return [];
  const { epoch, joinedAt, newest } = stay;
  const last = new Map(published.filter((each) => each.epoch === epoch).map((each) => [each.key, each]));
  return [...last]
    .filter(([key, { sequence }]) => sequence > joinedAt && (newest.get(key)?.sequence ?? 0) < sequence)
    .map(([key, each]) => `the newest of ${key} did not come: ${describe(each)}`);
}
