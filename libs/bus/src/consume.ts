/**
 * A durable consumer that never stalls.
 *
 * With the client's defaults a consumer delivers nothing for half a minute after a server restart. So: short pulls,
 * heartbeats every half second, `bind` (no lookup before a pull), and made anew when the server says it is gone.
 * What was received and is not answered yet is kept alive with `working()`: a message is delivered again only when this
 * process died or hung, so the delivery count tells a crash loop from a dependency that is down.
 */
import type { StreamName } from '@carillon/contracts/define';
import { AckPolicy, DeliverPolicy, nanos, type ConsumerMessages, type JsMsg } from 'nats';
import type { Bus } from './connection.ts';

export type Delivery = {
  subject: string;
  body: Uint8Array;
  header(name: string): string | undefined;
  stream: string;
  /** Position in the stream; with `stream` it names the message for ever. */
  sequence: number;
  /** 1 for the first time. */
  deliveryCount: number;
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
  /** How many may be received and not answered, in this process. */
  maxInFlight: number;
  /** Called as messages arrive, in order; keeps the message until ack or release. */
  onDelivery: (delivery: Delivery) => void;
  onTrouble?: (what: string) => void;
};

export type Consumption = {
  inFlight(): number;
  /** Messages that the durable has not delivered, or nobody has answered; of all replicas. */
  pending(): Promise<number>;
  /** Stops receiving, waits until what was received is answered or `drainMs` passed, gives back the rest. */
  stop(drainMs: number): Promise<void>;
};

const workingIntervalMs = 1_000;

async function ensureConsumer(bus: Bus, options: DurableOptions): Promise<void> {
  await bus.jsm.consumers.add(options.stream, {
    durable_name: options.durable,
    filter_subject: options.filter,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(options.ackWaitMs),
    // Unlimited: whether a message is poison is decided by us, and it then goes to the dead letters.
    max_deliver: -1,
    max_ack_pending: Math.max(1_000, options.maxInFlight * 4),
  });
}

export async function consumeDurable(bus: Bus, options: DurableOptions): Promise<Consumption> {
  const held = new Set<JsMsg>();
  let stopping = false;
  let messages: ConsumerMessages | undefined;
  let answered: () => void = () => {};

  const toDelivery = (message: JsMsg): Delivery => {
    const settle = (answer: () => void): void => {
      if (!held.delete(message)) return;
      answer();
      if (held.size === 0) answered();
    };
    return {
      subject: message.subject,
      body: message.data,
      header: (name) => message.headers?.get(name) || undefined,
      stream: message.info.stream,
      sequence: message.seq,
      deliveryCount: message.info.redeliveryCount,
      ack: () => settle(() => message.ack()),
      release: (delayMs) => settle(() => message.nak(delayMs)),
    };
  };

  const start = async (): Promise<void> => {
    await ensureConsumer(bus, options);
    const consumer = await bus.js.consumers.get(options.stream, options.durable);
    messages = await consumer.consume({
      bind: true,
      max_messages: options.maxInFlight,
      expires: 3_000,
      idle_heartbeat: 500,
      callback: (message) => {
        if (stopping) return message.nak();
        held.add(message);
        return options.onDelivery(toDelivery(message));
      },
    });
    const current = messages;
    void (async () => {
      for await (const status of await current.status()) {
        const type: string = status.type;
        if (['consumer_deleted', 'consumer_not_found', 'stream_not_found'].includes(type)) {
          options.onTrouble?.(`${options.durable}: ${type}`);
          current.stop();
          break;
        }
      }
    })();
    void (async () => {
      await current.closed();
      if (!stopping && current === messages) await restart();
    })();
  };

  const restart = async (): Promise<void> => {
    while (!stopping) {
      try {
        await start();
        return;
      } catch (error) {
        options.onTrouble?.(`${options.durable}: ${error instanceof Error ? error.message : String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 200));
      }
    }
  };

  const keepAlive = setInterval(
    () => {
      for (const message of held) message.working();
    },
    Math.min(workingIntervalMs, options.ackWaitMs / 3),
  );
  keepAlive.unref();

  await start();
  return {
    inFlight: () => held.size,
    async pending() {
      const info = await bus.jsm.consumers.info(options.stream, options.durable);
      return info.num_pending + info.num_ack_pending;
    },
    async stop(drainMs) {
      stopping = true;
      messages?.stop();
      if (held.size > 0) {
        await Promise.race([
          new Promise<void>((resolve) => (answered = resolve)),
          new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref()),
        ]);
      }
      clearInterval(keepAlive);
      for (const message of held) message.nak();
      held.clear();
    },
  };
}
