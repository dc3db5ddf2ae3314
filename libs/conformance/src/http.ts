/** HTTP calls, with the errors judged by the contracts: `{"error":…}` everywhere, `err` frames from `/realtime/command`. */
import { errors } from '@carillon/contracts/errors';
import { httpErrorSchema } from '@carillon/contracts/gateway';
import { validate } from '@carillon/contracts/schema';
import type { Recorder } from './recorder.ts';

export type Answer = { status: number; body: unknown; headers: Headers };
export type HttpCall = { token?: string | undefined; body?: unknown; headers?: Readonly<Record<string, string>> };

const deadlineMs = 20_000;

/** A string body is sent as it is. */
export async function callHttp(
  url: URL,
  [method, path]: readonly [string, string],
  { token, body, headers = {} }: HttpCall,
): Promise<Answer> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(deadlineMs),
  });
  const text = await response.text();
  return { status: response.status, body: parse(text), headers: response.headers };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** The code of an error, whichever of the two shapes it has; both are judged. */
export function errorCodeOf({ status, body }: Answer, recorder: Recorder): unknown {
  const frame = field(body, 't') === 'err' ? recorder.received(JSON.stringify(body)) : undefined;
  if (frame === undefined) {
    const checked = validate(httpErrorSchema, body);
    if (!checked.ok)
      recorder.fault(`HTTP ${status} with a body that is no error: ${JSON.stringify(body)?.slice(0, 200)}`);
  }
  const code = frame?.['code'] ?? field(field(body, 'error'), 'code');
  const known = Object.entries(errors).find(([name]) => name === code)?.[1];
  if (known !== undefined && known.status !== status) {
    recorder.fault(`HTTP ${status} with ${String(code)}, which is ${known.status}`);
  }
  return code;
}
