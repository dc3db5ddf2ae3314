/** What the gateway answers over HTTP, good and bad. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CodedError, errorBody } from '@carillon/contracts/errors';
import { call, tokenOf, type Answer } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { start } from '../src/service.ts';
import { errorOf, expectError, item } from './answers.ts';
import { jwtSecret } from './config.ts';
import { startDesk, type Desk } from './desk.ts';
import { assembled, claimsOf, signed } from './tokens.ts';

let desk: Desk;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-console-'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>board</title>');
  await writeFile(join(folder, 'app.js'), 'let a = 1;');
  desk = await startDesk({ CARILLON_CONSOLE_DIR: folder });
});
afterAll(async () => {
  await desk.stop();
  await rm(folder, { recursive: true });
});

type Options = { body?: unknown; headers?: Record<string, string>; token?: string };
const as = async (person: string, method: string, path: string, options: Options = {}): Promise<Answer> =>
  call(desk.baseUrl, method, path, { token: await desk.tokenOf(person), ...options });
const post = (items: readonly unknown[], headers: Record<string, string> = {}) =>
  as('dev1', 'POST', '/v1/vitals', { body: { items }, headers });
const raise = { patientId: 'p1', kind: 'fall', priority: 'medium', message: 'On the floor' };

test('without a token, with a forged, an expired or an alg:none one, every route answers 401', async () => {
  const good = claimsOf('n1', ['nurse']);
  const bad = [
    undefined,
    '',
    'nonsense',
    await signed(good, 'another secret of more than 32 characters'),
    await desk.tokenOf('n1', { exp: Math.floor(Date.now() / 1000) - 60 }),
    assembled({ alg: 'none' }, good),
  ];
  for (const token of bad) {
    for (const [method, path] of [
      ['GET', '/v1/alerts'],
      ['POST', '/v1/alerts'],
      ['POST', '/v1/vitals'],
      ['GET', '/v1/me'],
      ['POST', '/v1/news2'],
    ] as const) {
      const answer = await call(desk.baseUrl, method, path, token === undefined ? {} : { token });
      expectError(answer, 401, 'unauthorised');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  }
  const basic = await call(desk.baseUrl, 'GET', '/v1/alerts', { headers: { authorization: 'Basic bjE6bjE=' } });
  expectError(basic, 401, 'unauthorised');
});

test('a stranger’s body is not read before his token is', async () => {
  expectError(await call(desk.baseUrl, 'POST', '/v1/alerts', { body: '{"not json' }), 401, 'unauthorised');
});

test('a command is answered with its result and status, and carries the key, the actor and the fields of its path', async () => {
  const headers = { 'idempotency-key': 'key-1' };
  const raised = await as('n1', 'POST', '/v1/alerts', { body: raise, headers });
  expect(raised).toMatchObject({ status: 201, body: { operation: 'alert:raise', data: raise } });
  expect(desk.commands.at(-1)).toMatchObject({
    key: 'key-1',
    actor: { person: 'n1', hospital: 'h1', roles: ['nurse'] },
  });
  const declined = await as('n1', 'POST', '/v1/alerts/a5/decline', { body: { reason: 'busy' } });
  expect(declined).toMatchObject({ status: 200, body: { data: { alertId: 'a5', reason: 'busy' } } });
  expect(desk.commands.at(-1)?.key).toMatch(/^[0-9a-f-]{36}$/);
});

test('acknowledging needs no body, of whatever kind it is not', async () => {
  const path = '/v1/alerts/a5/acknowledge';
  expect((await as('n1', 'POST', path)).status).toBe(200);
  expect((await as('n1', 'POST', path, { body: '' })).status).toBe(200);
  expect((await as('n1', 'POST', path, { body: {} })).status).toBe(200);
  expect((await as('n1', 'POST', `${path}/`)).status).toBe(200);
});

test.each<[string, unknown, Record<string, string>]>([
  ['no JSON', '{"kind":', {}],
  ['a text', '"fall"', {}],
  ['a list', '[]', {}],
  ['null', 'null', {}],
  ['a number', '1', {}],
  ['plain text', 'fall', { 'content-type': 'text/plain' }],
  ['a form', 'kind=fall', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['a content type that is none', JSON.stringify(raise), { 'content-type': 'json' }],
  ['nothing at all', '', {}],
  ['an unknown field', { ...raise, extra: 1 }, {}],
  ['a field of the wrong type', { ...raise, message: 5 }, {}],
  ['an empty message', { ...raise, message: '' }, {}],
  ['a text with a NUL, which no database keeps', { ...raise, message: 'a\0b' }, {}],
  ['a text with half a character', { ...raise, message: 'a\ud800b' }, {}],
  ['a missing field', { kind: 'fall' }, {}],
  ['a wildcard for an id', { ...raise, patientId: '>' }, {}],
  ['__proto__', '{"__proto__":{"isAdmin":true},"kind":"fall"}', {}],
  ['constructor.prototype', '{"constructor":{"prototype":{"isAdmin":true}},"kind":"fall"}', {}],
])('a body that is %s is bad input', async (_, body, headers) => {
  const answer = await as('n1', 'POST', '/v1/alerts', { body, headers });
  expectError(answer, 400, 'bad_input');
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test('bad input names each field in issues', async () => {
  const answer = await as('n1', 'POST', '/v1/alerts', { body: { ...raise, priority: 'urgent', extra: 1 } });
  expect(errorOf(answer).issues).toEqual(
    expect.arrayContaining([
      { path: 'extra', message: 'Unknown field' },
      { path: 'priority', message: 'Expected one of high, medium, low' },
    ]),
  );
});

test('a field that stands in the path may not stand in the body or the query as well', async () => {
  expectError(await as('n1', 'POST', '/v1/alerts/a5/decline', { body: { alertId: 'a6' } }), 400, 'bad_input');
  expectError(await as('n1', 'GET', '/v1/alerts/a5?alertId=a6'), 400, 'bad_input');
});

test.each([
  '*',
  '%3E',
  'a.b',
  '%2F',
  'a%2Fb',
  '%00',
  'gr%C3%BC%C3%9Fe',
  '..%2f..%2fetc',
  'x'.repeat(65),
  'x'.repeat(300),
  '%',
  '%zz',
  '__proto__.x',
])('the id %j in a path is bad input', async (id) => {
  expectError(await as('n1', 'POST', `/v1/alerts/${id}/acknowledge`), 400, 'bad_input');
});

test('an unknown path and a wrong method are not found', async () => {
  for (const [method, path] of [
    ['GET', '/v1/nothing'],
    ['GET', '/nothing.html'],
    ['POST', '/'],
    ['DELETE', '/v1/alerts'],
    ['PUT', '/v1/vitals'],
    ['GET', '/v1/vitals'],
    ['PATCH', '/v1/alerts/a5'],
    ['GET', '/v1/alerts/a5/acknowledge'],
    ['GET', '/metrics'],
    ['GET', '/healthz'],
    ['GET', '/../../etc/passwd'],
    ['GET', '/%2e%2e/%2e%2e/etc/passwd'],
  ] as const) {
    expectError(await as('n1', method, path), 404, 'not_found');
  }
});

test('query strings: numbers are read as such, and anything else must fit as it is', async () => {
  const seen: unknown[] = [];
  desk.answerQuery = (operation) => {
    seen.push(operation);
    return { ok: true, data: { items: [] } };
  };
  expect((await as('n1', 'GET', '/v1/alerts?wardId=w1&state=open&limit=10')).status).toBe(200);
  expect(seen).toEqual(['alert:list']);
  for (const query of [
    'limit=',
    'limit=ten',
    'limit=0x10',
    'limit=1e2',
    'limit=0',
    'limit=201',
    'limit=1.5',
    'limit=1&limit=2',
    'wardId=w1&wardId=w2',
    'state=shut',
    'nothing=1',
    '__proto__=1',
    'wardId=*',
    'constructor=1',
  ]) {
    expectError(await as('n1', 'GET', `/v1/alerts?${query}`), 400, 'bad_input');
  }
});

test.each([
  ['bad_input', 400],
  ['forbidden', 403],
  ['not_found', 404],
  ['conflict', 409],
  ['key_reused', 409],
  ['expired', 409],
  ['rate_limited', 429],
  ['internal', 500],
  ['unavailable', 503],
] as const)('what a service refuses with %s is answered with %i', async (code, status) => {
  const original = desk.answerCommand;
  const error = new CodedError(code, 'As the service says', code === 'rate_limited' ? { afterMs: 1_500 } : {});
  desk.answerCommand = () => ({ ok: false, error: errorBody(error) });
  const answer = await as('n1', 'POST', '/v1/alerts', { body: raise });
  desk.answerCommand = original;
  expectError(answer, status, code);
  expect(errorOf(answer).message).toBe('As the service says');
  expect(answer.headers.get('retry-after')).toBe(code === 'rate_limited' ? '2' : null);
});

test('who may not is forbidden, before anything is sent', async () => {
  const before = desk.commands.length;
  expectError(await as('p1', 'POST', '/v1/alerts/a5/resolve'), 403, 'forbidden');
  expectError(await as('n1', 'PUT', '/v1/patients/p1/limits', { body: { limits: [] } }), 403, 'forbidden');
  expectError(await as('p1', 'GET', '/v1/patients/p2/vitals'), 403, 'forbidden');
  expectError(await as('n1', 'GET', '/v1/patients/p99/vitals'), 403, 'forbidden');
  expectError(await as('p1', 'POST', '/v1/vitals', { body: { items: [item()] } }), 403, 'forbidden');
  expect(desk.commands).toHaveLength(before);
});

test('a command that is stored and not done in time is accepted with its key, and repeating it gives the result', async () => {
  const original = desk.answerCommand;
  desk.answerCommand = () => undefined;
  const headers = { 'idempotency-key': 'slow-1' };
  const waiting = await as('n1', 'POST', '/v1/alerts', { body: raise, headers });
  expect(waiting).toMatchObject({ status: 202, body: { accepted: true, key: 'slow-1' } });
  desk.answerCommand = original;
  expect((await as('n1', 'POST', '/v1/alerts', { body: raise, headers })).status).toBe(201);
});

test('a query that no service answers is unavailable', async () => {
  expectError(await as('n1', 'GET', '/v1/wards/w1/status'), 503, 'unavailable');
});

test.each(['', ' ', 'two words', 'ü', 'x'.repeat(129)])('an Idempotency-Key of %j is bad input', async (key) => {
  const headers = {
    'idempotency-key': encodeURI(key) === key || key.includes(' ') ? key : Buffer.from(key).toString('latin1'),
  };
  expectError(await as('n1', 'POST', '/v1/alerts', { body: raise, headers }), 400, 'bad_input');
});

test('a command that no stream can hold is too large, and not to be repeated', async () => {
  const beds = Array.from({ length: 200 }, (_, index) => ({ bedId: `b${index}`, label: 'x'.repeat(200) }));
  const wards = Array.from({ length: 30 }, (_, index) => ({ wardId: `w${index}`, name: 'W', beds }));
  const body = {
    hospital: { hospitalId: 'h1', name: 'H' },
    wards,
    people: [],
    admissions: [],
    careTeams: [],
    shifts: [],
  };
  expectError(await as('a1', 'POST', '/v1/hospital/import', { body }), 413, 'too_large');
});

test('beyond the call limit the answer is 429 with Retry-After, for readings too, and for nobody else', async () => {
  const { baseUrl } = await desk.startGateway({ CARILLON_LIMIT_CALLS_STAFF: '2', CARILLON_LIMIT_CALLS_DEVICE: '2' });
  for (const [person, method, path, options] of [
    ['n1', 'GET', '/v1/alerts', {}],
    ['dev1', 'POST', '/v1/vitals', { body: { items: [item()] } }],
  ] as const) {
    const token = await desk.tokenOf(person);
    const ask = () => call(baseUrl, method, path, { token, ...options });
    expect([(await ask()).status, (await ask()).status]).not.toContain(429);
    const limited = await ask();
    expectError(limited, 429, 'rate_limited');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(30);
  }
  expect((await call(baseUrl, 'GET', '/v1/alerts', { token: await desk.tokenOf('n3') })).status).toBe(200);
});

test('refused tokens are limited by address and token; the address is that of a listed proxy’s client', async () => {
  const limit = { CARILLON_LIMIT_FAILED_HANDSHAKES: '2' };
  const direct = await desk.startGateway(limit);
  const proxied = await desk.startGateway({ ...limit, CARILLON_TRUSTED_PROXIES: '127.0.0.1' });
  const statuses = async (baseUrl: string): Promise<number[]> => {
    const found: number[] = [];
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.3']) {
      const headers = { 'x-forwarded-for': address };
      found.push((await call(baseUrl, 'GET', '/v1/me', { token: 'x', headers })).status);
    }
    return found;
  };
  expect(await statuses(direct.baseUrl)).toEqual([401, 401, 429]);
  expect(await statuses(proxied.baseUrl)).toEqual([401, 401, 401]);
});

test('development tokens exist only where they are switched on, and for people of the directory only', async () => {
  const token = await tokenOf(desk.baseUrl, 'p1');
  expect(
    (await call(desk.baseUrl, 'POST', '/v1/alerts', { token, body: { kind: 'sos', priority: 'high', message: 'x' } }))
      .status,
  ).toBe(201);
  const issue = (body: unknown) => call(desk.baseUrl, 'POST', '/v1/dev/token', { body });
  expectError(await issue({ person: 'nobody' }), 404, 'not_found');
  for (const body of [{}, { person: '>' }, { person: 1 }, { person: 'p1', roles: ['admin'] }, '', 'null']) {
    expectError(await issue(body), 400, 'bad_input');
  }
  const { baseUrl } = await desk.startGateway({ CARILLON_DEV_TOKENS: 'off' });
  expectError(await call(baseUrl, 'POST', '/v1/dev/token', { body: { person: 'p1' } }), 404, 'not_found');
  expectError(await call(baseUrl, 'GET', '/v1/dev/people'), 404, 'not_found');
});

test('production refuses to start with development tokens, and any gateway without a secret worth the name', async () => {
  const environment = {
    ...desk.infrastructure.environmentOf('gateway'),
    CARILLON_HTTP_PORT: '0',
    CARILLON_JWT_SECRET: jwtSecret,
  };
  await expect(start({ ...environment, CARILLON_DEV_TOKENS: 'on', NODE_ENV: 'production' })).rejects.toThrow(
    'CARILLON_DEV_TOKENS must be off in production',
  );
  const short = start({ ...environment, CARILLON_JWT_SECRET: 'hunter2' });
  await expect(short).rejects.toThrow('CARILLON_JWT_SECRET needs at least 32 characters');
  await expect(short).rejects.not.toThrow('hunter2');
});

test('the console comes with a policy that lets nothing foreign run', async () => {
  for (const [path, type] of [
    ['/', 'text/html'],
    ['/app.js', 'javascript'],
  ] as const) {
    const response = await fetch(desk.baseUrl + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain(type);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  }
});

test('an upgrade of any other path is no way in', async () => {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(new URL(desk.baseUrl).port), '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    socket.write(
      'GET /v1/alerts HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
  });
  expect(answer).toMatch(/^HTTP\/1.1 404 /);
});

test.each([
  [`GET /v1/alerts HTTP/1.1\r\nhost: gateway\r\nlast-event-id: ${'x'.repeat(20_000)}\r\n\r\n`, 413, 'too_large'],
  ['this is no HTTP\r\n\r\n', 400, 'bad_input'],
])('what cannot be read as a request is refused in the same words', async (text, status, code) => {
  const { hostname, port } = new URL(desk.baseUrl);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  socket.write(text);
  await closed;
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(JSON.parse(body)).toEqual({ error: { code, message: expect.any(String) } });
});

// Last, since it takes the server away.
test('without NATS the answer is 503, and the same key can be repeated when it is back', async () => {
  desk.infrastructure.nats.kill();
  const headers = { 'idempotency-key': 'down-1' };
  expectError(await as('n1', 'POST', '/v1/alerts', { body: raise, headers }), 503, 'unavailable');
  expectError(await post([item()], { 'idempotency-key': 'down-2' }), 503, 'unavailable');
  expectError(await as('n1', 'GET', '/v1/alerts'), 503, 'unavailable');
  expect((await desk.gateway.checks())['nats']).toBe(false);
  await desk.infrastructure.restartNats();
  const again = await eventually(
    async () => {
      const answer = await as('n1', 'POST', '/v1/alerts', { body: raise, headers });
      return answer.status === 201 ? answer : undefined;
    },
    { withinMs: 60_000 },
  );
  expect(again.body).toMatchObject({ operation: 'alert:raise', data: raise });
  expect((await post([item()])).status).toBe(202);
  expect((await desk.gateway.checks())['nats']).toBe(true);
});
