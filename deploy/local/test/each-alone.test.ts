import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { call, openRealtime, tokenOf, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { postVitals } from '@carillon/testkit/hospital';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { builtFile, freePort, startNode, type NodeProcess } from '@carillon/testkit/node-process';

const names = ['directory', 'monitoring', 'alert-escalation', 'gateway'] as const;
type Name = (typeof names)[number];
const seed = fileURLToPath(new URL('../demo-hospital.json', import.meta.url));
const { careTeams, shifts } = JSON.parse(readFileSync(seed, 'utf8')) as Record<'careTeams' | 'shifts', unknown[]>;
/** Events of the directory that follow from the demo hospital. */
const counts: Record<string, number> = { careTeam: careTeams.length, shift: shifts.length };
const secret = { CARILLON_JWT_SECRET: 'a secret of the tests, of no worth anywhere' };

let infrastructure: Infrastructure;
const started: NodeProcess[] = [];
beforeAll(async () => {
  infrastructure = await startInfrastructure();
});
afterAll(async () => {
  for (const process of started) process.signal('SIGKILL');
  await Promise.all(started.map((process) => process.exited));
  await infrastructure.stop();
});

function startAlone(name: Name, environment: Readonly<Record<string, string>>): NodeProcess {
  const process = startNode([builtFile(`services/${name}/dist/main.js`)], environment);
  started.push(process);
  return process;
}

const shuffled = <T>(values: readonly T[]): T[] =>
  values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);

test('each service starts by itself from its main.ts and environment, in any order, and they do the work together', async () => {
  const httpPort = await freePort();
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  const extra: Partial<Record<Name, Record<string, string>>> = {
    directory: { CARILLON_DIRECTORY_SEED: seed },
    gateway: { ...secret, CARILLON_HTTP_PORT: String(httpPort), CARILLON_DEV_TOKENS: 'on' },
  };
  const running = new Map<Name, { process: NodeProcess; internal: string }>();
  const order = shuffled(names);
  for (const name of order) {
    const port = await freePort();
    const internal = `http://127.0.0.1:${port}`;
    const ports = { CARILLON_INTERNAL_PORT: String(port) };
    const process = startAlone(name, { ...infrastructure.environmentOf(name), ...ports, ...extra[name] });
    running.set(name, { process, internal });
    // Ready before the next is there: none waits for another.
    await process.line(`${name} ready`);
    expect(await call(internal, 'GET', '/readyz')).toMatchObject({
      status: 200,
      body: { ready: true, services: { [name]: { nats: true } } },
    });
    expect((await call(internal, 'GET', '/healthz')).status).toBe(200);
  }

  const nurse = await eventually(() =>
    tokenOf(baseUrl, 'n1').then((token) => (token === 'undefined' ? undefined : token)),
  );
  const device = await tokenOf(baseUrl, 'dev1');
  const client = await openRealtime(baseUrl, { token: nurse });
  const isOf = (room: string, event: string) => (frame: Frame) => frame['room'] === room && frame['ev'] === event;
  await client.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
  await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  const item = { patientId: 'p1', vital: 'heartRate', value: 72, measuredAt: new Date().toISOString() };
  expect((await postVitals(baseUrl, device, [item])).status).toBe(202);
  const shown = await client.expect(isOf('ward:w1:vitals', 'vitals:recorded'), 'the heart rate', 20_000);
  expect(shown['data']).toMatchObject({ patientId: 'p1', items: [{ vital: 'heartRate', value: 72, unit: '/min' }] });

  const raise = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'On the floor' };
  const metricsOf = async (name: Name): Promise<string> =>
    (await fetch(`${running.get(name)!.internal}/metrics`)).text();
  // Whoever escalates must know the nurses; its projection may be a moment behind the gateway's.
  await eventually(
    async () => {
      const text = await metricsOf('alert-escalation');
      const isHandled = (event: string): boolean =>
        new RegExp(`handled_total\\{.*${event}:changed.*\\} ${counts[event]}$`, 'm').test(text);
      return Object.keys(counts).every(isHandled) || undefined;
    },
    { what: 'the projection of the directory' },
  );
  const raised = await call(baseUrl, 'POST', '/v1/alerts', { token: nurse, body: raise });
  expect(raised).toMatchObject({ status: 201, body: { state: 'open', level: 1 } });
  await client.expect(isOf('ward:w1:alerts', 'alert:raised'), 'the alert');
  const page = await client.expect(isOf('person:n1', 'page:new'), 'the page');
  expect(page['data']).toMatchObject({ alertId: raised.body['alertId'], level: 1 });
  client.close();

  for (const name of names) {
    const metrics = await metricsOf(name);
    expect(metrics).toContain('process_cpu_seconds_total');
    expect(metrics).toMatch(new RegExp(`carillon_\\w+\\{.*service="${name}"`));
  }
  for (const name of shuffled(names)) {
    const { process } = running.get(name)!;
    const before = performance.now();
    process.signal('SIGTERM');
    expect({ name, exit: await process.exited }).toEqual({ name, exit: 0 });
    expect(performance.now() - before).toBeLessThan(10_000);
  }
}, 120_000);

test.each(names)('%s without its settings says in one line what is missing, and exits with 1', async (name) => {
  const process = startAlone(name, { CARILLON_INTERNAL_PORT: String(await freePort()) });
  expect(await process.exited).toBe(1);
  expect(process.lines).toEqual([expect.stringMatching(/^configuration: .*NATS_URL is missing/)]);
  if (name !== 'gateway') expect(process.lines[0]).toContain('DATABASE_URL is missing');
});

test('a gateway that could check no token does not start', async () => {
  const process = startAlone('gateway', {
    CARILLON_INTERNAL_PORT: String(await freePort()),
    NATS_URL: 'nats://127.0.0.1:1',
    CARILLON_JWT_SECRET: '',
  });
  expect(await process.exited).toBe(1);
  expect(process.lines).toEqual([
    expect.stringMatching(/^configuration: CARILLON_JWT_SECRET is missing, or else CARILLON_JWT_JWKS_URL/),
  ]);
});

test('a service whose NATS server or database cannot be reached says so in one line without the password', async () => {
  const [nowhere, port] = [await freePort(), await freePort()];
  const common = { ...infrastructure.environmentOf('monitoring'), CARILLON_INTERNAL_PORT: String(port) };
  const withoutDatabase = startAlone('monitoring', {
    ...common,
    DATABASE_URL: `postgres://a:hidden@127.0.0.1:${nowhere}/x`,
  });
  expect(await withoutDatabase.exited).toBe(1);
  expect(withoutDatabase.lines).toEqual([expect.stringContaining(`no PostgreSQL answers at 127.0.0.1:${nowhere}`)]);
  const withoutNats = startAlone('directory', { ...common, NATS_URL: `nats://a:hidden@127.0.0.1:${nowhere}` });
  expect(await withoutNats.exited).toBe(1);
  expect(withoutNats.lines).toEqual([expect.stringContaining(`no NATS server answers at 127.0.0.1:${nowhere}`)]);
  expect(`${withoutDatabase.lines.join()} ${withoutNats.lines.join()}`).not.toContain('hidden');
});

test('a gateway in production refuses to start with development tokens', async () => {
  const process = startAlone('gateway', {
    ...infrastructure.environmentOf('gateway'),
    ...secret,
    CARILLON_INTERNAL_PORT: String(await freePort()),
    CARILLON_HTTP_PORT: '0',
    CARILLON_DEV_TOKENS: 'on',
    NODE_ENV: 'production',
  });
  expect(await process.exited).toBe(1);
  expect(process.lines).toEqual([expect.stringContaining('CARILLON_DEV_TOKENS must be off in production')]);
});
