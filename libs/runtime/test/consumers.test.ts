import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { openDatabase } from '@carillon/database/database';
import { insertOutbox } from '@carillon/database/outbox';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createWriter, startLedger, type Hooks, type Writer } from './ledger.ts';

let infrastructure: Infrastructure;
let bus: Bus;
let service: RunningService;
let writer: Writer;
const hooks: Hooks = {};

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  service = await startLedger(infrastructure.environment, hooks);
  writer = createWriter(bus);
});
afterAll(async () => {
  writer.close();
  await service.stop();
  await bus.close();
  await infrastructure.stop();
});

/** As a scrape reads it: undefined where there is no such series. */
async function metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
  const found = await service.metrics.registry.getSingleMetric(name)?.get();
  return found?.values.find((each) =>
    Object.entries(labels).every(([label, value]) => Reflect.get(each.labels, label) === value),
  )?.value;
}
const durable = 'directory-normal';

test('what waits and what is in hand is told by durable, and what is not known is not told', async () => {
  expect(await metric('carillon_consumer_redelivered_total', { durable })).toBe(0);
  expect(await metric('carillon_nats_connected')).toBe(1);
  let finish: () => void = () => {};
  const mayFinish = new Promise<void>((resolve) => (finish = resolve));
  hooks.onWrite = () => mayFinish;
  const writes = Promise.all([1, 2, 3].map((n) => writer.write(`line ${n}`, { deadlineMs: 30_000 })));
  // The server's answer is kept for 5 s.
  await eventually(async () => ((await metric('carillon_consumer_unanswered', { durable })) === 3 ? true : undefined), {
    what: 'three in hand',
    withinMs: 10_000,
  });
  expect(await metric('carillon_consumer_pending', { durable })).toBe(0);
  finish();
  await writes;

  infrastructure.nats.kill();
  await infrastructure.nats.exited;
  await eventually(async () => ((await metric('carillon_nats_connected')) === 0 ? true : undefined));
  const readiness = await service.checks();
  expect(readiness).toMatchObject({ nats: false, database: true });
  await eventually(
    async () => ((await metric('carillon_consumer_pending', { durable })) === undefined ? true : undefined),
    { what: 'no number that nobody knows', withinMs: 10_000 },
  );
  await infrastructure.restartNats();
  await eventually(async () => ((await metric('carillon_nats_reconnects_total')) === 1 ? true : undefined));
  await eventually(async () => (Object.values(await service.checks()).every(Boolean) ? true : undefined), {
    what: 'readiness',
    withinMs: 10_000,
  });
});

test('a message that comes again is counted', async () => {
  const subject = 'cmd.directory.normal.ledger.write';
  await service.stop();
  const envelope = { actor: { person: 'a1', hospital: 'h1', roles: ['admin'] }, key: 'again', issuedAt: Date.now() };
  // The test before has restarted the server.
  await bus.whenConnected(10_000);
  await bus.js.publish(subject, JSON.stringify({ ...envelope, data: { entry: 'again' } }), { timeout: 10_000 });
  const consumer = await bus.js.consumers.get('COMMANDS', durable);
  (await consumer.next({ expires: 5_000 }))?.nak();
  await bus.nc.flush();
  delete hooks.onWrite;
  service = await startLedger(infrastructure.environment, hooks);
  await eventually(async () =>
    (await metric('carillon_consumer_redelivered_total', { durable })) === 1 ? true : undefined,
  );
});

test('the age of the oldest row tells how far the outbox lags behind', async () => {
  infrastructure.nats.kill();
  await infrastructure.nats.exited;
  // Without the bus no command comes: the row is written as a handler would leave it.
  const database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  const subject = 'care.h1.w1._.bulk.line.written';
  await insertOutbox(database, [
    { lane: 'bulk', entity: 'x', subject, headers: { 'Nats-Msg-Id': 'lag' }, body: '{"entry":"lag"}' },
  ]);
  await eventually(
    async () => (((await metric('carillon_outbox_lag_seconds', { lane: 'bulk' })) ?? 0) > 1 ? true : undefined),
    { what: 'a lag', withinMs: 15_000 },
  );
  expect(await metric('carillon_outbox_waiting', { lane: 'bulk' })).toBe(1);
  await infrastructure.restartNats();
  await eventually(
    async () => ((await metric('carillon_outbox_lag_seconds', { lane: 'bulk' })) === 0 ? true : undefined),
    { what: 'no lag', withinMs: 15_000 },
  );
  await database.close();
});
