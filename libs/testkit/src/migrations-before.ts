import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The migrations of a service as an earlier release had them: those whose names come before `first`, in a folder of their own. */
export async function migrationsBefore(
  folder: string,
  first: string,
): Promise<{ folder: string; remove(): Promise<void> }> {
  const before = await mkdtemp(join(tmpdir(), 'carillon-migrations-'));
  for (const file of await readdir(folder)) if (file < first) await cp(join(folder, file), join(before, file));
  return { folder: before, remove: () => rm(before, { recursive: true }) };
}
