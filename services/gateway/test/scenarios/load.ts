/** What services publish while the scenario runs: repeated with the same id until it is stored, as an outbox does. */
import { eventHeaders } from '@carillon/contracts/streams';
import type { Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import type { EventSpec } from '../desk.ts';

export type Load = {
  /** @returns the id of the message, once it is stored */
  emit(event: EventSpec): Promise<string>;
  /** Publishes so many a second until it is stopped. */
  flow(perSecond: number, next: () => EventSpec): Flow;
};
/** `stop` resolves when the last one is stored. */
export type Flow = { stop(): Promise<void> };

const tickMs = 20;
const retryMs = 100;

export function createLoad(bus: Bus): Load {
  const emit = async ({ subject, event = 'alert:raised', data = {}, version = 1, key }: EventSpec): Promise<string> => {
    const id = crypto.randomUUID();
    const headers = {
      [eventHeaders.id]: id,
      [eventHeaders.event]: event,
      [eventHeaders.at]: new Date().toISOString(),
      [eventHeaders.version]: String(version),
      ...(key === undefined ? {} : { [eventHeaders.key]: key }),
    };
    for (;;) {
      try {
        await publish(bus, { subject, body: encode(data), headers });
        return id;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  };
  return {
    emit,
    flow(perSecond, next) {
      const startedAt = performance.now();
      const unstored = new Set<Promise<string>>();
      let count = 0;
      const timer = setInterval(() => {
        const due = ((performance.now() - startedAt) * perSecond) / 1_000;
        for (; count < due; count++) {
          const stored = emit(next());
          unstored.add(stored);
          void stored.finally(() => unstored.delete(stored));
        }
      }, tickMs);
      return {
        async stop() {
          clearInterval(timer);
          await Promise.all(unstored);
        },
      };
    },
  };
}
