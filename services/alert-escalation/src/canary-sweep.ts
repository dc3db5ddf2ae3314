/** The canary's alerts, thousands a day, are kept for a day: what is to be learned of them is in metrics by then. */
import { canary } from '@carillon/contracts/canary';
import type { ServiceTools } from '@carillon/runtime/service';
import { deleteOldAlerts } from './store-watch.ts';

const keptMs = 86_400_000;
const everyMs = 10 * 60_000;
/** So few at once that nobody waits for it. */
const limit = 200;

async function sweepCanary({ database, now, isStopping }: ServiceTools): Promise<void> {
  const { hospital } = canary;
  while (!isStopping() && (await deleteOldAlerts(database, { hospital, before: now() - keptMs, limit })) === limit);
}

export function startCanarySweep(tools: ServiceTools): { stop(): Promise<void> } {
  // What could not be deleted now is deleted the next time.
  const timer = setInterval(() => void sweepCanary(tools).catch(() => {}), everyMs).unref();
  return {
    stop() {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}
