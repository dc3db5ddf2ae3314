/**
 * A durable consumer that never stalls.
 *
 * With the client's defaults a consumer delivers nothing for half a minute after a server restart. So: short pulls,
 * heartbeats every half second, `bind` (no lookup before a pull), and made anew when the server says it is gone, or does
 * not know it when it is silent.
 * What was received and is not answered yet is kept alive with `working()`: a message is delivered again only when this
 * process died or hung, so the delivery count tells a crash loop from a dependency that is down.
 */
import type { StreamName } from '@carillon/contracts/define';
import { AckPolicy, DeliverPolicy, NatsError, nanos, type ConsumerMessages, type JsMsg } from 'nats';
import { readHeader, type Bus } from './connection.ts';

export type Delivery = {
  subject: string;
  body: Uint8Array;
  header(name: string): string | undefined;
  stream: string;
  /** Position in the stream; with `stream` it names the message for ever. */
  sequence: number;
  /** 1 for the first time. */
  deliveryCount: number;
  /** False once it is answered or was given back meanwhile: it is somebody else's then. */
  isHeld(): boolean;
  ack(): void;
  /** Give it back; it is delivered again after the delay. */
  release(delayMs?: number): void;
};

export type DurableOptions = {
  stream: StreamName;
  /** Shared by all replicas of the service. */
  durable: string;
  filter: string;
  /** After a crash the message goes to another process when this has passed. */
  ackWaitMs: number;
  /** How many may be received and not answered, by all replicas together: the server sends no more. */
  maxInFlight: number;
  /** Called as messages arrive, in order; keeps the message until ack or release. */
  onDelivery: (delivery: Delivery) => void;
  onTrouble?: (what: string) => void;
};

/** `waiting` were not delivered yet, `unanswered` were, `redelivered` of those more than once. */
export type ConsumerCounts = { waiting: number; unanswered: number; redelivered: number };

export type Consumption = {
  inFlight(): number;
  /** Messages that the durable has not delivered, or nobody has answered; of all replicas. */
  pending(): Promise<number>;
  /** The same by its parts, of all replicas. */
  counts(): Promise<ConsumerCounts>;
  /** Whether it receives at this moment; not while paused, or while the server knows nothing of it. */
  isReceiving(): boolean;
  /** Stops receiving and gives back what is held, for as long as another can do better. */
  pause(): void;
  resume(): void;
  /** Stops receiving, waits until what was received is answered or `drainMs` passed, gives back the rest. */
  stop(drainMs: number): Promise<void>;
};

const workingIntervalMs = 1_000;
const connectWaitMs = 5_000;

async function ensureConsumer(bus: Bus, options: DurableOptions): Promise<void> {
  await bus.jsm.consumers.add(options.stream, {
    durable_name: options.durable,
    filter_subject: options.filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(options.ackWaitMs),
    // Unlimited: whether a message is poison is decided by us, and it then goes to the dead letters.
    max_deliver: -1,
    max_ack_pending: options.maxInFlight,
  });
}

const isUnknown = (error: unknown): boolean => error instanceof NatsError && error.api_error?.err_code === 10014;

/** Removes a durable that nobody reads any more, if there is one. */
export async function removeDurable(bus: Bus, stream: StreamName, durable: string): Promise<void> {
  try {
    await bus.jsm.consumers.delete(stream, durable);
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
}

/** What the server says when the consumer is not there (any more), or when it does not know yet that it is. */
const lostStatuses = new Set(['consumer_deleted', 'consumer_not_found', 'stream_not_found', 'no_responders']);

/** A pull of a consumer that is gone is answered by nobody, so where heartbeats are missed it is asked for. */
async function isGone(bus: Bus, { stream, durable }: DurableOptions): Promise<boolean> {
  return bus.jsm.consumers.info(stream, durable).then(
    () => false,
    (error: unknown) => error instanceof NatsError && error.api_error?.code === 404,
  );
}

export async function consumeDurable(bus: Bus, options: DurableOptions): Promise<Consumption> {
  // By place and time in the stream: what comes again while we hold it is not worked on twice.
  const held = new Map<string, { newest: JsMsg; delivery: Delivery }>();
  let generation = 0;
  let isStopped = false;
  let isPaused = false;
  let isReceiving = false;
  let messages: ConsumerMessages | undefined;
  let answered: () => void = () => {};

  const keyOf = (message: JsMsg): string => `${message.seq} ${message.info.timestampNanos}`;

  const receive = (message: JsMsg): void => {
    const key = keyOf(message);
    const known = held.get(key);
    if (known !== undefined) {
      known.newest = message;
      return;
    }
    const isHeld = (): boolean => held.get(key)?.delivery === delivery;
    const settle = (answer: (newest: JsMsg) => void): void => {
      const mine = held.get(key);
      if (mine?.delivery !== delivery) return;
      held.delete(key);
      answer(mine.newest);
      if (held.size === 0) answered();
    };
    const delivery: Delivery = {
      subject: message.subject,
      body: message.data,
      header: (name) => readHeader(message, name),
      stream: message.info.stream,
      sequence: message.seq,
      deliveryCount: message.info.redeliveryCount,
      isHeld,
      ack: () => settle((newest) => newest.ack()),
      release: (delayMs) => settle((newest) => newest.nak(delayMs)),
    };
    held.set(key, { newest: message, delivery });
    options.onDelivery(delivery);
  };
  const giveBack = (): void => {
    for (const { newest } of held.values()) newest.nak();
    held.clear();
  };

  const start = async (mine: number): Promise<void> => {
    await bus.whenConnected(connectWaitMs);
    await ensureConsumer(bus, options);
    const consumer = await bus.js.consumers.get(options.stream, options.durable);
    if (mine !== generation) return;
    const started = await consumer.consume({
      bind: true,
      max_messages: Math.ceil(options.maxInFlight / 2),
      expires: 3_000,
      idle_heartbeat: 500,
      callback: (message) => (mine === generation ? receive(message) : message.nak()),
    });
    if (mine !== generation) return started.stop();
    messages = started;
    isReceiving = true;
    void (async () => {
      for await (const status of await started.status()) {
        const type: string = status.type;
        const what = type === 'heartbeats_missed' && (await isGone(bus, options)) ? 'consumer_not_found' : type;
        if (mine !== generation || !lostStatuses.has(what)) continue;
        options.onTrouble?.(`${options.durable}: ${what}`);
        void renew();
      }
    })();
    void started.closed().then(() => {
      if (mine === generation) void renew();
    });
  };

  /** Ends the consumption that is running, if one is. */
  const halt = (): number => {
    generation++;
    isReceiving = false;
    messages?.stop();
    return generation;
  };
  const renew = async (): Promise<void> => {
    const mine = halt();
    while (mine === generation && !bus.nc.isClosed()) {
      try {
        return await start(mine);
      } catch (error) {
        options.onTrouble?.(`${options.durable}: ${error instanceof Error ? error.message : String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200));
      }
    }
  };

  await start(generation);
  const keepAlive = setInterval(
    () => {
      // While the server is away these would only pile up.
      if (bus.isConnected()) for (const { newest } of held.values()) newest.working();
    },
    Math.min(workingIntervalMs, options.ackWaitMs / 3),
  );
  keepAlive.unref();

  return {
    inFlight: () => held.size,
    isReceiving: () => isReceiving,
    async counts() {
      const info = await bus.jsm.consumers.info(options.stream, options.durable);
      return { waiting: info.num_pending, unanswered: info.num_ack_pending, redelivered: info.num_redelivered };
    },
    async pending() {
      const info = await bus.jsm.consumers.info(options.stream, options.durable);
      return info.num_pending + info.num_ack_pending;
    },
    pause() {
      if (isPaused || isStopped) return;
      isPaused = true;
      halt();
      giveBack();
    },
    resume() {
      if (!isPaused || isStopped) return;
      isPaused = false;
      void renew();
    },
    async stop(drainMs) {
      isStopped = true;
      halt();
      if (held.size > 0) {
        await Promise.race([
          new Promise<void>((resolve) => (answered = resolve)),
          new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref()),
        ]);
      }
      clearInterval(keepAlive);
      giveBack();
    },
  };
}
