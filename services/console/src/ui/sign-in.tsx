import { CodedError } from '@carillon/client/client';
import { developmentPeople, type DevelopmentPerson } from '@carillon/client/development';
import { useEffect, useState } from 'react';
import { capitalised, roleRank, words } from '../format.ts';
import { type Session, signInAs, signInWithToken } from '../session.ts';
import { BellMark } from './icons.tsx';

type SignInProps = { reason: string | undefined; onSignedIn: (session: Session) => void };

export const SignIn = ({ reason, onSignedIn }: SignInProps) => {
  const [people, setPeople] = useState<readonly DevelopmentPerson[] | 'none' | 'loading' | 'unreachable'>('loading');
  const [problem, setProblem] = useState(reason);
  const [busy, setBusy] = useState<string>();

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const ask = async (): Promise<void> => {
      try {
        const found = await developmentPeople();
        if (!isGone) setPeople(found ?? 'none');
      } catch {
        if (isGone) return;
        setPeople('unreachable');
        timer = setTimeout(() => void ask(), 2000);
      }
    };
    void ask();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);

  const choose = async (person: string): Promise<void> => {
    setBusy(person);
    setProblem(undefined);
    try {
      onSignedIn(await signInAs(person));
    } catch (error) {
      setProblem(error instanceof CodedError ? error.message : 'Sign-in did not succeed.');
      setBusy(undefined);
    }
  };

  return (
    <main className="sign-in">
      <div className="sign-in-head">
        <BellMark />
        <h1>Carillon</h1>
        <p>Vital signs, alarms and escalation, live.</p>
      </div>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {people === 'loading' && <p className="quiet">Loading…</p>}
      {people === 'unreachable' && (
        <p className="problem" role="status">
          The server cannot be reached. Trying again…
        </p>
      )}
      {people === 'none' && <TokenForm onToken={(token) => onSignedIn(signInWithToken(token))} />}
      {typeof people !== 'string' && (
        <>
          <p className="quiet">Demonstration hospital: choose who you are.</p>
          <ul className="people">
            {[...people]
              .sort(
                (left, right) =>
                  roleRank(left.roles[0]) - roleRank(right.roles[0]) || left.person.localeCompare(right.person),
              )
              .map((person) => (
                <li key={person.person}>
                  <button
                    type="button"
                    className="person"
                    data-testid={`sign-in-${person.person}`}
                    disabled={busy !== undefined}
                    onClick={() => void choose(person.person)}
                  >
                    <span className="person-name">{person.name}</span>
                    <span className="person-role">
                      {[person.roles.map((role) => capitalised(words(role))).join(', '), person.wards.join(', ')]
                        .filter(Boolean)
                        .join(' · ')}
                    </span>
                    <span className="person-id">{busy === person.person ? '…' : person.person}</span>
                  </button>
                </li>
              ))}
          </ul>
        </>
      )}
      <p className="sign-in-foot">
        Carillon is not a certified medical device. Names and data of the demonstration are synthetic.
      </p>
    </main>
  );
};

const TokenForm = ({ onToken }: { onToken: (token: string) => void }) => (
  <form
    className="token-form"
    onSubmit={(event) => {
      event.preventDefault();
      const token = new FormData(event.currentTarget).get('token');
      if (typeof token === 'string' && token.trim() !== '') onToken(token);
    }}
  >
    <label htmlFor="token">Access token</label>
    <textarea id="token" name="token" rows={5} required spellCheck={false} autoComplete="off" />
    <button type="submit" className="button primary">
      Sign in
    </button>
  </form>
);
