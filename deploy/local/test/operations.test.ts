/** What operators have: metrics, readiness, and dead letters over HTTP and in a browser, of the whole house. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start as startAlertEscalation } from '@carillon/alert-escalation/service';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { encode } from '@carillon/bus/request';
import { streamState } from '@carillon/bus/stream-reader';
import type { ServiceName } from '@carillon/contracts/define';
import { conditionRaised } from '@carillon/contracts/monitoring';
import { eventSubject, intakeSubject, partitionOf } from '@carillon/contracts/streams';
import { start as startDirectory } from '@carillon/directory/service';
import { start as startGateway } from '@carillon/gateway/service';
import { start as startMonitoring } from '@carillon/monitoring/service';
import type { Environment } from '@carillon/runtime/config';
import { startServices, type Starter } from '@carillon/runtime/process';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { call, openRealtime, tokenOf, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { constant, postVitals, series } from '@carillon/testkit/hospital';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { builtFile, freePort } from '@carillon/testkit/node-process';
import { jwtSecret } from './house.ts';

const demo = fileURLToPath(new URL('../demo-hospital.json', import.meta.url));
const docs = fileURLToPath(new URL('../../../docs/operations.md', import.meta.url));
const rules = fileURLToPath(new URL('../../prometheus/rules.yml', import.meta.url));
const pictures = process.env['CARILLON_TEST_PICTURES'];
const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;

let infrastructure: Infrastructure;
let bus: Bus;
let house: { stop(): Promise<void> };
let baseUrl: string;
let internalUrl: string;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'administrator' });
  const [httpPort, internalPort] = [await freePort(), await freePort()];
  baseUrl = `http://127.0.0.1:${httpPort}`;
  internalUrl = `http://127.0.0.1:${internalPort}`;
  const environment: Environment = {
    ...infrastructure.environment,
    CARILLON_HTTP_PORT: String(httpPort),
    CARILLON_INTERNAL_PORT: String(internalPort),
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_DEV_TOKENS: 'on',
    CARILLON_DIRECTORY_SEED: demo,
    CARILLON_CONSOLE_DIR: join(builtFile('services/console/dist/index.html'), '..'),
  };
  const as =
    (service: ServiceName, start: Starter): Starter =>
    (given) =>
      start({ ...given, NATS_URL: infrastructure.nats.urlOf(service) });
  const starters = [
    as('directory', startDirectory),
    as('monitoring', startMonitoring),
    as('alert-escalation', startAlertEscalation),
    as('gateway', startGateway),
  ];
  house = await startServices(starters, environment);
  await eventually(
    async () => {
      const token = await tokenOf(baseUrl, 'n1');
      const alerts = await call(baseUrl, 'GET', '/v1/alerts?wardId=w1', { token });
      const status = await call(baseUrl, 'GET', '/v1/wards/w1/status', { token });
      return alerts.status === 200 && status.status === 200 ? true : undefined;
    },
    { what: 'the projections', withinMs: 60_000 },
  );
}, 90_000);
afterAll(async () => {
  await house.stop();
  await bus.close();
  await infrastructure.stop();
});

const internal = (path: string, method = 'GET'): Promise<Response> =>
  fetch(internalUrl + path, { method, signal: AbortSignal.timeout(5_000) });

type Sample = { name: string; labels: Record<string, string>; value: number };
/** Reads the exposition text as strictly as its format is written. @throws for what breaks it */
function parseExposition(text: string): { types: Map<string, string>; samples: Sample[] } {
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Sample[] = [];
  const series = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP' ? helps.has(name) : types.has(name)) throw new Error(`${kind} of ${name} comes twice`);
      if (kind === 'HELP') helps.add(name);
      else types.set(name, rest);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$/.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, name = '', written = '', value] = sample;
    const labels: Record<string, string> = {};
    const rest = written.replaceAll(
      /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?/g,
      (_, label: string, text: string) => {
        labels[label] = text;
        return '';
      },
    );
    if (rest !== '') throw new Error(`labels: ${line}`);
    const identity = `${name} ${Object.keys(labels)
      .sort()
      .map((label) => `${label}=${labels[label]}`)
      .join()}`;
    if (series.has(identity)) throw new Error(`comes twice: ${identity}`);
    series.add(identity);
    const family = name.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(name) && types.get(family) !== 'histogram' && types.get(family) !== 'summary') {
      throw new Error(`no type before ${name}`);
    }
    samples.push({ name, labels, value: Number(value) });
  }
  return { types, samples };
}

const familyOf = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');

test('every metric is documented, every documented one is there, and no label is an id', async () => {
  const nurse = await tokenOf(baseUrl, 'n1');
  const device = await tokenOf(baseUrl, 'dev1');
  const client = await openRealtime(baseUrl, { token: nurse });
  await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  const low = series('p1', 'spo2', constant(80, 20), Date.now());
  expect((await postVitals(baseUrl, device, low)).status).toBe(202);
  const isRaised = (frame: Frame): boolean => frame['ev'] === 'alert:raised';
  const raised = await client.expect(isRaised, 'the alert', 20_000);
  const { alertId } = raised['data'] as { alertId: string };
  expect((await call(baseUrl, 'POST', `/v1/alerts/${alertId}/acknowledge`, { token: nurse })).status).toBe(200);
  expect((await call(baseUrl, 'GET', '/v1/patients/p2/status', { token: nurse })).status).toBe(200);
  expect((await call(baseUrl, 'GET', '/nothing/p1', { token: nurse })).status).toBe(404);

  const response = await internal('/metrics');
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const { types, samples } = parseExposition(await response.text());
  client.close();

  const table = [
    ...(await readFile(docs, 'utf8')).matchAll(/^\| `((?:carillon|nodejs)_[a-z_0-9]+)(?:\{([a-z,]*)\})?` /gm),
  ];
  const documented = new Map(
    table.map(([, name = '', labels = '']) => [name, labels.split(',').filter((label) => label !== '')]),
  );
  const own = [...types.keys()].filter((name) => name.startsWith('carillon_'));
  expect([...documented.keys()].filter((name) => name.startsWith('carillon_')).sort()).toEqual(own.sort());
  for (const name of documented.keys()) expect(types.has(name)).toBe(true);
  for (const { name, labels } of samples) {
    const expected = documented.get(familyOf(name)) ?? documented.get(name);
    if (expected === undefined) continue;
    const found = Object.keys(labels).filter((label) => !['le', 'service'].includes(label));
    expect({ name, labels: found.sort() }).toEqual({ name, labels: [...expected].sort() });
  }

  const ids = new Set(
    [...JSON.stringify(JSON.parse(await readFile(demo, 'utf8'))).matchAll(/"(\w+Id)":"([^"]+)"/g)].map(
      ([, , id]) => id,
    ),
  );
  expect(ids.size).toBeGreaterThan(30);
  const leaked = samples.flatMap(({ labels }) => Object.values(labels)).filter((value) => ids.has(value));
  expect(leaked).toEqual([]);

  const value = (name: string, labels: Record<string, string> = {}): number =>
    samples
      .filter(
        (each) => each.name === name && Object.entries(labels).every(([label, text]) => each.labels[label] === text),
      )
      .reduce((sum, each) => sum + each.value, 0);
  expect(value('carillon_connections', { transport: 'webSocket', role: 'nurse' })).toBe(1);
  expect(value('carillon_nats_connected')).toBe(4);
  expect(value('carillon_build_info')).toBe(1);
  expect(samples.filter(({ name }) => name === 'carillon_consumer_pending').length).toBeGreaterThan(20);
  for (const hop of ['measured_condition', 'measured_opened', 'opened_paged', 'opened_acknowledged']) {
    expect({ hop, count: value('carillon_alarm_hop_seconds_count', { hop, priority: 'high' }) }).toEqual({
      hop,
      count: 1,
    });
  }
  expect(value('carillon_delivery_seconds_count', { stream: 'CARE' })).toBeGreaterThan(0);
  expect(value('carillon_call_seconds_count', { operation: 'alert:acknowledge', outcome: 'ok' })).toBe(1);
  const route = { route: '/v1/patients/:patientId/status', method: 'GET', status: '2xx' };
  expect(value('carillon_http_request_seconds_count', route)).toBe(1);
  expect(value('carillon_http_request_seconds_count', { route: 'none', status: '4xx' })).toBe(1);
});

test('the alert rules speak of metrics that are there, and are documented', async () => {
  const { types } = parseExposition(await (await internal('/metrics')).text());
  const text = await readFile(rules, 'utf8');
  const used = [...text.matchAll(/\b(?:carillon|nodejs)_[a-z0-9_]+/g)].map(([name]) => familyOf(name));
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((name) => !types.has(name))).toEqual([]);
  const alerts = [...text.matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const documented = [...(await readFile(docs, 'utf8')).matchAll(/^\| `(Carillon\w+)`/gm)].map(([, name]) => name);
  expect(documented).toEqual(alerts);
});

test('each service names its checks, and a probe without a body is answered too', async () => {
  const response = await internal('/readyz?verbose');
  expect(response.status).toBe(200);
  const withDatabase = { nats: true, database: true, consumers: true, running: true };
  expect(await response.json()).toEqual({
    ready: true,
    services: {
      directory: withDatabase,
      monitoring: { ...withDatabase, directory: true },
      'alert-escalation': { ...withDatabase, directory: true },
      gateway: { directory: true, nats: true, running: true },
    },
  });
  const head = await internal('/readyz', 'HEAD');
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await internal('/metrics', 'POST');
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

type Letter = { sequence: number; kind: string; name: string; reason: string; putBackAt: string | null };
async function letters(service: string, person = 'o1'): Promise<Letter[]> {
  const { body } = await call(baseUrl, 'GET', `/v1/dead-letters/${service}`, { token: await tokenOf(baseUrl, person) });
  return body['items'] as Letter[];
}
const letterWith = (service: string, reason: string): Promise<Letter> =>
  eventually(async () => (await letters(service)).findLast((letter) => letter.reason.includes(reason)), {
    what: `a letter because of ${reason}`,
  });

/** As a letter whose cause was mended meanwhile: what is in it is sound. */
async function bury(
  service: ServiceName,
  subject: string,
  data: unknown,
  headers: Record<string, string>,
): Promise<void> {
  await publish(bus, {
    subject: `dead.${service}.${subject}`,
    body: encode(data),
    headers: { ...headers, 'Nats-Msg-Id': `dead-${service}-${randomUUID()}`, 'Carillon-Subject': subject },
  });
}

test('readings that were put aside are stored when they are put back, and only once', async () => {
  const token = await tokenOf(baseUrl, 'o1');
  const at = Date.now() - 60_000;
  const reading = {
    patientId: 'p3',
    vital: 'heartRate',
    value: 71,
    receivedValue: 71,
    receivedUnit: null,
    measuredAt: at,
    statedAt: null,
    quality: 'good',
    deviceId: null,
  };
  const subject = intakeSubject('h1', partitionOf('p3'), 'device');
  const intake = { hospital: 'h1', by: 'dev1', receivedAt: at, readings: [reading] };
  await bury('monitoring', subject, intake, { 'Carillon-Reason': 'a disk was full' });
  const letter = await letterWith('monitoring', 'a disk was full');
  expect(letter).toMatchObject({ kind: 'readings', name: 'vitals:record', putBackAt: null });
  const path = `/v1/dead-letters/monitoring/${letter.sequence}/put-back`;
  const first = await call(baseUrl, 'POST', path, { token });
  expect(first).toMatchObject({ status: 200, body: { putBackBy: 'o1' } });
  expect((await call(baseUrl, 'POST', path, { token })).body).toEqual(first.body);
  const range = `from=${new Date(at - 1_000).toISOString()}&to=${new Date(at + 1_000).toISOString()}`;
  const nurse = await tokenOf(baseUrl, 'n1');
  const stored = await eventually(async () => {
    const { body } = await call(baseUrl, 'GET', `/v1/patients/p3/vitals?${range}`, { token: nurse });
    const items = body['items'] as unknown[];
    return items.length > 0 ? items : undefined;
  });
  expect(stored).toHaveLength(1);
  expect((await call(baseUrl, 'GET', '/v1/dead-letters/monitoring', { token: nurse })).status).toBe(403);
});

test("readings whose subject and body name two hospitals are nobody's: not stored, not shown, not put back", async () => {
  const token = await tokenOf(baseUrl, 'o1');
  const subject = intakeSubject('h1', partitionOf('p3'), 'device');
  const reading = { patientId: 'p3', vital: 'heartRate', value: 72, receivedValue: 72, receivedUnit: null };
  const readings = [{ ...reading, measuredAt: Date.now(), statedAt: null, quality: 'good', deviceId: null }];
  const intake = { hospital: 'h2', by: 'dev1', receivedAt: Date.now(), readings };
  await publish(bus, { subject, body: encode(intake), headers: { 'Nats-Msg-Id': randomUUID() } });
  const { sequence } = await letterWith('monitoring', 'names another hospital');
  const path = `/v1/dead-letters/monitoring/${sequence}`;
  expect((await call(baseUrl, 'GET', path, { token })).body).toMatchObject({ body: '' });
  expect((await call(baseUrl, 'POST', `${path}/put-back`, { token })).status).toBe(409);
});

test('readings that break their contract are refused when they are put back, and make no second letter', async () => {
  const token = await tokenOf(baseUrl, 'o1');
  const subject = intakeSubject('h1', partitionOf('p3'), 'device');
  const intake = { hospital: 'h1', by: 'dev1', receivedAt: Date.now(), readings: [{ patientId: 'p3' }] };
  await publish(bus, { subject, body: encode(intake), headers: { 'Nats-Msg-Id': randomUUID() } });
  const { sequence } = await letterWith('monitoring', 'breaks its contract');
  const before = (await streamState(bus, 'INTAKE')).lastSequence;
  const answer = await call(baseUrl, 'POST', `/v1/dead-letters/monitoring/${sequence}/put-back`, { token });
  expect(answer).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  expect((await streamState(bus, 'INTAKE')).lastSequence).toBe(before);
});

test('what should never happen is counted from the start, so that its first time is an increase', async () => {
  const { samples } = parseExposition(await (await internal('/metrics')).text());
  const poisoned = samples.filter(({ labels }) => labels['outcome'] === 'poison').map(({ labels }) => labels['kind']);
  expect(new Set(poisoned)).toEqual(new Set(['command', 'event', 'intake', 'timer']));
  const denied = samples.filter(({ name }) => name === 'carillon_nats_denied_total');
  // Two operations of each of the four services.
  expect(denied.map(({ value }) => value)).toEqual(Array.from({ length: 8 }, () => 0));
});

testInBrowser(
  `operators see what was put aside, open it and put it back${executable === undefined ? ' (skipped: no Chromium)' : ''}`,
  async () => {
    const condition = {
      patientId: 'p4',
      wardId: 'w1',
      kind: 'heartRate-above',
      priority: 'medium',
      message: 'HR 151 /min',
    };
    const subject = eventSubject(conditionRaised, { hospital: 'h1', ward: 'w1', patient: 'p4', lane: 'critical' });
    const headers = { 'Carillon-Event': conditionRaised.name, 'Carillon-Version': '1000' };
    // One that the service buries by itself, and one that it can take by now.
    await publish(bus, {
      subject,
      body: encode({ ...condition, priority: 'very high' }),
      headers: { ...headers, 'Nats-Msg-Id': randomUUID() },
    });
    const broken = await letterWith('alert-escalation', 'breaks its contract');
    const at = new Date().toISOString();
    await bury(
      'alert-escalation',
      subject,
      { ...condition, at },
      { ...headers, 'Carillon-Id': randomUUID(), 'Carillon-Reason': 'Error: a defect of yesterday' },
    );
    const sound = await letterWith('alert-escalation', 'a defect of yesterday');

    const browser = await startBrowser(executable!);
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${baseUrl}/#person=o1`);
      await page.getByRole('button', { name: 'Dead letters' }).click();
      const row = (letter: Letter) => page.getByTestId(`letter-alert-escalation-${letter.sequence}`);
      await row(broken).waitFor();
      // Newest first.
      const rows = await page.locator('[data-testid^="letter-alert-escalation-"]').all();
      const order = await Promise.all(rows.map((each) => each.getAttribute('data-testid')));
      expect(order).toEqual([sound, broken].map(({ sequence }) => `letter-alert-escalation-${sequence}`));
      expect(await row(broken).textContent()).toContain('condition:raised');
      if (pictures !== undefined) await writeFile(join(pictures, 'carillon-letters.png'), await page.screenshot());

      // What is still broken is refused again, with the reason.
      await row(broken).getByRole('button').click();
      await page.getByTestId('letter-body').getByText('very high').waitFor();
      expect(await page.getByTestId('letter-headers').textContent()).toContain('Carillon-Hospital');
      await page.getByTestId('put-back').click();
      await page.getByTestId('put-back-confirm').and(page.locator(':focus')).waitFor();
      await page.getByTestId('put-back-confirm').click();
      await page
        .getByTestId('letter-result')
        .getByText(/Not put back.*breaks its contract/)
        .waitFor();
      if (pictures !== undefined) await writeFile(join(pictures, 'carillon-letter.png'), await page.screenshot());
      // The focus is still in the dialog, so that a key closes it.
      await page.getByTestId('letter-result').and(page.locator(':focus')).waitFor();
      await page.keyboard.press('Escape');
      await page.getByTestId('letter').waitFor({ state: 'detached' });

      const before = (await streamState(bus, 'DEADLETTERS')).lastSequence;
      await row(sound).getByRole('button').click();
      await page.getByTestId('put-back').click();
      await page.getByTestId('put-back-confirm').click();
      await page.getByTestId('letter-result').getByText('Handled again by alert-escalation').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await row(sound).and(page.locator('[data-put-back=true]')).waitFor();
      expect(await row(broken).getAttribute('data-put-back')).toBe('false');
      expect((await streamState(bus, 'DEADLETTERS')).lastSequence).toBe(before);

      // Its effect is there: the alert that was missing.
      const nurse = await tokenOf(baseUrl, 'n2');
      const alerts = await call(baseUrl, 'GET', '/v1/alerts?wardId=w1&patientId=p4', { token: nurse });
      expect(alerts.body['items']).toMatchObject([{ patientId: 'p4', kind: 'heartRate-above', state: 'open' }]);

      await page.goto(`${baseUrl}/#person=n1`);
      await page.reload();
      await page.getByTestId('bed-p1').waitFor();
      expect(await page.getByRole('button', { name: 'Dead letters' }).count()).toBe(0);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
