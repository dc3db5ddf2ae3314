import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { CommandDefinition, QueryDefinition, Role } from '@carillon/contracts/define';
import {
  getNotice,
  listNotices,
  listTopics,
  publishNotice,
  subscribeTopic,
  unsubscribeTopic,
  type Notice,
} from '@carillon/contracts/notices';
import { recordReceipts } from '@carillon/contracts/receipts';
import { commandSubject, eventHeaders, querySubject } from '@carillon/contracts/streams';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { createCommandSender, decode, encode, request, type CommandSender, type Reply } from '@carillon/bus/request';
import { readStream } from '@carillon/bus/stream-reader';
import { openDatabase, type Database } from '@carillon/database/database';
import type { RunningService } from '@carillon/runtime/service';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { createMortal } from '@carillon/testkit/mortal';
import { start } from '../src/service.ts';

const seed = fileURLToPath(new URL('../../../deploy/local/demo-hospital.json', import.meta.url));

type Told = { mid: string; event: string; subject: string; isAckWanted: boolean; data: Record<string, unknown> };
let infrastructure: Infrastructure;
let environment: Readonly<Record<string, string>>;
let bus: Bus;
let sender: CommandSender;
let database: Database;
const services: RunningService[] = [];
const told: Told[] = [];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  environment = { ...infrastructure.environmentOf('directory'), CARILLON_DIRECTORY_SEED: seed };
  services.push(await start(environment));
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
  bus = await connectBus({ url: infrastructure.nats.url, name: 'gateway' });
  sender = createCommandSender(bus);
  for (const stream of ['PERSON', 'OPS'] as const) {
    readStream(bus, {
      stream,
      afterSequence: 0,
      onMessage: ({ subject, body, header }) =>
        told.push({
          mid: header(eventHeaders.id) ?? '',
          event: header(eventHeaders.event) ?? '',
          subject,
          isAckWanted: header(eventHeaders.ack) === 'true',
          data: decode(body) as Record<string, unknown>,
        }),
    });
  }
});
afterAll(async () => {
  sender.close();
  await Promise.all(services.map((service) => service.stop()));
  await database.close();
  await bus.close();
  await infrastructure.stop();
});

const actorOf = (person: string, role: Role) => ({ person, hospital: 'h1', roles: [role] });
type Caller = ReturnType<typeof actorOf>;
const operator = actorOf('o1', 'operator');
const nurse = actorOf('n1', 'nurse');
function send(actor: Caller, command: CommandDefinition, data: unknown, key: string = randomUUID()) {
  const envelope = { actor, key, issuedAt: Date.now(), data };
  return sender.send(commandSubject(command, 'directory'), (replyTo) => encode({ ...envelope, replyTo }), {
    headers: {},
    deadlineMs: 10_000,
  });
}
const ask = (actor: Caller, query: QueryDefinition, data: unknown): Promise<Reply> =>
  request(bus, querySubject(query), encode({ actor, data }), { headers: {}, deadlineMs: 5_000 });
function dataOf<T>(reply: Reply | undefined): T {
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  return reply.data as T;
}
const publish = async (more: object, key?: string): Promise<Notice> =>
  dataOf<Notice>(await send(operator, publishNotice, { level: 'info', title: 'Lift B', text: 'Use A', ...more }, key));
const ofNotice = ({ noticeId }: Notice): Told[] =>
  told.filter(({ data }) => data['notificationId'] === noticeId || data['noticeId'] === noticeId);
const untilToldToAll = (notice: Notice) =>
  eventually(
    async () => {
      const known = dataOf<{ isToldToAll: boolean; told: number }>(
        await ask(operator, getNotice, { noticeId: notice.noticeId }),
      );
      return known.isToldToAll && ofNotice(notice).length === known.told ? known : undefined;
    },
    { what: 'that all are told' },
  );
const recipients = (notice: Notice): string[] =>
  ofNotice(notice)
    .map(({ subject }) => subject.split('.')[2] ?? '')
    .toSorted();

test('a notice to the hospital is told in its room and read back until it is over', async () => {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const notice = await publish({ audience: 'hospital', level: 'emergency', until });
  const [event] = await eventually(() => (ofNotice(notice).length > 0 ? ofNotice(notice) : undefined));
  expect(event).toMatchObject({ event: 'notice:published', subject: 'ops.h1.notice.published', isAckWanted: false });
  expect(event?.data).toEqual({ ...notice, until, publishedBy: 'o1' });
  expect(dataOf<{ items: Notice[] }>(await ask(nurse, listNotices, {})).items).toEqual([notice]);
  expect(await ask(operator, getNotice, { noticeId: notice.noticeId })).toMatchObject({
    ok: true,
    data: { isToldToAll: true, told: 0 },
  });
  const elsewhere = { ...operator, hospital: 'h2' };
  expect(await ask(elsewhere, getNotice, { noticeId: notice.noticeId })).toMatchObject({
    error: { code: 'not_found' },
  });
});

test('a notice to a topic comes to each who follows it, and nobody else, with receipts wanted', async () => {
  expect(await send(nurse, subscribeTopic, { topic: 'lifts' })).toEqual({ ok: true, data: { topics: ['lifts'] } });
  expect(await send(nurse, subscribeTopic, { topic: 'lifts' })).toEqual({ ok: true, data: { topics: ['lifts'] } });
  await send(actorOf('p1', 'patient'), subscribeTopic, { topic: 'lifts' });
  await send(actorOf('n2', 'nurse'), subscribeTopic, { topic: 'Lifts' });
  const notice = await publish({ audience: 'topic:lifts' }, 'same');
  expect(await publish({ audience: 'topic:lifts' }, 'same')).toEqual(notice);
  await untilToldToAll(notice);
  expect(recipients(notice)).toEqual(['n1', 'p1']);
  const [first] = ofNotice(notice);
  expect(first).toMatchObject({ event: 'notification:new', isAckWanted: true, data: { topic: 'lifts', until: null } });
  expect(first?.subject).toMatch(/^person\.h1\.(n1|p1)\.normal\.notification\.new$/);

  expect(await send(nurse, unsubscribeTopic, { topic: 'lifts' })).toEqual({ ok: true, data: { topics: [] } });
  const urgent = await publish({ audience: 'topic:lifts', level: 'emergency' });
  await untilToldToAll(urgent);
  expect(ofNotice(urgent).map(({ subject }) => subject)).toEqual(['person.h1.p1.critical.notification.new']);
  expect(await ask(actorOf('p1', 'patient'), listTopics, {})).toEqual({ ok: true, data: { topics: ['lifts'] } });
});

test('receipts of a notice are counted once, and only of whoever was told', async () => {
  await send(actorOf('d1', 'doctor'), subscribeTopic, { topic: 'drills' });
  await send(nurse, subscribeTopic, { topic: 'drills' });
  const notice = await publish({ audience: 'topic:drills' });
  await untilToldToAll(notice);
  const midOf = (person: string): string =>
    ofNotice(notice).find(({ subject }) => subject.split('.')[2] === person)?.mid ?? '';
  const at = new Date().toISOString();
  const gateway = actorOf('gateway', 'service');
  const record = async (items: readonly object[], actor: Caller = gateway) =>
    dataOf<{ recorded: number }>(await send(actor, recordReceipts, { service: 'directory', items })).recorded;
  const read = { mid: midOf('n1'), person: 'n1', level: 'read', at };
  const delivered = { mid: midOf('d1'), person: 'd1', level: 'delivered', at };
  expect(await record([read, delivered])).toBe(4);
  expect(await record([read, delivered, { ...delivered, person: 'n1' }, { ...read, mid: 'unknown' }])).toBe(0);
  expect(await record([{ ...delivered, level: 'read' }], { ...gateway, hospital: 'h2' })).toBe(0);
  expect(await ask(operator, getNotice, { noticeId: notice.noticeId })).toMatchObject({
    data: { told: 2, delivered: 2, displayed: 1, read: 1 },
  });
});

test('what is wrong with a notice or a topic is refused', async () => {
  const code = async (reply: Promise<Reply | undefined>): Promise<string> => {
    const answer = await reply;
    return answer?.ok === false ? answer.error.code : 'none';
  };
  const given = { audience: 'hospital', level: 'info', title: 'Lift B', text: '' };
  const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
  expect(await code(send(nurse, publishNotice, given))).toBe('forbidden');
  expect(await code(send(operator, publishNotice, { ...given, audience: 'topic:a b' }))).toBe('bad_input');
  expect(await code(send(operator, publishNotice, { ...given, audience: 'everybody' }))).toBe('bad_input');
  expect(await code(send(operator, publishNotice, { ...given, until: inDays(-1) }))).toBe('bad_input');
  expect(await code(send(operator, publishNotice, { ...given, until: inDays(31) }))).toBe('bad_input');
  expect(await code(send(nurse, subscribeTopic, { topic: 'a.b' }))).toBe('bad_input');
  expect(await code(send(actorOf('nobody', 'nurse'), subscribeTopic, { topic: 'lifts' }))).toBe('forbidden');
  expect(await code(send(actorOf('dev1', 'device'), subscribeTopic, { topic: 'lifts' }))).toBe('forbidden');
  expect(await code(send(nurse, recordReceipts, { service: 'directory', items: [] }))).toBe('bad_input');
});

test('nobody follows more than 100 topics, however many calls come at once', async () => {
  const doctor = actorOf('d1', 'doctor');
  const replies = await Promise.all(
    Array.from({ length: 110 }, (_, index) => send(doctor, subscribeTopic, { topic: `t${index}` })),
  );
  // One he follows already.
  expect(replies.filter((reply) => reply?.ok === true)).toHaveLength(99);
  const { topics } = dataOf<{ topics: string[] }>(await ask(doctor, listTopics, {}));
  expect(topics).toHaveLength(100);
});

test('a notice is forgotten with all that was kept of it when its time has come', async () => {
  const notice = await publish({ audience: 'topic:drills' });
  const { told: count } = await untilToldToAll(notice);
  expect(count).toBeGreaterThan(0);
  await database.query(`update notice set forget_at = now() - interval '1 second' where notice_id = $1`, [
    notice.noticeId,
  ]);
  await eventually(async () => {
    const reply = await ask(operator, getNotice, { noticeId: notice.noticeId });
    return reply.ok ? undefined : reply;
  });
  const { rows } = await database.query('select from notice_recipient where notice_id = $1', [notice.noticeId]);
  expect(rows).toHaveLength(0);
});

test('a directory that dies while it tells 1,200 people is followed by one that tells the rest, each once', async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await database.query(
    `insert into topic_follower (hospital, topic, person_id) select 'h1', 'storms', 'many' || n from generate_series(1, 1200) n`,
  );
  const mortal = createMortal({});
  const dying = await start(environment, mortal.dependencies);
  services.push(dying);
  // In the middle of a transaction whose messages are in the outbox already.
  mortal.dieBefore(/update notice set told_up_to/);
  const notice = await publish({ audience: 'topic:storms' });
  await mortal.dead;
  services.push(await start(environment));
  await untilToldToAll(notice);
  expect(new Set(recipients(notice)).size).toBe(1_200);
  expect(recipients(notice)).toHaveLength(1_200);
});
