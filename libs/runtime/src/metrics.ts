/**
 * What a service tells Prometheus. Labels are bounded: names from contracts, never ids. docs/operations.md lists every
 * metric, and a test holds the two together.
 */
import { readFileSync } from 'node:fs';
import type { Bus } from '@carillon/bus/connection';
import { canary } from '@carillon/contracts/canary';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { shared } from './readiness.ts';

/** Of one service. */
export type Metrics = {
  registry: Registry;
  handled: Counter<'kind' | 'name' | 'outcome'>;
  handlingSeconds: Histogram<'kind' | 'name'>;
  consumerPending: Gauge<'durable'>;
  consumerUnanswered: Gauge<'durable'>;
  redelivered: Counter<'durable'>;
  outboxWaiting: Gauge<'lane'>;
  outboxLagSeconds: Gauge<'lane'>;
  published: Counter<'lane'>;
  /** The way of an alarm, from facts with times; observed when they have committed. */
  alarmHopSeconds: Histogram<'hop' | 'priority'>;
  /** Runs before the gauges of consumers are read; must end soon. */
  onScrape(collector: () => Promise<void>): void;
};

export const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** From the 50 ms of a machine to the hour that a person may take. */
const hopBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1_800, 3_600];

/** What is timed on the way of an alarm. */
export type AlarmHop =
  | 'measured_condition'
  | 'measured_opened'
  | 'opened_paged'
  | 'paged_delivered'
  | 'paged_displayed'
  | 'opened_acknowledged'
  | 'opened_resolved';

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  const collectors: (() => Promise<void>)[] = [];
  // Each gauge waits for it: all are read side by side.
  const collect = shared(async () => void (await Promise.all(collectors.map((each) => each()))));
  return {
    registry,
    onScrape: (collector) => void collectors.push(collector),
    handled: new Counter({
      name: 'carillon_handled_total',
      help: 'Commands, events, queries, intake and timers by outcome: ok, bad, later, notYet, poison',
      labelNames: ['kind', 'name', 'outcome'],
      registers,
    }),
    handlingSeconds: new Histogram({
      name: 'carillon_handling_seconds',
      help: 'Time from receipt to answer',
      labelNames: ['kind', 'name'],
      buckets: latencyBuckets,
      registers,
    }),
    consumerPending: new Gauge({
      name: 'carillon_consumer_pending',
      help: 'Messages that a durable consumer has not been given yet, over all replicas',
      labelNames: ['durable'],
      registers,
      collect,
    }),
    consumerUnanswered: new Gauge({
      name: 'carillon_consumer_unanswered',
      help: 'Messages that a durable consumer was given and has not answered, over all replicas',
      labelNames: ['durable'],
      registers,
      collect,
    }),
    redelivered: new Counter({
      name: 'carillon_consumer_redelivered_total',
      help: 'Messages that were not delivered for the first time: whoever had them gave them back, or died',
      labelNames: ['durable'],
      registers,
    }),
    outboxWaiting: new Gauge({
      name: 'carillon_outbox_waiting',
      help: 'Rows that were committed and are not published yet',
      labelNames: ['lane'],
      registers,
    }),
    outboxLagSeconds: new Gauge({
      name: 'carillon_outbox_lag_seconds',
      help: 'Age of the oldest row that is not published yet; 0 without any',
      labelNames: ['lane'],
      registers,
    }),
    published: new Counter({
      name: 'carillon_outbox_published_total',
      help: 'Messages published from the outbox',
      labelNames: ['lane'],
      registers,
    }),
    alarmHopSeconds: new Histogram({
      name: 'carillon_alarm_hop_seconds',
      help: 'The way of an alarm: measured, condition, opened, paged, delivered, displayed, acknowledged, resolved',
      labelNames: ['hop', 'priority'],
      buckets: hopBuckets,
      registers,
    }),
  };
}

/**
 * Counts a hop of an alarm when the transaction that it belongs to has committed. Not of the canary, which has metrics of its
 * own: so many that are answered at once would hide those that people answer.
 */
export function observeHop(
  { metrics, afterCommit }: { metrics: Metrics; afterCommit(action: () => void): void },
  hop: AlarmHop,
  { hospital, priority }: { hospital: string; priority: string },
  tookMs: number,
): void {
  if (hospital === canary.hospital) return;
  // Clocks differ: what seems to have come before its cause took no time.
  afterCommit(() => metrics.alarmHopSeconds.observe({ hop, priority }, Math.max(0, tookMs) / 1_000));
}

/** A gauge that is read whenever Prometheus asks: a value for each value of its one label, or one without a label. */
export function readGauge(
  registry: Registry,
  { name, help, label }: { name: string; help: string; label?: string },
  read: () => readonly (readonly [labelValue: string, value: number])[],
): void {
  void new Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [labelValue, value] of read()) this.set(label === undefined ? {} : { [label]: labelValue }, value);
    },
  });
}

/** How the connection to NATS does. */
export function measureBus(registry: Registry, bus: Bus): void {
  const registers = [registry];
  const reconnects = new Counter({
    name: 'carillon_nats_reconnects_total',
    help: 'How often the connection to NATS came back',
    registers,
  });
  bus.onReconnect(() => reconnects.inc());
  const denied = new Counter({
    name: 'carillon_nats_denied_total',
    help: 'What NATS refused since the user has no right to it; the log names the subject',
    labelNames: ['operation'],
    registers,
  });
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  for (const operation of ['publish', 'subscribe']) denied.inc({ operation }, 0);
  bus.onDenied(({ operation }) => denied.inc({ operation }));
  void new Gauge({
    name: 'carillon_nats_connected',
    help: 'Whether the connection to NATS is up',
    registers,
    collect() {
      this.set(bus.isConnected() ? 1 : 0);
    },
  });
}

const versionOf = (file: URL): string => {
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown };
  return typeof version === 'string' ? version : 'unknown';
};

/** Of the process itself: its build, event loop, heap, CPU. */
export function createProcessMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'carillon_build_info',
    help: 'Always 1; what runs is in the labels',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: versionOf(new URL('../package.json', import.meta.url)), node: process.versions.node }, 1);
  return registry;
}
