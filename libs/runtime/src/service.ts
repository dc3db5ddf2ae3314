/** A service's life: config, database, bus, handlers, relay, timers; readiness; an ordered drain with one hard timer. */
import { randomUUID } from 'node:crypto';
import type { Lane, ServiceName, StreamName } from '@carillon/contracts/define';
import { streams } from '@carillon/contracts/streams';
import { connectBus, type Bus, type BusOptions } from '@carillon/bus/connection';
import type { Consumption } from '@carillon/bus/consume';
import { provisionStreams } from '@carillon/bus/provision';
import { openDatabase, type Database, type DatabaseOptions } from '@carillon/database/database';
import { deleteOldInboxEntries } from '@carillon/database/inbox';
import { deleteOldPutBacks } from '@carillon/database/put-back';
import { migrate, type MigrationSet } from '@carillon/database/migrate';
import { followDatabaseClock, type Clock } from './clock.ts';
import { startCommands, type CommandHandler } from './commands.ts';
import { commonConfig, readConfig, type Config, type Environment } from './config.ts';
import { logDenials } from './denials.ts';
import { startDueLoop, type DueLoop, type DueWork } from './due-loop.ts';
import { createGate, type Gate } from './gate.ts';
import { createLogger, type Logger } from './log.ts';
import { createConsumers, type Consumers } from './consumers.ts';
import { createMetrics, measureBus, type Metrics } from './metrics.ts';
import { putBackOperations } from './put-back.ts';
import { startQueries, type QueryHandler } from './queries.ts';
import { runChecks, type Checks } from './readiness.ts';
import { startRelay } from './relay.ts';
import { startSubscription, type Subscription } from './subscriptions.ts';
import { doWork, type Work, type WorkTools } from './work.ts';

/** What the parts of a service are given. */
export type ServiceTools = WorkTools & {
  service: ServiceName;
  /** Unique to this run; the owner of leases. */
  instance: string;
  bus: Bus;
  clock: Clock;
  gate: Gate;
  metrics: Metrics;
  /** Durable consumers of the service are started here. */
  consumers: Consumers;
  /** The timers of the service, once they run. */
  loops(): readonly DueLoop[];
  isStopping: () => boolean;
  /** Runs `body` in a transaction of its own, outside any command. */
  work<T>(traceparent: string, body: (work: Work) => Promise<T>): Promise<T>;
};

export type ServiceDefinition = {
  name: ServiceName;
  migrations: readonly MigrationSet[];
  /** Streams that it publishes to or consumes; made when missing. */
  streams: readonly StreamName[];
  commands?: readonly CommandHandler[];
  queries?: readonly QueryHandler[];
  subscriptions?: readonly Subscription[];
  /**
   * So many connections, beside those that all share, only for what is urgent: the critical lane of commands and of the outbox,
   * urgent subscriptions, timers that want them. However much else there is, it waits for none of it.
   */
  reservedConnections?: number;
  /** Timers: each a due loop of its own. `urgent` is the same with the connections that were reserved. */
  timers?: (tools: ServiceTools, urgent: ServiceTools) => readonly DueWork[];
  /** What has no common form (intake, a seed). Started last, stopped first. */
  extra?: (tools: ServiceTools) => Promise<{ stop(): Promise<void> }>;
};

export type RunningService = {
  name: string;
  metrics: Metrics;
  checks(): Promise<Checks>;
  stop(): Promise<void>;
  /** What the end takes besides that of any service, since others have to move away first. */
  drainMs?: number;
};

/** What tests wrap: the pool, the bus, the time. */
export type Dependencies = {
  openDatabase(options: DatabaseOptions): Database;
  connectBus(options: BusOptions): Promise<Bus>;
  clock?: Clock;
};
export const realDependencies: Dependencies = { openDatabase, connectBus };

const sweepEveryMs = 10 * 60_000;
const keepPutBacksMs = streams.DEADLETTERS.maxAgeMs + 86_400_000;
const drainMs = 4_000;
/** Every service has commands, those of its dead letters at least. */
const streamsOfEach: readonly StreamName[] = ['COMMANDS', 'DEADLETTERS'];
/** Wakes the due loops of the service after a commit that changed a due time. */
type Wakers = { wakeTimers: () => void };

export type ServiceContext = { tools: ServiceTools; common: Config<typeof commonConfig> } & Wakers;

/** Bounded: a service that has nearly caught up is better than none. */
const catchUpMs = 15_000;
async function untilCaughtUp(consumption: Consumption): Promise<void> {
  const deadline = performance.now() + catchUpMs;
  while (performance.now() < deadline && (await consumption.pending().catch(() => 1)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function startService(
  define: (context: ServiceContext) => ServiceDefinition,
  name: ServiceName,
  environment: Environment,
  dependencies: Dependencies = realDependencies,
): Promise<RunningService> {
  const config = readConfig(commonConfig, environment);
  const log: Logger = createLogger(name, { level: config.CARILLON_LOG_LEVEL, file: config.CARILLON_LOG_FILE });
  const metrics = createMetrics(name);
  const database = dependencies.openDatabase({
    url: config.DATABASE_URL,
    service: name,
    onIdleError: (error) => log.warn({ err: error }, 'idle connection lost'),
  });
  let urgentDatabase = database;
  // Not asked for by the connections that all share: while these are all in use, the database is not down.
  const gate = createGate(() => urgentDatabase.query('select 1'), log, 'database');
  const stops: (() => unknown)[] = [() => database.close()];
  let isStopping = false;
  const stopAll = async (): Promise<void> => {
    isStopping = true;
    // First of all: whoever waits for the database goes home instead.
    gate.stop();
    for (let stopNext = stops.pop(); stopNext !== undefined; stopNext = stops.pop()) {
      try {
        await stopNext();
      } catch (error) {
        log.warn({ err: error }, 'stopping');
      }
    }
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll());
  try {
    const instance = `${name}-${randomUUID()}`;
    const bus = await dependencies.connectBus({ url: config.NATS_URL, name });
    stops.push(() => bus.close());
    measureBus(metrics.registry, bus);
    logDenials(bus, log);
    let relayWake: (lanes: ReadonlySet<Lane>) => void = () => {};
    let loops: readonly DueLoop[] = [];
    const tools: ServiceTools = {
      service: name,
      instance,
      bus,
      database,
      gate,
      log,
      metrics,
      consumers: createConsumers({ bus, log, metrics }),
      clock: { now: () => Date.now(), wakeAfter: () => () => {}, steps: () => [] },
      loops: () => loops,
      now: () => tools.clock.now(),
      isStopping: () => isStopping,
      wakeRelay: (lanes) => relayWake(lanes),
      work: (traceparent, body) => doWork(tools, traceparent, body),
    };
    const definition = define({
      tools,
      common: config,
      wakeTimers: () => {
        for (const loop of loops) loop.wake();
      },
    });
    if (definition.reservedConnections !== undefined) {
      const reserved = dependencies.openDatabase({
        url: config.DATABASE_URL,
        service: name,
        maxConnections: definition.reservedConnections,
        onIdleError: (error) => log.warn({ err: error }, 'idle connection lost'),
      });
      urgentDatabase = reserved;
      stops.push(() => reserved.close());
    }
    await migrate(config.DATABASE_URL, name, definition.migrations);
    if (dependencies.clock === undefined) {
      const clock = await followDatabaseClock(urgentDatabase, log);
      tools.clock = clock;
      stops.push(() => clock.stop());
    } else tools.clock = dependencies.clock;
    await provisionStreams(bus, [...new Set([...definition.streams, ...streamsOfEach])], {
      replicas: config.CARILLON_REPLICAS,
    });

    const urgent: ServiceTools = {
      ...tools,
      database: urgentDatabase,
      work: (traceparent, body) => doWork(urgent, traceparent, body),
    };
    const relay = await startRelay({
      service: name,
      owner: instance,
      database,
      urgent: urgentDatabase,
      bus,
      log,
      metrics,
    });
    relayWake = (lanes) => relay.wake(lanes);
    stops.push(() => relay.stop());
    const consumptions: Consumption[] = [];
    stops.push(() => Promise.all(consumptions.map((consumption) => consumption.stop(drainMs))));
    gate.watch((isLost) => {
      for (const consumption of consumptions)
        if (isLost) consumption.pause();
        else consumption.resume();
    });
    const needed: Consumption[] = [];
    let wereCaughtUp = false;
    // Once and for all: whoever falls behind later is slow, and another replica would be no quicker.
    const areNeededCaughtUp = async (): Promise<boolean> => {
      if (wereCaughtUp) return true;
      const left = await Promise.all(needed.map((consumption) => consumption.pending()));
      return (wereCaughtUp = left.every((pending) => pending === 0));
    };
    const subscribe = async (subscription: Subscription): Promise<void> => {
      const consumption = await startSubscription(subscription.isUrgent === true ? urgent : tools, subscription);
      consumptions.push(consumption);
      if (subscription.isNeededFirst !== true) return;
      needed.push(consumption);
      await untilCaughtUp(consumption);
    };
    const subscriptions = definition.subscriptions ?? [];
    for (const subscription of subscriptions) if (subscription.isNeededFirst === true) await subscribe(subscription);
    const started = (definition.timers?.(tools, urgent) ?? []).map((work) =>
      startDueLoop(work, { clock: tools.clock, gate, log }),
    );
    loops = started;
    stops.push(() => Promise.all(started.map((loop) => loop.stop())));
    for (const subscription of subscriptions) if (subscription.isNeededFirst !== true) await subscribe(subscription);
    const own = { commands: definition.commands ?? [], subscriptions };
    const letters = putBackOperations(tools, own);
    consumptions.push(...(await startCommands(tools, [...own.commands, ...letters.commands], urgent)));
    stops.push(startQueries(tools, [...(definition.queries ?? []), ...letters.queries]));
    const extra = await definition.extra?.(tools);
    if (extra !== undefined) stops.push(() => extra.stop());

    const sweepOld = async (): Promise<void> => {
      while ((await deleteOldInboxEntries(database, tools.now())) > 0 && !isStopping);
      await deleteOldPutBacks(database, tools.now() - keepPutBacksMs);
    };
    const sweep = setInterval(() => void sweepOld().catch(() => {}), sweepEveryMs);
    sweep.unref();
    stops.push(() => clearInterval(sweep));
    log.info({ instance }, 'started');
    return {
      name,
      metrics,
      checks: () =>
        runChecks({
          nats: () => bus.isConnected() && bus.nc.flush().then(() => true),
          database: () => database.query('select 1').then(() => true),
          consumers: () => tools.consumers.areReceiving(),
          ...(needed.length === 0 ? {} : { directory: areNeededCaughtUp }),
          running: () => !isStopping,
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
