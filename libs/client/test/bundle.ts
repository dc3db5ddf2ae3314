/** The client as a page gets it: bundled and minified, with everything that it imports. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const path = (from: string): string => fileURLToPath(new URL(from, import.meta.url));

export async function bundleClient(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-client-'));
  try {
    // In a process of its own: the bundler's binary does not take objects of jest's realm.
    const vite = [path('../../../node_modules/vite/bin/vite.js'), 'build', '--config', path('bundle.config.ts')];
    await promisify(execFile)(process.execPath, [...vite, '--outDir', folder, '--logLevel', 'error'], {
      cwd: path('..'),
    });
    return await readFile(join(folder, 'client.js'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
