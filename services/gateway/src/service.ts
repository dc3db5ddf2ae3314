import type { StreamName } from '@carillon/contracts/define';
import { rooms } from '@carillon/contracts/surface';
import { provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { commonConfig, ConfigError, readConfig, type Environment } from '@carillon/runtime/config';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics, measureBus } from '@carillon/runtime/metrics';
import { runChecks } from '@carillon/runtime/readiness';
import { realDependencies, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { createAuthentication } from './authentication.ts';
import { createCaller } from './calls.ts';
import { configSchema } from './config.ts';
import { registerDocs } from './docs.ts';
import { registerFhir } from './fhir/routes.ts';
import { registerCommandEndpoint } from './command-endpoint.ts';
import { createAdmission } from './handshake.ts';
import { measureCalls, measureDelivery, measureHeld, measureHttp } from './gateway-metrics.ts';
import { createHttp, registerHttp } from './http.ts';
import { createHub, type Hub } from './hub.ts';
import { createBuckets } from './limits.ts';
import { watchPeople } from './people.ts';
import { registerRealtime } from './realtime.ts';
import type { Shared } from './session.ts';
import { registerStats } from './stats.ts';
import { registerTestPublish } from './test-publish.ts';
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
  if (config.CARILLON_TEST_PUBLISH && environment['NODE_ENV'] === 'production') {
    throw new ConfigError(['CARILLON_TEST_PUBLISH must be off in production: it puts made-up events into rooms']);
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
    measureBus(metrics.registry, bus);
    bus.onDenied((denial) => log.error(denial, 'NATS denies this user what the service tried'));
    await provisionStreams(bus, ['COMMANDS', 'INTAKE', ...roomStreams], { replicas: config.CARILLON_REPLICAS });
    await provisionPeople(bus, { replicas: config.CARILLON_REPLICAS });
    const people = await watchPeople(bus, log);
    stops.push(() => people.stop());
    const hubs = new Map<StreamName, Hub>();
    const onDelivered = measureDelivery(metrics.registry);
    for (const stream of roomStreams) {
      const hub = await createHub({ bus, stream, ringMessages: config.CARILLON_RING_MESSAGES, log, onDelivered });
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
    const caller = measureCalls(metrics.registry, createCaller({ bus, people, buckets, config, now }));
    stops.push(() => caller.close());

    const app = createHttp({ config, log });
    stops.push(() => app.close());
    measureHttp(metrics.registry, app);
    const shared: Shared = { config, hubs, caller, people, log, now, frames: { in: 0, out: 0 }, ...admission };
    const { connections } = await registerRealtime(app, shared);
    const authentication = createAuthentication(admission.admit);
    registerCommandEndpoint(app, shared, authentication);
    registerStats(app, shared, { connections, authentication });
    if (config.CARILLON_TEST_PUBLISH) registerTestPublish(app, shared, { bus, authentication });
    await registerHttp(app, { config, bus, people, tokens, caller, authentication, now, log });
    registerDocs(app);
    await registerFhir(app, { bus, people, caller, authentication, now, log });
    measureHeld(metrics.registry, { connections, hubs });
    await app.listen({ port: config.CARILLON_HTTP_PORT, host: config.CARILLON_HTTP_HOST });
    const address = app.server.address();
    log.info('started');
    return {
      name: 'gateway',
      metrics,
      port: typeof address === 'object' && address !== null ? address.port : config.CARILLON_HTTP_PORT,
      // The view of the directory needs no check: the gateway does not start before it has seen all of it.
      checks: () =>
        runChecks({
          nats: () => bus.isConnected() && bus.nc.flush().then(() => true),
          running: () => !isStopping,
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
