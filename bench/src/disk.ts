/** How long the disk alone takes to make eight kilobytes durable, in the same window: nothing can be stored sooner. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const everyMs = 50;
const page = Buffer.alloc(8_192, 1);

/** @param durations ms of each write with its fdatasync; added to while it runs. @returns how to stop */
export async function watchDisk(durations: number[]): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-disk-'));
  const file = await open(join(folder, 'probe'), 'w');
  let isStopped = false;
  const loop = (async () => {
    while (!isStopped) {
      const startedAt = performance.now();
      await file.write(page, 0, page.length, 0);
      await file.datasync();
      const tookMs = performance.now() - startedAt;
      durations.push(tookMs);
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
