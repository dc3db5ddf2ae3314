import { useEffect, useState } from 'react';
import { HttpError, createApi } from '../api.ts';
import { startClock } from '../clock.ts';
import { type Live, createLive } from '../live.ts';
import { type Session, personInHash, readSession, renewSession, signInAs, signOut } from '../session.ts';
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

type SignedInProps = { first: Session; onLeave: (why?: string) => void };

/** A renewed token is used from the next request on; the board stays as it is. */
const SignedIn = ({ first, onLeave }: SignedInProps) => {
  const [live, setLive] = useState<Live>();
  const [isUnreachable, setUnreachable] = useState(false);

  useEffect(() => {
    let token = first.token;
    let isGone = false;
    let made: Live | undefined;
    let timer: ReturnType<typeof setTimeout>;
    const api = createApi(() => token);
    const renewToken = async (): Promise<string | undefined> => {
      const renewed = await renewSession();
      if (renewed) token = renewed.token;
      return renewed?.token;
    };
    const begin = async (mayRenew: boolean): Promise<void> => {
      try {
        const me = await api.me();
        if (isGone) return;
        made = createLive({ me, api, token: () => token, renewToken });
        made.start();
        setLive(made);
      } catch (error) {
        if (isGone) return;
        if (error instanceof HttpError && error.status === 401) {
          const renewed = mayRenew ? await renewToken().catch(() => undefined) : undefined;
          if (renewed !== undefined) return begin(false);
          onLeave('Please sign in again.');
        } else if (error instanceof HttpError && error.status === 403) {
          onLeave(error.message);
        } else {
          setUnreachable(true);
          timer = setTimeout(() => void begin(mayRenew), 2000);
        }
      }
    };
    void begin(true);
    return () => {
      isGone = true;
      clearTimeout(timer);
      made?.stop();
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
