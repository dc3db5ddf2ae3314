/** Who a token says it is. Whose key signed it is decided by its algorithm alone: a token cannot mix the two. */
import { createHash } from 'node:crypto';
import { roles, type Actor } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import { Id, OneOf, Type, validate, type Static } from '@carillon/contracts/schema';
import { SignJWT, decodeProtectedHeader, errors as joseErrors, jwtVerify, type CryptoKey } from 'jose';
import type { GatewayConfig } from './config.ts';
import { isPublicAlgorithm, type PublicKeys } from './jwks.ts';

/** Who a token says it is, and until when. Times are ms since the epoch. */
export type Identity = Actor & {
  name: string;
  expiresAt: number;
  issuedAt?: number;
  /** On which device it is used: claim `device`. */
  deviceId?: string;
};

export type Tokens = {
  /**
   * @throws TokenError for one that is not good
   * @throws CodedError `unavailable` while no key is known by which it could be checked
   */
  verify(token: string): Promise<Identity>;
  /** Development only. */
  sign(person: DevelopmentPerson): Promise<string>;
};

export type DevelopmentPerson = {
  person: string;
  hospital: string;
  roles: readonly string[];
  name: string;
  /** As if he had just given a second factor. */
  hasMfa?: boolean;
};

const claimsSchema = Type.Object({
  sub: Id('Person'),
  hospital: Id('Hospital'),
  roles: Type.Array(OneOf(roles, 'Role'), { minItems: 1 }),
  // The last second that a Date can hold.
  exp: Type.Number({ maximum: 8_640_000_000_000 }),
  name: Type.Optional(Type.String()),
  jti: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  iat: Type.Optional(Type.Number()),
  device: Type.Optional(Id('Device')),
  amr: Type.Optional(Type.Array(Type.String())),
  auth_time: Type.Optional(Type.Number()),
});
type Claims = Static<typeof claimsSchema>;

/** A token that is not good, and no more is said of why. */
export class TokenError extends CodedError {
  readonly isExpired: boolean;
  readonly isRevoked: boolean;
  constructor(isExpired: boolean, isRevoked = false) {
    const state = isRevoked ? 'was revoked' : isExpired ? 'has expired' : 'is not valid';
    super('unauthorised', `The token ${state}`);
    this.isExpired = isExpired;
    this.isRevoked = isRevoked;
  }
}

const devTokenLife = '12h';
/** A device posts every second with the same token: its signature is checked once, its time and key each time. */
const maxRemembered = 20_000;
const leewayMs = 2_000;

/** Methods that are a second factor (RFC 8176). */
const secondFactors: readonly string[] = ['mfa', 'otp', 'hwk', 'swk', 'sms'];

/**
 * When the second factor was given. A token that was only renewed has a new `iat` and an old `auth_time`; so `iat` stands in
 * for a missing `auth_time` only where the issuer says `mfa` of the token itself, and a time to come counts for nothing.
 */
function factorAt({ amr = [], auth_time: authTime, iat }: Claims, now: number): number | undefined {
  if (!amr.some((method) => secondFactors.includes(method))) return undefined;
  const seconds = authTime ?? (amr.includes('mfa') ? iat : undefined);
  if (seconds === undefined || seconds * 1000 > now + leewayMs) return undefined;
  return Math.round(seconds * 1000);
}

function toIdentity(claims: Claims, now: number): Identity {
  const { sub, hospital, roles: claimed, exp, name, jti, iat, device } = claims;
  const mfaAt = factorAt(claims, now);
  return {
    person: sub,
    hospital,
    roles: claimed,
    name: name ?? sub,
    expiresAt: Math.floor(exp * 1000),
    ...(mfaAt === undefined ? {} : { mfaAt }),
    ...(jti === undefined ? {} : { tokenId: jti }),
    ...(iat === undefined ? {} : { issuedAt: Math.floor(iat * 1000) }),
    ...(device === undefined ? {} : { deviceId: device }),
  };
}

type Signer = { key: CryptoKey | Uint8Array; alg: string; thumbprint?: string };
/** @param thumbprint of the provider's key, where it was one */
type Remembered = { identity: Identity; thumbprint: string | undefined };

export type TokenChecks = {
  /** Of the identity provider; without them only the shared secret counts. */
  keys?: PublicKeys | undefined;
  isRevoked?(identity: Identity): boolean;
};

export function createTokens(
  config: GatewayConfig,
  now: () => number,
  { keys, isRevoked = () => false }: TokenChecks = {},
): Tokens {
  const secret = config.CARILLON_JWT_SECRET === '' ? undefined : new TextEncoder().encode(config.CARILLON_JWT_SECRET);
  /** By its digest: the token itself is ten times as long, and is nothing to keep. */
  const remembered = new Map<string, Remembered>();
  const remember = (digest: string, entry: Remembered): void => {
    const oldest = remembered.keys().next();
    if (remembered.size >= maxRemembered && oldest.done !== true) remembered.delete(oldest.value);
    remembered.set(digest, entry);
  };

  /** Ours is the list of algorithms, and each has its own kind of key: none can be checked with another's. */
  const signerOf = async (token: string): Promise<Signer> => {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg === 'HS256' && secret !== undefined) return { key: secret, alg };
    if (alg === undefined || !isPublicAlgorithm(alg) || keys === undefined) throw new TokenError(false);
    const found = await keys.find({ alg, kid }).catch(() => {
      throw new CodedError('unavailable', 'Tokens cannot be checked now');
    });
    if (found === undefined) throw new TokenError(false);
    return { ...found, alg };
  };
  const check = async (token: string): Promise<Remembered> => {
    const { key, alg, thumbprint } = await signerOf(token);
    const { payload } = await jwtVerify(token, key, {
      algorithms: [alg],
      issuer: config.CARILLON_JWT_ISSUER,
      audience: config.CARILLON_JWT_AUDIENCE,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: leewayMs / 1000,
      currentDate: new Date(now()),
    });
    const claims = validate(claimsSchema, payload);
    if (!claims.ok) throw new TokenError(false);
    return { identity: toIdentity(claims.value, now()), thumbprint };
  };
  const recall = (digest: string): Remembered | undefined => {
    const entry = remembered.get(digest);
    if (entry === undefined) return undefined;
    const { identity, thumbprint } = entry;
    const isKeyGone = thumbprint !== undefined && keys?.isCurrent(thumbprint) !== true;
    if (now() < identity.expiresAt + leewayMs && !isKeyGone) return entry;
    remembered.delete(digest);
    return undefined;
  };

  return {
    async verify(token) {
      const digest = digestOf(token);
      const known = recall(digest);
      try {
        const entry = known ?? (await check(token));
        if (isRevoked(entry.identity)) throw new TokenError(false, true);
        if (known === undefined) remember(digest, entry);
        return entry.identity;
      } catch (error) {
        if (error instanceof CodedError) throw error;
        throw new TokenError(error instanceof joseErrors.JWTExpired);
      }
    },
    async sign({ person, hospital, roles: granted, name, hasMfa = false }) {
      if (secret === undefined) throw new CodedError('unavailable', 'Development tokens need CARILLON_JWT_SECRET');
      const seconds = Math.floor(now() / 1000);
      const amr = ['dev', ...(hasMfa ? ['mfa'] : [])];
      return new SignJWT({ hospital, roles: granted, name, amr, ...(hasMfa ? { auth_time: seconds } : {}) })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(person)
        .setIssuer(config.CARILLON_JWT_ISSUER)
        .setAudience(config.CARILLON_JWT_AUDIENCE)
        .setIssuedAt(seconds)
        .setJti(crypto.randomUUID())
        .setExpirationTime(devTokenLife)
        .sign(secret);
    },
  };
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
/** Names a token in counters without holding it. */
export const tokenHash = (token: string): string => digestOf(token).slice(0, 16);
