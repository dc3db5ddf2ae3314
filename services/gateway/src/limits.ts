/** What may be used up: token buckets by key, which fill evenly, and the place for connections. */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { CodedError } from '@carillon/contracts/errors';
import { staffRoles, type Actor } from '@carillon/contracts/define';
import type { GatewayConfig } from './config.ts';

export type Buckets = {
  /**
   * @param atOnce how many after a pause; a minute's worth where absent
   * @throws CodedError `rate_limited` with `afterMs`
   */
  take(key: string, perMinute: number, atOnce?: number): void;
  stop(): void;
};

type Bucket = { tokens: number; at: number };
const minuteMs = 60_000;
/** Keys that nobody used for a minute are full again, and need not be remembered. */
const maxKeys = 200_000;

export function createBuckets(now: () => number = () => performance.now()): Buckets {
  const buckets = new Map<string, Bucket>();
  const sweep = setInterval(() => {
    const oldest = now() - minuteMs;
    for (const [key, bucket] of buckets) if (bucket.at < oldest) buckets.delete(key);
  }, minuteMs);
  sweep.unref();
  return {
    take(key, perMinute, atOnce = perMinute) {
      const at = now();
      const known = buckets.get(key);
      const tokens =
        known === undefined ? atOnce : Math.min(atOnce, known.tokens + ((at - known.at) * perMinute) / minuteMs);
      if (tokens < 1) {
        throw new CodedError('rate_limited', undefined, { afterMs: Math.ceil(((1 - tokens) * minuteMs) / perMinute) });
      }
      if (known === undefined && buckets.size >= maxKeys)
        throw new CodedError('rate_limited', undefined, { afterMs: 5_000 });
      buckets.set(key, { tokens: tokens - 1, at });
    },
    stop: () => clearInterval(sweep),
  };
}

const isOnlyPatient = ({ roles }: Actor): boolean =>
  !roles.some((role) => ([...staffRoles, 'operator', 'admin', 'device', 'service'] as string[]).includes(role));

export function callsPerMinute(actor: Actor, config: GatewayConfig): number {
  if (actor.roles.includes('device')) return config.CARILLON_LIMIT_CALLS_DEVICE;
  return isOnlyPatient(actor) ? config.CARILLON_LIMIT_CALLS_PATIENT : config.CARILLON_LIMIT_CALLS_STAFF;
}

export const connectionsOf = (actor: Actor, config: GatewayConfig): number =>
  isOnlyPatient(actor) ? config.CARILLON_LIMIT_CONNECTIONS_PERSON : config.CARILLON_LIMIT_CONNECTIONS_STAFF;

/** Measured: a session with its rooms, lanes and sockets takes a third of it; the rest is for what waits to be read. */
const bytesPerConnection = 32 * 1024;

/** As many connections as half of the memory holds that this process may use. */
export function connectionCeiling({ CARILLON_LIMIT_CONNECTIONS: limit }: GatewayConfig): number {
  if (limit > 0) return limit;
  // Of a container, where it has a limit; 0 or more than there is where it has none.
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(Math.min(memory, getHeapStatistics().heap_size_limit) / 2 / bytesPerConnection);
}
