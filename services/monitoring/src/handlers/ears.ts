/**
 * Which partitions this process listens to, and since when without a break: what was silent may be judged by whoever
 * would have heard it, and by nobody else.
 */
import { partitionOf } from '@carillon/contracts/streams';
import type { Lease } from '@carillon/database/lease';
import { hearOn, type Hearing } from '../domain/signals.ts';

/** One partition that is listened to. */
type Ear = {
  /** Under which it is ours, while it surely is. */
  lease(): Lease | undefined;
  /** How much waits to be judged. */
  pending(): Promise<number>;
};
export type Ears = {
  listen(partition: string, ear: Ear): void;
  stopListening(partition: string): void;
  /** What was received at the edge at that time has been judged. */
  heard(partition: string, receivedAt: number): void;
  /** A gateway has said that it takes readings in. */
  edgeHeard(): void;
  /** How long none has. */
  edgeSilentMs(): number;
  /** Finds out once more what we have heard until now. */
  attend(now: number): Promise<void>;
  /** Partitions of which we have heard everything up to about now, and the leases under which they are ours. */
  attended(): { partition: string; lease: Lease }[];
  /** Of his partition, as far as anything could come; undefined where that is not known here. */
  hearingOf(patientId: string): Hearing | undefined;
  /** Of all partitions that are ours together; undefined where one is not heard. */
  hearingOfAll(): Hearing | undefined;
};

/** A partition with less delay than this is as good as empty; a busy one never is. */
const currentMs = 2_000;
const attendEveryMs = 500;
/** What was heard up to then proves nothing of now. */
const oldMs = 5_000;
/**
 * Three beats of a gateway. After it no gateway takes readings in: that is one thing for those who run the house, and not
 * a sensor at each bed. All are missed again by what comes, and does not, from when one is back.
 */
const edgeAwayMs = 3_000;

const both = (one: Hearing, other: Hearing): Hearing => ({
  sinceMs: Math.max(one.sinceMs, other.sinceMs),
  untilMs: Math.min(one.untilMs, other.untilMs),
});

export function createEars(): Ears {
  const ears = new Map<string, Ear & { receivedMs: number; hearing?: Hearing }>();
  let attendedMs = 0;
  let edgeHeardAt = performance.now() - edgeAwayMs;
  /** Since when a gateway takes readings in; undefined while none does. */
  let edge: Hearing | undefined;
  const edgeSilentMs = (): number => performance.now() - edgeHeardAt;
  // What has just come came by a gateway; its clock may be ahead.
  const isEdgeThere = (now: number): boolean =>
    edgeSilentMs() <= edgeAwayMs ||
    [...ears.values()].some(({ receivedMs }) => Math.abs(now - receivedMs) <= currentMs);
  const current = (hearing: Hearing | undefined): Hearing | undefined =>
    hearing !== undefined && attendedMs - hearing.untilMs <= oldMs ? hearing : undefined;
  /** Where nothing could come, the listening begins now. */
  const heardOf = (partition: string): Hearing | undefined => {
    const own = ears.get(partition)?.hearing;
    const now = Math.floor(attendedMs);
    return own === undefined ? undefined : both(own, edge ?? { sinceMs: now, untilMs: now });
  };
  return {
    listen: (partition, ear) => void ears.set(partition, { ...ear, receivedMs: 0 }),
    stopListening: (partition) => void ears.delete(partition),
    heard(partition, receivedAt) {
      const ear = ears.get(partition);
      if (ear !== undefined) ear.receivedMs = Math.max(ear.receivedMs, receivedAt);
    },
    edgeHeard: () => void (edgeHeardAt = performance.now()),
    edgeSilentMs,
    async attend(now) {
      if (now - attendedMs < attendEveryMs) return;
      attendedMs = now;
      edge = isEdgeThere(now) ? hearOn(edge, Math.floor(now)) : undefined;
      await Promise.all(
        [...ears.values()].map(async (ear) => {
          // What cannot be asked is not heard; a break that lasts begins the hearing anew.
          const isCurrent = now - ear.receivedMs <= currentMs || (await ear.pending().catch(() => 1)) === 0;
          if (isCurrent) ear.hearing = hearOn(ear.hearing, Math.floor(now));
        }),
      );
    },
    attended: () =>
      [...ears].flatMap(([partition, { lease, hearing }]) => {
        const held = lease();
        return held === undefined || current(hearing) === undefined ? [] : [{ partition, lease: held }];
      }),
    hearingOf: (patientId) => heardOf(partitionOf(patientId)),
    hearingOfAll() {
      const all = [...ears.keys()].map(heardOf);
      const known = all.filter((hearing) => hearing !== undefined);
      return known.length === 0 || known.length < all.length ? undefined : known.reduce(both);
    },
  };
}
