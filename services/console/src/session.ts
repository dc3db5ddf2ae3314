/** Who is signed in on this tab. The token is kept in sessionStorage: it goes with the tab. */
import { makeDemoToken } from './api.ts';

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
  writeSession({ token: await makeDemoToken(person), person });

export const signInWithToken = (token: string): Session => writeSession({ token: token.trim(), person: undefined });

/** A new token for the same person; undefined when the token was given by hand, and only a person can bring another. */
export const renewSession = async (): Promise<Session | undefined> => {
  const person = sessionStorage.getItem(PERSON);
  return person ? signInAs(person) : undefined;
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
