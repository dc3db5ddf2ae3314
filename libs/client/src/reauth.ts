/** A new token before the old one ends: over a WebSocket in place, for an event stream by another stream. */
import type { Cancel, Environment } from './environment.ts';
import { reconnectDelayMs } from './reconnect.ts';
import type { Session } from './session.ts';
import type { Tokens } from './tokens.ts';

export type ReauthOptions = {
  tokens: Tokens;
  isCurrent: (session: Session) => boolean;
  replace: (session: Session, withinMs: number) => void;
} & Pick<Environment, 'now' | 'after' | 'random'>;

/** Before the server asks, which it does 60 s before the end; of a short life half. */
const beforeMs = 90_000;
const longestRetryMs = 5_000;
/** A provider that gives the same token again must not be asked without end. */
const leastMs = 1_000;

export function keepTokenFresh({ tokens, isCurrent, replace, now, after, random }: ReauthOptions) {
  let cancel: Cancel = () => {};
  let renewing: Session | undefined;

  /** The server's clock less ours. */
  let aheadMs = 0;

  const schedule = (session: Session, expiresAt: string): void => {
    cancel();
    const leftMs = Date.parse(expiresAt) - (now() + aheadMs);
    cancel = after(Math.max(leftMs - beforeMs, leftMs / 2, leastMs), () => renew(session));
  };

  const send = (session: Session, token: string, attempt = 0): void => {
    if (session.transport === 'sse') return replace(session, 0);
    session.ask({ t: 'reauth', token }, (answer) => {
      if (answer?.t === 'ok') return schedule(session, (answer.data as { expiresAt: string }).expiresAt);
      // Its keys cannot be had just now, say. Any other refusal ends the connection.
      const isPassing = answer?.t === 'err' && (answer.retry === 'backoff' || answer.retry === 'after');
      if (!isPassing || !isCurrent(session)) return;
      const delayMs = answer.afterMs ?? reconnectDelayMs(attempt, random, longestRetryMs);
      cancel();
      cancel = after(delayMs, () => isCurrent(session) && send(session, token, attempt + 1));
    });
  };

  const attemptRenewal = (session: Session, attempt: number): void => {
    tokens.get().then(
      (token) => {
        renewing = undefined;
        if (isCurrent(session)) send(session, token);
      },
      () => {
        // Nothing is lost yet: after the grace the server ends it with 4100, and the token is asked for again.
        if (!isCurrent(session)) return (renewing = undefined);
        const delayMs = reconnectDelayMs(attempt, random, longestRetryMs);
        cancel = after(delayMs, () => attemptRenewal(session, attempt + 1));
      },
    );
  };

  const renew = (session: Session): void => {
    if (!isCurrent(session) || renewing === session) return;
    cancel();
    renewing = session;
    tokens.refuse(tokens.known());
    attemptRenewal(session, 0);
  };

  return {
    begin(session: Session): void {
      const { ready } = session;
      if (ready === undefined) return;
      aheadMs = Date.parse(ready.now) - now();
      schedule(session, ready.expiresAt);
    },
    /** Gets a new token and gives it to the server. */
    renew,
    stop: () => cancel(),
  };
}
