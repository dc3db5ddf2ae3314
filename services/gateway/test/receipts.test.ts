/** Receipts on a real nats-server, up to the owners' commands; what owners make of them is tested there. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Actor, Role } from '@carillon/contracts/define';
import { maxReceipts, recordReceipts, type Receipt } from '@carillon/contracts/receipts';
import { validate } from '@carillon/contracts/schema';
import { commandSubject } from '@carillon/contracts/streams';
import { operations } from '@carillon/contracts/surface';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { consumeDurable, type Consumption } from '@carillon/bus/consume';
import { provisionStreams } from '@carillon/bus/provision';
import { decode } from '@carillon/bus/request';
import { commandEnvelopeSchema, type CommandEnvelope } from '@carillon/runtime/commands';
import { createLogger } from '@carillon/runtime/log';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { Registry } from 'prom-client';
import { createBuckets, type Buckets } from '../src/limits.ts';
import { createReceipts, mayHaveBy, type ReceiptedMessage, type Receipts } from '../src/receipts.ts';

type Stored = { owner: string; envelope: CommandEnvelope; items: Receipt[] };
let infrastructure: Infrastructure;
let owners: Bus;
let gateway: Bus;
let consumption: Consumption;
let buckets: Buckets;
const stored: Stored[] = [];
const keys = new Set<string>();

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  owners = await connectBus({ url: infrastructure.nats.url, name: 'owners' });
  await provisionStreams(owners, ['COMMANDS'], { replicas: 1 });
  gateway = await connectBus({ url: infrastructure.nats.urlOf('gateway'), name: 'gateway' });
  buckets = createBuckets();
  consumption = await consumeDurable(owners, {
    stream: 'COMMANDS',
    durable: 'owners',
    filter: 'cmd.*.normal.receipt.record',
    ackWaitMs: 10_000,
    maxInFlight: 64,
    onDelivery(delivery) {
      const envelope = decode(delivery.body) as CommandEnvelope;
      const { items } = envelope.data as { items: Receipt[] };
      // What the inbox of the owner does. Of every test: what one has acknowledged comes again when the next kills NATS.
      const isKnown = keys.has(envelope.key);
      keys.add(envelope.key);
      if (!isKnown) stored.push({ owner: delivery.subject.split('.')[1] ?? '', envelope, items });
      delivery.ack();
    },
  });
});
afterAll(async () => {
  await consumption.stop(0);
  buckets.stop();
  await gateway.close();
  await owners.close();
  await infrastructure.stop();
});

const messages = new Map<string, ReceiptedMessage>();
const mids = (count: number): string[] => Array.from({ length: count }, () => randomUUID());
/** Messages in memory, of one event and the room of one person. */
const told = (person: string, count = 1, event = 'page:new'): string[] =>
  mids(count).map((mid) => {
    messages.set(mid, { event, rooms: [`h1/person:${person}`] });
    return mid;
  });
const who = (person: string, role: Role = 'nurse', hospital = 'h1'): Actor => ({ person, hospital, roles: [role] });
const relations = {
  wardsOf: (person: string) => new Set(person === 'n1' ? ['w1'] : []),
  wardOfPatient: () => undefined,
  patientsCaredForBy: () => new Set<string>(),
  brokenGlassOf: () => new Set<string>(),
};

let registry: Registry;
let receipts: Receipts;
const log = createLogger('test', { level: 'silent', file: '' });
const open = (): Receipts =>
  createReceipts({
    bus: gateway,
    find: (mid) => messages.get(mid),
    mayHave: mayHaveBy({ relations: () => relations }),
    buckets,
    registry,
    log,
    now: Date.now,
  });
beforeEach(() => {
  stored.splice(0);
  messages.clear();
  registry = new Registry();
  receipts = open();
});
async function counts(): Promise<Record<string, number>> {
  const values = (await registry.getSingleMetric('carillon_receipts_total')?.get())?.values ?? [];
  return Object.fromEntries(
    values.filter(({ value }) => value > 0).map((each) => [each.labels['outcome'], each.value]),
  );
}
const items = (): Receipt[] => stored.flatMap((command) => command.items);
/** At the owners, and known to be stored: `stop` waits 2 s for that, which a machine may spend standing still. */
const untilStored = (count: number) =>
  eventually(
    async () => {
      const { stored: acknowledged = 0 } = await counts();
      return acknowledged >= count && items().length >= count ? stored : undefined;
    },
    { what: `${count} receipts`, withinMs: 60_000 },
  );

test('what several people say within a moment comes to each owner in one command, in their names', async () => {
  const [page, other] = [...told('n1'), ...told('n2')];
  const [notice] = told('n1', 1, 'notification:new');
  receipts.take(who('n1'), [page ?? '', notice ?? ''], 'delivered');
  receipts.take(who('n2'), [other ?? ''], 'displayed');
  await untilStored(3);
  expect(stored.map(({ owner, items }) => `${owner} ${items.length}`).toSorted()).toEqual([
    'alert-escalation 2',
    'directory 1',
  ]);
  const pages = stored.find(({ owner }) => owner === 'alert-escalation');
  expect(validate(commandEnvelopeSchema, pages?.envelope)).toMatchObject({ ok: true });
  expect(validate(recordReceipts.input, pages?.envelope.data)).toMatchObject({ ok: true });
  expect(pages?.envelope.actor).toEqual({ person: 'gateway', hospital: 'h1', roles: ['service'] });
  expect(pages?.items).toMatchObject([
    { mid: page, person: 'n1', level: 'delivered' },
    { mid: other, person: 'n2', level: 'displayed' },
  ]);
  await receipts.stop();
  expect(await counts()).toEqual({ taken: 3, stored: 3 });
});

test('the same said twice is handed over once, another level is another fact', async () => {
  const page = told('n1');
  receipts.take(who('n1'), [...page, ...page], 'delivered');
  receipts.take(who('n1'), page, 'delivered');
  receipts.take(who('n1'), page, 'displayed');
  await receipts.stop();
  await untilStored(2);
  expect(items().map(({ level }) => level)).toEqual(['delivered', 'displayed']);
  expect(await counts()).toEqual({ taken: 2, again: 2, stored: 2 });
});

test('what cannot be his is counted and forgotten: other people, hospitals, rooms, events, and what is no id', async () => {
  const page = told('n1');
  const [alert] = mids(1);
  messages.set(alert ?? '', { event: 'page:new', rooms: ['h1/ward:w1:alerts'] });
  receipts.take(who('n2'), page, 'read');
  receipts.take(who('n1', 'nurse', 'h2'), page, 'read');
  receipts.take(who('n2'), [alert ?? ''], 'read');
  receipts.take(who('n1'), told('n1', 1, 'alert:raised'), 'read');
  receipts.take(who('n1'), ['', 'x', '../..', '4711', 'a'.repeat(128)], 'read');
  // The one that he may have.
  receipts.take(who('n1'), [alert ?? ''], 'read');
  await receipts.stop();
  await untilStored(1);
  expect(items()).toMatchObject([{ mid: alert, person: 'n1' }]);
  expect(await counts()).toEqual({ refused: 9, taken: 1, stored: 1 });
});

test('a message that is no longer in memory is for its owner to judge, so many a minute and person', async () => {
  const old = mids(700);
  receipts.take(who('late'), old, 'displayed');
  const { unknown = 0 } = await counts();
  // Ten more a second, for as long as it took.
  expect(unknown).toBeGreaterThanOrEqual(600);
  expect(unknown).toBeLessThan(680);
  await receipts.stop();
  await untilStored(2 * unknown);
  expect(await counts()).toEqual({ unknown, refused: 700 - unknown, stored: 2 * unknown });
  expect(items()).toHaveLength(2 * unknown);
  expect(new Set(stored.map(({ owner }) => owner))).toEqual(new Set(['alert-escalation', 'directory']));
});

test('a command holds no more than its contract allows, and hospitals never share one', async () => {
  receipts.take(who('n1'), told('n1', 450), 'delivered');
  const [foreign] = mids(1);
  messages.set(foreign ?? '', { event: 'page:new', rooms: ['h2/person:n1'] });
  receipts.take(who('n1', 'nurse', 'h2'), [foreign ?? ''], 'delivered');
  await receipts.stop();
  await untilStored(451);
  for (const { items } of stored) expect(items.length).toBeLessThanOrEqual(maxReceipts);
  expect(stored.filter(({ envelope }) => envelope.actor.hospital === 'h2').map(({ items }) => items.length)).toEqual([
    1,
  ]);
});

test('while NATS is away the newest wait, and all of them come once when it is back', async () => {
  infrastructure.nats.kill();
  const first = told('n1', 9_000);
  receipts.take(who('n1'), first, 'delivered');
  receipts.take(who('n1'), told('n1', 4_000), 'delivered');
  const { lost = 0 } = await counts();
  // What was on its way already is beside the 10,000 that wait.
  expect(lost).toBeGreaterThan(0);
  expect(lost).toBeLessThanOrEqual(3_000);
  // Told again, since nobody has it.
  receipts.take(who('n1'), first.slice(1_600, 1_601), 'delivered');
  await infrastructure.restartNats();
  await untilStored(13_000 - lost);
  await receipts.stop();
  const came = items().map(({ mid }) => mid);
  expect(new Set(came).size).toBe(came.length);
  const { stored: handedOver = 0, lost: lostAtLast = 0 } = await counts();
  expect(came.length).toBe(handedOver);
  expect(handedOver + lostAtLast).toBe(13_001);
});

test('stopping hands over what is left, and does not wait for a NATS that is away', async () => {
  receipts.take(who('n1'), told('n1', 3), 'read');
  await receipts.stop();
  await untilStored(3);
  receipts.take(who('n1'), told('n1'), 'read');
  expect(await counts()).toEqual({ taken: 3, stored: 3, lost: 1 });

  registry = new Registry();
  const other = open();
  infrastructure.nats.kill();
  other.take(who('n1'), told('n1', 5), 'read');
  const startedAt = performance.now();
  await other.stop();
  expect(performance.now() - startedAt).toBeLessThan(patience(5_000));
  await eventually(async () => ((await counts())['lost'] === 5 ? true : undefined), { what: 'that they are counted' });
  await infrastructure.restartNats();
});

test('no client can record receipts by itself', () => {
  expect(operations.has(recordReceipts.name)).toBe(false);
  expect(recordReceipts.http).toBeUndefined();
  expect(() => commandSubject(recordReceipts)).toThrow('which is meant');
});
