import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { decode } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { countOutbox, insertOutbox } from '@carillon/database/outbox';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { startRelay, type Relay } from '@carillon/runtime/relay';
import { eventually } from '@carillon/testkit/eventually';
import { crashingPublisher, type PublishCrashPoint } from '@carillon/testkit/faults';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

let infrastructure: Infrastructure;
let bus: Bus;
let database: Database;
const heard: { id: string; body: unknown }[] = [];
let stopReading: () => void = () => {};
const log = createLogger('test', { level: 'silent', file: '' });

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'directory', []);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  bus = await connectBus({ url: infrastructure.nats.url, name: 'directory' });
  await provisionStreams(bus, ['CARE'], { replicas: 1 });
  const reader = readStream(bus, {
    stream: 'CARE',
    afterSequence: 0,
    onMessage: ({ body, header }) => heard.push({ id: header('Nats-Msg-Id') ?? '', body: decode(body) }),
  });
  stopReading = reader.stop;
});
afterAll(async () => {
  stopReading();
  await bus.close();
  await database.close();
  await infrastructure.stop();
});

const start = (owner: string, ways: { database: Database; bus: Bus }): Promise<Relay> =>
  startRelay({ service: 'directory', owner, log, metrics: createMetrics('directory'), ...ways });

/** Published in three waves: what is of one entity goes one after another. */
const entities = ['a', 'b', 'a', 'c', 'b', 'a'];

/** @returns how many messages the first relay tried to publish */
async function publishWithCrash(name: string, point: PublishCrashPoint): Promise<number> {
  await insertOutbox(
    database,
    entities.map((entity, index) => ({
      lane: 'critical',
      entity,
      subject: 'care.h1.w1.p1.critical.test.told',
      headers: { 'Nats-Msg-Id': `${name} ${entity} ${index}` },
      body: JSON.stringify({ name, index }),
    })),
  );
  const publisher = crashingPublisher({ database, bus }, point);
  const first = await start(`${name} first`, publisher);
  const isEmpty = async (): Promise<true | undefined> =>
    (await countOutbox(database)).length === 0 ? true : undefined;
  await Promise.race([publisher.dead, eventually(isEmpty, { what: 'an empty outbox' }).catch(() => {})]);
  await first.stop();
  // What a dead process holds runs out in 3 s; nobody has to wait for that here.
  await database.query('delete from lease');
  const second = await start(`${name} second`, { database, bus });
  await eventually(isEmpty, { what: 'an empty outbox' });
  await second.stop();
  await database.query('delete from lease');
  return publisher.messages();
}

test('I4: a relay that dies before or after any of its messages loses none, repeats none and changes the order of no entity', async () => {
  const count = await publishWithCrash('unharmed', { message: Infinity, when: 'before' });
  expect(count).toBe(entities.length);
  const names = ['unharmed'];
  for (let message = 0; message < count; message++) {
    for (const when of ['before', 'after'] as const) {
      const name = `dead-${when}-${message}`;
      names.push(name);
      await publishWithCrash(name, { message, when });
    }
  }
  await eventually(() => (heard.length >= names.length * entities.length ? true : undefined), { what: 'all messages' });
  for (const name of names) {
    const ofName = heard.filter(({ id }) => id.startsWith(`${name} `));
    expect(ofName.map(({ id }) => id).toSorted()).toEqual(
      entities.map((entity, index) => `${name} ${entity} ${index}`).toSorted(),
    );
    for (const { id, body } of ofName) expect(body).toEqual({ name, index: Number(id.split(' ')[2]) });
    for (const entity of new Set(entities)) {
      const order = ofName.filter(({ id }) => id.startsWith(`${name} ${entity} `)).map(({ id }) => id);
      expect(order).toEqual(order.toSorted());
    }
  }
});
