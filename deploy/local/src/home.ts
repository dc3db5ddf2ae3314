import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf, SetupError } from './fault.ts';
import { makeFolder } from './local-server.ts';
import { identityOf } from './process-table.ts';

/** The folder that holds all state of one Carillon. Its layout is in README.md. */
export interface Home {
  folder: string;
  natsFolder: string;
  postgresFolder: string;
  logFile: string;
  /** Tokens stay good over a restart. */
  jwtSecret: string;
  /** A start that waits may go on waiting: this program is about to end. */
  markStopping(): void;
  release(): void;
}

interface Owner {
  pid: number;
  identity: string;
  isStopping: boolean;
}

function readOwner(lock: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

const isRunning = (owner: Owner | undefined): owner is Owner =>
  owner !== undefined && identityOf(owner.pid) === owner.identity;

/** Puts our name on the lock if nobody has it. The file appears with its content or not at all. */
function claim(lock: string, content: string): boolean {
  const draft = `${lock}.${process.pid}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock of a program that was killed. Two starts may find it at once, and the slower must not remove what the
 * faster has put there since: only the holder of a second lock may look and remove, for as long as that takes.
 */
function clearStale(lock: string): void {
  const turn = `${lock}.turn`;
  if (!claim(turn, '')) {
    const isForgotten = (statSync(turn, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < Date.now() - 5_000;
    if (isForgotten) rmSync(turn, { force: true });
    return;
  }
  if (!isRunning(readOwner(lock))) rmSync(lock, { force: true });
  rmSync(turn, { force: true });
}

/** One program a home. Waits for one that is ending; a second after the first look, one that is not is an error. */
async function takeLock(folder: string): Promise<{ markStopping(): void; release(): void }> {
  const lock = join(folder, 'lock');
  const owner: Owner = { pid: process.pid, identity: identityOf(process.pid) ?? '', isStopping: false };
  const startedAt = performance.now();
  while (!claim(lock, JSON.stringify(owner))) {
    const other = readOwner(lock);
    if (isRunning(other)) {
      const waited = performance.now() - startedAt;
      if (waited > (other.isStopping ? 12_000 : 1_000)) {
        throw new SetupError(
          `Carillon runs already on ${folder} (process ${other.pid}). End that one, or set CARILLON_HOME to another folder.`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    } else {
      clearStale(lock);
    }
  }
  return {
    markStopping: () => {
      writeFileSync(`${lock}.${process.pid}`, JSON.stringify({ ...owner, isStopping: true }));
      renameSync(`${lock}.${process.pid}`, lock);
    },
    release: () => rmSync(lock, { force: true }),
  };
}

function secretIn(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** Makes or opens a home, and keeps others out of it until `release`. */
export async function openHome(folder: string): Promise<Home> {
  try {
    // Only a folder of our own making is opened to the database's user; one that was there stays as it is.
    if (!existsSync(folder)) makeFolder(folder);
    const logs = join(folder, 'logs');
    await mkdir(logs, { recursive: true, mode: 0o700 });
    const lock = await takeLock(folder);
    return {
      folder,
      natsFolder: join(folder, 'nats'),
      postgresFolder: join(folder, 'postgres'),
      logFile: join(logs, 'carillon.log'),
      jwtSecret: secretIn(join(folder, 'jwt-secret')),
      ...lock,
    };
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(
      `CARILLON_HOME: ${folder} cannot be used (${messageOf(error)}). Set it to a folder that you may write.`,
    );
  }
}
