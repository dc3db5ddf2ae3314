/** Where commands wait that have no answer yet, so that they outlive the page. In memory they do not. */

export type StoredCommand = {
  key: string;
  /** `<hospital>/<person>`: nobody sends the commands of another. */
  owner: string;
  op: string;
  data: unknown;
  issuedAt: number;
  expiresAt: number;
};

export type QueueStore = {
  /** Those of this owner, in the order in which they were issued. */
  load(owner: string): Promise<StoredCommand[]>;
  put(command: StoredCommand): Promise<void>;
  remove(key: string): Promise<void>;
};

export function memoryStore(): QueueStore {
  const kept = new Map<string, StoredCommand>();
  return {
    load: (owner) => Promise.resolve([...kept.values()].filter((each) => each.owner === owner)),
    put: (command) => Promise.resolve(void kept.set(command.key, command)),
    remove: (key) => Promise.resolve(void kept.delete(key)),
  };
}
