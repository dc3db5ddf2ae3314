/**
 * Notices. One to the hospital is told by the transaction that stores it. One to a topic is stored with a due time, and
 * its followers are told batch by batch: the messages of a batch, who got them and how far it came commit together, so
 * that a crash anywhere leaves out nobody and tells nobody twice.
 */
import { randomUUID } from 'node:crypto';
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import {
  noticePublished,
  notificationNew,
  type getNotice,
  type listNotices,
  type Notice,
  type publishNotice as publishContract,
} from '@carillon/contracts/notices';
import { factsOf, type recordReceipts } from '@carillon/contracts/receipts';
import type { CommandWork } from '@carillon/runtime/commands';
import type { DueWork } from '@carillon/runtime/due-loop';
import { judge } from '@carillon/runtime/outcome';
import type { QueryWork } from '@carillon/runtime/queries';
import type { ServiceTools } from '@carillon/runtime/service';
import { childTrace } from '@carillon/runtime/trace';
import type { Work } from '@carillon/runtime/work';
import { audienceOf, findIssues, keptForMs, laneOf, shownForMs, topicOf } from '../domain/notices.ts';
import {
  claimDueNotice,
  countNotice,
  deleteOldNotices,
  findNotice,
  insertNotice,
  insertReceipts,
  insertRecipients,
  listDueNotices,
  listNextFollowers,
  listNotices as selectNotices,
  markTold,
  nextForgetAt,
  nextNoticeDueAt,
  postponeNotice,
  type StoredNotice,
} from '../store-notices.ts';

const iso = (at: number): string => new Date(at).toISOString();
const toNotice = ({ noticeId, topic, level, title, text, ...rest }: StoredNotice): Notice => ({
  noticeId,
  audience: audienceOf(topic),
  level,
  title,
  text,
  until: rest.until === null ? null : iso(rest.until),
  publishedBy: rest.publishedBy,
  publishedAt: iso(rest.publishedAt),
});

export async function publishNotice(
  work: CommandWork,
  { audience, until, ...said }: InputOf<typeof publishContract>,
): Promise<ResultOf<typeof publishContract>> {
  const { tx, actor, now } = work;
  const topic = topicOf(audience);
  const stored: StoredNotice = {
    noticeId: randomUUID(),
    hospital: actor.hospital,
    topic,
    ...said,
    until: until === undefined ? null : Date.parse(until),
    publishedBy: actor.person,
    publishedAt: now,
    toldUpTo: '',
    dueAt: topic === null ? null : now,
  };
  const issues = findIssues(stored.until, now);
  if (issues.length > 0) throw badInput(issues);
  await insertNotice(tx, stored, now + keptForMs);
  const notice = toNotice(stored);
  if (topic === null) {
    work.emit(noticePublished, notice, {
      lane: laneOf(notice),
      entity: `notice ${notice.noticeId}`,
      version: 1,
      tokens: { hospital: actor.hospital },
    });
  }
  return notice;
}

export async function readNotices({ sql, actor, now }: QueryWork): Promise<ResultOf<typeof listNotices>> {
  const { hospital } = actor;
  const found = await selectNotices(sql, { hospital, since: now - shownForMs, now, limit: 50 });
  return { items: found.map(toNotice) };
}

export async function readNotice(
  { sql, actor }: QueryWork,
  { noticeId }: InputOf<typeof getNotice>,
): Promise<ResultOf<typeof getNotice>> {
  const notice = await findNotice(sql, actor.hospital, noticeId);
  if (notice === undefined) throw new CodedError('not_found', 'No such notice');
  return { ...toNotice(notice), isToldToAll: notice.dueAt === null, ...(await countNotice(sql, noticeId)) };
}

/** What people got of theirs. */
export async function keepReceipts(
  { tx, actor, now }: CommandWork,
  { items }: InputOf<typeof recordReceipts>,
): Promise<ResultOf<typeof recordReceipts>> {
  return { recorded: await insertReceipts(tx, actor.hospital, factsOf(items, now)) };
}

/** A transaction of some ten milliseconds; a topic of a whole hospital is told in a second or two. */
const batchSize = 500;

/** @returns whether there was a batch to tell */
export async function tellNextFollowers(work: Work, noticeId: string, limit = batchSize): Promise<boolean> {
  const { tx, now } = work;
  const notice = await claimDueNotice(tx, noticeId, now);
  if (notice === undefined) return false;
  const { hospital, topic, until } = notice;
  const isOver = topic === null || (until !== null && until <= now);
  const people = isOver ? [] : await listNextFollowers(tx, notice, limit);
  const { audience: _, noticeId: notificationId, ...said } = toNotice(notice);
  const recipients = people.map((person) => ({
    person,
    mid: work.emit(
      notificationNew,
      { notificationId, topic: topic ?? '', ...said },
      { lane: laneOf(notice), entity: `notices of ${person}`, version: 1, tokens: { hospital, person } },
    ),
  }));
  await insertRecipients(tx, noticeId, recipients);
  const isLast = people.length < limit;
  // Behind the others that are due: a large topic does not hold up a small one.
  await markTold(tx, noticeId, people.at(-1) ?? notice.toldUpTo, isLast ? null : now);
  return true;
}

const noticesAtOnce = 10;
const failedAgainMs = 5_000;
const forgottenAtOnce = 5;

export function noticeTimers(tools: ServiceTools): readonly DueWork[] {
  const { database, log, metrics, work } = tools;
  // From the start: an alert on the increase of a counter misses the first of what is not there before it.
  metrics.handled.inc({ kind: 'timer', name: 'notice:due', outcome: 'poison' }, 0);
  const tell = async (noticeId: string, now: number): Promise<boolean> => {
    try {
      return await work(childTrace(undefined), (each) => tellNextFollowers(each, noticeId));
    } catch (error) {
      if (['later', 'notYet'].includes(judge(error).kind)) throw error;
      log.error({ err: error, noticeId }, 'a notice cannot be told');
      metrics.handled.inc({ kind: 'timer', name: 'notice:due', outcome: 'poison' });
      await postponeNotice(database, noticeId, now, now + failedAgainMs);
      return true;
    }
  };
  return [
    {
      name: 'tell notices',
      nextDueAt: () => nextNoticeDueAt(database),
      async run(now) {
        let told = 0;
        for (const noticeId of await listDueNotices(database, now, noticesAtOnce)) {
          if (await tell(noticeId, now)) told++;
        }
        return told;
      },
    },
    {
      name: 'forget notices',
      nextDueAt: () => nextForgetAt(database),
      run: (now) => deleteOldNotices(database, now, forgottenAtOnce),
    },
  ];
}
