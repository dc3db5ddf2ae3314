import type { Bus } from './connection.ts';
import { readStream, streamState } from './stream-reader.ts';

export type EntryChange = { key: string; value: Uint8Array | undefined; revision: number };

export type BucketWatch = {
  /**
   * Whether everything was seen that was there when the connection last came back. False from the moment at which it is
   * lost: what was withdrawn meanwhile is not known, and nothing may be decided from what is.
   */
  isCaughtUp(): boolean;
  /** Called each time that it has caught up again. @returns how to stop that */
  onCaughtUp(listener: () => void): () => void;
  stop(): void;
};

/** How many keys a bucket has; a deleted one counts, too. */
export const countEntries = async (bus: Bus, bucket: string): Promise<number> =>
  (await bus.jsm.streams.info(`KV_${bucket}`)).state.messages;

/** A deletion is a message of its own, so that who was away learns of it too. */
const operationHeader = 'KV-Operation';
const askAgainMs = 100;

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
): Promise<BucketWatch> {
  const stream = `KV_${bucket}` as const;
  const prefix = `$KV.${bucket}.`;
  const keys = new Set<string>();
  const listeners = new Set<() => void>();
  const stops: (() => void)[] = [];
  const atStart = await streamState(bus, stream);
  let { epoch } = atStart;
  let seen = 0;
  /** What must be seen; undefined while that is not known. */
  let wanted: number | undefined;
  let isStarted = false;
  let isCaughtUp = false;
  /** Of the connection: an answer that was asked for before it was lost again says nothing. */
  let life = 0;

  const look = (): void => {
    if (isCaughtUp || wanted === undefined || seen < wanted) return;
    isCaughtUp = true;
    for (const listener of listeners) listener();
  };
  /** Asks where the bucket stands; its newest message is always there, so whoever has seen it has seen all. */
  const ask = async (mine: number): Promise<void> => {
    const isCurrent = (): boolean => mine === life && !bus.nc.isClosed();
    while (isCurrent()) {
      const state = await streamState(bus, stream).catch(() => undefined);
      if (!isCurrent()) return;
      // One that was made anew is told by the reader first, with the end of all that it knew.
      if (state !== undefined && state.epoch === epoch) {
        wanted = state.lastSequence;
        return look();
      }
      await new Promise((resolve) => setTimeout(resolve, askAgainMs));
    }
  };
  const watch: BucketWatch = {
    isCaughtUp: () => isCaughtUp,
    onCaughtUp(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      life++;
      for (const stop of stops) stop();
    },
  };
  const askAnew = (): void => {
    isCaughtUp = false;
    wanted = undefined;
    void ask(++life);
  };

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
        seen = sequence;
        look();
      },
      onBreak(state, continuesAfter) {
        seen = continuesAfter;
        // Of the same bucket nothing is lost: the newest message of each key is always kept.
        if (state.epoch === epoch) return;
        epoch = state.epoch;
        for (const key of keys) onChange({ key, value: undefined, revision: 0 });
        keys.clear();
        if (isStarted) askAnew();
      },
      onCaughtUp() {
        isStarted = true;
        if (epoch === atStart.epoch) seen = Math.max(seen, atStart.lastSequence);
        // The connection may have gone while the last of it came.
        if (bus.isConnected()) isCaughtUp = true;
        else askAnew();
        resolve(watch);
      },
      onDenied({ operation, subject }) {
        // Once it runs, it goes on when the right is given back.
        if (isStarted) return;
        reader.stop();
        reject(new Error(`NATS denies this user to ${operation} ${subject}`));
      },
    });
    stops.push(
      () => reader.stop(),
      bus.onDisconnect(() => {
        isCaughtUp = false;
        wanted = undefined;
        life++;
      }),
      bus.onReconnect(() => {
        if (isStarted) askAnew();
      }),
    );
  });
}
