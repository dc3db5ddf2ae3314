import { createHmac, generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { gatewayConfig, jwtSecret } from '../test/config.ts';
import { assembled, claimsOf, signed, type Claims } from '../test/tokens.ts';
import { TokenError, createTokens, tokenHash } from './tokens.ts';

const tokens = createTokens(gatewayConfig(), () => Date.now());
const seconds = (offset: number): number => Math.floor(Date.now() / 1000) + offset;
const good = claimsOf('n1', ['nurse'], { name: 'Nurse One' });
const without = (claim: string): Claims => Object.fromEntries(Object.entries(good).filter(([name]) => name !== claim));
const refusal = async (token: string): Promise<TokenError> => {
  const error: unknown = await tokens.verify(token).catch((thrown: unknown) => thrown);
  if (error instanceof TokenError) return error;
  throw new Error('was not refused');
};

test('a good token says who, where, as what and until when', async () => {
  expect(await tokens.verify(await signed(good))).toEqual({
    person: 'n1',
    hospital: 'h1',
    roles: ['nurse'],
    name: 'Nurse One',
    expiresAt: Number(good.exp) * 1000,
  });
});

test('a person without a name goes by his id, and unknown claims are left alone', async () => {
  const token = await signed({ ...without('name'), ward: 'w1', aud: ['other', 'carillon'] });
  expect(await tokens.verify(token)).toMatchObject({ name: 'n1' });
});

test('a development token is one that verifies', async () => {
  const token = await tokens.sign({ person: 'p1', hospital: 'h1', roles: ['patient'], name: 'P' });
  expect(await tokens.verify(token)).toMatchObject({ person: 'p1', roles: ['patient'] });
});

test('an expired token is told from one that never was good, within two seconds of leeway', async () => {
  expect((await refusal(await signed({ ...good, exp: seconds(-10) }))).isExpired).toBe(true);
  expect((await refusal(await signed({ ...good, exp: seconds(-10) }, 'x'.repeat(32)))).isExpired).toBe(false);
  expect(await tokens.verify(await signed({ ...good, exp: seconds(-1) }))).toMatchObject({ person: 'n1' });
});

test('a token that was good expires all the same, though its signature is not checked again', async () => {
  let now = Date.now();
  const watched = createTokens(gatewayConfig(), () => now);
  const token = await signed({ ...good, exp: seconds(60) });
  const first = await watched.verify(token);
  expect(await watched.verify(token)).toBe(first);
  now += 61_000;
  expect(await watched.verify(token)).toBe(first);
  now += 2_000;
  await expect(watched.verify(token)).rejects.toMatchObject({ isExpired: true });
});

test.each<[string, () => Promise<string> | string]>([
  ['of another secret', () => signed(good, 'another secret of more than 32 characters')],
  ['that is not good yet', () => signed({ ...good, nbf: seconds(60) })],
  ['of another issuer', () => signed({ ...good, iss: 'other' })],
  ['for another audience', () => signed({ ...good, aud: 'other' })],
  ['without an issuer', () => signed(without('iss'))],
  ['without an audience', () => signed(without('aud'))],
  ['without an expiry', () => signed(without('exp'))],
  ['that expires after the end of time', () => signed({ ...good, exp: 1e15 })],
  ['without a person', () => signed(without('sub'))],
  ['without a hospital', () => signed(without('hospital'))],
  ['without roles', () => signed(without('roles'))],
  ['with an empty list of roles', () => signed({ ...good, roles: [] })],
  ['with a role that nobody knows', () => signed({ ...good, roles: ['nurse', 'wizard'] })],
  ['with roles that are no list', () => signed({ ...good, roles: 'admin' })],
  ['whose person is a wildcard', () => signed({ ...good, sub: '>' })],
  ['whose hospital holds a dot', () => signed({ ...good, hospital: 'h1.w1' })],
  ['of alg none', () => assembled({ alg: 'none' }, good)],
  ['of alg None', () => assembled({ alg: 'None' }, good)],
  ['of HS384 with the right secret', () => signed(good, jwtSecret.padEnd(64, '.'), 'HS384')],
  [
    'of HS512 with the right secret',
    () => new SignJWT(good).setProtectedHeader({ alg: 'HS512' }).sign(Buffer.from(jwtSecret)),
  ],
  [
    'that says RS256 over an HMAC of the secret',
    () => {
      const unsigned = assembled({ alg: 'RS256', typ: 'JWT' }, good).slice(0, -1);
      return `${unsigned}.${createHmac('sha256', jwtSecret).update(unsigned).digest('base64url')}`;
    },
  ],
  [
    'of somebody else’s RSA key',
    () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      return new SignJWT(good).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    },
  ],
  ['with a critical header that we do not know', () => assembled({ alg: 'HS256', crit: ['x'], x: 1 }, good, 'AAAA')],
  [
    'whose claims were changed',
    async () => {
      const [header, , signature] = (await signed(good)).split('.');
      return [header, Buffer.from(JSON.stringify({ ...good, roles: ['admin'] })).toString('base64url'), signature].join(
        '.',
      );
    },
  ],
  ['without a signature', async () => `${(await signed(good)).split('.').slice(0, 2).join('.')}.`],
  ['whose `jti` is no text', () => signed({ ...good, jti: 7 as never })],
  ['whose device is no id', () => signed({ ...good, device: 'a.b' })],
  ['whose `amr` is no list', () => signed({ ...good, amr: 'mfa' })],
  ['that is no token', () => 'a.b.c'],
  ['that is empty', () => ''],
])('a token %s is refused, and nothing says why', async (_, make) => {
  const error = await refusal(await make());
  expect(error).toMatchObject({ code: 'unauthorised', isExpired: false, message: 'The token is not valid' });
});

test('a token says its name, its date and its device', async () => {
  const token = await signed({ ...good, jti: 'j1', iat: 1_700_000_000, device: 'phone-1' });
  expect(await tokens.verify(token)).toMatchObject({
    tokenId: 'j1',
    issuedAt: 1_700_000_000_000,
    deviceId: 'phone-1',
  });
});

test.each<[string, Claims, number | undefined]>([
  ['of no second factor', { amr: ['pwd'], auth_time: seconds(-60) }, undefined],
  ['that says nothing of how', { auth_time: seconds(-60) }, undefined],
  ['of a one-time password', { amr: ['pwd', 'otp'], auth_time: seconds(-60) }, seconds(-60) * 1000],
  ['of a security key', { amr: ['hwk'], auth_time: seconds(-900) }, seconds(-900) * 1000],
  [
    'renewed long after its second factor',
    { amr: ['mfa'], auth_time: seconds(-9_000), iat: seconds(0) },
    seconds(-9_000) * 1000,
  ],
  ['of several factors, without the time', { amr: ['mfa'], iat: seconds(-60) }, seconds(-60) * 1000],
  ['of one factor of two, without the time', { amr: ['otp'], iat: seconds(-60) }, undefined],
  ['of several factors, without any time', { amr: ['mfa'] }, undefined],
  ['of a second factor that is still to come', { amr: ['mfa'], auth_time: seconds(3_600) }, undefined],
])('a token %s counts as what it proves', async (_, claims, mfaAt) => {
  expect((await tokens.verify(await signed({ ...good, ...claims }))).mfaAt).toBe(mfaAt);
});

test('a token may say its times in parts of seconds', async () => {
  const exp = seconds(60);
  const identity = await tokens.verify(await signed({ ...good, exp: exp + 0.0005, iat: 1_700_000_000.0005 }));
  expect(identity).toMatchObject({ expiresAt: exp * 1000, issuedAt: 1_700_000_000_000 });
});

test('a development token may be one with a second factor', async () => {
  const person = { person: 'n1', hospital: 'h1', roles: ['nurse'], name: 'N' };
  expect((await tokens.verify(await tokens.sign(person))).mfaAt).toBeUndefined();
  const fresh = await tokens.verify(await tokens.sign({ ...person, hasMfa: true }));
  expect(Date.now() - (fresh.mfaAt ?? 0)).toBeLessThan(5_000);
});

test('a revoked token is refused as such, also when it was checked before', async () => {
  const revoked = new Set<string>();
  const watched = createTokens(gatewayConfig(), () => Date.now(), {
    isRevoked: ({ tokenId = '' }) => revoked.has(tokenId),
  });
  const token = await signed({ ...good, jti: 'j1' });
  await watched.verify(token);
  revoked.add('j1');
  await expect(watched.verify(token)).rejects.toMatchObject({
    code: 'unauthorised',
    message: 'The token was revoked',
    isRevoked: true,
    isExpired: false,
  });
  revoked.clear();
  expect(await watched.verify(token)).toMatchObject({ person: 'n1' });
});

test('the name of a token in counters does not hold the token', async () => {
  const token = await signed(good);
  expect(tokenHash(token)).toHaveLength(16);
  expect(token).not.toContain(tokenHash(token));
  expect(tokenHash(token)).not.toBe(tokenHash(`${token}x`));
});
