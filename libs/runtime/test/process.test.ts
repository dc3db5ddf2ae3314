import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus } from '@carillon/bus/connection';
import { openDatabase } from '@carillon/database/database';
import type { Environment } from '@carillon/runtime/config';
import { createMetrics } from '@carillon/runtime/metrics';
import { hardDrainMs, startServices, type RunningService } from '@carillon/runtime/process';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createWriter, startLedger } from './ledger.ts';

let infrastructure: Infrastructure;
let environment: Environment;
let baseUrl: string;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const port = await freePort();
  environment = { ...infrastructure.environment, CARILLON_INTERNAL_PORT: String(port) };
  baseUrl = `http://127.0.0.1:${port}`;
});
afterAll(() => infrastructure.stop());

const get = async (path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(baseUrl + path, { signal: AbortSignal.timeout(5_000) });
  return { status: response.status, text: await response.text() };
};
const idle = (name: string, stop: () => Promise<void>): (() => Promise<RunningService>) => {
  const metrics = createMetrics(name);
  metrics.handled.inc({ kind: 'query', name: 'x:y', outcome: 'ok' });
  return () => Promise.resolve({ name, metrics, checks: () => Promise.resolve({ running: true }), stop });
};

test('health, readiness and metrics tell what is true', async () => {
  const running = await startServices([(of) => startLedger(of)], environment);
  expect(await get('/healthz')).toEqual({ status: 200, text: '{"ok":true}' });
  expect(JSON.parse((await get('/readyz')).text)).toEqual({
    ready: true,
    services: { directory: { nats: true, database: true, consumers: true, running: true } },
  });
  expect((await get('/nothing')).status).toBe(404);
  const metrics = await get('/metrics');
  expect(metrics.text).toMatch(/carillon_handled_total/);
  expect(metrics.text).toMatch(/process_cpu_seconds_total/);

  await infrastructure.postgres.stop();
  const without = await eventually(async () => {
    const answer = await get('/readyz');
    return answer.status === 503 ? answer : undefined;
  });
  expect(JSON.parse(without.text)).toMatchObject({ services: { directory: { nats: true, database: false } } });
  // It is alive, and a restart would not help.
  expect((await get('/healthz')).status).toBe(200);
  await infrastructure.restartPostgres();
  await eventually(async () => ((await get('/readyz')).status === 200 ? true : undefined));
  await running.stop();
  await expect(get('/healthz')).rejects.toThrow();
});

test('the metrics of several services in one process differ by their label', async () => {
  const nothing = (): Promise<void> => Promise.resolve();
  const running = await startServices([idle('one', nothing), idle('two', nothing)], environment);
  const { text } = await get('/metrics');
  for (const name of ['one', 'two']) {
    expect(text).toMatch(new RegExp(`carillon_handled_total\\{[^}]*service="${name}"[^}]*\\} 1`));
  }
  expect(text.match(/^# HELP carillon_handled_total /gm)).toHaveLength(1);
  await running.stop();
});

test('a drain ends by its hard timer, however long a service takes', async () => {
  const stopped: string[] = [];
  const running = await startServices(
    [idle('quick', async () => void stopped.push('quick')), idle('hanging', () => new Promise(() => {}))],
    environment,
  );
  const stoppedAt = performance.now();
  await running.stop();
  expect(performance.now() - stoppedAt).toBeLessThan(hardDrainMs + 500);
  expect(stopped).toEqual(['quick']);
});

test('when one service cannot start, the others are stopped and the port is free', async () => {
  let isStopped = false;
  const starting = startServices(
    [idle('sound', async () => void (isStopped = true)), () => Promise.reject(new Error('cannot'))],
    environment,
  );
  await expect(starting).rejects.toThrow('cannot');
  expect(isStopped).toBe(true);
  await (await startServices([], environment)).stop();
  await expect(startServices([], { ...environment, CARILLON_INTERNAL_PORT: 'x' })).rejects.toThrow(
    /CARILLON_INTERNAL_PORT/,
  );
});

test('a drain finishes the command in hand, answers it, publishes its event, and takes no other', async () => {
  let isInHand: () => void = () => {};
  let finish: () => void = () => {};
  const inHand = new Promise<void>((resolve) => (isInHand = resolve));
  const mayFinish = new Promise<void>((resolve) => (finish = resolve));
  const service = await startLedger(environment, {
    async onWrite() {
      isInHand();
      await mayFinish;
    },
  });
  const bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  const writer = createWriter(bus);
  const first = writer.write('in hand');
  await inHand;
  const second = writer.write('behind it', { deadlineMs: 1_500 });
  const stopping = service.stop();
  setTimeout(finish, 200);
  expect(await first).toEqual({ ok: true, data: { lines: 1 } });
  await stopping;
  expect(await second).toBeUndefined();
  const state = (await bus.jsm.streams.info('CARE')).state;
  expect(state.messages).toBe(1);

  // Another does it, at once.
  const next = await startLedger(environment);
  const database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  await eventually(
    async () => {
      const { rows } = await database.query(`select 1 from ledger where entry = 'behind it'`);
      return rows.length === 1 ? true : undefined;
    },
    { withinMs: 12_000 },
  );
  await next.stop();
  writer.close();
  await bus.close();
  await database.close();
});

test('a service stops within the hard timer with the database and the bus both away', async () => {
  const service = await startLedger(environment);
  const bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  const writer = createWriter(bus);
  await infrastructure.postgres.stop();
  await writer.write('never', { deadlineMs: 300 });
  infrastructure.nats.kill();
  await infrastructure.nats.exited;
  const stoppedAt = performance.now();
  await service.stop();
  figure(`stopped after ${Math.round(performance.now() - stoppedAt)} ms without database and bus`);
  expect(performance.now() - stoppedAt).toBeLessThan(hardDrainMs);
  writer.close();
  await bus.close();
});
