import { fileURLToPath } from 'node:url';
import type { ServiceName } from '@carillon/contracts/define';
import { configSchema } from '@carillon/gateway/config';
import { readConfig } from '@carillon/runtime/config';
import { checkDatabase, checkNats } from './given-servers.ts';
import { messageOf } from './fault.ts';
import { openHome } from './home.ts';
import type { Home } from './home.ts';
import type { Environment } from './local-server.ts';
import { ensureNatsServer, startNatsServer } from './nats-server.ts';
import type { Options } from './options.ts';
import { checkPort } from './port-check.ts';
import { startPostgres } from './postgres.ts';
import { stopRequest } from './stop-requests.ts';
import { supervise } from './supervise.ts';
import type { Supervised } from './supervise.ts';

/** The drain is given ten seconds by contract; what is left at this point is killed, so that it is gone by then. */
const drainMs = 9_000;

interface Stoppable {
  stop(): Promise<void>;
}

/** The URL by which a service connects, with its own user and password where the server is ours. */
export type NatsUrlOf = (service: ServiceName) => string;

/** What is started once the servers are there; `main.ts` names the real ones. */
export interface Parts {
  startServices(env: Environment, natsUrlOf: NatsUrlOf): Promise<Stoppable>;
  /** What plays vital signs into the demo hospital, and writes its plans. */
  startDemo(options: { baseUrl: string; replayFiles: string[]; speed: number; log(message: string): void }): Stoppable;
}

/** What runs so far, in the order it was started; it is stopped in the opposite order. */
interface Running {
  servers: Supervised[];
  services?: Stoppable;
  demo?: Stoppable;
  home?: Home;
}

interface Life {
  running: Running;
  /** Aborted when the program shall end. */
  signal: AbortSignal;
  onLost(error: Error): void;
}

const localPath = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where anybody may be anybody, operators may make events up too, unless the environment says otherwise. */
function mayTestEvents({ hasDevTokens }: Options, env: Environment): boolean {
  const setting = { ...configSchema.CARILLON_TEST_PUBLISH, default: hasDevTokens };
  return readConfig({ CARILLON_TEST_PUBLISH: setting }, env).CARILLON_TEST_PUBLISH;
}

/** Both at once. When one fails, the other is still put on the list of what runs. */
async function startServers(
  options: Options,
  env: Environment,
  home: Home,
  { running, onLost }: Life,
): Promise<{ natsUrlOf: NatsUrlOf; databaseUrl: string }> {
  const own = async (
    name: string,
    start: (port: number | undefined) => ReturnType<typeof startPostgres>,
  ): Promise<string> => {
    const server = await supervise(start, {
      onRestart: () => console.error(`${name} ended unexpectedly and was started again.`),
      onLost: (error) => onLost(new Error(`${name} ended and cannot be started again: ${messageOf(error)}`)),
    });
    running.servers.push(server);
    return server.url;
  };
  const nats = async (): Promise<NatsUrlOf> => {
    // Whoever gives a server decides what its users may: all services connect as he says.
    if (options.natsUrl !== '') return checkNats(options.natsUrl).then(() => () => options.natsUrl);
    const binary = (await ensureNatsServer(env)).path;
    const hasTestEvents = mayTestEvents(options, env);
    let urlOf: NatsUrlOf = () => '';
    await own('nats-server', async (port) => {
      const server = await startNatsServer({ folder: home.natsFolder, port, binary, hasTestEvents });
      ({ urlOf } = server);
      return server;
    });
    return urlOf;
  };
  const postgres = async (): Promise<string> => {
    if (options.databaseUrl !== '') return checkDatabase(options.databaseUrl).then(() => options.databaseUrl);
    return own('PostgreSQL', (port) => startPostgres({ folder: home.postgresFolder, port, env }));
  };
  const [natsResult, postgresResult] = await Promise.allSettled([nats(), postgres()]);
  if (natsResult.status === 'rejected') throw natsResult.reason;
  if (postgresResult.status === 'rejected') throw postgresResult.reason;
  return { natsUrlOf: natsResult.value, databaseUrl: postgresResult.value };
}

function serviceEnvironment(options: Options, env: Environment, home: Home, databaseUrl: string): Environment {
  return {
    ...env,
    DATABASE_URL: databaseUrl,
    CARILLON_HTTP_PORT: String(options.httpPort),
    CARILLON_INTERNAL_PORT: String(options.internalPort),
    CARILLON_JWT_SECRET: env['CARILLON_JWT_SECRET'] || home.jwtSecret,
    CARILLON_DEV_TOKENS: options.hasDevTokens ? 'on' : 'off',
    CARILLON_TEST_PUBLISH: mayTestEvents(options, env) ? 'on' : 'off',
    CARILLON_DIRECTORY_SEED: options.isDemo ? localPath('../demo-hospital.json') : '',
    // The one gateway here: nobody has another to move to, and Ctrl-C is not to be waited for.
    CARILLON_DRAIN_MS: env['CARILLON_DRAIN_MS'] || '0',
    CARILLON_CONSOLE_DIR: localPath('../../../services/console/dist'),
    // Standard output is for people.
    CARILLON_LOG_FILE: env['CARILLON_LOG_FILE'] || home.logFile,
  };
}

async function startAll(options: Options, env: Environment, parts: Parts, life: Life): Promise<void> {
  const { running } = life;
  const home = await openHome(options.home);
  running.home = home;
  await checkPort(options.httpPort, 'CARILLON_HTTP_PORT');
  await checkPort(options.internalPort, 'CARILLON_INTERNAL_PORT');
  life.signal.throwIfAborted();
  const { natsUrlOf, databaseUrl } = await startServers(options, env, home, life);
  life.signal.throwIfAborted();
  running.services = await parts.startServices(serviceEnvironment(options, env, home, databaseUrl), natsUrlOf);
  life.signal.throwIfAborted();

  const baseUrl = `http://127.0.0.1:${options.httpPort}`;
  const signIn = options.hasDevTokens
    ? `open it and choose a demo person, or POST ${baseUrl}/v1/dev/token {"person":"n1"}`
    : 'with a token of your identity provider';
  // It first plays after this turn, so right after the line; a recording that cannot be read ends the start before it.
  const { replayFiles, speed } = options;
  if (options.isDemo)
    running.demo = parts.startDemo({ baseUrl, replayFiles, speed, log: (message) => console.error(message) });
  console.log(`carillon is ready on ${baseUrl}\n  sign in: ${signIn}`);
}

async function stopAll(running: Running): Promise<void> {
  running.home?.markStopping();
  await running.demo?.stop();
  await running.services?.stop();
  await Promise.all(running.servers.map((server) => server.stop()));
}

/**
 * Starts everything, runs until it is asked to end or a server is lost, and ends the process: with 0 when it was
 * asked and all went in order.
 */
export async function runProgram(options: Options, env: Environment, parts: Parts): Promise<never> {
  const running: Running = { servers: [] };
  const exit = (code: number): never => {
    running.home?.release();
    process.exit(code);
  };
  const ending = new AbortController();
  const ended = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
  let failure: unknown;
  const fail = (error: unknown): void => {
    // What fails because the program is ending is no failure.
    if (ending.signal.aborted) return;
    failure = error;
    ending.abort();
  };
  // A second request does not wait: the servers' guards finish what it leaves behind.
  void stopRequest(env, () => exit(130)).then(() => ending.abort());
  const started = startAll(options, env, parts, { running, signal: ending.signal, onLost: fail }).catch(fail);
  await ended;
  if (failure !== undefined) complain(failure, running.home?.logFile);

  setTimeout(() => {
    console.error(`Not everything ended within ${drainMs / 1_000} s: the rest was killed.`);
    for (const server of running.servers) server.kill();
    exit(1);
  }, drainMs);
  try {
    await started;
    await stopAll(running);
  } catch (error) {
    failure ??= error;
    complain(error, running.home?.logFile);
    await Promise.all(running.servers.map((server) => server.stop()));
  }
  return exit(failure === undefined ? 0 : 1);
}

/** One line on stderr. What no setting can mend has its details in the log. */
export function complain(error: unknown, logFile?: string): void {
  const isForeseen = error instanceof Error && ['SetupError', 'ConfigError', 'RecordingError'].includes(error.name);
  console.error(
    `carillon: ${messageOf(error)}${isForeseen || logFile === undefined ? '' : ` (the log is ${logFile})`}`,
  );
}
