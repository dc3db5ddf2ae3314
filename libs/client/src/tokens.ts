/** The token: asked for once at a time, kept until it is known to be no good, and never waited for without end. */
import { CodedError } from '@carillon/contracts/errors';
import type { Environment } from './environment.ts';

/**
 * Gives a token that is good now. It is asked again when the one before has ended or was refused. To say that the
 * sign-in is over for good, reject with an error whose `code` is `unauthorised`; anything else is tried again.
 */
export type TokenProvider = () => Promise<string>;

export type Tokens = {
  get(): Promise<string>;
  /** The next `get` asks for another, unless this one was replaced already. */
  refuse(token: string | undefined): void;
  /** The newest that is known. */
  known(): string | undefined;
};

const deadlineMs = 10_000;

export function createTokens(provide: TokenProvider, { after }: Pick<Environment, 'after'>): Tokens {
  let known: string | undefined;
  let asking: Promise<string> | undefined;
  const ask = (): Promise<string> =>
    new Promise<string>((resolve, reject) => {
      const cancel = after(deadlineMs, () => reject(new CodedError('unavailable', 'No token came in time')));
      provide().then(resolve, reject).finally(cancel);
    });
  return {
    get() {
      if (known !== undefined) return Promise.resolve(known);
      asking ??= ask()
        .then((token) => (known = token))
        .finally(() => (asking = undefined));
      return asking;
    },
    refuse(token) {
      if (known === token) known = undefined;
    },
    known: () => known,
  };
}

/** Whether an error says that only signing in again helps. */
export const isSignedOut = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'unauthorised';

/** Whose a token is, as `<hospital>/<person>`; undefined for one that cannot be read. Nothing is decided by it but whose queue is whose. */
export function ownerOf(token: string): string | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const { hospital, sub } = JSON.parse(atob(payload)) as { hospital?: unknown; sub?: unknown };
    return typeof hospital === 'string' && typeof sub === 'string' ? `${hospital}/${sub}` : undefined;
  } catch {
    return undefined;
  }
}
