// What nats-server and PostgreSQL have in common when a program brings its own: a free loopback port, a process group
// of their own (Ctrl-C in the terminal is for the program, which then stops them in order), a log file, and a guard
// that ends them when the program dies without having done so.

import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './fault.ts';
import { endProcess, identityOf, killTree } from './process-table.ts';
import type { EndStep } from './process-table.ts';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A server that runs on this machine for as long as the program that started it, at most. */
export interface LocalServer {
  /** With user and password. The same after a restart on the same folder and port. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** In order, with a deadline after which it is killed. Resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL to it and its children, as a crash would; await `exited` to see it gone. */
  kill(): void;
}

/** Nobody may guess these, and they stay the same for a folder, in a file that only its owner can read. */
export function credentialsIn(folder: string): { user: string; password: string } {
  const file = join(folder, 'password');
  try {
    return { user: 'carillon', password: readFileSync(file, 'utf8').trim() };
  } catch {
    const password = randomBytes(18).toString('hex');
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    return { user: 'carillon', password };
  }
}

/** A folder that other users may pass through (PostgreSQL's, when we are root) but not list. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o711);
}

/**
 * Runs `attempt` with ports until one is free; `attempt` answers undefined when its port turned out to be taken.
 * The server's own bind decides, so that any number may start at once. Ports lie below those that systems hand out to
 * outgoing connections (32768 on Linux, 49152 elsewhere): a restarted server then finds its old one free.
 */
export async function onFreePort<T>(
  port: number | undefined,
  attempt: (port: number) => Promise<T | undefined>,
): Promise<T> {
  for (let tries = 0; tries < 10; tries += 1) {
    const result = await attempt(port ?? randomInt(15_000, 32_000));
    if (result !== undefined) return result;
    // A port that was asked for may be held by its last owner for a moment.
    if (port !== undefined) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new SetupError(
    port === undefined ? 'No free port found between 15000 and 32000.' : `Port ${port} is taken by another program.`,
  );
}

export interface ServerCommand {
  binary: string;
  args: readonly string[];
  /** Its standard output and error are added here. Kept at one older file when it passes 10 MB. */
  logFile: string;
  cwd: string;
  user?: { uid: number; gid: number } | undefined;
  endSteps: readonly EndStep[];
}

export interface ServerProcess extends Omit<LocalServer, 'url' | 'port'> {
  isRunning(): boolean;
  /** What this run has logged so far, at most its last 8 kB. */
  log(): string;
}

function openLog(file: string): { descriptor: number; size: number } {
  const descriptor = openSync(file, 'a', 0o600);
  const { size } = fstatSync(descriptor);
  if (size < 10_000_000) return { descriptor, size };
  closeSync(descriptor);
  renameSync(file, `${file}.1`);
  return { descriptor: openSync(file, 'a', 0o600), size: 0 };
}

const guardScript = fileURLToPath(new URL('../guard.mjs', import.meta.url));

/** Starts the guard of one server. The pipe to it closes when `release` is called, or when this program ends. */
function startGuard(pid: number, steps: readonly EndStep[]): { release(): void } {
  const guard = spawn(process.execPath, [guardScript, JSON.stringify({ pid, steps })], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Its end is no news: a guard goes when its server has gone. Neither it nor its pipe keeps this program alive.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  return { release: () => void guard.stdin.destroy() };
}

/** Starts a server in a process group of its own, under guard. Rejects when the binary cannot be run at all. */
export async function spawnServer(command: ServerCommand): Promise<ServerProcess> {
  const log = openLog(command.logFile);
  const child = spawn(command.binary, command.args, {
    cwd: command.cwd,
    // No variable of ours has anything to say to it, and PG… ones would change what it does.
    env: { PATH: process.env['PATH'], TZ: 'UTC' },
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor],
    ...command.user,
  });
  const { pid } = child;
  const guard = pid === undefined ? undefined : startGuard(pid, command.endSteps);
  closeSync(log.descriptor);

  let isRunning = pid !== undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isRunning = false;
      guard?.release();
      resolve();
    });
  });
  if (pid === undefined) {
    const error = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw new SetupError(`${command.binary} cannot be run: ${error.message}`);
  }
  child.unref();

  return {
    pid,
    exited,
    isRunning: () => isRunning,
    log: () => readFileSync(command.logFile).subarray(log.size).subarray(-8_192).toString(),
    stop: async () => {
      if (isRunning) await endProcess(pid, command.endSteps);
      await exited;
    },
    kill: () => {
      if (isRunning && identityOf(pid) !== undefined) killTree(pid);
    },
  };
}

/**
 * Waits until `isReady`. Answers 'ready'; 'ended' when the process ended first; throws when neither came in time,
 * and then leaves nothing running.
 */
export async function untilReady(
  server: ServerProcess,
  isReady: () => Promise<boolean>,
  deadlineMs: number,
): Promise<'ready' | 'ended'> {
  const until = performance.now() + deadlineMs;
  while (performance.now() < until) {
    if (!server.isRunning()) return 'ended';
    if (await isReady()) return 'ready';
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  await server.stop();
  throw new SetupError(
    `A server did not become ready within ${deadlineMs / 1_000} s: ${server.log().trim().split('\n').at(-1) ?? ''}`,
  );
}
