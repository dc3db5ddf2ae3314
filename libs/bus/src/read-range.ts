import type { StreamName } from '@carillon/contracts/define';
import { AckPolicy, DeliverPolicy, ReplayPolicy, nanos, nuid, type Consumer } from 'nats';
import { readHeader, type Bus } from './connection.ts';
import type { StreamMessage } from './stream-reader.ts';

export type Range = {
  stream: StreamName;
  filter: string;
  afterSequence: number;
  /** Inclusive. */
  toSequence: number;
  /** More than this is not read to its end. */
  limit: number;
  /** Nor more bytes than this. */
  maxBytes?: number;
};

const addReader = (bus: Bus, { stream, filter, afterSequence }: Omit<Range, 'toSequence' | 'limit' | 'maxBytes'>) =>
  bus.jsm.consumers.add(stream, {
    // Named by us, so that the request names the filter too and permissions can tell.
    name: `reader-${nuid.next()}`,
    filter_subject: filter,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: afterSequence + 1,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(5_000),
  });

/**
 * An empty batch proves nothing about the rest, unless the server says that there is none, and that it has sent no more than
 * came: what was sent and came too late for its batch is in none.
 */
async function checkEnd(consumer: Consumer, received: number): Promise<void> {
  const { stream_name: stream, num_pending: left, delivered } = await consumer.info();
  if (left > 0) throw new Error(`${stream} did not deliver`);
  if (delivered.consumer_seq > received) throw new Error(`${stream}: lost on the way`);
}

/** @returns the messages of a range in order, or undefined when there are more than `limit` of them, or `maxBytes` */
export async function readRange(bus: Bus, range: Range): Promise<StreamMessage[] | undefined> {
  const info = await addReader(bus, range);
  const consumer = bus.js.consumers.getPullConsumerFor(info);
  const found: StreamMessage[] = [];
  try {
    // Only a first guess: nats-server 2.9 says one too many now and then. Each message tells how many are left.
    let left = info.num_pending;
    let delivered = 0;
    let bytes = 0;
    while (left > 0) {
      const batch = await consumer.fetch({ max_messages: Math.min(left, 500), expires: 1_000 });
      let count = 0;
      for await (const message of batch) {
        count++;
        left = message.info.pending;
        // The consumer counts what it sends; without this a loss on the way would look like a hole of the stream.
        if (message.info.deliverySequence !== ++delivered) throw new Error(`${range.stream}: lost on the way`);
        if (message.seq > range.toSequence) return found;
        bytes += message.data.length;
        if (found.length === range.limit || bytes > (range.maxBytes ?? Infinity)) return undefined;
        found.push({
          sequence: message.seq,
          subject: message.subject,
          body: message.data,
          header: (name) => readHeader(message, name),
        });
      }
      if (count > 0) continue;
      await checkEnd(consumer, delivered);
      left = 0;
    }
    return found;
  } finally {
    void bus.jsm.consumers.delete(range.stream, info.name).catch(() => false);
  }
}

/** `storedAt` in ms since the epoch, by the clock of the server. */
export type StoredMessage = StreamMessage & { storedAt: number };
export type Page = { messages: StoredMessage[]; hasMore: boolean };

/** A page ends where it has this many bytes: one message has at most a megabyte. */
const maxPageBytes = 8 * 1024 * 1024;
const fetchSize = 25;

/** @returns the first messages after a sequence, in order; at most `limit`, and fewer when they are large */
export async function readPage(bus: Bus, range: Omit<Range, 'toSequence' | 'maxBytes'>): Promise<Page> {
  const info = await addReader(bus, range);
  const consumer = bus.js.consumers.getPullConsumerFor(info);
  const messages: StoredMessage[] = [];
  try {
    let left = info.num_pending;
    let bytes = 0;
    while (left > 0 && messages.length < range.limit && bytes < maxPageBytes) {
      const before = messages.length;
      const fits = Math.min(left, range.limit - before, fetchSize);
      const batch = await consumer.fetch({ max_messages: fits, expires: 1_000 });
      for await (const message of batch) {
        if (message.info.deliverySequence !== messages.length + 1) throw new Error(`${range.stream}: lost on the way`);
        bytes += message.data.length;
        left = message.info.pending;
        messages.push({
          sequence: message.seq,
          subject: message.subject,
          body: message.data,
          header: (name) => readHeader(message, name),
          storedAt: Math.floor(message.info.timestampNanos / 1e6),
        });
      }
      if (messages.length > before) continue;
      await checkEnd(consumer, messages.length);
      left = 0;
    }
    return { messages, hasMore: left > 0 };
  } finally {
    void bus.jsm.consumers.delete(range.stream, info.name).catch(() => false);
  }
}
