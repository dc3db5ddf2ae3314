/** Signing in where the server gives tokens to anybody: for demonstrations and tests, never in production. */
import { CodedError, type ErrorCode } from '@carillon/contracts/errors';

export type DevelopmentPerson = {
  person: string;
  name: string;
  roles: readonly string[];
  wards: readonly string[];
  hospital: string;
};

const withinMs = 10_000;

async function ask<T>(url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, { ...init, cache: 'no-store', signal: AbortSignal.timeout(withinMs) }).catch(() => {
    throw new CodedError('unavailable', 'The server cannot be reached.');
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  const error = (body as { error?: { code?: ErrorCode; message?: string } } | undefined)?.error;
  throw new CodedError(error?.code ?? 'unavailable', error?.message ?? `The server answered ${response.status}.`);
}

/**
 * Whom a token can be had for; undefined where the server has it switched off.
 * @throws CodedError `unavailable`
 */
export async function developmentPeople(base = ''): Promise<readonly DevelopmentPerson[] | undefined> {
  try {
    return (await ask<{ items: DevelopmentPerson[] }>(`${base}/v1/dev/people`)).items;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** A token of a person of the directory. @throws CodedError */
export async function developmentToken(person: string, base = ''): Promise<string> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ person }),
  };
  return (await ask<{ token: string }>(`${base}/v1/dev/token`, init)).token;
}
