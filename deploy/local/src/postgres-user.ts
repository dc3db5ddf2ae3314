// PostgreSQL refuses to run as root. Under root it runs as `postgres` or `nobody`, and that user must be able to enter
// the folders of its data and of its binaries, which it cannot below a closed home such as /root.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './fault.ts';

export interface SystemUser {
  uid: number;
  gid: number;
}

const run = promisify(execFile);

/** The user to run PostgreSQL as; undefined when we are not root, and may and must run it ourselves. */
export async function databaseUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // No such user here: the next one.
    }
  }
  throw new SetupError(
    'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as. Start as an ordinary user, or set DATABASE_URL.',
  );
}

/** Asked of the system itself, which knows of more than permission bits. */
export async function canEnter(folder: string, user: SystemUser | undefined): Promise<boolean> {
  if (user === undefined) return true;
  return run('/bin/sh', ['-c', 'cd "$0"', folder], { ...user, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** Where data goes that its user cannot reach in the folder it was meant for. */
const elsewhere = '/var/lib/carillon';

export async function makeOwnFolder(folder: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  await chmod(folder, 0o700);
}

/**
 * The folder for the database's files: `<folder>/data`, or one below /var/lib/carillon when its user may not enter
 * that. The place is written down in `<folder>/data-is-in`, so that it is found again, also when the folder was moved;
 * it has a random name, so that a folder made anew under an old name does not meet the data of the old one.
 */
export async function placeForData(folder: string, user: SystemUser | undefined): Promise<string> {
  const note = join(folder, 'data-is-in');
  if (existsSync(note)) return readFileSync(note, 'utf8').trim();
  if (await canEnter(folder, user)) return folder;
  const place = join(elsewhere, randomBytes(6).toString('hex'));
  await mkdir(place, { recursive: true });
  await chmod(elsewhere, 0o711);
  await chmod(place, 0o711);
  writeFileSync(note, `${place}\n`);
  return place;
}

/** Where to put binaries that the user cannot reach. */
export async function placeForBinaries(): Promise<string> {
  await mkdir(elsewhere, { recursive: true });
  await chmod(elsewhere, 0o711);
  return elsewhere;
}
