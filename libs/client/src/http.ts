/** One frame by `POST /realtime/command`, answered as over WebSocket. Any gateway serves it; it needs no connection. */
import { CodedError } from '@carillon/contracts/errors';
import type { Environment } from './environment.ts';
import type { ClientFrame, ErrorFrame, ServerFrame } from './frames.ts';
import { isSignedOut, type Tokens } from './tokens.ts';

export type Post = (frame: Extract<ClientFrame, { t: 'call' | 'signal' | 'ack' }>) => Promise<HttpAnswer>;
export type HttpAnswer = Extract<ServerFrame, { t: 'ok' | 'err' }>;

export type HttpOptions = { url: string; tokens: Tokens; fetch: Environment['fetch'] };

const answerWithinMs = 15_000;

const unreachable = (id: number): ErrorFrame => ({
  t: 'err',
  id,
  code: 'unavailable',
  message: 'The server cannot be reached',
  retry: 'backoff',
});

const isAnswer = (body: unknown): body is HttpAnswer =>
  typeof body === 'object' && body !== null && 't' in body && (body.t === 'ok' || body.t === 'err');

export function createPost({ url, tokens, fetch }: HttpOptions): Post {
  const postOnce = async (body: string, id: number): Promise<HttpAnswer> => {
    const token = await tokens.get();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
      cache: 'no-store',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    if (response.status === 204) return { t: 'ok', id };
    const answer: unknown = await response.json();
    if (response.status === 401) tokens.refuse(token);
    // What is none of ours comes from something on the way.
    return isAnswer(answer) ? answer : unreachable(id);
  };
  return async (frame) => {
    const id = 'id' in frame ? frame.id : 0;
    const body = JSON.stringify(frame);
    try {
      const answer = await postOnce(body, id);
      const isRefused = answer.t === 'err' && answer.code === 'unauthorised';
      return isRefused ? await postOnce(body, id) : answer;
    } catch (error) {
      if (!isSignedOut(error)) return unreachable(id);
      const { code, message } = new CodedError('unauthorised');
      return { t: 'err', id, code, message, retry: 'reauth' };
    }
  };
}
