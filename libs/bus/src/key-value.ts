import type { Bus } from './connection.ts';

export type EntryChange = { key: string; value: Uint8Array | undefined; revision: number };

/**
 * Watches a bucket from its present content on. Resolves when everything that is there was seen.
 * @param onChange `value` is undefined for a deleted entry
 */
export async function watchBucket(
  bus: Bus,
  bucket: string,
  onChange: (change: EntryChange) => void,
): Promise<{ stop(): void }> {
  const store = await bus.js.views.kv(bucket, { bindOnly: true });
  let caughtUp: () => void = () => {};
  const ready = new Promise<void>((resolve) => (caughtUp = resolve));
  const watch = await store.watch({ initializedFn: () => caughtUp() });
  void (async () => {
    for await (const entry of watch) {
      onChange({
        key: entry.key,
        value: entry.operation === 'PUT' ? entry.value : undefined,
        revision: entry.revision,
      });
    }
  })();
  await ready;
  return { stop: () => watch.stop() };
}
