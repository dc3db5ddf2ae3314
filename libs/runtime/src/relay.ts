/**
 * Publishes what transactions left in the outbox. One leader a lane, in id order; rows of one entity one after another,
 * rows of different entities side by side. A row is removed when its stream has acknowledged it, and published again
 * with the same message id when that is not known.
 */
import { lanes, type Lane } from '@carillon/contracts/define';
import { createBatchPublisher } from '@carillon/bus/publish';
import type { Bus } from '@carillon/bus/connection';
import { countOutbox, deleteOutbox, selectOutbox, type OutboxRow } from '@carillon/database/outbox';
import type { Database } from '@carillon/database/database';
import { holdLeases } from './lease-holder.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export type Relay = {
  wake(lanes: ReadonlySet<Lane>): void;
  /** Publishes a last batch and stops; the rest is the next leader's. */
  stop(): Promise<void>;
};

/** A look costs the same for one row as for all: what nobody waits for is taken many at a time. */
const batchSizes = { critical: 500, normal: 500, bulk: 1_000 } as const satisfies Record<Lane, number>;
/** What another replica committed is seen at the latest then, should its signal be lost. */
const pollMs = 500;
/** Bulk is published together with what follows within this time: fewer round trips, for a number on a screen. */
const gatherMs = { critical: 0, normal: 0, bulk: 20 } as const satisfies Record<Lane, number>;
const longestBackoffMs = 1_000;
const encoder = new TextEncoder();

export type RelayOptions = {
  service: string;
  owner: string;
  database: Database;
  /** For the critical lane, and to stay its leader; the same where absent. */
  urgent?: Database;
  bus: Bus;
  log: Logger;
  metrics: Metrics;
};

export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { service, owner, database, urgent = database, bus, log, metrics } = options;
  const wakers = new Map<Lane, () => void>();
  const isWanted = new Set<Lane>();
  let isStopped = false;
  const cutShort = new Set<() => void>();
  const retryNow = (): void => cutShort.forEach((finish) => finish());
  const stopListening = bus.onReconnect(retryNow);
  const wakeLane = (lane: Lane): void => {
    isWanted.add(lane);
    wakers.get(lane)?.();
  };
  const signal = (lane: Lane): string => `sig.relay.${service}.${lane}`;
  const leases = await holdLeases({
    database: urgent,
    owner,
    group: 'relay',
    names: lanes.map((lane) => `relay:${lane}`),
    log,
    onChange: () => lanes.forEach(wakeLane),
  });
  const subscriptions = lanes.map((lane) => bus.nc.subscribe(signal(lane), { callback: () => wakeLane(lane) }));

  const publisher = createBatchPublisher(bus);

  /** @returns whether there may be more, and whether any failed */
  const step = async (lane: Lane): Promise<{ isMore: boolean; failed: boolean }> => {
    const own = lane === 'critical' ? urgent : database;
    const rows = await selectOutbox(own, lane, batchSizes[lane]);
    for (const wave of waves(rows)) {
      if (leases.held(`relay:${lane}`) === undefined) return { isMore: false, failed: false };
      const stored = await publisher.publishAll(
        wave.map(({ subject, headers, body }) => ({ subject, headers, body: encoder.encode(body) })),
      );
      const ids = wave.flatMap(({ id }, position) => (stored[position] === true ? [id] : []));
      if (ids.length > 0) await deleteOutbox(own, ids);
      metrics.published.inc({ lane }, ids.length);
      if (ids.length < wave.length) return { isMore: true, failed: true };
    }
    return { isMore: rows.length === batchSizes[lane], failed: false };
  };

  const pause = (lane: Lane, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(finish, ms).unref();
      function finish(): void {
        clearTimeout(timer);
        wakers.delete(lane);
        resolve();
      }
      wakers.set(lane, finish);
      if (isWanted.has(lane)) finish();
    });

  /** New rows do not cut this short; the return of the connection and the end do. */
  const backOff = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(finish, ms).unref();
      function finish(): void {
        clearTimeout(timer);
        cutShort.delete(finish);
        resolve();
      }
      cutShort.add(finish);
    });

  const run = async (lane: Lane): Promise<void> => {
    let backoffMs = 0;
    for (;;) {
      isWanted.delete(lane);
      const isLast = isStopped;
      try {
        if (leases.held(`relay:${lane}`) !== undefined) {
          const { isMore, failed } = await step(lane);
          backoffMs = failed ? Math.min(longestBackoffMs, Math.max(50, backoffMs * 2)) : 0;
          if (!failed && isMore && !isLast) continue;
          if (!failed && !isLast && gatherMs[lane] > 0) await backOff(gatherMs[lane]);
        }
      } catch (error) {
        backoffMs = Math.min(longestBackoffMs, Math.max(50, backoffMs * 2));
        log.debug({ err: error, lane }, 'relay waits');
      }
      if (isLast) return;
      if (backoffMs === 0) await pause(lane, pollMs);
      else if (!isStopped) await backOff(backoffMs * (0.5 + Math.random() / 2));
    }
  };
  const runs = lanes.map(run);

  const gauge = setInterval(() => {
    countOutbox(database)
      .then((counts) => {
        for (const lane of lanes) {
          const count = counts.find((each) => each.lane === lane);
          metrics.outboxWaiting.set({ lane }, count?.waiting ?? 0);
          metrics.outboxLagSeconds.set({ lane }, count?.oldestSeconds ?? 0);
        }
      })
      .catch(() => {});
  }, 5_000);
  gauge.unref();

  return {
    wake(woken) {
      for (const lane of woken) {
        if (leases.held(`relay:${lane}`) !== undefined) wakeLane(lane);
        // Nobody is told while the connection is away: the leader looks every half second.
        else if (bus.isConnected()) bus.nc.publish(signal(lane));
      }
    },
    async stop() {
      isStopped = true;
      stopListening();
      retryNow();
      clearInterval(gauge);
      lanes.forEach(wakeLane);
      await Promise.all(runs);
      for (const subscription of subscriptions) subscription.unsubscribe();
      publisher.stop();
      await leases.stop();
    },
  };
}

/** Cuts rows into runs in which each entity stands once. */
function* waves(rows: readonly OutboxRow[]): Generator<OutboxRow[]> {
  let rest = rows;
  while (rest.length > 0) {
    const seen = new Set<string>();
    const wave: OutboxRow[] = [];
    const later: OutboxRow[] = [];
    for (const row of rest) {
      (seen.has(row.entity) ? later : wave).push(row);
      seen.add(row.entity);
    }
    yield wave;
    rest = later;
  }
}
