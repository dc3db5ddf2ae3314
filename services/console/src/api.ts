/**
 * The queries of the console, and what operators do. They go by HTTP beside the link, so that a long answer never holds up an alert on it, and
 * before there is a link.
 */
import { CodedError, type Client, type Input, type OperationName, type Result } from '@carillon/client/client';
import type { Alert, DeadLetter, Reading } from './shapes.ts';

/** An error that may be over the next time: nobody could be reached, or too much was asked. */
export const isPassing = (error: unknown): boolean =>
  error instanceof CodedError && ['unavailable', 'rate_limited', 'internal'].includes(error.code);

export type Api = ReturnType<typeof createApi>;

/** No page of the API is followed further than this: a board must not read a week into memory. */
const MOST_PAGES = 20;

export const createApi = (client: Client) => {
  const ask = <N extends OperationName>(operation: N, input: Input<N>): Promise<Result<N>> =>
    client.call(operation, input, { over: 'http' });

  const readAlerts = async (query: Input<'alert:list'>): Promise<Alert[]> => {
    const items: Alert[] = [];
    let next: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('alert:list', { ...query, ...(next === undefined ? {} : { cursor: next }) });
      items.push(...answer.items);
      next = answer.next;
      if (next === undefined) break;
    }
    return items;
  };

  const readVitals = async (query: Input<'vitals:list'>): Promise<Reading[]> => {
    const items: Reading[] = [];
    let next: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('vitals:list', { ...query, ...(next === undefined ? {} : { cursor: next }) });
      items.push(...answer.items);
      next = answer.next;
      if (next === undefined) break;
    }
    return items;
  };

  /** Oldest first, so that of very many the newest are those that `hasMore` speaks of. */
  const readLetters = async (
    service: Input<'deadLetter:list'>['service'],
  ): Promise<{ letters: DeadLetter[]; hasMore: boolean }> => {
    const letters: DeadLetter[] = [];
    let after: number | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await ask('deadLetter:list', { service, limit: 200, ...(after === undefined ? {} : { after }) });
      letters.push(...answer.items);
      if (answer.next === undefined) return { letters, hasMore: false };
      after = answer.next;
    }
    return { letters, hasMore: true };
  };

  return {
    me: () => ask('person:me', {}),
    ward: (wardId: string) => ask('ward:get', { wardId }),
    wardStatus: async (wardId: string) => (await ask('ward:status', { wardId })).items,
    patientStatus: (patientId: string) => ask('patient:status', { patientId }),
    vitals: readVitals,
    limits: async (patientId: string) => (await ask('limits:get', { patientId })).limits,
    alerts: readAlerts,
    alert: (alertId: string) => ask('alert:get', { alertId }),
    notices: async () => (await ask('notice:list', {})).items,
    publishNotice: (notice: Input<'notice:publish'>) => ask('notice:publish', notice),
    disconnect: (whom: Input<'person:disconnect'>) => ask('person:disconnect', whom),
    endSubscription: (which: Input<'subscription:end'>) => ask('subscription:end', which),
    revoke: (what: Input<'access:revoke'>) => ask('access:revoke', what),
    stats: client.stats,
    deadLetters: readLetters,
    deadLetter: (service: DeadLetter['service'], sequence: number) => ask('deadLetter:get', { service, sequence }),
    putBack: (service: DeadLetter['service'], sequence: number) =>
      client.call('deadLetter:putBack', { service, sequence }, { over: 'http' }),
  };
};
