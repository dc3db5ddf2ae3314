/** Durable consumers as a service has them: measured, and known to its readiness. */
import { consumeDurable, type Consumption, type DurableOptions } from '@carillon/bus/consume';
import type { Bus } from '@carillon/bus/connection';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export type Consumers = {
  /** Starts one; whoever started it stops it. */
  start(options: Omit<DurableOptions, 'onTrouble'>): Promise<Consumption>;
  /** Whether all that are started receive. */
  areReceiving(): boolean;
};

/** What a scrape waits for the server, and how long its answer is taken for the present. */
const countWithinMs = 1_000;
const countKeptMs = 5_000;

const within = <T>(promise: Promise<T>, ms: number): Promise<T | undefined> =>
  Promise.race([
    promise.catch(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms).unref()),
  ]);

type ConsumersOptions = { bus: Bus; log: Logger; metrics: Metrics };

export function createConsumers({ bus, log, metrics }: ConsumersOptions): Consumers {
  const running = new Map<string, Consumption>();
  let countedAt = -Infinity;

  metrics.onScrape(async () => {
    if (performance.now() - countedAt < countKeptMs) return;
    countedAt = performance.now();
    const counts = await Promise.all(
      [...running].map(async ([durable, each]) => ({ durable, counts: await within(each.counts(), countWithinMs) })),
    );
    // What is not known is not told: an old number would look like all is well.
    metrics.consumerPending.reset();
    metrics.consumerUnanswered.reset();
    for (const { durable, counts: found } of counts) {
      if (found === undefined || !running.has(durable)) continue;
      metrics.consumerPending.set({ durable }, found.waiting);
      metrics.consumerUnanswered.set({ durable }, found.unanswered);
    }
  });

  return {
    async start(options) {
      const { durable } = options;
      metrics.redelivered.inc({ durable }, 0);
      const consumption = await consumeDurable(bus, {
        ...options,
        onDelivery(delivery) {
          if (delivery.deliveryCount > 1) metrics.redelivered.inc({ durable });
          options.onDelivery(delivery);
        },
        onTrouble: (what) => log.warn({ what }, 'consumer'),
      });
      running.set(durable, consumption);
      return {
        ...consumption,
        stop(drainMs) {
          if (running.get(durable) === consumption) running.delete(durable);
          return consumption.stop(drainMs);
        },
      };
    },
    areReceiving: () => [...running.values()].every((each) => each.isReceiving()),
  };
}
