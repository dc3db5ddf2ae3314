/** What may wait: it must never be in the way of readings. */
import { isPassing } from '@carillon/database/database';
import type { ServiceTools } from '@carillon/runtime/service';

/**
 * Does it, unless the database has no time for it: a lock that is not free, or a statement that takes too long, is no
 * database that is away, and the service goes on.
 *
 * @returns whether it was done; otherwise it is to be tried again after a while
 */
export async function isDoneInBackground(
  { log, metrics }: Pick<ServiceTools, 'log' | 'metrics'>,
  name: string,
  body: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await body();
  } catch (error) {
    if (!isPassing(error)) throw error;
    log.warn({ err: error, timer: name }, 'put off');
    metrics.handled.inc({ kind: 'timer', name, outcome: 'later' });
    return false;
  }
  metrics.handled.inc({ kind: 'timer', name, outcome: 'ok' });
  return true;
}
