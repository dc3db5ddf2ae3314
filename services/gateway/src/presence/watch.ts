/** Reads a bucket from its present content on. Unlike `watchBucket` it keeps no list of keys, which here come and go by the thousand. */
import type { Bus } from '@carillon/bus/connection';
import { readStream, streamState } from '@carillon/bus/stream-reader';

export type Entry = { key: string; value: Uint8Array | undefined };
export type EntryListener = {
  /** `value` is undefined for a deleted entry. */
  onEntry: (entry: Entry) => void;
  /** The bucket was made anew: nothing holds that was read from the old one. What is in the new one follows. */
  onAnew: () => void;
};

const operationHeader = 'KV-Operation';
/** What was waited for may have gone by age: when nothing has come for so long, there is nothing. */
const quietMs = 2_000;

/** Resolves when everything that is there was seen. @throws when this user may not read the bucket */
export async function watchEntries(
  bus: Bus,
  bucket: string,
  { onEntry, onAnew }: EntryListener,
): Promise<{ stop(): void }> {
  const stream = `KV_${bucket}` as const;
  const prefix = `$KV.${bucket}.`;
  const atStart = await streamState(bus, stream);
  let { epoch } = atStart;
  let isStarted = false;
  return new Promise((resolve, reject) => {
    const onCaughtUp = (): void => {
      isStarted = true;
      clearTimeout(quiet);
      resolve({ stop: () => reader.stop() });
    };
    const quiet = setTimeout(onCaughtUp, quietMs);
    const reader = readStream(bus, {
      stream,
      filter: `${prefix}>`,
      afterSequence: 0,
      onMessage({ subject, body, header, sequence }) {
        onEntry({
          key: subject.slice(prefix.length),
          value: header(operationHeader) === undefined ? body : undefined,
        });
        // An entry that is written anew while it waits to be read goes from where it was, and 2.9.10 still counts it as
        // waiting: the reader alone would never be told that it has caught up.
        if (sequence >= atStart.lastSequence) onCaughtUp();
        else if (!isStarted) quiet.refresh();
      },
      onBreak(state) {
        // Of the same bucket nothing is lost: the newest message of each key is kept while it matters.
        if (state.epoch === epoch) return;
        epoch = state.epoch;
        onAnew();
      },
      onCaughtUp,
      onDenied({ operation, subject }) {
        // Once it runs, it goes on when the right is given back.
        if (isStarted) return;
        clearTimeout(quiet);
        reader.stop();
        reject(new Error(`NATS denies this user to ${operation} ${subject}`));
      },
    });
  });
}
