import type { Bus } from './connection.ts';
import { readStream, streamState } from './stream-reader.ts';

export type EntryChange = { key: string; value: Uint8Array | undefined; revision: number };

/** A deletion is a message of its own, so that who was away learns of it too. */
const operationHeader = 'KV-Operation';

/**
 * Watches a bucket from its present content on. Resolves when everything that is there was seen. Read like a stream,
 * since the client's own watch notices a restart of the server only after 10 s.
 * @throws when this user may not read the bucket
 * @param onChange `value` is undefined for a deleted entry, and for all entries of a bucket that was made anew
 */
export async function watchBucket(
  bus: Bus,
  bucket: string,
  onChange: (change: EntryChange) => void,
): Promise<{ stop(): void }> {
  const stream = `KV_${bucket}` as const;
  const prefix = `$KV.${bucket}.`;
  const keys = new Set<string>();
  let isCaughtUp = false;
  let { epoch } = await streamState(bus, stream);
  return new Promise((resolve, reject) => {
    const reader = readStream(bus, {
      stream,
      filter: `${prefix}>`,
      afterSequence: 0,
      onMessage({ subject, body, header, sequence }) {
        const key = subject.slice(prefix.length);
        const isDeleted = header(operationHeader) !== undefined;
        if (isDeleted) keys.delete(key);
        else keys.add(key);
        onChange({ key, value: isDeleted ? undefined : body, revision: sequence });
      },
      onBreak(state) {
        // Of the same bucket nothing is lost: the newest message of each key is always kept.
        if (state.epoch === epoch) return;
        epoch = state.epoch;
        for (const key of keys) onChange({ key, value: undefined, revision: 0 });
        keys.clear();
      },
      onCaughtUp() {
        isCaughtUp = true;
        resolve({ stop: () => reader.stop() });
      },
      onDenied({ operation, subject }) {
        // Once it runs, it goes on when the right is given back.
        if (isCaughtUp) return;
        reader.stop();
        reject(new Error(`NATS denies this user to ${operation} ${subject}`));
      },
    });
  });
}
