import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { readRange } from '@carillon/bus/read-range';
import { decode, encode, request } from '@carillon/bus/request';
import { readStream, streamState, type StreamMessage } from '@carillon/bus/stream-reader';
import { commandSubject, querySubject } from '@carillon/contracts/streams';
import { openDatabase, type Database } from '@carillon/database/database';
import type { Environment } from '@carillon/runtime/config';
import type { RunningService } from '@carillon/runtime/service';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { createWriter, readLines, startLedger, writeLine, writeUrgentLine, type Hooks, type Writer } from './ledger.ts';

let infrastructure: Infrastructure;
let environment: Environment;
let bus: Bus;
let database: Database;
let writer: Writer;
let service: RunningService;
const logFile = join(tmpdir(), `carillon-ledger-${process.pid}.log`);
const hooks: Hooks = {};
const events: StreamMessage[] = [];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  environment = { ...infrastructure.environment, CARILLON_LOG_LEVEL: 'debug', CARILLON_LOG_FILE: logFile };
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  service = await startLedger(environment, hooks);
  writer = createWriter(bus);
  readStream(bus, { stream: 'CARE', afterSequence: 0, onMessage: (message) => events.push(message) });
});
afterAll(async () => {
  writer.close();
  await service.stop();
  await bus.close();
  await database.close();
  await infrastructure.stop();
});

async function linesOf(entry: string): Promise<number> {
  const { rows } = await database.query<{ lines: number }>('select count(*) as lines from ledger where entry = $1', [
    entry,
  ]);
  return rows[0]?.lines ?? 0;
}
async function deadLetters(): Promise<StreamMessage[]> {
  const { lastSequence } = await streamState(bus, 'DEADLETTERS');
  const range = { stream: 'DEADLETTERS', filter: 'dead.>', afterSequence: 0, limit: 1_000 } as const;
  return (await readRange(bus, { ...range, toSequence: lastSequence })) ?? [];
}
const deadLetterOf = (entry: string): Promise<StreamMessage> =>
  eventually(
    async () => (await deadLetters()).find((letter) => new TextDecoder().decode(letter.body).includes(`"${entry}"`)),
    { what: `the dead letter of ${entry}` },
  );
const redelivered = async (durable: string): Promise<number> =>
  (await bus.jsm.consumers.info('COMMANDS', durable)).num_redelivered;

test('a command is answered with its result after commit, and its event carries its trace', async () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  expect(await writer.write('first', { traceparent })).toEqual({ ok: true, data: { lines: 1 } });
  const event = await eventually(() => events.find((message) => message.header('Carillon-Event') === 'line:written'));
  expect(event.subject).toBe('care.h1.w1._.normal.line.written');
  expect(decode(event.body)).toEqual({ entry: 'first' });
  const child = event.header('traceparent') ?? '';
  expect(child).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`));
  expect(child).not.toBe(traceparent);
  await eventually(async () => ((await linesOf('seen first')) === 1 ? true : undefined));
});

test('the same key answers the same and does nothing twice, also when both are sent at once', async () => {
  const both = await Promise.all([1, 2, 3].map(() => writer.write('twice', { key: 'k1' })));
  expect(both).toEqual([1, 2, 3].map(() => ({ ok: true, data: { lines: 1 } })));
  expect(await writer.write('twice', { key: 'k1' })).toEqual({ ok: true, data: { lines: 1 } });
  // The order of the fields makes no other body.
  const turned = { then: 'none', entry: 'turned' };
  await writer.write('', { key: 'k2', data: { entry: 'turned', then: 'none' } });
  expect(await writer.write('', { key: 'k2', data: turned })).toEqual({ ok: true, data: { lines: 1 } });
  expect([await linesOf('twice'), await linesOf('turned')]).toEqual([1, 1]);
});

test('a key with another body is key_reused', async () => {
  await writer.write('one body', { key: 'k3' });
  expect(await writer.write('another', { key: 'k3' })).toMatchObject({ ok: false, error: { code: 'key_reused' } });
  expect(await linesOf('another')).toBe(0);
});

test('a command older than it may be is expired; repeated after it was done, it still has its result', async () => {
  const issuedAt = Date.now() - writeLine.maxAgeMs - 1_000;
  expect(await writer.write('late', { issuedAt })).toMatchObject({ ok: false, error: { code: 'expired' } });
  expect(await linesOf('late')).toBe(0);
  await writer.write('in time', { key: 'k4' });
  expect(await writer.write('in time', { key: 'k4', issuedAt })).toEqual({ ok: true, data: { lines: 1 } });
});

test('what is bad is answered with its code, leaves nothing behind and is not tried again', async () => {
  expect(await writer.write('c', { then: 'conflict' })).toEqual({
    ok: false,
    error: { code: 'conflict', message: 'Another was quicker' },
  });
  expect(await writer.write('', { data: { entry: 7 } })).toMatchObject({ ok: false, error: { code: 'bad_input' } });
  expect(await writer.write('r', { roles: ['nurse'] })).toMatchObject({ ok: false, error: { code: 'forbidden' } });
  expect(await linesOf('c')).toBe(0);
  expect((await deadLetters()).map((letter) => decode(letter.body))).toEqual([]);
});

test('what is unexpected goes to the dead letters with the reason, and the caller hears internal', async () => {
  expect(await writer.write('poison', { then: 'crash' })).toMatchObject({ ok: false, error: { code: 'internal' } });
  const letter = await deadLetterOf('poison');
  expect(letter.subject).toBe('dead.directory.cmd.directory.normal.ledger.write');
  expect(letter.header('Carillon-Reason')).toBe('TypeError: poison is no line');
  expect(letter.header('Carillon-Subject')).toBe('cmd.directory.normal.ledger.write');
  expect(await linesOf('poison')).toBe(0);
  expect(await writer.write('after it')).toMatchObject({ ok: true });
});

test('what is no command goes to the dead letters, and nothing of it to the log', async () => {
  const subject = commandSubject(writeLine);
  await publish(bus, { subject, body: new TextEncoder().encode('"Aminah Salleh'), headers: {} });
  await publish(bus, { subject: 'cmd.directory.normal.ledger.burn', body: encode({ entry: 'burn' }), headers: {} });
  await deadLetterOf('burn');
  expect(await readFile(logFile, 'utf8')).not.toContain('Aminah');
});

test('an error of the database shows the log its code, and nothing of the row', async () => {
  hooks.onWrite = (entry) =>
    database.query(`insert into due (id, due_at) values ($1, null), ($1, null)`, [entry]).then(() => undefined);
  await writer.write('Aminah Salleh');
  delete hooks.onWrite;
  const log = await eventually(async () => {
    const text = await readFile(logFile, 'utf8');
    return text.includes('23505') ? text : undefined;
  });
  expect(log).not.toContain('Aminah');
  expect(log).not.toContain(new URL(infrastructure.postgres.url).password);
  expect(log).not.toContain(new URL(infrastructure.nats.url).password);
});

test('while the database is away commands wait, are not counted, and are done when it is back', async () => {
  await writer.write('warm');
  await infrastructure.postgres.stop();
  const waiting = Promise.all([
    writer.write('outage', { deadlineMs: 15_000 }),
    writer.write('outage, urgently', { command: writeUrgentLine, deadlineMs: 15_000 }),
  ]);
  await eventually(async () => ((await service.checks())['database'] === false ? true : undefined));
  const before = [await redelivered('directory-normal'), await redelivered('directory-critical')];
  await infrastructure.restartPostgres();
  const backAt = performance.now();
  expect(await waiting).toEqual([
    { ok: true, data: { lines: 1 } },
    { ok: true, data: { lines: 1 } },
  ]);
  figure(`done ${Math.round(performance.now() - backAt)} ms after the return of the database`);
  expect(before).toEqual([0, 0]);
  expect(await writer.write('after the outage')).toMatchObject({ ok: true });
});

test('while one replica cannot reach the database, another does what the first had taken', async () => {
  await service.stop();
  const taken: string[] = [];
  let isCut = true;
  const cut = await startLedger(
    environment,
    { onWrite: async (entry) => void taken.push(entry) },
    {
      connectBus,
      openDatabase(options) {
        const real = openDatabase(options);
        const refuse = (): Promise<never> =>
          Promise.reject(Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' }));
        let isStarted = false;
        setTimeout(() => (isStarted = true), 0);
        return {
          ...real,
          query: (text, values) => (isCut && isStarted && text === 'select 1' ? refuse() : real.query(text, values)),
          transaction: (work) => (isCut ? refuse() : real.transaction(work)),
        };
      },
    },
  );
  const early = Promise.all([1, 2, 3].map((n) => writer.write(`cut ${n}`, { deadlineMs: 15_000 })));
  await eventually(async () =>
    (await bus.jsm.consumers.info('COMMANDS', 'directory-normal')).num_ack_pending === 3 ? true : undefined,
  );
  const startedAt = performance.now();
  service = await startLedger(environment, hooks);
  expect(await early).toEqual([1, 2, 3].map(() => ({ ok: true, data: { lines: 1 } })));
  figure(`done elsewhere after ${Math.round(performance.now() - startedAt)} ms`);
  expect(taken).toEqual([]);
  isCut = false;
  await cut.stop();
});

test('a command that was delivered twenty times without an answer goes to the dead letters', async () => {
  await service.stop();
  const key = 'crash loop';
  const envelope = { actor: { person: 'a1', hospital: 'h1', roles: ['admin'] }, key, issuedAt: Date.now() };
  const body = encode({ ...envelope, data: { entry: 'loop' } });
  await publish(bus, { subject: commandSubject(writeLine), body, headers: {} });
  const consumer = await bus.js.consumers.get('COMMANDS', 'directory-normal');
  for (let delivery = 1; delivery < 20; delivery++) {
    const taken = await consumer.next({ expires: 5_000 });
    expect(taken?.info.redeliveryCount).toBe(delivery);
    taken?.nak();
    await bus.nc.flush();
  }
  service = await startLedger(environment, hooks);
  const letter = await deadLetterOf('loop');
  expect(letter.header('Carillon-Reason')).toBe('20 deliveries');
  expect(await linesOf('loop')).toBe(0);
});

test('a command that was done and never answered in twenty deliveries is no dead letter', async () => {
  expect(await writer.write('unanswered', { key: 'unanswered' })).toMatchObject({ ok: true });
  await service.stop();
  const envelope = { actor: { person: 'a1', hospital: 'h1', roles: ['admin'] }, key: 'unanswered' };
  const body = encode({ ...envelope, issuedAt: Date.now(), data: { entry: 'unanswered' } });
  await publish(bus, { subject: commandSubject(writeLine), body, headers: {} });
  const consumer = await bus.js.consumers.get('COMMANDS', 'directory-normal');
  for (let delivery = 1; delivery < 20; delivery++) {
    (await consumer.next({ expires: 5_000 }))?.nak();
    await bus.nc.flush();
  }
  const before = (await deadLetters()).length;
  service = await startLedger(environment, hooks);
  // Both of the lane's one worker: when the second is answered, the first was.
  expect(await writer.write('after it')).toMatchObject({ ok: true });
  expect((await deadLetters()).length).toBe(before);
  expect(await linesOf('unanswered')).toBe(1);
});

test('work whose statements always time out is given up after five attempts, and others go on', async () => {
  const heavy = writer.write('heavy', { then: 'slow', deadlineMs: 60_000 });
  expect(await writer.write('light', { command: writeUrgentLine, deadlineMs: 10_000 })).toMatchObject({ ok: true });
  expect(await heavy).toMatchObject({ ok: false, error: { code: 'internal' } });
  expect((await deadLetterOf('heavy')).header('Carillon-Reason')).toMatch(/time out/);
});

test('an event is handled once in effect, however often it is delivered', async () => {
  const message = {
    subject: 'care.h1.w1._.normal.line.written',
    headers: { 'Nats-Msg-Id': 'event-1', 'Carillon-Event': 'line:written', 'Carillon-Version': '1' },
    body: encode({ entry: 'again' }),
  };
  // Beyond the server's own window of duplicates it may come twice; the window is made short here.
  const { config } = await bus.jsm.streams.info('CARE');
  await bus.jsm.streams.update('CARE', { ...config, duplicate_window: 100_000_000 });
  const before = (await streamState(bus, 'CARE')).lastSequence;
  await eventually(async () => {
    await publish(bus, message);
    return (await streamState(bus, 'CARE')).lastSequence >= before + 2 ? true : undefined;
  });
  await writer.write('marker');
  await eventually(async () => ((await linesOf('seen marker')) === 1 ? true : undefined));
  expect(await linesOf('seen again')).toBe(1);
});

test('an event whose handler fails goes to the dead letters with its headers, and the next is handled', async () => {
  hooks.onWritten = (entry) => (entry === 'bad event' ? Promise.reject(new Error('no')) : Promise.resolve());
  await writer.write('bad event');
  await writer.write('good event');
  const letter = await deadLetterOf('bad event');
  expect(letter.header('Carillon-Event')).toBe('line:written');
  expect(letter.header('Carillon-Version')).toBe('1');
  expect(letter.header('Carillon-Id')).toMatch(/^[0-9a-f-]{36}$/);
  await eventually(async () => ((await linesOf('seen good event')) === 1 ? true : undefined));
  expect(await linesOf('seen bad event')).toBe(0);
  delete hooks.onWritten;
});

test('a storm of slow reads holds up no command', async () => {
  const read = (slowly: number) =>
    request(
      bus,
      querySubject(readLines),
      encode({ actor: { person: 'a1', hospital: 'h1', roles: ['admin'] }, data: { slowly } }),
      { headers: {}, deadlineMs: 10_000 },
    );
  const reads = Promise.all(Array.from({ length: 20 }, () => read(0.2)));
  const startedAt = performance.now();
  expect(await writer.write('between', { command: writeUrgentLine })).toMatchObject({ ok: true });
  const tookMs = performance.now() - startedAt;
  expect(tookMs).toBeLessThan(patience(500));
  expect((await reads).every((reply) => reply.ok)).toBe(true);
});

test('a query with wrong input, and one that nobody knows, are refused with their codes', async () => {
  const actor = { person: 'a1', hospital: 'h1', roles: ['admin'] };
  const ask = (subject: string, data: unknown) =>
    request(bus, subject, encode({ actor, data }), { headers: {}, deadlineMs: 2_000 });
  expect(await ask(querySubject(readLines), { slowly: 'x' })).toMatchObject({ error: { code: 'bad_input' } });
  expect(await ask('qry.directory.ledger.burn', {})).toMatchObject({ error: { code: 'not_found' } });
});
