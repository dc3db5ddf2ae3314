/** Holds leases for as long as this process lives, and shares them evenly with the other replicas of the service. */
import type { Database } from '@carillon/database/database';
import { deleteOldLeases, giveUpLeases, listLeases, takeLeases, type Lease } from '@carillon/database/lease';
import type { Logger } from './log.ts';

/** After a crash another takes over when this has passed. */
const leaseSeconds = 3;
const renewEveryMs = 1_000;
/** We stop using a lease before the database would give it to another. */
const safetyMs = 500;

export type LeaseHolder = {
  /** The lease, while we surely hold it. */
  held(name: string): Lease | undefined;
  owner: string;
  stop(): Promise<void>;
};

export type LeaseHolderOptions = {
  database: Database;
  /** Unique to this run of the process. */
  owner: string;
  /** All names that one of the replicas must hold. */
  names: readonly string[];
  /** Names begin with it, and no others do. */
  group: string;
  log: Logger;
  /** Other leases are held than before; also when they ran out because the database could not be asked. */
  onChange?: () => void;
};

export async function holdLeases(options: LeaseHolderOptions): Promise<LeaseHolder> {
  const { database, owner, names, group, log, onChange } = options;
  const member = `member:${group}:${owner}`;
  let leases = new Map<string, Lease>();
  let validUntil = 0;
  let lapse: NodeJS.Timeout | undefined;
  let isStopped = false;

  const use = (next: readonly Lease[], until: number): void => {
    const before = [...leases.keys()].join();
    leases = new Map(next.map((lease) => [lease.name, lease]));
    validUntil = until;
    clearTimeout(lapse);
    if (next.length > 0) lapse = setTimeout(() => use([], 0), Math.max(0, until - performance.now()));
    if ([...leases.keys()].join() !== before) onChange?.();
  };

  const renew = async (): Promise<void> => {
    const startedAt = performance.now();
    await takeLeases(database, [member], owner, leaseSeconds);
    const members = await listLeases(database, `member:${group}:`);
    const share = Math.ceil(names.length / Math.max(1, members.length));
    const taken = await listLeases(database, `${group}:`);
    const mine = taken.filter((lease) => lease.owner === owner).map((lease) => lease.name);
    const isTaken = new Set(taken.map((lease) => lease.name));
    const surplus = mine.slice(share);
    const free = names.filter((name) => !isTaken.has(name)).slice(0, Math.max(0, share - mine.length));
    const wanted = [...mine.slice(0, share), ...free];
    const next = wanted.length === 0 ? [] : await takeLeases(database, wanted, owner, leaseSeconds);
    // Stopped while we asked: what we got is for another.
    if (isStopped) return giveUpLeases(database, [...wanted, member], owner);
    use(next, startedAt + leaseSeconds * 1000 - safetyMs);
    // Given up only after we stopped using it: whoever takes it finds nobody in it.
    if (surplus.length > 0) await giveUpLeases(database, surplus, owner);
  };

  await deleteOldLeases(database, `member:${group}:`);
  await renew();
  let timer: NodeJS.Timeout | undefined;
  const loop = async (): Promise<void> => {
    try {
      await renew();
    } catch (error) {
      log.debug({ err: error }, 'leases were not renewed');
    }
    if (!isStopped) timer = setTimeout(() => void loop(), renewEveryMs);
  };
  timer = setTimeout(() => void loop(), renewEveryMs);
  return {
    owner,
    held: (name) => (performance.now() < validUntil ? leases.get(name) : undefined),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      clearTimeout(lapse);
      const given = [...leases.keys(), member];
      leases = new Map();
      await giveUpLeases(database, given, owner).catch(() => {});
    },
  };
}
