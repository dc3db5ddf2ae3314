/** A process with one service or with all of them: the internal port, signals, one hard timer for the drain. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { readConfig, type ConfigSchema, type Environment } from './config.ts';
import { createProcessMetrics } from './metrics.ts';
import { shared } from './readiness.ts';
import type { RunningService } from './service.ts';

export type { Environment } from './config.ts';
export type { RunningService } from './service.ts';
export type Starter = (environment: Environment) => Promise<RunningService>;

/**
 * The drain of a process never takes longer, but for those who have to move away from it: what is not done by then is done
 * by whoever takes over.
 */
export const hardDrainMs = 8_000;

export const processConfig = {
  CARILLON_INTERNAL_PORT: {
    type: 'number',
    description: 'Port of health, readiness and metrics',
    default: 9090,
    min: 0,
    max: 65_535,
  },
  CARILLON_INTERNAL_HOST: {
    type: 'string',
    description: 'Address of that port; what it says is for operators, so it is this machine unless set',
    default: '127.0.0.1',
  },
} as const satisfies ConfigSchema;

const hardTimer = (moreMs = 0): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, hardDrainMs + moreMs).unref());

const json = (status: number, body: string): Answer => ({ status, type: 'application/json', body });
const notFound = json(404, '{"error":{"code":"not_found","message":"Not found"}}');
const notAllowed = json(405, '{"error":{"code":"bad_input","message":"Only GET and HEAD"}}');

type Answer = { status: number; type: string; body: string };
type Readiness = { ready: boolean; services: Record<string, Record<string, boolean>> };

async function readiness(services: readonly RunningService[], isStarted: boolean): Promise<Readiness> {
  const checks = await Promise.all(services.map(async (service) => [service.name, await service.checks()] as const));
  const isReady = isStarted && checks.every(([, named]) => Object.values(named).every(Boolean));
  return { ready: isReady, services: Object.fromEntries(checks) };
}

/**
 * The services' metrics have the same names and differ by the label `service`: each name stands once, with the samples of
 * all. `Registry.merge` would refuse the second, and drops that label.
 */
async function metricsText(ofProcess: Registry, ofServices: readonly Registry[]): Promise<string> {
  const samples = await Promise.all(ofServices.map((registry) => registry.getMetricsAsJSON()));
  const texts = [ofProcess.metrics(), AggregatorRegistry.aggregate(samples).metrics()];
  return (await Promise.all(texts)).join('\n');
}

function startInternalServer(
  { port, host }: { port: number; host: string },
  services: () => RunningService[],
  isStarted: () => boolean,
): Promise<Server> {
  const processRegistry = createProcessMetrics();
  const ready = shared(() => readiness(services(), isStarted()));
  // Each text takes some ms of the event loop that alarms go through.
  const metrics = shared(() =>
    metricsText(
      processRegistry,
      services().map((service) => service.metrics.registry),
    ),
  );
  const pages: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/healthz': () => json(200, '{"ok":true}'),
    async '/readyz'() {
      const result = await ready();
      return json(result.ready ? 200 : 503, JSON.stringify(result));
    },
    async '/metrics'() {
      return { status: 200, type: processRegistry.contentType, body: await metrics() };
    },
  };
  const answer = async ({ method, url = '' }: IncomingMessage): Promise<Answer> => {
    const path = url.split('?', 1)[0] ?? '';
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return notFound;
    return method === 'GET' || method === 'HEAD' ? page() : notAllowed;
  };
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, type, body }) => {
        const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
        response.writeHead(status, status === 405 ? { ...headers, allow: 'GET, HEAD' } : headers);
        // Node leaves out the body of an answer to HEAD.
        response.end(body);
      },
      () => response.writeHead(500).end(),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

/** Starts services side by side and the internal port; resolves when all are ready. */
export async function startServices(
  starters: readonly Starter[],
  environment: Environment,
): Promise<{ services: readonly RunningService[]; stop(): Promise<void> }> {
  const services: RunningService[] = [];
  let isStarted = false;
  const config = readConfig(processConfig, environment);
  const server = await startInternalServer(
    { port: config.CARILLON_INTERNAL_PORT, host: config.CARILLON_INTERNAL_HOST },
    () => services,
    () => isStarted,
  );
  const stop = async (): Promise<void> => {
    isStarted = false;
    const moreMs = Math.max(0, ...services.map(({ drainMs = 0 }) => drainMs));
    await Promise.race([Promise.all(services.map((service) => service.stop())), hardTimer(moreMs)]);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const results = await Promise.allSettled(starters.map(async (start) => void services.push(await start(environment))));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  isStarted = true;
  return { services, stop };
}

/** The whole of a `main.ts`: runs until SIGTERM or SIGINT, then drains. */
export async function runProcess(starters: readonly Starter[]): Promise<void> {
  let stopping: Promise<void> | undefined;
  const started = startServices(starters, process.env);
  const onSignal = (): void => {
    // A start that waits for something it never gets ends by the same timer.
    stopping ??= Promise.race([started.catch(() => undefined), hardTimer().then(() => undefined)]).then((running) =>
      running?.stop(),
    );
    void stopping.then(() => process.exit(0));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  try {
    const { services } = await started;
    process.stdout.write(`${services.map((service) => service.name).join(', ')} ready\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
