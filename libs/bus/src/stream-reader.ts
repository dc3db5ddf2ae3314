/**
 * Reads a whole stream in order, without loss and without doubles, over restarts of the server: how a gateway reads.
 *
 * The recipe was measured against every other kind of reader over kills of servers and leaders (architecture.md): an
 * ephemeral consumer with a **new name at each attempt** (a reused name got stuck and replayed), started after the last
 * sequence that was seen, made anew only when the stream's own sequence jumps or the server says the consumer is gone.
 */
import type { StreamName } from '@carillon/contracts/define';
import {
  AckPolicy,
  DeliverPolicy,
  NatsError,
  ReplayPolicy,
  nanos,
  nuid,
  type ConsumerMessages,
  type StreamInfo,
} from 'nats';
import { isDenied, readHeader, type Bus, type Denial } from './connection.ts';

export type StreamMessage = {
  sequence: number;
  subject: string;
  body: Uint8Array;
  header(name: string): string | undefined;
};

/** Where a stream stands. The epoch names one life of the stream: it changes when a stream is deleted and made again. */
export type StreamState = { epoch: string; firstSequence: number; lastSequence: number };

const toState = (info: StreamInfo): StreamState => ({
  epoch: Date.parse(info.created).toString(36),
  // An empty stream of nats-server 2.9 says 0.
  firstSequence: Math.max(1, info.state.first_seq),
  lastSequence: info.state.last_seq,
});

/** A stream of events, or the one that holds a key-value bucket. */
export type ReadableStream = StreamName | `KV_${string}`;

export const streamState = async (bus: Bus, stream: ReadableStream): Promise<StreamState> =>
  toState(await bus.jsm.streams.info(stream));

export type ReaderOptions = {
  stream: ReadableStream;
  /** Everything after this sequence is delivered. */
  afterSequence: number;
  onMessage: (message: StreamMessage) => void;
  /**
   * The stream is not the one that was read before, or lost messages before they were read: nothing is proved. What is
   * after `continuesAfter` is delivered from here on.
   */
  onBreak?: (state: StreamState, continuesAfter: number) => void;
  /** Called once, when everything that was there at the start was delivered. */
  onCaughtUp?: () => void;
  /** Called when this user has no right to what the reading needs. It is tried again all the same, less often. */
  onDenied?: (denial: Denial) => void;
  /** One subject filter; the stream's sequences then jump by nature. */
  filter?: string;
};

export type StreamReader = { stop(): void };

const apiTimeoutMs = 600;
const retryMs = 100;
const deniedRetryMs = 5_000;
const settleMs = 500;
const quietStatuses = new Set(['next', 'debug', 'discard']);

const isConsumerNotFound = (error: unknown): boolean =>
  error instanceof NatsError && error.api_error?.err_code === 10014;

export function readStream(bus: Bus, options: ReaderOptions): StreamReader {
  let last = options.afterSequence;
  let generation = 0;
  let stopped = false;
  let current: ConsumerMessages | undefined;
  let currentName = '';
  let epoch: string | undefined;
  let lookedAgainAfter = -1;
  let isCaughtUp = false;
  const garbage = new Set<string>();
  const tellCaughtUp = (): void => {
    if (isCaughtUp) return;
    isCaughtUp = true;
    options.onCaughtUp?.();
  };

  const attempt = async (mine: number): Promise<void> => {
    const manager = await bus.nc.jetstreamManager({ timeout: apiTimeoutMs, checkAPI: false });
    const state = toState(await manager.streams.info(options.stream));
    const isOther = epoch !== undefined && epoch !== state.epoch;
    const isShorter = last > state.lastSequence;
    const isBehindRetention = epoch !== undefined && last + 1 < state.firstSequence;
    // What was discarded before we came is no loss of ours: reading begins with what is there.
    if (epoch === undefined && !isShorter) last = Math.max(last, state.firstSequence - 1);
    if (isOther || isShorter || isBehindRetention) {
      // A shorter stream of the same date is an old copy that was put back: what it holds was read before.
      last = isShorter && !isOther ? state.lastSequence : state.firstSequence - 1;
      options.onBreak?.(state, last);
    }
    epoch = state.epoch;
    const name = `reader-${nuid.next()}`;
    garbage.add(name);
    const consumer = await manager.consumers.add(options.stream, {
      name,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: last + 1,
      replay_policy: ReplayPolicy.Instant,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(10_000),
      ...(options.filter === undefined ? {} : { filter_subject: options.filter }),
    });
    if (mine !== generation) return;
    garbage.delete(name);
    if (consumer.num_pending === 0) tellCaughtUp();
    const previous = current;
    let delivered = 0;
    const messages = await bus.js.consumers.getPullConsumerFor(consumer).consume({
      bind: true,
      max_messages: 500,
      expires: 3_000,
      idle_heartbeat: 500,
      callback: (message) => {
        if (mine !== generation || stopped) return;
        // The consumer counts what it sends: a jump of that count was lost on the way.
        if (message.info.deliverySequence !== ++delivered) return renew();
        if (message.seq <= last) return;
        // A message that was deleted by hand is not there on the second look either; that jump is the stream's own.
        if (options.filter === undefined && message.seq !== last + 1 && lookedAgainAfter !== last) {
          lookedAgainAfter = last;
          return renew();
        }
        last = message.seq;
        options.onMessage({
          sequence: message.seq,
          subject: message.subject,
          body: message.data,
          header: (header) => readHeader(message, header),
        });
        // What waits may be replaced by something newer (a key that is written again), and none is ever the last.
        if (message.info.pending === 0 || message.seq >= state.lastSequence) tellCaughtUp();
      },
    });
    if (mine !== generation) return messages.stop();
    current = messages;
    currentName = name;
    previous?.stop();
    void (async () => {
      for await (const status of await messages.status()) {
        const type: string = status.type;
        if (mine === generation && !quietStatuses.has(type)) renew();
      }
    })();
    void messages.closed().then(() => {
      if (mine === generation) renew();
    });
    for (const old of garbage) {
      garbage.delete(old);
      void manager.consumers.delete(options.stream, old).catch(() => false);
    }
  };

  const renew = (): void => {
    const mine = ++generation;
    const step = (): void => {
      if (stopped || mine !== generation || bus.nc.isClosed()) return;
      attempt(mine).catch((error: unknown) => setTimeout(step, isDenied(error) ? deniedRetryMs : retryMs).unref());
    };
    step();
  };

  /**
   * The last message before a silence may have gone down with the connection, and no later one shows the jump; a consumer
   * may have gone with its server, which shows only after some heartbeats. So ask.
   */
  const lookForLost = async (): Promise<void> => {
    const mine = generation;
    const manager = await bus.nc.jetstreamManager({ timeout: apiTimeoutMs, checkAPI: false });
    let sent: number | undefined;
    while (sent === undefined && mine === generation) {
      sent = await manager.consumers.info(options.stream, currentName).then(
        (info) => info.delivered.stream_seq,
        (error: unknown) => (isConsumerNotFound(error) ? Infinity : undefined),
      );
      // What is on its way arrives meanwhile.
      if (sent !== Infinity)
        await new Promise((resolve) => setTimeout(resolve, sent === undefined ? retryMs : settleMs));
    }
    if (sent !== undefined && sent > last && mine === generation) renew();
  };
  const stopLooking = bus.onReconnect(() => void lookForLost().catch(() => {}));
  const stopListening = bus.onDenied((denial) => {
    if (denial.subject.split('.').includes(options.stream)) options.onDenied?.(denial);
  });

  renew();
  return {
    stop() {
      stopped = true;
      stopLooking();
      stopListening();
      generation++;
      current?.stop();
    },
  };
}
