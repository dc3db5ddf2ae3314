/** `GET /realtime/stats`: the figures of the gateway that answers, for operators. No operation, so that no `call` brings it. */
import { CodedError, type ErrorBody } from '@carillon/contracts/errors';
import type { RealtimeStats } from '@carillon/contracts/gateway-stats';
import type { Environment } from './environment.ts';
import { isSignedOut, type Tokens } from './tokens.ts';

export type StatsOptions = { url: string; tokens: Tokens; fetch: Environment['fetch'] };

const answerWithinMs = 10_000;

export function createStats({ url, tokens, fetch }: StatsOptions): () => Promise<RealtimeStats> {
  const readOnce = async (): Promise<RealtimeStats> => {
    const token = await tokens.get();
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    if (response.status === 401) tokens.refuse(token);
    const body: unknown = await response.json();
    if (response.ok) return body as RealtimeStats;
    const { error } = body as { error: ErrorBody };
    throw new CodedError(error.code, error.message, error);
  };
  const isRefusedToken = (error: unknown): boolean => error instanceof CodedError && error.code === 'unauthorised';
  return async () => {
    try {
      // As for a call: a token that has ended is replaced once.
      return await readOnce().catch((error: unknown) => (isRefusedToken(error) ? readOnce() : Promise.reject(error)));
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError(isSignedOut(error) ? 'unauthorised' : 'unavailable');
    }
  };
}
