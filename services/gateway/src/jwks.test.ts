import { createHmac } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '@carillon/testkit/eventually';
import { SignJWT, exportSPKI, generateSecret, importJWK, type CryptoKey } from 'jose';
import { pino } from 'pino';
import { gatewayConfig, jwtSecret } from '../test/config.ts';
import {
  makeKey,
  signedBy,
  startIdentityProvider,
  type IdentityProvider,
  type ProviderKey,
} from '../test/identity-provider.ts';
import { assembled, claimsOf, signed } from '../test/tokens.ts';
import { createPublicKeys, type PublicKeys, type PublicKeysOptions } from './jwks.ts';
import { createTokens, type Tokens } from './tokens.ts';

const cooldownMs = 10_000;
const hourMs = 3_600_000;
const claims = claimsOf('n1', ['nurse']);
const invalid = { code: 'unauthorised', message: 'The token is not valid' };
const unavailable = { code: 'unavailable' };

let rsa: ProviderKey;
let ec: ProviderKey;
let ed: ProviderKey;
let other: ProviderKey;
beforeAll(async () => {
  [rsa, ec, ed, other] = await Promise.all([
    makeKey('RS256', 'rsa-1'),
    makeKey('ES256', 'ec-1'),
    makeKey('EdDSA', 'ed-1'),
    makeKey('RS256', 'rsa-2'),
  ]);
});

let time = 0;
let provider: IdentityProvider;
const opened: PublicKeys[] = [];
beforeEach(async () => {
  time = 1_000_000;
  provider = await startIdentityProvider([rsa, ec, ed]);
});
afterEach(async () => {
  for (const keys of opened.splice(0)) keys.stop();
  await provider.stop();
});
function open(more: Partial<PublicKeysOptions> = {}, secret: string = jwtSecret): Tokens {
  const keys = createPublicKeys({
    url: provider.url,
    maxAgeMs: hourMs,
    cooldownMs,
    log: pino({ level: 'silent' }),
    now: () => time,
    ...more,
  });
  opened.push(keys);
  const config = gatewayConfig({ CARILLON_JWT_SECRET: secret, CARILLON_JWT_JWKS_URL: provider.url });
  return createTokens(config, () => Date.now(), { keys });
}

test('tokens of RS256, ES256 and EdDSA are good by the keys of the provider, and those of HS256 by the secret', async () => {
  const tokens = open();
  for (const key of [rsa, ec, ed]) {
    expect(await tokens.verify(await signedBy(key, claims))).toMatchObject({ person: 'n1' });
  }
  expect(await tokens.verify(await signed(claims))).toMatchObject({ person: 'n1' });
  expect(provider.requests).toBe(1);
});

test('without a shared secret no HS256 token is good', async () => {
  const tokens = open({}, '');
  expect(await tokens.verify(await signedBy(rsa, claims))).toMatchObject({ person: 'n1' });
  for (const secret of [jwtSecret, ' ', 'undefined']) {
    await expect(tokens.verify(await signed(claims, secret))).rejects.toMatchObject(invalid);
  }
});

test('a new key is fetched when a token names it, and the old one goes on', async () => {
  const tokens = open();
  const old = await signedBy(rsa, claims);
  await tokens.verify(old);
  provider.keys.push(other.jwk);
  time += cooldownMs;
  expect(await tokens.verify(await signedBy(other, claims))).toMatchObject({ person: 'n1' });
  expect(await tokens.verify(old)).toMatchObject({ person: 'n1' });
  expect(provider.requests).toBe(2);
});

test('however many unknown keys are named, they are fetched once a cooldown', async () => {
  const tokens = open();
  await tokens.verify(await signedBy(rsa, claims));
  const strangers = async (): Promise<void> => {
    const forged = await Promise.all(
      Array.from({ length: 300 }, (_, index) => signedBy({ ...other, kid: `unknown-${index}` }, claims)),
    );
    const answers = await Promise.allSettled(forged.map((token) => tokens.verify(token)));
    expect(answers.map(({ status }) => status)).toEqual(forged.map(() => 'rejected'));
  };
  await strangers();
  expect(provider.requests).toBe(1);
  time += cooldownMs;
  await strangers();
  expect(provider.requests).toBe(2);
});

test('while the endpoint is down the keys are good for their longest age, and after that no token can be judged', async () => {
  const tokens = open({ refreshMs: 20 });
  const remembered = await signedBy(ec, claims);
  await tokens.verify(remembered);
  provider.answer = (_, response) => response.writeHead(500).end();
  const before = provider.requests;
  await eventually(() => (provider.requests > before ? true : undefined));
  time += hourMs - 1;
  expect(await tokens.verify(await signedBy(rsa, claims))).toMatchObject({ person: 'n1' });
  expect(await tokens.verify(remembered)).toMatchObject({ person: 'n1' });
  time += 2;
  await expect(tokens.verify(await signedBy(rsa, claims))).rejects.toMatchObject(unavailable);
  await expect(tokens.verify(remembered)).rejects.toMatchObject(unavailable);
  expect(await tokens.verify(await signed(claims))).toMatchObject({ person: 'n1' });
  provider.answer = undefined;
  await eventually(async () => (await tokens.verify(remembered).catch(() => undefined)) && true);
});

test('an endpoint that never answers holds nobody up longer than the deadline', async () => {
  provider.answer = () => {};
  const tokens = open({ deadlineMs: 50 });
  await expect(tokens.verify(await signedBy(rsa, claims))).rejects.toMatchObject(unavailable);
  await expect(tokens.verify(await signedBy(rsa, claims))).rejects.toMatchObject(unavailable);
  expect(provider.requests).toBe(1);
});

test('a key that was removed is good no longer, also for a token that was checked before', async () => {
  const tokens = open({ refreshMs: 20 });
  const [kept, removed] = [await signedBy(ec, claims), await signedBy(rsa, claims)];
  await tokens.verify(kept);
  await tokens.verify(removed);
  provider.keys = [ec.jwk];
  await eventually(() =>
    tokens.verify(removed).then(
      () => undefined,
      () => true,
    ),
  );
  await expect(tokens.verify(removed)).rejects.toMatchObject(invalid);
  expect(await tokens.verify(kept)).toMatchObject({ person: 'n1' });
});

test('another key under the name of the old one takes its tokens from it', async () => {
  const tokens = open({ refreshMs: 20 });
  const token = await signedBy(rsa, claims);
  await tokens.verify(token);
  provider.keys = [{ ...other.jwk, kid: rsa.kid }];
  await eventually(() =>
    tokens.verify(token).then(
      () => undefined,
      () => true,
    ),
  );
  expect(await tokens.verify(await signedBy({ ...other, kid: rsa.kid }, claims))).toMatchObject({ person: 'n1' });
});

test.each<[string, (response: Parameters<NonNullable<IdentityProvider['answer']>>[1]) => unknown]>([
  ['no JSON', (response) => response.end('keys')],
  ['no keys', (response) => response.end('{"keys":[]}')],
  ['no list', (response) => response.end('{"keys":{}}')],
  [
    'only what is no key',
    (response) => response.end('{"keys":[{"kty":"RSA","n":"AA","e":"!"},{"kty":"oct","k":"AA"}]}'),
  ],
  ['more than it may', (response) => response.end(JSON.stringify({ keys: [rsa.jwk], more: 'x'.repeat(300_000) }))],
  ['elsewhere', (response) => response.writeHead(302, { location: provider.url }).end()],
])('an endpoint that says %s is not believed', async (_, say) => {
  const tokens = open({ refreshMs: 20 });
  const token = await signedBy(rsa, claims);
  await tokens.verify(token);
  provider.answer = (_request, response) => void say(response);
  const before = provider.requests;
  await eventually(() => (provider.requests > before + 1 ? true : undefined));
  expect(await tokens.verify(token)).toMatchObject({ person: 'n1' });
});

test('what is no key of ours is left out, and a private part makes no other key of the rest', async () => {
  provider.keys = [
    { ...rsa.jwk, use: 'enc' },
    { ...ec.jwk, alg: 'RS256' },
    { kty: 'oct', kid: 'hs', k: Buffer.from(jwtSecret).toString('base64url') },
    { ...ed.jwk, d: 'AAAA', use: 'sig', alg: 'EdDSA' },
  ];
  const tokens = open();
  expect(await tokens.verify(await signedBy(ed, claims))).toMatchObject({ person: 'n1' });
  await expect(tokens.verify(await signedBy(rsa, claims))).rejects.toMatchObject(invalid);
  await expect(tokens.verify(await signedBy(ec, claims))).rejects.toMatchObject(invalid);
});

test('a token that names no key is good only where it is clear which is meant', async () => {
  const nameless = (key: ProviderKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: key.alg }).sign(key.privateKey);
  provider.keys = [rsa.jwk, ec.jwk, other.jwk];
  const tokens = open();
  expect(await tokens.verify(await nameless(ec))).toMatchObject({ person: 'n1' });
  await expect(tokens.verify(await nameless(rsa))).rejects.toMatchObject(invalid);
});

const hmac = (unsigned: string, secret: string | Buffer): string =>
  `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
const unsignedOf = (header: unknown): string => assembled(header, claims).slice(0, -1);

test.each<[string, () => Promise<string> | string]>([
  [
    'HS256 over the public key as PEM',
    async () => {
      const key = (await importJWK(rsa.jwk, 'RS256')) as CryptoKey;
      return hmac(unsignedOf({ alg: 'HS256', kid: rsa.kid }), await exportSPKI(key));
    },
  ],
  ['HS256 over the public key as JWK', () => hmac(unsignedOf({ alg: 'HS256', kid: rsa.kid }), JSON.stringify(rsa.jwk))],
  [
    'HS256 over the modulus',
    () => hmac(unsignedOf({ alg: 'HS256', kid: rsa.kid }), Buffer.from(rsa.jwk.n ?? '', 'base64url')),
  ],
  ['RS256 over an HMAC of the secret', () => hmac(unsignedOf({ alg: 'RS256', kid: rsa.kid }), jwtSecret)],
  ['ES256 under the name of an RSA key', () => signedBy({ ...ec, kid: rsa.kid }, claims)],
  ['EdDSA under the name of another key', () => signedBy({ ...ed, kid: ec.kid }, claims)],
  ['RS256 of a key that it brings along', () => signedBy(other, claims, { jwk: other.jwk })],
  [
    'RS256 of a key that it says where to find',
    () => signedBy({ ...other, kid: rsa.kid }, claims, { jku: provider.url }),
  ],
  ['RS384 under the name of a key', () => assembled({ alg: 'RS384', kid: rsa.kid }, claims, 'AAAA')],
  ['alg none under the name of a key', () => assembled({ alg: 'none', kid: rsa.kid }, claims)],
  ['a name that every object has', () => assembled({ alg: 'constructor', kid: 'toString' }, claims, 'AAAA')],
  ['a name that is no text', () => assembled({ alg: 'RS256', kid: { a: 1 } }, claims, 'AAAA')],
  [
    'HS256 of a secret that nobody has',
    async () => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(await generateSecret('HS256')),
  ],
  ['no header at all', () => `.${assembled({}, claims).split('.')[1]}.`],
])('a token of %s is refused', async (_, make) => {
  const tokens = open();
  await tokens.verify(await signedBy(rsa, claims));
  await expect(tokens.verify(await make())).rejects.toMatchObject(invalid);
});
