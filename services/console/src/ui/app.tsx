import { CodedError, createClient } from '@carillon/client/client';
import { useEffect, useState } from 'react';
import { createApi } from '../api.ts';
import { startClock } from '../clock.ts';
import { type Live, createLive } from '../live.ts';
import { type Session, personInHash, readSession, signInAs, signOut, tokensOf } from '../session.ts';
import { Desk } from './desk.tsx';
import { LiveProvider } from './hooks.ts';
import { SignIn } from './sign-in.tsx';

export const App = () => {
  const [session, setSession] = useState<Session | undefined>(() => {
    const known = readSession();
    const asked = personInHash();
    return asked === undefined || asked === known?.person ? known : undefined;
  });
  const [reason, setReason] = useState<string>();

  useEffect(startClock, []);

  useEffect(() => {
    const followHash = (): void => {
      const person = personInHash();
      if (person === undefined || person === readSession()?.person) return;
      signInAs(person)
        .then(setSession)
        .catch((error: Error) => setReason(`${person}: ${error.message}`));
    };
    followHash();
    window.addEventListener('hashchange', followHash);
    return () => window.removeEventListener('hashchange', followHash);
  }, []);

  const leave = (why?: string): void => {
    signOut();
    document.title = 'Carillon';
    setReason(why);
    setSession(undefined);
  };

  if (!session) return <SignIn reason={reason} onSignedIn={setSession} />;
  return <SignedIn key={session.token} first={session} onLeave={leave} />;
};

/** A board that someone looks at tries at least every 2 s, so that it is live within 3 s of the server's return. */
const LONGEST_WAIT_MS = 1500;
const LONGEST_HIDDEN_WAIT_MS = 20_000;

type SignedInProps = { first: Session; onLeave: (why?: string) => void };

/** A renewed token is used from the next request on; the board stays as it is. */
const SignedIn = ({ first, onLeave }: SignedInProps) => {
  const [live, setLive] = useState<Live>();
  const [isUnreachable, setUnreachable] = useState(false);

  useEffect(() => {
    let isGone = false;
    let made: Live | undefined;
    let timer: ReturnType<typeof setTimeout>;
    const client = createClient({
      token: tokensOf(first),
      name: 'console',
      version: '0.1.0',
      longestWaitMs: () => (document.visibilityState === 'visible' ? LONGEST_WAIT_MS : LONGEST_HIDDEN_WAIT_MS),
    });
    const api = createApi(client);
    const begin = async (): Promise<void> => {
      try {
        const me = await api.me();
        if (isGone) return;
        made = createLive({ me, api, client });
        made.start();
        setLive(made);
      } catch (error) {
        if (isGone) return;
        const code = error instanceof CodedError ? error.code : undefined;
        if (code === 'unauthorised') onLeave('Please sign in again.');
        else if (code === 'forbidden') onLeave((error as CodedError).message);
        else {
          setUnreachable(true);
          timer = setTimeout(() => void begin(), 2000);
        }
      }
    };
    void begin();
    return () => {
      isGone = true;
      clearTimeout(timer);
      made?.stop();
      // Also where nobody could be reached yet: what waits on this device goes with whoever has signed in.
      client.stop();
    };
    // One session, one live view; onLeave is made anew with every render of the app.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [first]);

  if (!live)
    return (
      <main className="sign-in">
        <p className="quiet" role="status">
          {isUnreachable ? 'The server cannot be reached. Trying again…' : 'Signing in…'}
        </p>
        {isUnreachable && (
          <button type="button" className="button" onClick={() => onLeave()}>
            Sign out
          </button>
        )}
      </main>
    );
  return (
    <LiveProvider value={live}>
      <Desk onSignOut={() => onLeave()} />
    </LiveProvider>
  );
};
