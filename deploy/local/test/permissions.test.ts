/**
 * Each service against a real server with the permissions that are made from the contracts. Denial is shown by the
 * server's own error on that connection: it answers a ping after it has judged all that came before.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eachService, serviceNames, servicesWithDatabase, type ServiceName } from '@carillon/contracts/define';
import {
  durables,
  eventPattern,
  natsPermissionsConf,
  operationSubjects,
  replySubject,
  streamsOf,
} from '@carillon/contracts/nats-permissions';
import {
  accessSubject,
  peopleBucket,
  peopleSubject,
  queryFilter,
  streams,
  testSubject,
} from '@carillon/contracts/streams';
import { events, queries, rooms } from '@carillon/contracts/surface';
import { connectBus, type Bus, type Denial } from '@carillon/bus/connection';
import { consumeDurable } from '@carillon/bus/consume';
import { watchBucket } from '@carillon/bus/key-value';
import { provisionPeople, provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { readRange } from '@carillon/bus/read-range';
import { encode } from '@carillon/bus/request';
import { start as startGateway } from '@carillon/gateway/service';
import { measureBus } from '@carillon/runtime/metrics';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { Registry } from 'prom-client';
import { startNatsServer, type NatsServer } from '../src/nats-server.ts';
import { emptyFolder, removeFolders } from './folders.ts';

type StreamNames = (keyof typeof streams)[];
const allStreams = Object.keys(streams) as StreamNames;
const bucketStream = `KV_${peopleBucket}`;

let server: NatsServer;
let administrator: Bus;
const buses = new Map<ServiceName, Bus>();
beforeAll(async () => {
  server = await startNatsServer({ folder: await emptyFolder() });
  administrator = await connectBus({ url: server.url, name: 'administrator' });
  await provisionStreams(administrator, allStreams, { replicas: 1 });
  await provisionPeople(administrator, { replicas: 1 });
  for (const { stream, name, filter } of durables) {
    await administrator.jsm.consumers.add(stream, { durable_name: name, filter_subject: filter, ...explicit });
  }
  for (const name of serviceNames) buses.set(name, await connectBus({ url: server.urlOf(name), name }));
});
afterAll(async () => {
  await Promise.all([administrator, ...buses.values()].map((bus) => bus.close()));
  await server.stop();
  await removeFolders();
});

const explicit = { ack_policy: 'explicit' } as Parameters<Bus['jsm']['consumers']['add']>[1];
const busOf = (service: ServiceName): Bus => {
  const bus = buses.get(service);
  if (bus === undefined) throw new Error(service);
  return bus;
};
const shown = ({ operation, subject }: Denial): string => `${operation} ${subject}`;

/** What the server refused of what `act` did. */
async function refusedOf(bus: Bus, act: () => void): Promise<string[]> {
  const found = new Set<string>();
  const stopListening = bus.onDenied((denial) => found.add(shown(denial)));
  act();
  await bus.nc.flush();
  await new Promise((resolve) => setImmediate(resolve));
  stopListening();
  return [...found].sort();
}
const publishing = async (service: ServiceName, subjects: readonly string[]): Promise<void> => {
  const bus = busOf(service);
  const refused = await refusedOf(bus, () => subjects.forEach((subject) => bus.nc.publish(subject)));
  expect(refused).toEqual([...new Set(subjects)].map((subject) => `publish ${subject}`).sort());
};
const isOwn = (service: ServiceName, { owner }: { owner: string }): boolean =>
  owner === service || (owner === eachService && servicesWithDatabase.some((name) => name === service));
const others = (service: ServiceName): ServiceName[] => serviceNames.filter((name) => name !== service);
/** A subject that fits a pattern. */
const filled = (pattern: string): string => pattern.replaceAll('*', 'x1').replace(/>$/, 'x1.x2');

const filledEvents = (of: (event: { owner: ServiceName }) => boolean): string[] =>
  events.filter(of).map((event) => filled(eventPattern(event)));

test.each(serviceNames)('%s publishes what is its own, and its connection bears no complaint', async (service) => {
  const bus = busOf(service);
  const own = [
    ...filledEvents(({ owner }) => owner === service),
    ...(service === 'gateway' ? [...operationSubjects, 'intake.h1.00.device'] : [`rep.${service}.gateway.x.1`]),
  ];
  const subscribed = [`_INBOX.${service}.x.*`, ...(service === 'gateway' ? ['rep.*.gateway.x.*'] : [])];
  const refused = await refusedOf(bus, () => {
    for (const subject of own) bus.nc.publish(subject);
    for (const subject of subscribed) bus.nc.subscribe(subject, { max: 1 }).unsubscribe();
    if (queries.some((query) => isOwn(service, query)))
      bus.nc.subscribe(queryFilter(service), { queue: service }).unsubscribe();
  });
  expect(refused).toEqual([]);
});

test.each(serviceNames)('%s cannot publish an event of any other, nor one that no contract names', async (service) => {
  await publishing(service, [
    ...filledEvents(({ owner }) => owner !== service),
    'care.h1.w1.p1.normal.alert.forged',
    'directory.h1.person.n1.forged',
    'audit.h1.access.granted',
  ]);
});

test.each(serviceNames)('%s cannot send, answer or write what is not its own', async (service) => {
  const foreign = others(service);
  await publishing(service, [
    ...(service === 'gateway'
      ? ['cmd.directory.normal.hospital.erase', 'qry.directory.person.all']
      : operationSubjects),
    // The gateway takes readings in, and `monitoring` puts back those that it had buried.
    ...(service === 'gateway' || service === 'monitoring' ? [] : ['intake.h1.00.device']),
    ...(service === 'directory' ? [] : [peopleSubject('h1', 'n1'), accessSubject('h1', 'person', 'e1')]),
    ...foreign.map((name) => replySubject(name, 'gateway', 'x.1')),
    ...serviceNames.map((name) => `_INBOX.${name}.x.y`),
    ...foreign.flatMap((name) => [`dead.${name}.care.h1`, `sig.relay.${name}.critical`]),
    '$SYS.REQ.SERVER.PING',
    '$SYS.REQ.ACCOUNT.PING.CONNZ',
  ]);
});

test.each(serviceNames)('%s cannot listen to what is not sent to it', async (service) => {
  const bus = busOf(service);
  const foreign = others(service);
  const subjects = [
    '>',
    '*',
    '_INBOX.>',
    'rep.>',
    'cmd.>',
    'qry.>',
    '$SYS.>',
    '$JS.>',
    '$KV.>',
    ...Object.values(streams).flatMap((stream) => stream.subjects),
    ...events.map(eventPattern),
    ...serviceNames.map(queryFilter),
    ...foreign.flatMap((name) => [`_INBOX.${name}.>`, `rep.*.${name}.>`, `sig.relay.${name}.*`]),
  ];
  const refused = await refusedOf(bus, () => {
    for (const subject of subjects) bus.nc.subscribe(subject, { callback: () => {} });
  });
  expect(refused).toEqual([...new Set(subjects)].map((subject) => `subscribe ${subject}`).sort());
  // Nor in the queue group of another, which would take its queries away.
  const inGroup = await refusedOf(bus, () => {
    for (const name of foreign) bus.nc.subscribe(queryFilter(name), { queue: name, callback: () => {} });
  });
  expect(inGroup).toEqual(foreign.map((name) => `subscribe ${queryFilter(name)}`).sort());
});

test.each(serviceNames)('%s cannot touch a durable of another, nor give its own another filter', async (service) => {
  const foreign = durables.filter((durable) => durable.service !== service);
  const own = durables.filter((durable) => durable.service === service);
  const consumer = '$JS.API.CONSUMER';
  await publishing(service, [
    ...foreign.flatMap(({ stream, name, filter }) => [
      `${consumer}.CREATE.${stream}.${name}`,
      `${consumer}.CREATE.${stream}.${name}.${filter}`,
      `${consumer}.DURABLE.CREATE.${stream}.${name}`,
      `${consumer}.INFO.${stream}.${name}`,
      `${consumer}.MSG.NEXT.${stream}.${name}`,
      `${consumer}.DELETE.${stream}.${name}`,
      `$JS.ACK.${stream}.${name}.1.1.1.1700000000000000000.0`,
    ]),
    ...own.flatMap(({ stream, name }) => [
      `${consumer}.CREATE.${stream}.${name}`,
      `${consumer}.CREATE.${stream}.${name}.>`,
      `${consumer}.CREATE.${stream}.${name}.cmd.elsewhere.>`,
      `${consumer}.DURABLE.CREATE.${stream}.${name}`,
      `${consumer}.DELETE.${stream}.${name}`,
    ]),
  ]);
});

test.each(serviceNames)('%s cannot purge, delete or take a stream, nor change one of another', async (service) => {
  const stream = '$JS.API.STREAM';
  const used: readonly string[] = streamsOf(service);
  const verbs = ['PURGE', 'DELETE', 'MSG.DELETE', 'MSG.GET', 'SNAPSHOT', 'RESTORE', 'LEADER.STEPDOWN', 'PEER.REMOVE'];
  await publishing(service, [
    ...[...allStreams, bucketStream].flatMap((name) => [
      ...verbs.map((verb) => `${stream}.${verb}.${name}`),
      `$JS.API.CONSUMER.LIST.${name}`,
      `$JS.API.CONSUMER.NAMES.${name}`,
      `$JS.API.CONSUMER.CREATE.${name}`,
      `$JS.API.DIRECT.GET.${name}`,
    ]),
    ...allStreams.filter((name) => streams[name].owner !== service).map((name) => `${stream}.UPDATE.${name}`),
    ...allStreams
      .filter((name) => !used.includes(name))
      .flatMap((name) => [`${stream}.INFO.${name}`, `${stream}.CREATE.${name}`]),
    `${stream}.UPDATE.${bucketStream}`,
    `${stream}.CREATE.OTHER`,
    `${stream}.LIST`,
    `${stream}.NAMES`,
    '$JS.API.META.LEADER.STEPDOWN',
    '$JS.API.ACCOUNT.PURGE.$G',
    '$JS.API.SERVER.REMOVE',
  ]);
});

test.each(servicesWithDatabase)('%s reads its own dead letters, and nobody else’s', async (service) => {
  const bus = busOf(service);
  const subject = `dead.${service}.care.h1`;
  await publish(bus, { subject, body: encode(1), headers: {} });
  const range = { stream: 'DEADLETTERS', afterSequence: 0, toSequence: 1_000, limit: 100 } as const;
  const found = await readRange(bus, { ...range, filter: `dead.${service}.>` });
  expect(found?.map((message) => message.subject)).toEqual([subject]);
  for (const filter of [...others(service).map((name) => `dead.${name}.>`), 'dead.>', '>']) {
    await expect(readRange(bus, { ...range, filter })).rejects.toThrow(/permissions violation/i);
  }
});

test('the gateway reads every room stream as a whole and in part, and no other stream', async () => {
  const bus = busOf('gateway');
  const isRoomStream = (name: string): boolean => rooms.some((room) => room.stream === name);
  for (const stream of allStreams) {
    const filter = streams[stream].subjects[0] ?? '';
    const reading = readRange(bus, { stream, filter, afterSequence: 0, toSequence: 1_000, limit: 100 });
    if (isRoomStream(stream)) expect(await reading).toEqual(expect.any(Array));
    else await expect(reading).rejects.toThrow(/permissions violation/i);
  }
});

test('the body of a request gives no right that its subject has not', async () => {
  type Made = { name?: string; error?: { code: number } };
  const create = async (service: ServiceName, subject: string, config: Record<string, unknown>): Promise<Made> => {
    const body = encode({ stream_name: subject.split('.')[4], config: { ack_policy: 'none', ...config } });
    const { data } = await busOf(service).nc.request(subject, body, { timeout: 2_000 });
    return JSON.parse(new TextDecoder().decode(data)) as Made;
  };
  const refused = { error: { code: 400 } };
  const own = { durable_name: 'monitoring-normal', name: 'monitoring-normal', ack_policy: 'explicit' };
  const ownSubject = '$JS.API.CONSUMER.CREATE.COMMANDS.monitoring-normal.cmd.monitoring.normal.>';
  const letters = '$JS.API.CONSUMER.CREATE.DEADLETTERS.reader-y.dead.monitoring.>';
  for (const filter of [{ filter_subject: 'cmd.directory.>' }, { filter_subject: 'dead.directory.>' }, {}]) {
    expect(await create('monitoring', ownSubject, { ...own, ...filter })).toMatchObject(refused);
    expect(await create('monitoring', letters, { name: 'reader-y', ...filter })).toMatchObject(refused);
  }

  const victim = durables.find(({ stream }) => stream === 'CARE')!;
  const before = await administrator.jsm.consumers.info('CARE', victim.name);
  const reader = '$JS.API.CONSUMER.CREATE.CARE.reader-x';
  const [filter_subject, name] = [victim.filter, victim.name];
  expect(await create('gateway', reader, { durable_name: name, filter_subject })).toMatchObject(refused);
  expect(await create('gateway', reader, { durable_name: name, name, filter_subject })).toMatchObject(refused);
  // The name of the subject is the one that counts.
  expect(await create('gateway', reader, { name, filter_subject })).toMatchObject({ name: 'reader-x' });
  expect(await administrator.jsm.consumers.info('CARE', name)).toMatchObject({
    config: before.config,
    created: before.created,
  });
});

test('what is denied fails at once and says why; it does not wait', async () => {
  const bus = busOf('directory');
  const startedAt = performance.now();
  const forged = publish(bus, { subject: 'care.h1.w1.p1.normal.alert.resolved', body: encode(1), headers: {} });
  await expect(forged).rejects.toMatchObject({ code: 'unavailable', cause: { code: 'PERMISSIONS_VIOLATION' } });
  const stolen = consumeDurable(bus, {
    stream: 'COMMANDS',
    durable: 'monitoring-normal',
    filter: 'cmd.monitoring.normal.>',
    ackWaitMs: 4_000,
    maxInFlight: 1,
    onDelivery: () => {},
  });
  await expect(stolen).rejects.toThrow(/permissions violation/i);
  await expect(provisionStreams(bus, ['INTAKE'], { replicas: 1 })).rejects.toThrow(/permissions violation/i);
  await expect(watchBucket(bus, peopleBucket, () => {})).rejects.toThrow('NATS denies this user to publish');
  expect(performance.now() - startedAt).toBeLessThan(patience(2_000));
});

test('operators see a denial: it counts in a metric, and a service that may not do its work ends with a line that says why', async () => {
  const registry = new Registry();
  const bus = busOf('directory');
  measureBus(registry, bus);
  await refusedOf(bus, () => bus.nc.publish('care.h1.w1.p1.normal.alert.resolved'));
  expect(await registry.metrics()).toContain('carillon_nats_denied_total{operation="publish"} 1');

  const logFile = join(await emptyFolder(), 'gateway.log');
  const startedAt = performance.now();
  const stranger = startGateway({
    NATS_URL: server.urlOf('monitoring'),
    CARILLON_JWT_SECRET: 'a secret of the tests, of no worth anywhere',
    CARILLON_HTTP_PORT: '0',
    CARILLON_LOG_FILE: logFile,
  });
  await expect(stranger).rejects.toThrow(/permissions violation/i);
  expect(performance.now() - startedAt).toBeLessThan(patience(5_000));
  const lines = await eventually(() => readFileSync(logFile, 'utf8') || undefined);
  expect(lines).toMatch(/"level":50,.*"operation":"(publish|subscribe)","subject":"[^"]+".*NATS denies/);
});

test('a suite whose service was refused something fails when it ends', async () => {
  const infrastructure = await startInfrastructure();
  const bus = await connectBus({ url: infrastructure.nats.urlOf('directory'), name: 'directory' });
  await refusedOf(bus, () => bus.nc.publish('care.h1.w1.p1.normal.alert.resolved'));
  await bus.close();
  expect(await infrastructure.violations()).toHaveLength(1);
  await expect(infrastructure.stop()).rejects.toThrow(/NATS refused 1 times: .*alert\.resolved/);
});

test('a gateway in development may publish test events into rooms, and still none that a service acts on', async () => {
  const other = await startNatsServer({ folder: await emptyFolder(), hasTestEvents: true });
  const bus = await connectBus({ url: other.urlOf('gateway'), name: 'gateway' });
  const tests = rooms.map((room) => filled(testSubject(room, {})));
  expect(await refusedOf(bus, () => tests.forEach((subject) => bus.nc.publish(subject)))).toEqual([]);
  const real = filledEvents(({ owner }) => owner !== 'gateway');
  const refused = await refusedOf(bus, () => real.forEach((subject) => bus.nc.publish(subject)));
  expect(refused).toEqual(real.map((subject) => `publish ${subject}`).sort());
  await bus.close();
  await other.stop();
});

test('deploy/nats/permissions.conf is what the contracts say', () => {
  const file = fileURLToPath(new URL('../../nats/permissions.conf', import.meta.url));
  expect(readFileSync(file, 'utf8')).toBe(natsPermissionsConf());
});
