/** Commands that wait, in the browser's own database: they go on after a reload and after a crash of the browser. */
import { memoryStore, type QueueStore, type StoredCommand } from './queue-store.ts';

const storeName = 'commands';

const failed = (): Error => new Error('The database of the browser failed');

function openDatabase(name: string, onClosed: () => void): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1);
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(storeName, { keyPath: 'key' }));
  return new Promise((resolve, reject) => {
    opening.addEventListener('error', () => reject(opening.error ?? failed()));
    opening.addEventListener('success', () => {
      const database = opening.result;
      // Whoever clears what sites keep closes it, or waits until it is closed.
      database.addEventListener('close', onClosed);
      database.addEventListener('versionchange', () => {
        database.close();
        onClosed();
      });
      resolve(database);
    });
  });
}

export function indexedDbStore(name: string, now: () => number): QueueStore {
  let database: Promise<IDBDatabase> | undefined;
  const forget = (): void => void (database = undefined);
  const inStore = async <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    database ??= openDatabase(name, forget);
    try {
      const transaction = (await database).transaction(storeName, mode);
      const request = work(transaction.objectStore(storeName));
      // A request may succeed and its transaction fail, as where the disk is full.
      return await new Promise<T>((resolve, reject) => {
        transaction.addEventListener('complete', () => resolve(request.result));
        transaction.addEventListener('abort', () => reject(transaction.error ?? failed()));
      });
    } catch (error) {
      // The next command opens it anew.
      forget();
      throw error;
    }
  };
  const remove = async (key: string): Promise<void> => inStore('readwrite', (store) => store.delete(key));
  return {
    async load(owner) {
      const all = await inStore<StoredCommand[]>('readonly', (store) => store.getAll() as IDBRequest<StoredCommand[]>);
      // Whoever shares this browser and does not come back leaves nothing behind for long.
      const isForeign = (each: StoredCommand): boolean => each.owner !== owner;
      await Promise.all(all.filter((each) => isForeign(each) && each.expiresAt < now()).map(({ key }) => remove(key)));
      return all.filter((each) => !isForeign(each)).sort((a, b) => a.issuedAt - b.issuedAt);
    },
    async put(command) {
      await inStore('readwrite', (store) => store.put(command));
    },
    remove,
  };
}

/** The browser's database where there is one. */
export const platformStore = (name: string, now: () => number): QueueStore =>
  typeof indexedDB === 'undefined' ? memoryStore() : indexedDbStore(name, now);
