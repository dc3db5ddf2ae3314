import type { StreamName } from '@carillon/contracts/define';
import { rooms } from '@carillon/contracts/surface';
import { provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { commonConfig, ConfigError, readConfig, type Environment } from '@carillon/runtime/config';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { realDependencies, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { Gauge } from 'prom-client';
import { createAuthentication } from './authentication.ts';
import { createCaller } from './calls.ts';
import { configSchema } from './config.ts';
import { createHttp, registerHttp } from './http.ts';
import { createHub, type Hub } from './hub.ts';
import { createBuckets } from './limits.ts';
import { watchPeople } from './people.ts';
import { createAdmission, registerRealtime } from './realtime.ts';
import { createTokens } from './tokens.ts';

const { NATS_URL, CARILLON_REPLICAS, CARILLON_LOG_LEVEL, CARILLON_LOG_FILE } = commonConfig;
const schema = { NATS_URL, CARILLON_REPLICAS, CARILLON_LOG_LEVEL, CARILLON_LOG_FILE, ...configSchema };

/** The streams that rooms are filters over. */
const roomStreams: readonly StreamName[] = [...new Set(rooms.map((room) => room.stream))];

export async function start(
  environment: Environment,
  dependencies: Pick<Dependencies, 'connectBus'> = realDependencies,
): Promise<RunningService & { port: number }> {
  const config = readConfig(schema, environment);
  if (config.CARILLON_DEV_TOKENS && environment['NODE_ENV'] === 'production') {
    throw new ConfigError(['CARILLON_DEV_TOKENS must be off in production: it gives anybody a token for any person']);
  }
  const log = createLogger('gateway', { level: config.CARILLON_LOG_LEVEL, file: config.CARILLON_LOG_FILE });
  const metrics = createMetrics('gateway');
  const stops: (() => unknown)[] = [];
  let isStopping = false;
  const stop = async (): Promise<void> => {
    isStopping = true;
    while (stops.length > 0) {
      await Promise.resolve(stops.pop()?.()).catch((error: unknown) => log.warn({ err: error }, 'stopping'));
    }
  };
  try {
    const bus = await dependencies.connectBus({ url: config.NATS_URL, name: 'gateway' });
    stops.push(() => bus.close());
    await provisionStreams(bus, ['COMMANDS', 'INTAKE', ...roomStreams], { replicas: config.CARILLON_REPLICAS });
    await provisionPeople(bus, { replicas: config.CARILLON_REPLICAS });
    const people = await watchPeople(bus, log);
    stops.push(() => people.stop());
    const hubs = new Map<StreamName, Hub>();
    for (const stream of roomStreams) {
      const hub = await createHub({ bus, stream, ringMessages: config.CARILLON_RING_MESSAGES, log });
      hubs.set(stream, hub);
      stops.push(() => hub.stop());
    }
    const now = (): number => Date.now();
    const buckets = createBuckets();
    stops.push(() => buckets.stop());
    const strangers = createBuckets();
    stops.push(() => strangers.stop());
    const tokens = createTokens(config, now);
    const admission = createAdmission({ config, tokens, buckets, strangers });
    const caller = createCaller({ bus, people, buckets, config, now });
    stops.push(() => caller.close());

    const app = createHttp({ config, log });
    stops.push(() => app.close());
    const shared = { config, hubs, caller, people, log, now, ...admission };
    const realtime = await registerRealtime(app, shared);
    const authentication = createAuthentication(admission.admit);
    await registerHttp(app, { config, bus, people, tokens, caller, authentication, now, log });
    void new Gauge({
      name: 'carillon_connections',
      help: 'Open WebSocket connections',
      registers: [metrics.registry],
      collect() {
        this.set(realtime.count());
      },
    });
    void new Gauge({
      name: 'carillon_subscriptions',
      help: 'Who is in a room, counted over the rooms of a stream',
      labelNames: ['stream'],
      registers: [metrics.registry],
      collect() {
        for (const [stream, hub] of hubs) this.set({ stream }, hub.counts().members);
      },
    });
    void new Gauge({
      name: 'carillon_rooms',
      help: 'Rooms of a stream in which somebody is',
      labelNames: ['stream'],
      registers: [metrics.registry],
      collect() {
        for (const [stream, hub] of hubs) this.set({ stream }, hub.counts().rooms);
      },
    });
    await app.listen({ port: config.CARILLON_HTTP_PORT, host: config.CARILLON_HTTP_HOST });
    const address = app.server.address();
    log.info('started');
    return {
      name: 'gateway',
      metrics,
      port: typeof address === 'object' && address !== null ? address.port : config.CARILLON_HTTP_PORT,
      checks: () => Promise.resolve({ nats: bus.isConnected(), running: !isStopping }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
