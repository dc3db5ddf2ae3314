/** How long the disk alone takes to make eight kilobytes durable, in the same window: nothing can be stored sooner. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const everyMs = 50;
const page = Buffer.alloc(8_192, 1);

/** `at` in ms since the epoch, `ms` with its fdatasync. */
export type DiskWrite = { at: number; ms: number };

/** @param writes one after another; added to while it runs. @returns how to stop */
export async function watchDisk(writes: DiskWrite[]): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-disk-'));
  const file = await open(join(folder, 'probe'), 'w');
  let isStopped = false;
  const loop = (async () => {
    while (!isStopped) {
      const at = Date.now();
      const startedAt = performance.now();
      await file.write(page, 0, page.length, 0);
      await file.datasync();
      const tookMs = performance.now() - startedAt;
      writes.push({ at, ms: tookMs });
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - tookMs)));
    }
  })();
  return async () => {
    isStopped = true;
    await loop;
    await file.close();
    await rm(folder, { recursive: true });
  };
}
