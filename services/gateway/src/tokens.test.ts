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
  ['that is no token', () => 'a.b.c'],
  ['that is empty', () => ''],
])('a token %s is refused, and nothing says why', async (_, make) => {
  const error = await refusal(await make());
  expect(error).toMatchObject({ code: 'unauthorised', isExpired: false, message: 'The token is not valid' });
});

test('the name of a token in counters does not hold the token', async () => {
  const token = await signed(good);
  expect(tokenHash(token)).toHaveLength(16);
  expect(token).not.toContain(tokenHash(token));
  expect(tokenHash(token)).not.toBe(tokenHash(`${token}x`));
});
