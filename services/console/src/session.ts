/** Who is signed in on this tab. The token is kept in sessionStorage: it goes with the tab. */
import { CodedError, type TokenProvider } from '@carillon/client/client';
import { developmentToken } from '@carillon/client/development';

const TOKEN = 'carillon.token';
const PERSON = 'carillon.person';

export type Session = { token: string; person: string | undefined };

export const readSession = (): Session | undefined => {
  const token = sessionStorage.getItem(TOKEN);
  return token ? { token, person: sessionStorage.getItem(PERSON) ?? undefined } : undefined;
};

const writeSession = (session: Session): Session => {
  sessionStorage.setItem(TOKEN, session.token);
  if (session.person === undefined) sessionStorage.removeItem(PERSON);
  else sessionStorage.setItem(PERSON, session.person);
  return session;
};

export const signInAs = async (person: string): Promise<Session> =>
  writeSession({ token: await developmentToken(person), person });

export const signInWithToken = (token: string): Session => writeSession({ token: token.trim(), person: undefined });

/** A new token for the same person; undefined when the token was given by hand, and only a person can bring another. */
export const renewSession = async (): Promise<Session | undefined> => {
  const person = sessionStorage.getItem(PERSON);
  return person ? signInAs(person) : undefined;
};

/** The token of the session first, and from then on a new one each time. */
export const tokensOf = (session: Session): TokenProvider => {
  let given: string | undefined = session.token;
  return async () => {
    const token = given ?? (await renewSession())?.token;
    given = undefined;
    if (token === undefined) throw new CodedError('unauthorised', 'Your sign-in has ended. Please sign in again.');
    return token;
  };
};

export const signOut = (): void => {
  sessionStorage.removeItem(TOKEN);
  sessionStorage.removeItem(PERSON);
  // The hash would sign the same person in again.
  history.replaceState(null, '', location.pathname);
};

/** `#person=n1` signs in directly: for demonstrations and tests. */
export const personInHash = (): string | undefined =>
  new URLSearchParams(location.hash.replace(/^#/, '')).get('person') ?? undefined;
