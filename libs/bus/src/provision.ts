/**
 * Streams as `contracts` defines them: made when missing, changed by their owner when different, never deleted. Others
 * take them as they are: the owner changes them when it starts.
 */
import type { StreamName } from '@carillon/contracts/define';
import { lastSeenBucket, presenceBucket, presenceMaxAgeMs } from '@carillon/contracts/presence';
import { accessBucket, peopleBucket, streams } from '@carillon/contracts/streams';
import { DiscardPolicy, NatsError, RetentionPolicy, StorageType, nanos, type StreamConfig } from 'nats';
import { isDenied, type Bus } from './connection.ts';

export type ProvisionOptions = {
  /** 1 on one server, 3 on a cluster. */
  replicas: number;
};

function streamConfig(name: StreamName, { replicas }: ProvisionOptions): Partial<StreamConfig> & { name: string } {
  const definition = streams[name];
  return {
    name,
    subjects: [...definition.subjects],
    retention: definition.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    discard: definition.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    storage: StorageType.File,
    max_age: nanos(definition.maxAgeMs),
    max_bytes: definition.maxBytes,
    duplicate_window: nanos(definition.duplicateWindowMs),
    num_replicas: replicas,
  };
}

const isNotFound = (error: unknown): boolean => error instanceof NatsError && error.api_error?.err_code === 10059;
const isNameInUse = (error: unknown): boolean => error instanceof NatsError && error.api_error?.err_code === 10058;

const changeable = ['subjects', 'discard', 'max_age', 'max_bytes', 'duplicate_window', 'num_replicas'] as const;

async function provisionStream(bus: Bus, name: StreamName, options: ProvisionOptions): Promise<void> {
  const config = streamConfig(name, options);
  try {
    const info = await bus.jsm.streams.info(name);
    const differs = changeable.some((key) => JSON.stringify(info.config[key]) !== JSON.stringify(config[key]));
    if (differs && streams[name].owner === bus.name) await bus.jsm.streams.update(name, { ...info.config, ...config });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // Several services start at once, and one of them is first.
    await bus.jsm.streams.add(config).catch((failure: unknown) => {
      if (!isNameInUse(failure)) throw failure;
    });
  }
}

/** Repeats while the server is still loading its streams after a start, which it answers with 503. */
export async function provisionStreams(
  bus: Bus,
  names: readonly StreamName[],
  options: ProvisionOptions,
): Promise<void> {
  for (const name of names) {
    for (let attempt = 0; ; attempt++) {
      try {
        await provisionStream(bus, name, options);
        break;
      } catch (error) {
        if (attempt === 20 || isDenied(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 + attempt * 50));
      }
    }
  }
}

/** Two who make the same stream at once may both be refused (2.9.10: its own subjects overlap), and find it afterwards. */
async function untilDone(make: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await make();
      return;
    } catch (error) {
      if (attempt === 5 || isDenied(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 + attempt * 50));
    }
  }
}

/** The bucket with one entry a person; history 1, kept for ever. */
export async function provisionPeople(bus: Bus, { replicas }: ProvisionOptions): Promise<void> {
  await untilDone(() => bus.js.views.kv(peopleBucket, { history: 1, replicas }));
}

/** The bucket of revocations and of what operators ended; nothing in it goes by itself, which watchers would not hear. */
export async function provisionAccess(bus: Bus, { replicas }: ProvisionOptions): Promise<void> {
  await untilDone(() => bus.js.views.kv(accessBucket, { history: 1, replicas }));
}

/** Who is connected, in memory, and when somebody went last, on disk. Made again whenever they are missing. */
export async function provisionPresence(bus: Bus, { replicas }: ProvisionOptions): Promise<void> {
  const memory = { history: 1, replicas, storage: StorageType.Memory, ttl: presenceMaxAgeMs };
  await untilDone(() => bus.js.views.kv(presenceBucket, memory));
  await untilDone(() => bus.js.views.kv(lastSeenBucket, { history: 1, replicas }));
}
