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
  /** Finds out once more what we have heard until now. */
  attend(now: number): Promise<void>;
  /** Partitions of which we have heard everything up to about now, and the leases under which they are ours. */
  attended(): { partition: string; lease: Lease }[];
  hearingOf(patientId: string): Hearing | undefined;
  /** Since when all partitions that are ours are heard without a break, ms since the epoch; undefined where one is not. */
  allHeardSince(): number | undefined;
};

/** A partition with less delay than this is as good as empty; a busy one never is. */
const currentMs = 2_000;
const attendEveryMs = 500;
/** What was heard up to then proves nothing of now. */
const oldMs = 5_000;

export function createEars(): Ears {
  const ears = new Map<string, Ear & { receivedMs: number; hearing?: Hearing }>();
  let attendedMs = 0;
  const current = (hearing: Hearing | undefined): Hearing | undefined =>
    hearing !== undefined && attendedMs - hearing.untilMs <= oldMs ? hearing : undefined;
  return {
    listen: (partition, ear) => void ears.set(partition, { ...ear, receivedMs: 0 }),
    stopListening: (partition) => void ears.delete(partition),
    heard(partition, receivedAt) {
      const ear = ears.get(partition);
      if (ear !== undefined) ear.receivedMs = Math.max(ear.receivedMs, receivedAt);
    },
    async attend(now) {
      if (now - attendedMs < attendEveryMs) return;
      attendedMs = now;
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
    hearingOf: (patientId) => ears.get(partitionOf(patientId))?.hearing,
    allHeardSince() {
      const all = [...ears.values()].map(({ hearing }) => current(hearing));
      const known = all.filter((hearing) => hearing !== undefined);
      if (known.length === 0 || known.length < all.length) return undefined;
      return Math.max(...known.map(({ sinceMs }) => sinceMs));
    },
  };
}
