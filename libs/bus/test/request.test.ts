import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { streams } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { createCommandSender, decode, encode, request, respond, sendReply } from '@carillon/bus/request';
import { consumeDurable } from '@carillon/bus/consume';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';

let infrastructure: Infrastructure;
let gateway: Bus;
let service: Bus;
let monitoring: Bus;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const { url } = infrastructure.nats;
  [gateway, service, monitoring] = await Promise.all([
    connectBus({ url, name: 'gateway' }),
    connectBus({ url, name: 'directory' }),
    connectBus({ url, name: 'monitoring' }),
  ]);
});
afterAll(async () => {
  await Promise.all([gateway.close(), service.close(), monitoring.close()]);
  await infrastructure.stop();
});

const ask = (subject: string, value: unknown, deadlineMs = 2_000) =>
  request(gateway, subject, encode(value), { headers: { traceparent: 'trace' }, deadlineMs });

test('several services that start at once make the same streams once', async () => {
  const names = ['COMMANDS', 'CARE', 'DEADLETTERS'] as const;
  await Promise.all([gateway, service, gateway, service].map((bus) => provisionStreams(bus, names, { replicas: 1 })));
  await provisionStreams(service, names, { replicas: 1 });
  const made = await service.jsm.streams.list().next();
  expect(made.map((info) => info.config.name).sort()).toEqual([...names].sort());
});

test('a stream whose limits are others than in contracts gets those from its owner only, and keeps its messages', async () => {
  await publish(service, { subject: 'care.h1.w1.p1.normal.score.updated', body: encode(1), headers: {} });
  const { config } = await service.jsm.streams.info('CARE');
  await service.jsm.streams.update('CARE', { ...config, max_bytes: 1_000_000, duplicate_window: 1_000_000_000 });
  await provisionStreams(service, ['CARE'], { replicas: 1 });
  expect((await service.jsm.streams.info('CARE')).config.max_bytes).toBe(1_000_000);
  await provisionStreams(monitoring, ['CARE'], { replicas: 1 });
  const info = await service.jsm.streams.info('CARE');
  expect(info.config.max_bytes).toBe(streams.CARE.maxBytes);
  expect(info.config.duplicate_window).toBe(streams.CARE.duplicateWindowMs * 1_000_000);
  expect(info.state.messages).toBe(1);
});

test('a query is answered by one of the group, with the headers that were sent', async () => {
  const seen: unknown[] = [];
  const stops = [service, gateway].map((bus) =>
    respond(bus, 'qry.directory.>', 'directory', (query) => {
      seen.push([query.subject, decode(query.body), query.header('traceparent')]);
      return Promise.resolve({ ok: true, data: 'here' });
    }),
  );
  await gateway.nc.flush();
  expect(await ask('qry.directory.ward.get', { wardId: 'w1' })).toEqual({ ok: true, data: 'here' });
  expect(seen).toEqual([['qry.directory.ward.get', { wardId: 'w1' }, 'trace']]);
  await Promise.all(stops.map((stop) => stop()));
});

test('an answer of more than 512 kB is too_large and not a silence', async () => {
  const stop = respond(service, 'qry.directory.>', 'directory', (query) =>
    Promise.resolve({ ok: true, data: 'x'.repeat(Number(decode(query.body))) }),
  );
  await service.nc.flush();
  expect(await ask('qry.directory.ward.get', 500_000)).toMatchObject({ ok: true });
  expect(await ask('qry.directory.ward.get', 600_000)).toMatchObject({ ok: false, error: { code: 'too_large' } });
  expect(await ask('qry.directory.ward.get', 2_000_000)).toMatchObject({ ok: false, error: { code: 'too_large' } });
  await stop();
});

test('a query that nobody answers is unavailable, at once or after its deadline', async () => {
  await expect(ask('qry.directory.ward.get', 1)).rejects.toMatchObject({ code: 'unavailable' });
  const stop = respond(service, 'qry.directory.>', 'directory', () => new Promise(() => {}));
  await service.nc.flush();
  const askedAt = performance.now();
  await expect(ask('qry.directory.ward.get', 1, 300)).rejects.toMatchObject({ code: 'unavailable' });
  expect(performance.now() - askedAt).toBeLessThan(patience(1_000));
  await stop();
});

test('a sent command hears its reply; one that is not done in time is accepted and stays stored', async () => {
  const sender = createCommandSender(gateway);
  const subject = 'cmd.directory.normal.hospital.import';
  const send = (deadlineMs: number) =>
    sender.send(subject, (replyTo) => encode({ replyTo }), { headers: {}, deadlineMs });
  expect(await send(200)).toBeUndefined();
  expect((await service.jsm.streams.info('COMMANDS')).state.messages).toBe(1);
  const consumption = await consumeDurable(service, {
    stream: 'COMMANDS',
    durable: 'directory-normal',
    filter: 'cmd.directory.normal.>',
    ackWaitMs: 4_000,
    maxInFlight: 8,
    onDelivery(delivery) {
      const { replyTo } = decode(delivery.body) as { replyTo: string };
      sendReply(service, replyTo, { ok: true, data: delivery.subject });
      delivery.ack();
    },
  });
  const answers = await Promise.all([send(2_000), send(2_000), send(2_000)]);
  expect(answers).toEqual(Array.from({ length: 3 }, () => ({ ok: true, data: subject })));
  await consumption.stop(0);
  sender.close();
});

test('a reply goes to a subject for replies of that service only, whatever the caller asks for', async () => {
  const heard: string[] = [];
  const subscription = gateway.nc.subscribe('>', { callback: (_, { subject }) => heard.push(subject) });
  await gateway.nc.flush();
  const reply = { ok: true, data: 'x' } as const;
  const others = [
    'care.h1.w1.p1.normal.alert.resolved',
    '_INBOX.gateway.x',
    'rep.monitoring.gateway.x.1',
    'rep.directory.gateway',
    'rep.directory.gateway.x.>',
    'rep.directory.gateway.x 1\r\nPUB care.h1',
  ];
  for (const subject of others)
    expect({ subject, sent: sendReply(service, subject, reply) }).toEqual({ subject, sent: false });
  expect(sendReply(service, 'rep.directory.gateway.x.1', reply)).toBe(true);
  const stop = respond(service, 'qry.directory.>', 'directory', () => Promise.resolve(reply));
  await service.nc.flush();
  gateway.nc.publish('qry.directory.ward.get', encode(1), { reply: 'care.h1.w1.p1.normal.alert.resolved' });
  expect(await ask('qry.directory.ward.get', 1)).toEqual(reply);
  await gateway.nc.flush();
  expect(heard.filter((subject) => !subject.startsWith('qry.'))).toEqual([
    'rep.directory.gateway.x.1',
    expect.stringMatching(/^rep\.directory\.gateway\.\w+$/),
  ]);
  subscription.unsubscribe();
  await stop();
});

test('what is too large for the server is too_large, and not to be tried again', async () => {
  const tooMuch = { subject: 'care.h1.w1.p1.normal.score.updated', body: new Uint8Array(2_000_000), headers: {} };
  await expect(publish(gateway, tooMuch)).rejects.toMatchObject({ code: 'too_large' });
});

test('a subject that no stream holds is unavailable', async () => {
  const lost = { subject: 'vitals.h1.w1.p1', body: encode(1), headers: {} };
  await expect(publish(gateway, lost)).rejects.toMatchObject({ code: 'unavailable' });
});

test('while the server is away a publish is unavailable within its time-out; repeated with its id it is stored once', async () => {
  const message = {
    subject: 'care.h1.w1.p1.normal.score.updated',
    body: encode(2),
    headers: { 'Nats-Msg-Id': 'once' },
  };
  const before = (await service.jsm.streams.info('CARE')).state.messages;
  await publish(gateway, message);
  infrastructure.nats.kill();
  await infrastructure.nats.exited;
  await eventually(() => (gateway.isConnected() ? undefined : true));
  const askedAt = performance.now();
  const sender = createCommandSender(gateway);
  await Promise.all([
    expect(publish(gateway, message)).rejects.toMatchObject({ code: 'unavailable' }),
    expect(
      sender.send('cmd.directory.normal.hospital.import', encode, { headers: {}, deadlineMs: 5_000 }),
    ).rejects.toMatchObject({ code: 'unavailable' }),
    expect(ask('qry.directory.ward.get', 1)).rejects.toMatchObject({ code: 'unavailable' }),
  ]);
  expect(performance.now() - askedAt).toBeLessThan(patience(3_000));
  // One that is sent while the server comes back is stored as soon as it is there.
  const waiting = publish(gateway, { ...message, headers: { 'Nats-Msg-Id': 'early' } }).then(
    () => 1,
    () => 0,
  );
  await infrastructure.restartNats();
  await eventually(async () => (await publish(gateway, message).catch(() => false)) ?? true);
  const early = await waiting;
  const { state } = await eventually(() => service.jsm.streams.info('CARE'));
  expect(state.messages).toBe(before + 1 + early);
  sender.close();
});

test('tls:// takes no server without TLS', async () => {
  const url = infrastructure.nats.url.replace(/^nats:/, 'tls:');
  const plain = connectBus({ url, name: 'gateway', connectTimeoutMs: 300 });
  await expect(plain).rejects.toThrow(/^no NATS server answers at 127\.0\.0\.1:\d+: tls$/);
});

test('a server that is not there is named without its password', async () => {
  const nowhere = connectBus({ url: 'nats://carillon:secret@127.0.0.1:1', name: 'gateway', connectTimeoutMs: 300 });
  const error: unknown = await nowhere.catch((failure: unknown) => failure);
  expect(String(error)).toContain('127.0.0.1:1');
  expect(String(error)).not.toContain('secret');
});
