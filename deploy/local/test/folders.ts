import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-local-'));
  made.push(folder);
  return folder;
}

/** For `afterAll`: removes the folders, and what PostgreSQL has kept elsewhere for them. */
export async function removeFolders(): Promise<void> {
  for (const folder of made.splice(0)) {
    for (const note of [join(folder, 'data-is-in'), join(folder, 'postgres', 'data-is-in')]) {
      const place = await readFile(note, 'utf8').catch(() => '');
      if (place !== '') await rm(place.trim(), { recursive: true, force: true });
    }
    await rm(folder, { recursive: true, force: true });
  }
}
