import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chown, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './fault.ts';
import { credentialsIn, makeFolder, onFreePort, spawnServer, untilReady } from './local-server.ts';
import type { Environment, LocalServer } from './local-server.ts';
import { copyBinaries, locatePostgres } from './postgres-binaries.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { canEnter, databaseUser, makeOwnFolder, placeForBinaries, placeForData } from './postgres-user.ts';
import type { SystemUser } from './postgres-user.ts';
import { commandLineOf, endProcess } from './process-table.ts';
import type { EndStep } from './process-table.ts';

export { locatePostgres } from './postgres-binaries.ts';

const database = 'carillon';

/** SIGINT ends open sessions and writes a checkpoint, SIGQUIT leaves that to the recovery of the next start. */
const endSteps: readonly EndStep[] = [
  { signal: 'SIGINT', waitMs: 4_000 },
  { signal: 'SIGQUIT', waitMs: 1_000 },
];

export interface PostgresOptions {
  /** Its data, password and log are kept here: starting on the same folder goes on with the same data. */
  folder: string;
  /** A free one when absent. */
  port?: number | undefined;
  env?: Environment | undefined;
  /** Located by `env` when absent. */
  binaries?: PostgresBinaries | undefined;
  /** Any of PostgreSQL's own settings. For tests: `{ fsync: 'off', synchronous_commit: 'off' }`. */
  settings?: Readonly<Record<string, string>> | undefined;
}

/** The third cause of a failed start beside a taken port and a fault: children of a killed server still hold its memory. */
const passingFaults = ['pre-existing shared memory block', 'lock file "postmaster.pid" already exists'];

/**
 * Creates the data folder under another name and renames it when it is whole, so that a kill in the middle leaves
 * nothing that looks like a database. The name is new each time: an initdb that outlived its program may still be
 * writing to the last one.
 */
async function createData(
  place: string,
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  { password, isDurable }: { password: string; isDurable: boolean },
): Promise<void> {
  for (const name of await readdir(place)) {
    if (name.startsWith('unfinished-')) await rm(join(place, name), { recursive: true, force: true });
  }
  const workshop = join(place, `unfinished-${process.pid}-${Date.now()}`);
  const [unfinished, passwordFile] = [join(workshop, 'data'), join(workshop, 'password')];
  await makeOwnFolder(workshop, user);
  await makeOwnFolder(unfinished, user);
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
    const options = ['-D', unfinished, '-U', 'carillon', `--pwfile=${passwordFile}`];
    options.push('--auth=scram-sha-256', '--encoding=UTF8', '--locale=C');
    const surroundings = { ...user, cwd: unfinished, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } };
    // Its fsync of all files is wanted once, after the database is created.
    await promisify(execFile)(join(binaries.folder, 'initdb'), [...options, '--no-sync'], surroundings);
    const creation = promisify(execFile)(
      join(binaries.folder, 'postgres'),
      ['--single', '-D', unfinished, 'postgres'],
      surroundings,
    );
    creation.child.stdin?.end(`create database ${database}\n`);
    await creation;
    if (isDurable)
      await promisify(execFile)(join(binaries.folder, 'initdb'), ['-D', unfinished, '--sync-only'], surroundings);
    await rename(unfinished, join(place, 'data'));
  } catch (error) {
    const output = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : '';
    const reason =
      output
        .trim()
        .split('\n')
        .find((line) => /error|fatal|could not/i.test(line)) ?? String(error);
    throw new SetupError(`PostgreSQL could not make a data folder in ${place}: ${reason}`);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

function checkVersion(data: string, binaries: PostgresBinaries): void {
  const version = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (version === String(binaries.major)) return;
  throw new SetupError(
    `The data in ${data} belongs to PostgreSQL ${version}, but the one found here (${binaries.folder}) is ${binaries.major}. ` +
      `Put the binaries of PostgreSQL ${version} on PATH, or move that folder away to begin with an empty database.`,
  );
}

/** Lines of postmaster.pid: process, data folder, start time, port, socket folder, address, shared memory, state. */
function readPidFile(data: string): { pid: number; port: number; isReady: boolean } | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
  } catch {
    return undefined;
  }
}

/** Ends a server that a killed run has left behind, and drops a pid file whose number belongs to some other program. */
async function endLeftover(data: string): Promise<void> {
  const found = readPidFile(data);
  if (found === undefined || !(found.pid > 0)) return;
  const commandLine = commandLineOf(found.pid);
  if (commandLine === undefined) return;
  if (commandLine.includes('postgres') && commandLine.includes(data)) await endProcess(found.pid, endSteps);
  else await rm(join(data, 'postmaster.pid'), { force: true });
}

/**
 * Starts PostgreSQL on a loopback port, with one database and its owner, both named carillon. Resolves when it takes
 * connections; that may be after a recovery. Without a socket, since the path of one may be too long for the system.
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalServer> {
  const located = options.binaries ?? (await locatePostgres(options.env ?? process.env));
  const folder = resolve(options.folder);
  makeFolder(folder);
  const user = await databaseUser();
  const place = await placeForData(folder, user);
  const data = join(place, 'data');
  // A version of another major is the same fault for whoever runs it: say so before anything is copied.
  if (existsSync(join(data, 'PG_VERSION'))) checkVersion(data, located);
  const binaries = (await canEnter(located.folder, user))
    ? located
    : await copyBinaries(located, await placeForBinaries());
  const { password } = credentialsIn(folder);
  if (existsSync(join(data, 'PG_VERSION'))) await endLeftover(data);
  else await createData(place, binaries, user, { password, isDurable: options.settings?.['fsync'] !== 'off' });

  const binary = join(binaries.folder, 'postgres');
  const logFile = join(folder, 'postgres.log');
  const url = (port: number): string => `postgres://carillon:${password}@127.0.0.1:${port}/${database}`;
  return onFreePort(options.port, async (port) => {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      max_connections: '60',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...options.settings,
    };
    const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const isReady = async (pid: number): Promise<boolean> => {
      const found = readPidFile(data);
      // pg_ctl, too, takes this line for the sign that connections are accepted.
      return found?.pid === pid && found.port === port && found.isReady;
    };
    const until = performance.now() + 10_000;
    for (;;) {
      const server = await spawnServer({ binary, args, logFile, cwd: data, user, endSteps });
      if ((await untilReady(server, () => isReady(server.pid), 60_000)) === 'ready')
        return { ...server, url: url(port), port };
      const log = server.log();
      if (log.includes('could not create any TCP/IP sockets')) return undefined;
      const isPassing = passingFaults.some((fault) => log.includes(fault)) && performance.now() < until;
      if (!isPassing) {
        const reason = log.split('\n').findLast((line) => /FATAL|PANIC/.test(line)) ?? log.trim().split('\n').at(-1);
        throw new SetupError(
          `PostgreSQL (${binary}) did not start: ${reason?.replace(/^.*(FATAL|PANIC): +/, '') ?? 'no reason given'}. Its log is ${logFile}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
}
