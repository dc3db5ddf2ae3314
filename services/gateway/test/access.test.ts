import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AccessEntry } from '@carillon/contracts/access';
import type { PersonEntry } from '@carillon/contracts/directory';
import { accessSubject, peopleBucket, peopleSubject } from '@carillon/contracts/streams';
import { publish } from '@carillon/bus/publish';
import { decode, encode } from '@carillon/bus/request';
import { call } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { figure } from '@carillon/testkit/figures';
import { patience } from '@carillon/testkit/patience';
import { pino } from 'pino';
import { watchAccess, type AccessChange } from '../src/access.ts';
import { watchPeople } from '../src/people.ts';
import { start } from '../src/service.ts';
import { jwtSecret } from './config.ts';
import { startDesk, type Desk, type RunningGateway } from './desk.ts';
import { makeKey, signedBy, startIdentityProvider } from './identity-provider.ts';
import { claimsOf } from './tokens.ts';

let desk: Desk;
let second: RunningGateway;
beforeAll(async () => {
  desk = await startDesk();
  second = await desk.startGateway();
});
afterAll(() => desk.stop());

let places = 0;
const put = (entry: Partial<AccessEntry> & Pick<AccessEntry, 'kind' | 'id'>, at = `e${places++}`): Promise<void> =>
  publish(desk.bus, {
    subject: accessSubject('h1', entry.kind, at),
    body: encode({ hospital: 'h1', at: Date.now(), until: null, ...entry }),
    headers: {},
  });
const now = (): number => Math.floor(Date.now() / 1000);
const status = async (gateway: RunningGateway, token: string): Promise<number> =>
  (await call(gateway.baseUrl, 'GET', '/v1/alerts', { token })).status;
const refusedEverywhere = (token: string): Promise<true> =>
  eventually(
    async () => {
      const seen = await Promise.all([desk.gateway, second].map((each) => status(each, token)));
      return seen.every((each) => each === 401) ? true : undefined;
    },
    { withinMs: patience(2_000), what: 'the refusal' },
  );
const log = pino({ level: 'silent' });

test('what is revoked is refused by every gateway within two seconds, and nothing else is', async () => {
  const iat = now() - 60;
  const other = await desk.tokenOf('n1', { jti: 'other', iat });
  const [token, person, phone, device] = await Promise.all([
    desk.tokenOf('n1', { jti: 'lost', iat }),
    desk.tokenOf('n3', { jti: 'n3', iat }),
    desk.tokenOf('d1', { jti: 'd1', iat, device: 'phone-1' }),
    desk.tokenOf('dev1', { jti: 'dev1', iat }),
  ]);
  for (const each of [other, token, person, phone]) expect(await status(second, each)).toBe(200);
  expect(await status(second, device)).toBe(403);
  const startedAt = performance.now();
  await Promise.all([
    put({ kind: 'token', id: 'lost' }),
    put({ kind: 'person', id: 'n3' }),
    put({ kind: 'device', id: 'phone-1' }),
    put({ kind: 'device', id: 'dev1' }),
  ]);
  await Promise.all([token, person, phone, device].map(refusedEverywhere));
  figure(`four revocations known to two gateways after ${Math.round(performance.now() - startedAt)} ms`);
  expect(await status(desk.gateway, other)).toBe(200);
  expect(await status(desk.gateway, await desk.tokenOf('n3', { iat: now() + 1 }))).toBe(200);
  expect(await status(desk.gateway, await desk.tokenOf('d1', { iat }))).toBe(200);
  const answer = await call(desk.baseUrl, 'GET', '/v1/alerts', { token });
  expect(answer.body).toEqual({ error: { code: 'unauthorised', message: 'The token was revoked' } });
});

test('a gateway that starts later knows of it, and so does one of whom the bucket was taken', async () => {
  const token = await desk.tokenOf('n1', { jti: 'lost-before', iat: now() });
  await put({ kind: 'token', id: 'lost-before' });
  const third = await desk.startGateway();
  expect(await status(third, token)).toBe(401);
  await desk.bus.jsm.streams.delete('KV_access');
  const people = await watchAccessAgain();
  expect(await status(third, token)).toBe(401);
  people.stop();
});
/** Makes the bucket anew. */
async function watchAccessAgain() {
  await desk.bus.js.views.kv('access', { history: 1 });
  return watchAccess(desk.bus, log);
}

test('what was ended is told once, in the place of something else too, and not again when it is published again', async () => {
  const access = await watchAccess(desk.bus, log);
  const changes: AccessChange[] = [];
  access.onChange((change) => changes.push(change));
  const at = Date.now();
  const first = { kind: 'token', id: 'a', at, until: at + 60_000, isLogout: true } as const;
  await put(first, 'place');
  await put(first, 'place');
  await put({ kind: 'token', id: 'b', at: at + 1, until: at + 60_000 }, 'place');
  await put({ kind: 'token', id: 'over', at: at + 2, until: at - 1 }, 'place');
  await put({ kind: 'subscription', id: 'n1', room: 'ward:w1:alerts', at, until: at + 60_000 });
  await put({ kind: 'subscription', id: 'n1', room: 'ward:w2:alerts', at, until: at + 60_000 });
  await eventually(() => (changes.length >= 4 ? true : undefined));
  expect(changes.map(({ id, room }) => room ?? id)).toEqual(['a', 'b', 'ward:w1:alerts', 'ward:w2:alerts']);
  expect(changes[0]).toEqual({ hospital: 'h1', ...first });
  access.stop();
});

const entryOf = (person: string, more: Partial<PersonEntry>): PersonEntry => ({
  person,
  hospital: 'h1',
  name: person,
  roles: ['nurse'],
  wards: ['w1'],
  caregiverOf: [],
  placement: null,
  version: 2,
  ...more,
});
const putPerson = (entry: PersonEntry): Promise<void> =>
  publish(desk.bus, { subject: peopleSubject('h1', entry.person), body: encode(entry), headers: {} });

test('broken glass opens the patient, and no longer than it lasts, though nobody tells of its end', async () => {
  const token = await desk.tokenOf('n1');
  const ask = async (patientId: string): Promise<number> =>
    (await call(desk.baseUrl, 'GET', `/v1/patients/${patientId}/status`, { token })).status;
  const people = await watchPeople(desk.bus, log);
  const changed: string[] = [];
  people.onChange(({ hospital, person }) => changed.push(`${hospital} ${person}`));
  // `monitoring` is not here: what passes the gateway finds nobody to answer.
  expect(await ask('p7')).toBe(403);
  const until = new Date(Date.now() + 3_000).toISOString();
  await putPerson(entryOf('n1', { breakGlass: [{ patientId: 'p7', until }] }));
  await eventually(async () => ((await ask('p7')) === 503 ? true : undefined));
  expect(people.relations('h1').brokenGlassOf('n1')).toEqual(new Set(['p7']));
  expect(await ask('q1')).toBe(503);
  await eventually(async () => ((await ask('p7')) === 403 ? true : undefined));
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until));
  await eventually(() => (changed.length >= 2 ? true : undefined));
  expect(changed).toEqual(['h1 n1', 'h1 n1']);
  expect(people.relations('h1').brokenGlassOf('n1')).toEqual(new Set());
  people.stop();
});

test('a view of people is not whole from the loss of the connection until it has seen what it missed', async () => {
  const people = await watchPeople(desk.bus, log);
  const access = await watchAccess(desk.bus, log);
  expect([people.isCaughtUp(), access.isCaughtUp()]).toEqual([true, true]);
  const whole = Promise.all([people, access].map((each) => new Promise<void>((resolve) => each.onCaughtUp(resolve))));
  desk.infrastructure.nats.kill();
  await eventually(() => (people.isCaughtUp() || access.isCaughtUp() ? undefined : true));
  await desk.infrastructure.restartNats();
  await whole;
  expect([people.isCaughtUp(), access.isCaughtUp()]).toEqual([true, true]);
  expect(people.find('h1', 'n1')).toBeDefined();
  people.stop();
  access.stop();
});

test('a command carries when the second factor was given and the name of the token, and no query does', async () => {
  const authTime = now() - 30;
  const token = await desk.tokenOf('n1', { amr: ['otp'], auth_time: authTime, jti: 'of-command' });
  const body = { kind: 'call', priority: 'low', message: 'x', wardId: 'w1' };
  await call(desk.baseUrl, 'POST', '/v1/alerts', { token, body });
  expect(desk.commands.at(-1)?.actor).toEqual({
    person: 'n1',
    hospital: 'h1',
    roles: ['nurse'],
    mfaAt: authTime * 1000,
    tokenId: 'of-command',
    expiresAt: expect.any(Number),
  });
});

test('a development token comes with a second factor where it is asked for', async () => {
  for (const mfa of [true, false]) {
    const { body } = await call(desk.baseUrl, 'POST', '/v1/dev/token', { body: { person: 'n1', mfa } });
    await call(desk.baseUrl, 'POST', '/v1/alerts', {
      token: String(body['token']),
      body: { kind: 'call', priority: 'low', message: 'x', wardId: 'w1' },
    });
    expect(desk.commands.at(-1)?.actor.mfaAt !== undefined).toBe(mfa);
  }
});

test('a gateway with a JWKS URL needs no secret, and is ready while the provider is down', async () => {
  const key = await makeKey('ES256', 'k1');
  const provider = await startIdentityProvider([key]);
  const token = await signedBy(key, claimsOf('d1', ['doctor']));
  const environment = { CARILLON_JWT_SECRET: '', CARILLON_DEV_TOKENS: 'off', CARILLON_JWT_JWKS_URL: provider.url };
  const gateway = await desk.startGateway({ ...environment, NODE_ENV: 'production' });
  expect(await status(gateway, token)).toBe(200);
  expect(await status(gateway, await desk.tokenOf('d1'))).toBe(401);
  await provider.stop();
  expect(await status(gateway, token)).toBe(200);
  const later = await desk.startGateway(environment);
  expect(Object.values(await later.checks())).not.toContain(false);
  const answer = await call(later.baseUrl, 'GET', '/v1/alerts', { token });
  expect(answer).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
});

test.each<[string, Record<string, string>, string]>([
  ['neither secret nor JWKS URL', {}, 'CARILLON_JWT_SECRET is missing'],
  ['a JWKS URL that is none', { CARILLON_JWT_JWKS_URL: 'keys' }, 'CARILLON_JWT_JWKS_URL must be a URL'],
  ['a JWKS URL of a file', { CARILLON_JWT_JWKS_URL: 'file:///etc/keys' }, 'CARILLON_JWT_JWKS_URL must be a URL'],
  ['a JWKS URL with a password', { CARILLON_JWT_JWKS_URL: 'https://a:b@login.example/' }, 'may hold no name'],
  [
    'keys that come in the open, in production',
    { CARILLON_JWT_JWKS_URL: 'http://login.example/keys', NODE_ENV: 'production' },
    'CARILLON_JWT_JWKS_URL must be https',
  ],
  [
    'development tokens without a secret',
    { CARILLON_JWT_JWKS_URL: 'http://127.0.0.1:1/keys', CARILLON_DEV_TOKENS: 'on' },
    'CARILLON_DEV_TOKENS needs CARILLON_JWT_SECRET',
  ],
  [
    'a network that is none',
    { CARILLON_JWT_SECRET: jwtSecret, CARILLON_TRUSTED_NETWORKS: 'here' },
    'here is no address',
  ],
])('with %s a gateway does not start', async (_, environment, problem) => {
  const common = desk.infrastructure.environmentOf('gateway');
  await expect(start({ ...common, CARILLON_HTTP_PORT: '0', ...environment })).rejects.toThrow(problem);
});

test('an entry that is none is passed over', async () => {
  const people = await watchPeople(desk.bus, log);
  const before = people.find('h1', 'n1');
  await publish(desk.bus, { subject: peopleSubject('h1', 'n1'), body: encode({ person: 'n1' }), headers: {} });
  await publish(desk.bus, { subject: accessSubject('h1', 'token', 'x'), body: encode('revoked'), headers: {} });
  await putPerson(entryOf('n9', {}));
  await eventually(() => people.find('h1', 'n9'));
  expect(people.find('h1', 'n1')).toEqual(before);
  const kept = await (await desk.bus.js.views.kv(peopleBucket)).get('h1.n1');
  expect(decode(kept?.value ?? encode(null))).toEqual({ person: 'n1' });
  people.stop();
});
