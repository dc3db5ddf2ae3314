/** `npm run derive`: writes every derived file that is not as it should be. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDerivedFiles } from './derived-files.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
for (const { path, committed, expected } of await readDerivedFiles(root)) {
  if (committed === expected) continue;
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), expected);
  process.stdout.write(`${path}\n`);
}
