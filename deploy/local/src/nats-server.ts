import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './fault.ts';
import { onFreePort, spawnServer, untilReady } from './local-server.ts';
import type { Environment, LocalServer } from './local-server.ts';
import { natsAdministrator, natsPermissionsConf } from '@carillon/contracts/nats-permissions';
import type { ServiceName } from '@carillon/contracts/define';
import { natsPasswordsIn } from './nats-passwords.ts';
import { probeNats } from './nats-probe.ts';
import { commandLineOf, endProcess } from './process-table.ts';
import type { EndStep } from './process-table.ts';

/** Debian 12's. Everything Carillon relies on was measured on it and on the newest. */
const leastVersion = '2.9.10';
const howToGetOne =
  'Install it (Debian, Ubuntu: apt-get install nats-server; macOS: brew install nats-server; else https://github.com/nats-io/nats-server/releases), ' +
  'set NATS_SERVER_BIN to its path, or set NATS_URL to a server that runs.';

export interface NatsBinary {
  path: string;
  version: string;
}

function isAtLeast(version: string, least: string): boolean {
  const [had, wanted] = [version.split('.').map(Number), least.split('.').map(Number)];
  const differing = wanted.findIndex((part, index) => part !== had[index]);
  return differing === -1 || (had[differing] ?? 0) > (wanted[differing] ?? 0);
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
    return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Finds a nats-server that is new enough: `NATS_SERVER_BIN`, and nothing else if that is set; else on PATH and in the
 * folders where packages put it (an ordinary user's PATH has no sbin).
 */
export async function locateNatsServer(env: Environment): Promise<NatsBinary> {
  const named = env['NATS_SERVER_BIN'];
  if (named !== undefined && named !== '') {
    const version = await versionOf(named);
    if (version === undefined)
      throw new SetupError(`NATS_SERVER_BIN is ${named}, which is no nats-server that runs. Correct it, or unset it.`);
    if (isAtLeast(version, leastVersion)) return { path: named, version };
    throw new SetupError(`NATS_SERVER_BIN is ${named}, version ${version}; Carillon needs ${leastVersion} or newer.`);
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = [...onPath, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/opt/homebrew/bin'];
  const paths = new Set(folders.map((folder) => join(folder, 'nats-server')).filter((path) => existsSync(path)));
  let tooOld = '';
  for (const path of paths) {
    const version = await versionOf(path);
    if (version !== undefined && isAtLeast(version, leastVersion)) return { path, version };
    if (version !== undefined) tooOld = ` (${path} is ${version})`;
  }
  throw new SetupError(`No nats-server ${leastVersion} or newer was found${tooOld}. ${howToGetOne}`);
}

function runVisibly(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    // To stderr, since stdout belongs to the program's own lines.
    const child = spawn(command, args, {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}

async function install(): Promise<boolean> {
  if (process.platform === 'darwin') return runVisibly('brew', ['install', 'nats-server']);
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return false;
  return (
    (await runVisibly('apt-get', ['update', '-q'])) &&
    (await runVisibly('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'nats-server']))
  );
}

/** Finds a nats-server or, where that takes no question to anybody, installs one: apt-get as root, brew on macOS. */
export async function ensureNatsServer(env: Environment): Promise<NatsBinary> {
  try {
    return await locateNatsServer(env);
  } catch (error) {
    if (env['NATS_SERVER_BIN']) throw error;
    console.error('No nats-server was found: trying to install one.');
    if (await install()) return locateNatsServer(env);
    throw error;
  }
}

const endSteps: readonly EndStep[] = [{ signal: 'SIGTERM', waitMs: 4_000 }];

/** A server that a killed run has left behind would write to the same store. */
async function endLeftover(pidFile: string, configFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').trim());
  if (pid > 0 && commandLineOf(pid)?.includes(configFile)) await endProcess(pid, endSteps);
}

export interface NatsServerOptions {
  /** Its store, passwords, configuration and log are kept here: starting on the same folder goes on with the same data. */
  folder: string;
  /** A free one when absent. */
  port?: number | undefined;
  /** Path of a nats-server; located by `env` when absent. */
  binary?: string | undefined;
  env?: Environment | undefined;
  /** The gateway may publish test events too. */
  hasTestEvents?: boolean | undefined;
}

export interface NatsServer extends LocalServer {
  /** For a service, which may do what the contracts name. `url` is the administrator's, who may do everything. */
  urlOf(service: ServiceName): string;
  /** What this run has logged so far, at most its last 8 kB. */
  log(): string;
}

/** Starts a nats-server with JetStream on a loopback port. Resolves when it takes logins and JetStream answers. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const binary = options.binary ?? (await locateNatsServer(options.env ?? process.env)).path;
  const folder = resolve(options.folder);
  // Patients' data passes through it, so it is nobody else's to look into.
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const passwords = natsPasswordsIn(folder);
  writeFileSync(
    join(folder, 'permissions.conf'),
    natsPermissionsConf({ hasTestEvents: options.hasTestEvents === true }),
  );
  const [configFile, pidFile, logFile] = [
    join(folder, 'nats-server.conf'),
    join(folder, 'nats-server.pid'),
    join(folder, 'nats-server.log'),
  ];
  await endLeftover(pidFile, configFile);

  return onFreePort(options.port, async (port) => {
    const configuration = [
      `server_name: "carillon-${port}"`,
      `listen: "127.0.0.1:${port}"`,
      `pid_file: ${JSON.stringify(pidFile)}`,
      'max_payload: 1MB',
      'include ./permissions.conf',
      // The bounds of all streams together; the streams' own bounds, by age and bytes, are in contracts.
      `jetstream { store_dir: ${JSON.stringify(folder)}, max_memory_store: 256MB, max_file_store: 32GB }`,
    ];
    writeFileSync(configFile, `${configuration.join('\n')}\n`, { mode: 0o600 });
    const server = await spawnServer({ binary, args: ['-c', configFile], logFile, cwd: folder, endSteps });
    const urlOf = (user: string): string => `nats://${user}:${passwords.get(user)}@127.0.0.1:${port}`;
    const url = urlOf(natsAdministrator);
    const isReady = (): Promise<boolean> =>
      probeNats(url, 2_000).then(
        (answer) => answer.jetstream === 'on',
        () => false,
      );

    if ((await untilReady(server, isReady, 60_000)) === 'ready') return { ...server, url, urlOf, port };
    const log = server.log();
    if (log.includes('address already in use')) return undefined;
    const reason =
      log.split('\n').findLast((line) => line.includes('[FTL]') || line.includes('[ERR]')) ??
      log.trim().split('\n').at(-1);
    throw new SetupError(
      `nats-server (${binary}) did not start: ${reason?.replace(/^.*\[(FTL|ERR)\] /, '') ?? 'no reason given'}. Its log is ${logFile}`,
    );
  });
}
