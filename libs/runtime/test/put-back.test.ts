import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { publish } from '@carillon/bus/publish';
import { createCommandSender, encode, request, type CommandSender, type Reply } from '@carillon/bus/request';
import { streamState } from '@carillon/bus/stream-reader';
import { getDeadLetter, listDeadLetters, putBackDeadLetter, type DeadLetter } from '@carillon/contracts/dead-letters';
import { commandSubject, querySubject } from '@carillon/contracts/streams';
import { openDatabase, type Database } from '@carillon/database/database';
import { deleteOldInboxEntries } from '@carillon/database/inbox';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createWriter, startLedger, writeLine, type Hooks, type Writer } from './ledger.ts';

let infrastructure: Infrastructure;
let bus: Bus;
let database: Database;
let service: RunningService;
let writer: Writer;
let sender: CommandSender;
const hooks: Hooks = {};

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  service = await startLedger(infrastructure.environment, hooks);
  writer = createWriter(bus);
  sender = createCommandSender(bus);
});
afterAll(async () => {
  writer.close();
  sender.close();
  await service.stop();
  await bus.close();
  await database.close();
  await infrastructure.stop();
});
afterEach(() => {
  delete hooks.onWrite;
  delete hooks.onWritten;
});

const operator = { person: 'o1', hospital: 'h1', roles: ['operator'] };
type Person = typeof operator;

const ask = (definition: typeof listDeadLetters | typeof getDeadLetter, data: object, actor: Person = operator) =>
  request(bus, querySubject(definition, 'directory'), encode({ actor, data: { service: 'directory', ...data } }), {
    headers: {},
    deadlineMs: 5_000,
  });
async function list(data: object = {}, actor: Person = operator): Promise<{ items: DeadLetter[]; next?: number }> {
  const reply = await ask(listDeadLetters, data, actor);
  if (!reply.ok) throw new Error(reply.error.code);
  return reply.data as { items: DeadLetter[]; next?: number };
}
let keys = 0;
async function putBack(sequence: number, actor: Person = operator): Promise<Reply | undefined> {
  const envelope = { actor, key: `put-back-${keys++}`, issuedAt: Date.now(), data: { service: 'directory', sequence } };
  const subject = commandSubject(putBackDeadLetter, 'directory');
  return sender.send(subject, (replyTo) => encode({ ...envelope, replyTo }), { headers: {}, deadlineMs: 5_000 });
}
/** The newest letter whose reason holds this. */
const letterWith = (reason: string): Promise<DeadLetter> =>
  eventually(async () => (await list()).items.toReversed().find((letter) => letter.reason.includes(reason)), {
    what: `a letter because of ${reason}`,
  });
async function linesOf(entry: string): Promise<number> {
  const { rows } = await database.query<{ lines: number }>('select count(*) as lines from ledger where entry = $1', [
    entry,
  ]);
  return rows[0]?.lines ?? 0;
}
const refuse = (why: string) => (): Promise<never> => Promise.reject(new TypeError(why));

test('a command that failed is shown with its reason and body, and is done when it is put back', async () => {
  hooks.onWrite = refuse('the ink is dry');
  await writer.write('first');
  const letter = await letterWith('the ink is dry');
  expect(letter).toMatchObject({
    service: 'directory',
    kind: 'command',
    name: 'ledger:write',
    subject: 'cmd.directory.normal.ledger.write',
    reason: 'TypeError: the ink is dry',
    putBackAt: null,
    putBackBy: null,
  });
  expect(Math.abs(Date.parse(letter.buriedAt) - Date.now())).toBeLessThan(10_000);
  const shown = await ask(getDeadLetter, { sequence: letter.sequence });
  expect(shown).toMatchObject({ ok: true, data: { headers: { 'Carillon-Hospital': 'h1' } } });
  expect(JSON.parse((shown as { data: { body: string } }).data.body)).toMatchObject({
    actor: { person: 'a1' },
    data: { entry: 'first' },
  });

  // Still broken: it stays, and the operator hears why.
  expect(await putBack(letter.sequence)).toEqual({
    ok: false,
    error: { code: 'conflict', message: 'TypeError: the ink is dry' },
  });
  expect((await letterWith('the ink is dry')).putBackAt).toBeNull();
  delete hooks.onWrite;

  const done = await putBack(letter.sequence);
  expect(done).toMatchObject({ ok: true, data: { sequence: letter.sequence, putBackBy: 'o1' } });
  expect(await linesOf('first')).toBe(1);
  // Its event is published as it would have been.
  await eventually(async () => ((await linesOf('seen first')) === 1 ? true : undefined));
});

test('putting back twice, and by two at once, does it once and answers the same', async () => {
  hooks.onWrite = refuse('twice');
  await writer.write('twice');
  delete hooks.onWrite;
  const { sequence } = await letterWith('twice');
  const both = await Promise.all([putBack(sequence), putBack(sequence)]);
  const again = await putBack(sequence, { ...operator, person: 'a1', roles: ['admin'] });
  expect(both[0]).toMatchObject({ ok: true, data: { putBackBy: 'o1' } });
  expect([both[1], again]).toEqual([both[0], both[0]]);
  expect(await linesOf('twice')).toBe(1);
});

test('an event that is put back goes to its own handler once, and to nobody else', async () => {
  hooks.onWritten = refuse('no room');
  await writer.write('an event');
  const letter = await letterWith('no room');
  delete hooks.onWritten;
  expect(letter).toMatchObject({ kind: 'event', name: 'line:written', subject: 'care.h1.w1._.normal.line.written' });
  const before = (await streamState(bus, 'CARE')).lastSequence;
  expect(await putBack(letter.sequence)).toMatchObject({ ok: true });
  expect(await putBack(letter.sequence)).toMatchObject({ ok: true });
  expect(await linesOf('seen an event')).toBe(1);
  expect((await streamState(bus, 'CARE')).lastSequence).toBe(before);
});

test('a letter that breaks its contract is refused again, with the reason, and stays', async () => {
  const headers = { 'Nats-Msg-Id': 'broken', 'Carillon-Event': 'line:written', 'Carillon-Version': '1' };
  await publish(bus, { subject: 'care.h1.w1._.normal.line.written', headers, body: encode({ entry: 7 }) });
  const { sequence } = await letterWith('breaks its contract');
  expect(await putBack(sequence)).toMatchObject({ ok: false, error: { code: 'conflict' } });
  expect((await list()).items.find((letter) => letter.sequence === sequence)).toMatchObject({ putBackAt: null });
});

test('operators see the letters of their own hospital only', async () => {
  hooks.onWrite = refuse('ours');
  await writer.write('ours');
  const { sequence } = await letterWith('ours');
  const stranger = { person: 'o9', hospital: 'h2', roles: ['operator'] };
  expect((await list({}, stranger)).items.map((letter) => letter.sequence)).not.toContain(sequence);
  expect(await ask(getDeadLetter, { sequence }, stranger)).toMatchObject({ error: { code: 'not_found' } });
  expect(await putBack(sequence, stranger)).toMatchObject({ error: { code: 'not_found' } });
});

test('whose a letter is, is told by what would be handled, not by a header', async () => {
  const forged = { actor: { person: 'a9', hospital: 'h2', roles: ['admin'] }, key: 'forged', issuedAt: Date.now() };
  await publish(bus, {
    subject: `dead.directory.${commandSubject(writeLine)}`,
    headers: { 'Carillon-Hospital': 'h1', 'Carillon-Reason': 'forged' },
    body: encode({ ...forged, data: { entry: 'forged' } }),
  });
  const { lastSequence: sequence } = await streamState(bus, 'DEADLETTERS');
  expect(await ask(getDeadLetter, { sequence })).toMatchObject({ error: { code: 'not_found' } });
  expect(await putBack(sequence)).toMatchObject({ error: { code: 'not_found' } });
  expect(await linesOf('forged')).toBe(0);
});

test('a message that lies in two letters is handled once, though the key of commands was forgotten meanwhile', async () => {
  hooks.onWrite = refuse('two letters');
  await writer.write('two letters');
  delete hooks.onWrite;
  const { sequence } = await letterWith('two letters');
  expect(await putBack(sequence)).toMatchObject({ ok: true });
  // As the sweep does two days later.
  await deleteOldInboxEntries(database, Date.now() + 2 * 86_400_000);
  const shown = (await ask(getDeadLetter, { sequence })) as { data: { body: string; subject: string } };
  const { body, subject } = shown.data;
  await publish(bus, { subject: `dead.directory.${subject}`, headers: {}, body: new TextEncoder().encode(body) });
  const { lastSequence } = await streamState(bus, 'DEADLETTERS');
  expect(await putBack(lastSequence)).toMatchObject({ ok: true });
  expect(await linesOf('two letters')).toBe(1);
});

test('what belongs to no hospital is shown without its body, and cannot be put back', async () => {
  await publish(bus, {
    subject: 'cmd.directory.normal.ledger.write',
    headers: {},
    body: new TextEncoder().encode('"Aminah Salleh'),
  });
  const { sequence } = await letterWith('bytes that are no JSON');
  const shown = await ask(getDeadLetter, { sequence });
  expect(shown).toMatchObject({ ok: true, data: { body: '' } });
  expect(JSON.stringify(shown)).not.toContain('Aminah');
  expect(await putBack(sequence)).toMatchObject({ ok: false, error: { code: 'conflict' } });
});

test('nobody but operators and admins reads or puts back', async () => {
  const nurse = { person: 'n1', hospital: 'h1', roles: ['nurse'] };
  expect(await ask(listDeadLetters, {}, nurse)).toMatchObject({ error: { code: 'forbidden' } });
  expect(await ask(getDeadLetter, { sequence: 1 }, nurse)).toMatchObject({ error: { code: 'forbidden' } });
  expect(await putBack(1, nurse)).toMatchObject({ error: { code: 'forbidden' } });
});

test('letters are read page by page, and one that is not there is not found', async () => {
  const all = (await list()).items.map((letter) => letter.sequence);
  expect(all.length).toBeGreaterThan(3);
  const paged: number[] = [];
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page: { items: DeadLetter[]; next?: number } = await list({ limit: 2, after });
    expect(page.items.length).toBeLessThanOrEqual(2);
    paged.push(...page.items.map((letter) => letter.sequence));
    after = page.next;
  }
  expect(paged).toEqual(all);
  expect(await ask(getDeadLetter, { sequence: 999_999 })).toMatchObject({ error: { code: 'not_found' } });
  expect(await ask(listDeadLetters, { service: 'monitoring' })).toMatchObject({ error: { code: 'bad_input' } });
});

test('a letter of a command that is too old by now is done all the same', async () => {
  hooks.onWrite = refuse('long ago');
  await writer.write('long ago');
  delete hooks.onWrite;
  const letter = await letterWith('long ago');
  // The same letter as it would be after a week: its envelope is of another time.
  const old = {
    actor: { person: 'a1', hospital: 'h1', roles: ['admin'] },
    key: 'old',
    issuedAt: 1,
    data: { entry: 'old' },
  };
  await publish(bus, {
    subject: `dead.directory.${letter.subject}`,
    headers: { 'Carillon-Reason': 'a week ago' },
    body: encode(old),
  });
  expect(await putBack((await letterWith('a week ago')).sequence)).toMatchObject({ ok: true });
  expect(await linesOf('old')).toBe(1);
});
