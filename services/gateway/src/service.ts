import { randomUUID } from 'node:crypto';
import type { StreamName } from '@carillon/contracts/define';
import { rooms } from '@carillon/contracts/surface';
import { getTechnical } from '@carillon/contracts/technical';
import { provisionAccess, provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { commonConfig, readConfig, type Environment } from '@carillon/runtime/config';
import { logDenials } from '@carillon/runtime/denials';
import { createLogger, type Logger } from '@carillon/runtime/log';
import { createMetrics, measureBus } from '@carillon/runtime/metrics';
import { runChecks } from '@carillon/runtime/readiness';
import { realDependencies, type Dependencies, type RunningService } from '@carillon/runtime/service';
import { watchAccess } from './access.ts';
import { createAuthentication } from './authentication.ts';
import { createCaller, type OwnCall } from './calls.ts';
import { checkTokenConfig, configSchema, refuseUnsafe, type GatewayConfig } from './config.ts';
import { registerDocs } from './docs.ts';
import { registerFhir } from './fhir/routes.ts';
import { registerCommandEndpoint } from './command-endpoint.ts';
import { createAdmission } from './handshake.ts';
import { measureCalls, measureDelivery, measureHeld, measureHttp } from './gateway-metrics.ts';
import { createHttp, registerHttp } from './http.ts';
import { DeadlineWheel } from './deadlines.ts';
import { startEdgeBeat } from './edge-beat.ts';
import { isDepartedBy } from './departed.ts';
import { createHub, type Hub } from './hub.ts';
import { createPublicKeys, type PublicKeys } from './jwks.ts';
import { createBuckets } from './limits.ts';
import { watchPeople } from './people.ts';
import { registerPositions } from './positions.ts';
import { createPresence, presenceTiming } from './presence/presence.ts';
import { registerRealtime } from './realtime.ts';
import { createReceipts, mayHaveBy } from './receipts.ts';
import { createRegistry } from './registry.ts';
import type { Message } from './ring.ts';
import { watchRights } from './rights.ts';
import type { Shared } from './session.ts';
import { registerStats } from './stats.ts';
import { registerTestPublish } from './test-publish.ts';
import { createTokens } from './tokens.ts';
import { measureCanary, startCanary, type Canary } from './watch/canary.ts';
import { watchTechnical } from './watch/technical.ts';

const { NATS_URL, CARILLON_REPLICAS, CARILLON_LOG_LEVEL, CARILLON_LOG_FILE } = commonConfig;
const schema = { NATS_URL, CARILLON_REPLICAS, CARILLON_LOG_LEVEL, CARILLON_LOG_FILE, ...configSchema };

/** The streams that rooms are filters over. */
const roomStreams: readonly StreamName[] = [...new Set(rooms.map((room) => room.stream))];

function publicKeysOf(config: GatewayConfig, log: Logger): PublicKeys | undefined {
  const { CARILLON_JWT_JWKS_URL: url, CARILLON_JWT_JWKS_MAX_AGE_HOURS: hours } = config;
  return url === '' ? undefined : createPublicKeys({ url, maxAgeMs: hours * 3_600_000, log });
}

export async function start(
  environment: Environment,
  dependencies: Pick<Dependencies, 'connectBus'> = realDependencies,
): Promise<RunningService & { port: number }> {
  const config = readConfig(schema, environment);
  refuseUnsafe(config, environment);
  checkTokenConfig(config, environment);
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
    logDenials(bus, log);
    await provisionStreams(bus, ['COMMANDS', 'INTAKE', ...roomStreams], { replicas: config.CARILLON_REPLICAS });
    await provisionPeople(bus, { replicas: config.CARILLON_REPLICAS });
    const people = await watchPeople(bus, log);
    stops.push(() => people.stop());
    await provisionAccess(bus, { replicas: config.CARILLON_REPLICAS });
    const access = await watchAccess(bus, log);
    stops.push(() => access.stop());
    const hubs = new Map<StreamName, Hub>();
    const onDelivered = measureDelivery(metrics.registry);
    for (const stream of roomStreams) {
      const ringMessages = config.CARILLON_RING_MESSAGES;
      const restores = config.CARILLON_STREAM_RESTORES;
      const hub = await createHub({
        bus,
        stream,
        ringMessages,
        restores,
        log,
        onDelivered,
        isDeparted: isDepartedBy(people),
      });
      hubs.set(stream, hub);
      stops.push(() => hub.stop());
    }
    const now = (): number => Date.now();
    const buckets = createBuckets();
    stops.push(() => buckets.stop());
    const strangers = createBuckets();
    stops.push(() => strangers.stop());
    const keys = publicKeysOf(config, log);
    stops.push(() => keys?.stop());
    const tokens = createTokens(config, now, { keys, isRevoked: access.isRevoked });
    const registry = createRegistry();
    const admission = createAdmission({ config, tokens, buckets, strangers, countOf: registry.count });
    const timing = presenceTiming(config.CARILLON_PRESENCE_GRACE_MS);
    const instance = randomUUID();
    const presence = await createPresence({
      bus,
      people,
      instance,
      replicas: config.CARILLON_REPLICAS,
      now,
      log,
      timing,
    });
    stops.push(() => presence.stop());
    let canary: Canary | undefined;
    const technical = watchTechnical({
      bus,
      people,
      instance,
      now,
      log,
      registry: metrics.registry,
      canary: () => canary?.finding(),
    });
    stops.push(() => technical.stop());
    const callOwn = async (call: OwnCall): Promise<unknown> =>
      call.operation === getTechnical.name ? technical.state(call.who.hospital) : presence.call(call);
    const caller = measureCalls(metrics.registry, createCaller({ bus, people, callOwn, buckets, config, now }));
    stops.push(() => caller.close());

    const find = (id: string): Message | undefined => {
      for (const hub of hubs.values()) {
        const message = hub.find(id);
        if (message !== undefined) return message;
      }
      return undefined;
    };
    const mayHave = mayHaveBy(people);
    const receipts = createReceipts({ bus, find, mayHave, buckets, registry: metrics.registry, log, now });
    stops.push(() => receipts.stop());
    const canaryMetrics = measureCanary(metrics.registry);
    if (config.CARILLON_CANARY_SECONDS > 0) {
      const everySeconds = config.CARILLON_CANARY_SECONDS;
      canary = await startCanary({ bus, people, receipts, hubs, everySeconds, now, log, metrics: canaryMetrics });
      stops.push(() => canary?.stop());
    }
    const shared: Shared = {
      config,
      hubs,
      caller,
      people,
      registry,
      presence,
      openStateRoom: (name, who) => presence.openRoom(name, who) ?? technical.openRoom(name, who),
      wheel: new DeadlineWheel(),
      receipts,
      log,
      now,
      frames: { in: 0, out: 0 },
      ...admission,
    };
    const rights = watchRights({ people, access, registry, hubs, onDisconnect: bus.onDisconnect, log });
    stops.push(() => rights.stop());
    const app = createHttp({ config, log });
    stops.push(() => app.close());
    measureHttp(metrics.registry, app);
    await registerRealtime(app, shared);
    const authentication = createAuthentication(admission.admit);
    registerCommandEndpoint(app, shared, authentication);
    registerStats(app, shared, { authentication, canary: () => canary?.stats() });
    if (config.CARILLON_TEST_PUBLISH) registerTestPublish(app, shared, { bus, authentication });
    await registerHttp(app, { config, bus, people, tokens, caller, authentication, now, log });
    registerPositions(app, { bus, people, buckets, authentication, now });
    registerDocs(app);
    await registerFhir(app, { bus, people, caller, authentication, now, log });
    measureHeld(metrics.registry, { connections: registry.all, hubs, presence });
    // Node's own 511 loses connections of a storm, which then come again after seconds (measured with 5,000).
    const backlog = 4_096;
    await app.listen({ port: config.CARILLON_HTTP_PORT, host: config.CARILLON_HTTP_HOST, backlog });
    const edgeBeat = startEdgeBeat(bus, () => people.isCaughtUp() && access.isCaughtUp());
    stops.push(() => edgeBeat.stop());
    const address = app.server.address();
    log.info('started');
    return {
      name: 'gateway',
      metrics,
      drainMs: config.CARILLON_DRAIN_MS,
      port: typeof address === 'object' && address !== null ? address.port : config.CARILLON_HTTP_PORT,
      checks: () =>
        runChecks({
          // Nothing goes out until it is whole again.
          directory: () => people.isCaughtUp() && access.isCaughtUp(),
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
