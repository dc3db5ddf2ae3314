/**
 * What people say they got, saw and read, gathered and handed to the services whose messages these are. Nothing here is
 * worth a delay or a failure of a connection: a receipt is taken at once, and what cannot be one is counted and forgotten.
 */
import { randomUUID } from 'node:crypto';
import type { Actor } from '@carillon/contracts/define';
import {
  maxReceipts,
  receiptOwners,
  recordReceipts,
  type Receipt,
  type ReceiptLevel,
  type ReceiptOwner,
} from '@carillon/contracts/receipts';
import { commandSubject, eventHeaders } from '@carillon/contracts/streams';
import { events } from '@carillon/contracts/surface';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import type { CommandEnvelope } from '@carillon/runtime/commands';
import type { Logger } from '@carillon/runtime/log';
import { childTrace } from '@carillon/runtime/trace';
import { Counter, type Registry } from 'prom-client';
import type { Buckets } from './limits.ts';
import type { People } from './people.ts';
import type { Message } from './ring.ts';
import { openRoom } from './rooms.ts';

/** What must be known of a message: which event it is, and the keys of its rooms. */
export type ReceiptedMessage = Pick<Message, 'event' | 'rooms'>;

export type Receipts = {
  /** Never throws, and never waits. */
  take(who: Actor, mids: readonly string[], level: ReceiptLevel): void;
  /** Hands over what is left, for 2 s at most. */
  stop(): Promise<void>;
};

export type ReceiptsOptions = {
  bus: Bus;
  /** A message in memory that asks for receipts. */
  find(mid: string): ReceiptedMessage | undefined;
  /** Whether he may have got it; see `mayHaveBy`. */
  mayHave(who: Actor, message: ReceiptedMessage): boolean;
  /** For receipts of messages that are not in memory. */
  buckets: Buckets;
  registry: Registry;
  log: Logger;
  now: () => number;
};

const outcomes = ['taken', 'again', 'unknown', 'refused', 'lost', 'stored'] as const;

/** From the first receipt: those of one page to a ward come within it, and no escalation is decided in less. */
const gatherMs = 100;
/** Of receipts that wait, while NATS is away: some minutes of a large hospital. The oldest give way. */
const maxWaiting = 10_000;
const batchesAtOnce = 8;
const maxRemembered = 20_000;
const unknownPerMinute = 600;
const firstBackoffMs = 100;
const longestBackoffMs = 5_000;
const stopMs = 2_000;

/** Message ids are those of outboxes. */
const isMid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ownerOfEvent: ReadonlyMap<string, ReceiptOwner | undefined> = new Map(
  events
    .filter(({ ack }) => ack === true)
    .map(({ name, owner }) => [name, receiptOwners.find((each) => each === owner)] as const),
);

/** Whoever may enter a room of the message may have got it there. */
export function mayHaveBy(people: Pick<People, 'relations'>): ReceiptsOptions['mayHave'] {
  return (who, { rooms }) => {
    const prefix = `${who.hospital}/`;
    const relations = people.relations(who.hospital);
    return rooms.some(
      (key) => key.startsWith(prefix) && openRoom(key.slice(prefix.length), who, relations) !== undefined,
    );
  };
}

type Waiting = { hospital: string; owner: ReceiptOwner; receipt: Receipt };
type Batch = { hospital: string; owner: ReceiptOwner; items: Receipt[] };

/** One command is of one hospital and owner, and holds so many. */
function batchesOf(waiting: readonly Waiting[]): Batch[] {
  const batches: Batch[] = [];
  const open = new Map<string, Batch>();
  for (const { hospital, owner, receipt } of waiting) {
    const key = `${hospital} ${owner}`;
    let batch = open.get(key);
    if (batch === undefined || batch.items.length === maxReceipts) {
      batch = { hospital, owner, items: [] };
      open.set(key, batch);
      batches.push(batch);
    }
    batch.items.push(receipt);
  }
  return batches;
}

/** The gateway on its own account; the person whom a receipt is about stands in each. */
const toEnvelope = ({ hospital, owner, items }: Batch, issuedAt: number): CommandEnvelope => ({
  actor: { person: 'gateway', hospital, roles: ['service'] },
  key: randomUUID(),
  issuedAt,
  data: { service: owner, items },
});

type Memory = { has(value: string): boolean; add(value: string): void; forget(value: string): void };

/** The newest so many values. */
function createMemory(max: number): Memory {
  const values = new Set<string>();
  return {
    has: (value) => values.has(value),
    add(value) {
      const oldest = values.values().next();
      if (values.size >= max && oldest.done !== true) values.delete(oldest.value);
      values.add(value);
    },
    forget: (value) => void values.delete(value),
  };
}

const memoryKey = (hospital: string, { person, mid, level }: Pick<Receipt, 'person' | 'mid' | 'level'>): string =>
  `${hospital} ${person} ${mid} ${level}`;

export function createReceipts(options: ReceiptsOptions): Receipts {
  const { bus, find, mayHave, buckets, registry, log, now } = options;
  const counter = new Counter({
    name: 'carillon_receipts_total',
    help: 'Receipts of clients: taken, told again, unknown (given to every owner), refused, lost, stored',
    labelNames: ['outcome'],
    registers: [registry],
  });
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  for (const outcome of outcomes) counter.inc({ outcome }, 0);
  const count = (outcome: (typeof outcomes)[number], by = 1): void => counter.inc({ outcome }, by);

  const memory = createMemory(maxRemembered);
  const waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let isStopping = false;
  let isGivenUp = false;
  const sleepers = new Set<() => void>();

  const lose = (hospital: string, receipts: readonly Receipt[]): void => {
    count('lost', receipts.length);
    for (const receipt of receipts) memory.forget(memoryKey(hospital, receipt));
  };

  const backOff = (attempt: number): Promise<void> =>
    new Promise((resolve) => {
      const ms = Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt) * Math.random();
      const timeout = setTimeout(finish, ms);
      function finish(): void {
        clearTimeout(timeout);
        sleepers.delete(finish);
        resolve();
      }
      sleepers.add(finish);
    });

  /** With the same key until it is stored: what was stored and not acknowledged is done once all the same. */
  const store = async (batch: Batch): Promise<void> => {
    const subject = commandSubject(recordReceipts, batch.owner);
    const body = encode(toEnvelope(batch, Math.round(now())));
    const headers = { [eventHeaders.traceparent]: childTrace(undefined) };
    for (let attempt = 0; !isGivenUp; attempt++) {
      try {
        await publish(bus, { subject, body, headers });
        return count('stored', batch.items.length);
      } catch (error) {
        if (attempt === 0) log.warn({ err: error, owner: batch.owner }, 'receipts wait');
        if (!isGivenUp) await backOff(attempt);
      }
    }
    lose(batch.hospital, batch.items);
  };

  const flushAll = async (): Promise<void> => {
    while (waiting.length > 0 && !isGivenUp) {
      const round = batchesOf(waiting.splice(0, maxReceipts * batchesAtOnce));
      await Promise.all(round.map(store));
    }
  };
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    return (flushing ??= flushAll().finally(() => {
      flushing = undefined;
      flushSoon();
    }));
  };
  const flushSoon = (): void => {
    if (isGivenUp || waiting.length === 0) return;
    if (waiting.length >= maxReceipts) void flush();
    else if (flushing === undefined) timer ??= setTimeout(() => void flush(), gatherMs).unref();
  };

  const keep = (each: Waiting): void => {
    waiting.push(each);
    if (waiting.length > maxWaiting) {
      const oldest = waiting.shift();
      if (oldest !== undefined) lose(oldest.hospital, [oldest.receipt]);
    }
    flushSoon();
  };

  /** Whose message it may be; none where it cannot be his. */
  const ownersFor = (who: Actor, mid: string): readonly ReceiptOwner[] => {
    const message = find(mid);
    if (message !== undefined) {
      const owner = ownerOfEvent.get(message.event);
      return owner === undefined || !mayHave(who, message) ? [] : [owner];
    }
    // Older than what is in memory: who comes back after a night reads what he missed. The owner knows whose it was.
    if (!isMid.test(mid)) return [];
    try {
      buckets.take(`receipts ${who.hospital} ${who.person}`, unknownPerMinute);
    } catch {
      return [];
    }
    return receiptOwners;
  };

  const takeOne = (who: Actor, mid: string, level: ReceiptLevel, at: string): void => {
    const receipt: Receipt = { mid, person: who.person, level, at };
    const key = memoryKey(who.hospital, receipt);
    if (memory.has(key)) return count('again');
    const owners = ownersFor(who, mid);
    if (owners.length === 0) return count('refused');
    memory.add(key);
    count(owners.length === 1 ? 'taken' : 'unknown');
    for (const owner of owners) keep({ hospital: who.hospital, owner, receipt });
  };

  return {
    take(who, mids, level) {
      if (isStopping) return count('lost', mids.length);
      const at = new Date(now()).toISOString();
      for (const mid of mids) takeOne(who, mid, level, at);
    },
    async stop() {
      isStopping = true;
      for (const wake of sleepers) wake();
      let deadline: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (deadline = setTimeout(resolve, stopMs)));
      await Promise.race([flush(), late]);
      clearTimeout(deadline);
      isGivenUp = true;
      for (const wake of sleepers) wake();
      // Those that are on their way are given up as soon as NATS has not answered in time.
      if (flushing !== undefined) log.warn({ waiting: waiting.length }, 'receipts are lost: NATS did not take them');
      for (const { hospital, receipt } of waiting.splice(0)) lose(hospital, [receipt]);
    },
  };
}
