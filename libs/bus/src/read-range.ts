import type { StreamName } from '@carillon/contracts/define';
import { AckPolicy, DeliverPolicy, ReplayPolicy, nanos } from 'nats';
import type { Bus } from './connection.ts';
import type { StreamMessage } from './stream-reader.ts';

export type Range = {
  stream: StreamName;
  filter: string;
  afterSequence: number;
  /** Inclusive. */
  toSequence: number;
  /** More than this is not read to its end. */
  limit: number;
};

/** @returns the messages of a range in order, or undefined when there are more than `limit` of them */
export async function readRange(bus: Bus, range: Range): Promise<StreamMessage[] | undefined> {
  const info = await bus.jsm.consumers.add(range.stream, {
    filter_subject: range.filter,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: range.afterSequence + 1,
    replay_policy: ReplayPolicy.Instant,
    max_deliver: 1,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(5_000),
  });
  const consumer = bus.js.consumers.getPullConsumerFor(info);
  const found: StreamMessage[] = [];
  try {
    let left = info.num_pending;
    let delivered = 0;
    while (left > 0) {
      const batch = await consumer.fetch({ max_messages: Math.min(left, 500), expires: 2_000 });
      let count = 0;
      for await (const message of batch) {
        count++;
        // The consumer counts what it sends; without this a loss on the way would look like a hole of the stream.
        if (message.info.deliverySequence !== ++delivered) throw new Error(`${range.stream}: lost on the way`);
        if (message.seq > range.toSequence) return found;
        if (found.length === range.limit) return undefined;
        found.push({
          sequence: message.seq,
          subject: message.subject,
          body: message.data,
          header: (name) => message.headers?.get(name) || undefined,
        });
      }
      // An empty batch is a server in trouble: what was read proves nothing about the rest.
      if (count === 0) throw new Error(`${range.stream} did not deliver ${left} messages`);
      left -= count;
    }
    return found;
  } finally {
    void bus.jsm.consumers.delete(range.stream, info.name).catch(() => false);
  }
}
