import { createHash } from 'node:crypto';
import { roles, type Actor } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { Id, OneOf, Type, validate } from '@carillon/contracts/schema';
import { SignJWT, errors as joseErrors, jwtVerify } from 'jose';
import type { GatewayConfig } from './config.ts';

/** Who a token says it is, and until when (ms since the epoch). */
export type Identity = Actor & { name: string; expiresAt: number };

export type Tokens = {
  /** @throws CodedError `unauthorised`; `isExpired` tells one that was good once */
  verify(token: string): Promise<Identity>;
  /** Development only. */
  sign(person: { person: string; hospital: string; roles: readonly string[]; name: string }): Promise<string>;
};

const claimsSchema = Type.Object({
  sub: Id('Person'),
  hospital: Id('Hospital'),
  roles: Type.Array(OneOf(roles, 'Role'), { minItems: 1 }),
  // The last second that a Date can hold.
  exp: Type.Number({ maximum: 8_640_000_000_000 }),
  name: Type.Optional(Type.String()),
});

export class TokenError extends CodedError {
  readonly isExpired: boolean;
  constructor(isExpired: boolean) {
    super('unauthorised', isExpired ? 'The token has expired' : 'The token is not valid');
    this.isExpired = isExpired;
  }
}

const devTokenLife = '12h';
/** A device posts every second with the same token: its signature is checked once, its time each time. */
const maxRemembered = 20_000;
const leewayMs = 2_000;

export function createTokens(config: GatewayConfig, now: () => number): Tokens {
  const secret = new TextEncoder().encode(config.CARILLON_JWT_SECRET);
  const remembered = new Map<string, Identity>();
  const remember = (token: string, identity: Identity): Identity => {
    const oldest = remembered.keys().next();
    if (remembered.size >= maxRemembered && oldest.done !== true) remembered.delete(oldest.value);
    remembered.set(token, identity);
    return identity;
  };
  return {
    async verify(token) {
      const known = remembered.get(token);
      if (known !== undefined) {
        if (now() < known.expiresAt + leewayMs) return known;
        remembered.delete(token);
      }
      try {
        // The list of algorithms is ours: a token cannot choose `none`, or a key type that we did not mean.
        const { payload } = await jwtVerify(token, secret, {
          algorithms: ['HS256'],
          issuer: config.CARILLON_JWT_ISSUER,
          audience: config.CARILLON_JWT_AUDIENCE,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: leewayMs / 1000,
          currentDate: new Date(now()),
        });
        const claims = validate(claimsSchema, payload);
        if (!claims.ok) throw new TokenError(false);
        const { sub, hospital, roles: claimed, exp, name } = claims.value;
        return remember(token, { person: sub, hospital, roles: claimed, name: name ?? sub, expiresAt: exp * 1000 });
      } catch (error) {
        throw error instanceof TokenError ? error : new TokenError(error instanceof joseErrors.JWTExpired);
      }
    },
    sign: ({ person, hospital, roles: granted, name }) =>
      new SignJWT({ hospital, roles: granted, name, amr: ['dev'] })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(person)
        .setIssuer(config.CARILLON_JWT_ISSUER)
        .setAudience(config.CARILLON_JWT_AUDIENCE)
        .setIssuedAt(Math.floor(now() / 1000))
        .setJti(crypto.randomUUID())
        .setExpirationTime(devTokenLife)
        .sign(secret),
  };
}

/** Names a token in counters without holding it. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('base64url').slice(0, 16);
