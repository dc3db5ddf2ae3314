/** Tokens as an identity provider would sign them, good and bad. */
import { SignJWT, type JWTPayload } from 'jose';
import { jwtSecret } from './config.ts';

export type Claims = JWTPayload & { hospital?: unknown; roles?: unknown; name?: unknown };

export const claimsOf = (person: string, roles: readonly string[], more: Claims = {}): Claims => ({
  iss: 'carillon',
  aud: 'carillon',
  sub: person,
  hospital: 'h1',
  roles: [...roles],
  exp: Math.floor(Date.now() / 1000) + 3_600,
  ...more,
});

export const signed = (claims: Claims, secret = jwtSecret, alg = 'HS256'): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token whose header says what it likes; the signature is given. */
export const assembled = (header: unknown, claims: Claims, signature = ''): string =>
  `${base64url(header)}.${base64url(claims)}.${signature}`;
