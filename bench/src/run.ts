/** One run of load against the house: warm-up, a window that counts, and what it cost. */
import type { Bus } from '@carillon/bus/connection';
import type { Sql } from '@carillon/database/database';
import { openBoards } from './boards.ts';
import { startLoad, vitalsAPatient, type Load, type Shape } from './devices.ts';
import { watchDisk, type DiskWrite } from './disk.ts';
import { spreadOf, type Spread } from './figures.ts';
import { createHttp } from './http.ts';
import type { House, Part } from './house.ts';
import { shareBetween } from './processes.ts';
import { storedBetween } from './stored.ts';

export type RunOptions = {
  house: House;
  bus: Bus;
  sql: Sql;
  patients: number;
  shape: Shape;
  vitalsASecond: number;
  seconds: number;
  alarming: readonly number[];
  alarmsASecond: number;
};

export type Run = {
  patients: number;
  shape: Shape;
  offeredPerSecond: number;
  acceptedPerSecond: number;
  storedPerSecond: number;
  /** From the last measurement of the window to the last commit, ms: what had piled up. */
  behindMs: number;
  /** `disk` is no hop but what a durable write alone took in the same window. */
  hops: Record<'disk' | 'durable' | 'stored' | 'shown' | 'condition' | 'alert' | 'page' | 'acknowledged', Spread>;
  cpuPercent: Record<Part, number>;
  residentMiB: Record<Part, number>;
  failures: Record<string, number>;
};

const warmUpMs = 4_000;
const settleMs = 500;
const drainWithinMs = 30_000;

/** Kept up with: nearly everything that was offered was taken, and nothing had piled up at the end. */
export const isSustained = (run: Run): boolean =>
  run.acceptedPerSecond >= run.offeredPerSecond * 0.99 &&
  run.behindMs < 2_000 &&
  Object.keys(run.failures).length === 0;

async function untilStored(sql: Sql, from: number, to: number, count: () => number) {
  const giveUpAt = performance.now() + drainWithinMs;
  for (;;) {
    const stored = await storedBetween(sql, from, to);
    if (stored.count >= count() || performance.now() > giveUpAt) return stored;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function runLoad(options: RunOptions): Promise<Run> {
  const { house, sql, patients, shape, vitalsASecond, seconds } = options;
  const http = createHttp(house.httpPort, 256);
  let load: Load | undefined;
  const boards = await openBoards(
    { port: house.httpPort, signer: house.signer, patients },
    () => load?.breachedAt ?? new Map<string, number>(),
  );
  const disk: DiskWrite[] = [];
  const stopDisk = await watchDisk(disk);
  const conditions: number[] = [];
  const tap = options.bus.nc.subscribe('care.*.*.*.critical.condition.raised', {
    callback: (_, message) => {
      const at = load?.breachedAt.get(message.subject.split('.')[3] ?? '');
      if (at !== undefined) conditions.push(Date.now() - at);
    },
  });
  const everyMs = (patients * vitalsAPatient * 1000) / vitalsASecond;
  const { signer } = house;
  const { alarming, alarmsASecond } = options;
  load = await startLoad({ http, signer, patients, shape, everyMs, alarming, alarmsASecond });
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));

  const { shown, alerted, paged, acknowledged } = boards;
  for (const values of [disk, load.durable, conditions, shown, alerted, paged, acknowledged]) values.length = 0;
  const before = { usage: house.usage(), offered: load.offered, accepted: load.accepted, at: performance.now() };
  const from = Date.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const took = (performance.now() - before.at) / 1000;
  const usage = house.usage();
  const to = Date.now();
  await stopDisk();
  const offered = load.offered - before.offered;
  const acceptedInWindow = load.accepted - before.accepted;
  await load.stop();
  // Posts of the window may be answered after it; whatever was accepted must come to be stored.
  const stored = await untilStored(sql, from, to, () => acceptedInWindow);
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  tap.unsubscribe();
  await boards.close();
  http.close();

  const parts = Object.keys(usage) as Part[];
  const each = <T>(read: (part: Part) => T): Record<Part, T> =>
    Object.fromEntries(parts.map((part) => [part, read(part)])) as Record<Part, T>;
  const { count, p50, p95, p99, max, lastAt } = stored;
  return {
    patients,
    shape,
    offeredPerSecond: Math.round(offered / took),
    acceptedPerSecond: Math.round(acceptedInWindow / took),
    storedPerSecond: Math.round((count / Math.max(took * 1000, lastAt - from)) * 1000),
    behindMs: Math.max(0, Math.round(lastAt - to)),
    hops: {
      disk: spreadOf(disk.map(({ ms }) => ms)),
      durable: spreadOf(load.durable),
      stored: { count, p50, p95, p99, max },
      shown: spreadOf(shown),
      condition: spreadOf(conditions),
      alert: spreadOf(alerted),
      page: spreadOf(paged),
      acknowledged: spreadOf(acknowledged),
    },
    cpuPercent: each((part) => shareBetween(before.usage[part], usage[part], took)),
    residentMiB: each((part) => usage[part].residentMiB),
    failures: Object.fromEntries([...load.failures, ...boards.failures]),
  };
}
