import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Of one service; labels are bounded: names from contracts, never ids. */
export type Metrics = {
  registry: Registry;
  handled: Counter<'kind' | 'name' | 'outcome'>;
  handlingSeconds: Histogram<'kind' | 'name'>;
  outboxWaiting: Gauge<'lane'>;
  published: Counter<'lane'>;
};

const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return {
    registry,
    handled: new Counter({
      name: 'carillon_handled_total',
      help: 'Commands, events, queries and timers by outcome: ok, bad, later, poison',
      labelNames: ['kind', 'name', 'outcome'],
      registers: [registry],
    }),
    handlingSeconds: new Histogram({
      name: 'carillon_handling_seconds',
      help: 'Time from receipt to answer',
      labelNames: ['kind', 'name'],
      buckets: latencyBuckets,
      registers: [registry],
    }),
    outboxWaiting: new Gauge({
      name: 'carillon_outbox_waiting',
      help: 'Rows that were committed and are not published yet',
      labelNames: ['lane'],
      registers: [registry],
    }),
    published: new Counter({
      name: 'carillon_outbox_published_total',
      help: 'Messages published from the outbox',
      labelNames: ['lane'],
      registers: [registry],
    }),
  };
}

/** Of the process itself: event loop, heap, CPU. */
export function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
