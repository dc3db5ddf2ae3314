/** The queries of the console over HTTP, on the page's own origin. */
import type { Alert, DeadLetter, FullDeadLetter, Limit, Me, PatientStatus, Person, Reading, Ward } from './types.ts';

/** An answer that is not 2xx; status 0 when there was no answer at all. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(status: number, code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

const ANSWER_WITHIN_MS = 10_000;

const request = async <T>(path: string, init: RequestInit): Promise<T> => {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  } catch {
    throw new HttpError(0, 'unreachable', 'The server cannot be reached.');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  const error = (body as { error?: { code?: string; message?: string } } | undefined)?.error;
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new HttpError(
    response.status,
    error?.code ?? 'unavailable',
    error?.message ?? `The server answered ${response.status}.`,
    Number.isNaN(seconds) ? undefined : seconds * 1000,
  );
};

/** Development sign-in; undefined where the server has it switched off. */
export const listDemoPeople = async (): Promise<Person[] | undefined> => {
  try {
    return (await request<{ items: Person[] }>('/v1/dev/people', {})).items;
  } catch (error) {
    if (error instanceof HttpError && error.status > 0 && error.status < 500) return undefined;
    throw error;
  }
};

export const makeDemoToken = async (person: string): Promise<string> => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ person }) };
  return (await request<{ token: string }>('/v1/dev/token', init)).token;
};

export type Api = ReturnType<typeof createApi>;

/** No page of the API is followed further than this: a board must not read a week into memory. */
const MOST_PAGES = 20;

export const createApi = (token: () => string) => {
  const get = <T>(path: string, query: Record<string, string | undefined> = {}): Promise<T> => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
    const suffix = search.size > 0 ? `?${search.toString()}` : '';
    return request<T>(`${path}${suffix}`, { headers: { authorization: `Bearer ${token()}` } });
  };

  const id = encodeURIComponent;
  const getAll = async <T>(path: string, query: Record<string, string | undefined>): Promise<T[]> => {
    const items: T[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer: { items: T[]; next?: string | null } = await get(path, { ...query, cursor });
      items.push(...answer.items);
      if (!answer.next) break;
      cursor = answer.next;
    }
    return items;
  };

  /** Oldest first, so that of very many the newest are those that `hasMore` speaks of. */
  const getLetters = async (service: string): Promise<{ letters: DeadLetter[]; hasMore: boolean }> => {
    const items: DeadLetter[] = [];
    let after: number | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const query = { limit: '200', after: after === undefined ? undefined : String(after) };
      const answer: { items: DeadLetter[]; next?: number } = await get(`/v1/dead-letters/${id(service)}`, query);
      items.push(...answer.items);
      if (answer.next === undefined) return { letters: items, hasMore: false };
      after = answer.next;
    }
    return { letters: items, hasMore: true };
  };

  return {
    me: () => get<Me>('/v1/me'),
    ward: (wardId: string) => get<Ward>(`/v1/wards/${id(wardId)}`),
    wardStatus: async (wardId: string) =>
      (await get<{ items: PatientStatus[] }>(`/v1/wards/${id(wardId)}/status`)).items,
    patientStatus: (patientId: string) => get<PatientStatus>(`/v1/patients/${id(patientId)}/status`),
    vitals: (patientId: string, range: { from: string; to: string; vital?: string }) =>
      getAll<Reading>(`/v1/patients/${id(patientId)}/vitals`, range),
    limits: async (patientId: string) =>
      (await get<{ limits: Limit[] }>(`/v1/patients/${id(patientId)}/limits`)).limits,
    alerts: (query: { wardId?: string; state: 'open' | 'acknowledged' }) => getAll<Alert>('/v1/alerts', query),
    alert: (alertId: string) => get<Alert>(`/v1/alerts/${id(alertId)}`),
    deadLetters: getLetters,
    deadLetter: (service: string, sequence: number) =>
      get<FullDeadLetter>(`/v1/dead-letters/${id(service)}/${sequence}`),
    /** @returns undefined when it is stored and was not done in time */
    putBack: async (service: string, sequence: number): Promise<DeadLetter | undefined> => {
      const answer = await request<DeadLetter | { accepted: true }>(
        `/v1/dead-letters/${id(service)}/${sequence}/put-back`,
        { method: 'POST', headers: { authorization: `Bearer ${token()}` } },
      );
      return 'accepted' in answer ? undefined : answer;
    },
  };
};
