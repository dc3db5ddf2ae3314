import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { decode } from '@carillon/bus/request';
import { readStream, type StreamMessage, type StreamReader } from '@carillon/bus/stream-reader';
import { openDatabase, type Database } from '@carillon/database/database';
import { listLeases } from '@carillon/database/lease';
import { migrate } from '@carillon/database/migrate';
import { countOutbox, insertOutbox } from '@carillon/database/outbox';
import { holdLeases, type LeaseHolder } from '@carillon/runtime/lease-holder';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { startRelay, type Relay } from '@carillon/runtime/relay';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';

let infrastructure: Infrastructure;
let bus: Bus;
let database: Database;
let reader: StreamReader;
let seen: StreamMessage[] = [];
let relays: Relay[] = [];
const log = createLogger('test', { level: 'silent', file: '' });

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'directory', []);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory', maxConnections: 10 });
  bus = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
});
beforeEach(async () => {
  await bus.jsm.streams.delete('CARE').catch(() => false);
  await provisionStreams(bus, ['CARE'], { replicas: 1 });
  seen = [];
  reader = readStream(bus, { stream: 'CARE', afterSequence: 0, onMessage: (message) => seen.push(message) });
});
afterEach(async () => {
  reader.stop();
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
  await database.query('delete from lease');
  await database.query('delete from outbox');
});
afterAll(async () => {
  await bus.close();
  await database.close();
  await infrastructure.stop();
});

let rows = 0;
/** One row each, in one transaction. */
const write = (entities: readonly string[], lane: 'critical' | 'normal' = 'normal'): Promise<void> =>
  insertOutbox(
    database,
    entities.map((entity) => ({
      lane,
      entity,
      subject: `care.h1.w1.p1.${lane}.test.told`,
      headers: { 'Nats-Msg-Id': `row-${rows}`, entity },
      body: String(rows++),
    })),
  );
const relay = async (owner: string, more: { database?: Database; bus?: Bus } = {}): Promise<Relay> => {
  const started = await startRelay({
    service: 'directory',
    owner,
    database,
    bus,
    log,
    metrics: createMetrics('directory'),
    ...more,
  });
  relays.push(started);
  return started;
};
const untilPublished = (count: number, withinMs = 15_000): Promise<true> =>
  eventually(async () => ((await countOutbox(database)).length === 0 && seen.length >= count ? true : undefined), {
    what: `${count} messages`,
    withinMs,
  });
const leaderOf = async (lane: string): Promise<string | undefined> =>
  (await listLeases(database, `relay:${lane}`))[0]?.owner;

function expectOrder(): void {
  const byEntity = new Map<string, number[]>();
  for (const message of seen) {
    const entity = message.header('entity') ?? '';
    byEntity.set(entity, [...(byEntity.get(entity) ?? []), Number(decode(message.body))]);
  }
  for (const bodies of byEntity.values()) expect(bodies).toEqual([...bodies].sort((a, b) => a - b));
  const ids = seen.map((message) => message.header('Nats-Msg-Id'));
  expect(new Set(ids).size).toBe(ids.length);
}

test('rows are published in order within an entity, once each, over outages of the server', async () => {
  const one = await relay('one');
  let written = 0;
  let isOver = false;
  const producing = (async () => {
    while (!isOver) {
      await write(['a', 'b', 'a', 'c', 'a', 'b']);
      written += 6;
      one.wake(new Set(['normal']));
    }
  })();
  for (let kill = 0; kill < 3; kill++) {
    const before = seen.length;
    await eventually(() => (seen.length > before + 200 ? true : undefined), { what: 'load' });
    infrastructure.nats.kill();
    await infrastructure.restartNats();
    const backAt = performance.now();
    const held = seen.length;
    await eventually(() => (seen.length > held ? true : undefined), {
      withinMs: patience(3_000),
      what: 'a message',
    });
    figure(`publishing ${Math.round(performance.now() - backAt)} ms after the return of the server`);
  }
  isOver = true;
  await producing;
  await untilPublished(written, 20_000);
  expect(seen).toHaveLength(written);
  expectOrder();
});

test('of two replicas one publishes a lane, and a row of the other is published at once', async () => {
  await relay('one');
  const two = await relay('two');
  expect(await leaderOf('critical')).toBe('one');
  const writtenAt = performance.now();
  await write(['a'], 'critical');
  two.wake(new Set(['critical']));
  await eventually(() => (seen.length === 1 ? true : undefined));
  figure(`a row of the follower is published after ${Math.round(performance.now() - writtenAt)} ms`);
  expect(performance.now() - writtenAt).toBeLessThan(patience(300));
});

test('when the leader stops, the other goes on at once', async () => {
  const one = await relay('one');
  await relay('two');
  relays.shift();
  await one.stop();
  const stoppedAt = performance.now();
  await write(['a'], 'critical');
  await untilPublished(1, patience(2_000));
  figure(`the other publishes ${Math.round(performance.now() - stoppedAt)} ms after the leader stopped`);
});

/** A process that stops in the middle of what it does: statements are sent and their answers come when it wakes. */
function freezing(real: Database): Database & { freeze(): void; wake(): void } {
  let frozen: Promise<void> | undefined;
  let thaw: () => void = () => {};
  return {
    ...real,
    async query(text, values) {
      if (frozen !== undefined && !text.startsWith('select id, entity')) await frozen;
      const result = await real.query(text, values);
      await frozen;
      return result;
    },
    freeze: () => (frozen = new Promise((resolve) => (thaw = resolve))),
    wake() {
      frozen = undefined;
      thaw();
    },
  };
}

test('when the leader hangs, the other goes on within 5 s, and the leader publishes nothing more when it wakes', async () => {
  const stalled = freezing(database);
  let published = 0;
  const counting = Object.create(bus.nc) as Bus['nc'];
  counting.publish = (...args) => {
    published++;
    bus.nc.publish(...args);
  };
  await relay('one', { database: stalled, bus: { ...bus, nc: counting } });
  await relay('two');
  expect(await leaderOf('critical')).toBe('one');
  stalled.freeze();
  const frozenAt = performance.now();
  await write(['a', 'b', 'a'], 'critical');
  await untilPublished(3, patience(5_000));
  figure(`taken over ${Math.round(performance.now() - frozenAt)} ms after the leader hung`);
  expect(await leaderOf('critical')).toBe('two');
  const before = published;
  stalled.wake();
  // It knows that it has lost the lane when it has asked for its share again.
  await eventually(async () => ((await listLeases(database, 'member:relay:')).length === 2 ? true : undefined));
  await write(['c'], 'critical');
  await untilPublished(4);
  expect(seen).toHaveLength(4);
  const leader = await leaderOf('critical');
  if (leader === 'two') expect(published).toBe(before);
  expectOrder();
});

test('a leader that stops under load publishes a last batch and leaves the rest to the next', async () => {
  const one = await relay('one');
  const two = await relay('two');
  let isOver = false;
  let written = 0;
  const producing = (async () => {
    while (!isOver) {
      await write(['a', 'b', 'c']);
      written += 3;
      two.wake(new Set(['normal']));
      one.wake(new Set(['normal']));
    }
  })();
  await eventually(() => (seen.length > 100 ? true : undefined));
  relays.shift();
  const stoppedAt = performance.now();
  await one.stop();
  expect(performance.now() - stoppedAt).toBeLessThan(patience(2_000));
  isOver = true;
  await producing;
  await untilPublished(written);
  expectOrder();
});

const names = Array.from({ length: 16 }, (_, index) => `intake:${String(index).padStart(2, '0')}`);
const hold = (owner: string, more: { database?: Database; onChange?: () => void } = {}): Promise<LeaseHolder> =>
  holdLeases({ database, owner, group: 'intake', names, log, ...more });
const heldBy = (holder: LeaseHolder): string[] => names.filter((name) => holder.held(name) !== undefined);

test('two replicas share leases evenly, and never hold one both; who stops hands over at once', async () => {
  const one = await hold('one');
  expect(heldBy(one)).toHaveLength(16);
  const startedAt = performance.now();
  const two = await hold('two');
  await eventually(
    () => {
      const [mine, theirs] = [heldBy(one), heldBy(two)];
      expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
      return mine.length === 8 && theirs.length === 8 ? true : undefined;
    },
    { withinMs: patience(5_000) },
  );
  figure(`shared after ${Math.round(performance.now() - startedAt)} ms`);
  await two.stop();
  const stoppedAt = performance.now();
  await eventually(() => (heldBy(one).length === 16 ? true : undefined), {
    withinMs: patience(2_000),
  });
  figure(`handed over after ${Math.round(performance.now() - stoppedAt)} ms`);
  await one.stop();
});

test('who cannot renew lets go before another may take, and says so', async () => {
  const stalled = freezing(database);
  let changes = 0;
  const one = await hold('one', { database: stalled, onChange: () => changes++ });
  const two = await hold('two');
  stalled.freeze();
  const before = changes;
  const frozenAt = performance.now();
  await eventually(
    () => {
      const [mine, theirs] = [heldBy(one), heldBy(two)];
      expect(mine.filter((name) => theirs.includes(name))).toEqual([]);
      return theirs.length === 16 ? true : undefined;
    },
    { withinMs: patience(5_000) },
  );
  figure(`all taken over ${Math.round(performance.now() - frozenAt)} ms after the owner hung`);
  expect(changes).toBeGreaterThan(before);
  stalled.wake();
  await eventually(() => (heldBy(one).length === 8 && heldBy(two).length === 8 ? true : undefined));
  await Promise.all([one.stop(), two.stop()]);
});
