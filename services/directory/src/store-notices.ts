import type { Notice } from '@carillon/contracts/notices';
import type { Fact, ReceiptLevel } from '@carillon/contracts/receipts';
import type { Sql } from '@carillon/database/database';

/** One change of what he follows at a time. @returns false for somebody whom the directory does not know */
export async function lockFollower(tx: Sql, hospital: string, person: string): Promise<boolean> {
  const { rows } = await tx.query('select from person_entry where hospital = $1 and person_id = $2 for no key update', [
    hospital,
    person,
  ]);
  return rows.length > 0;
}

export async function insertFollower(tx: Sql, hospital: string, topic: string, person: string): Promise<void> {
  await tx.query('insert into topic_follower (hospital, topic, person_id) values ($1, $2, $3) on conflict do nothing', [
    hospital,
    topic,
    person,
  ]);
}

export async function deleteFollower(tx: Sql, hospital: string, topic: string, person: string): Promise<void> {
  await tx.query('delete from topic_follower where hospital = $1 and topic = $2 and person_id = $3', [
    hospital,
    topic,
    person,
  ]);
}

export async function listTopics(sql: Sql, hospital: string, person: string): Promise<string[]> {
  const { rows } = await sql.query<{ topic: string }>(
    'select topic from topic_follower where hospital = $1 and person_id = $2 order by topic',
    [hospital, person],
  );
  return rows.map((row) => row.topic);
}

/** Times in ms since the epoch; `topic` null is all of the hospital. */
export type StoredNotice = Pick<Notice, 'noticeId' | 'level' | 'title' | 'text' | 'publishedBy'> & {
  hospital: string;
  topic: string | null;
  until: number | null;
  publishedAt: number;
  toldUpTo: string;
  dueAt: number | null;
};
type NoticeRow = Omit<StoredNotice, 'until' | 'publishedAt' | 'dueAt'> & {
  until: Date | null;
  publishedAt: Date;
  dueAt: Date | null;
};

const selectNotice = `
  select notice_id as "noticeId", hospital, topic, level, title, body as text, until, published_by as "publishedBy",
    published_at as "publishedAt", told_up_to as "toldUpTo", due_at as "dueAt"
  from notice`;
const toNotice = (row: NoticeRow): StoredNotice => ({
  ...row,
  until: row.until?.getTime() ?? null,
  publishedAt: row.publishedAt.getTime(),
  dueAt: row.dueAt?.getTime() ?? null,
});
const date = (at: number | null): Date | null => (at === null ? null : new Date(at));

export async function insertNotice(tx: Sql, notice: StoredNotice, forgetAt: number): Promise<void> {
  await tx.query(
    `insert into notice (notice_id, hospital, topic, level, title, body, until, published_by, published_at, due_at,
       forget_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      notice.noticeId,
      notice.hospital,
      notice.topic,
      notice.level,
      notice.title,
      notice.text,
      date(notice.until),
      notice.publishedBy,
      new Date(notice.publishedAt),
      date(notice.dueAt),
      new Date(forgetAt),
    ],
  );
}

/** To all of the hospital, newest first. */
export async function listNotices(
  sql: Sql,
  given: { hospital: string; since: number; now: number; limit: number },
): Promise<StoredNotice[]> {
  const { rows } = await sql.query<NoticeRow>(
    `${selectNotice} where hospital = $1 and topic is null and published_at > $2 and (until is null or until > $3)
     order by published_at desc limit $4`,
    [given.hospital, new Date(given.since), new Date(given.now), given.limit],
  );
  return rows.map(toNotice);
}

export async function findNotice(sql: Sql, hospital: string, noticeId: string): Promise<StoredNotice | undefined> {
  const { rows } = await sql.query<NoticeRow>(`${selectNotice} where hospital = $1 and notice_id = $2`, [
    hospital,
    noticeId,
  ]);
  return rows[0] === undefined ? undefined : toNotice(rows[0]);
}

export async function countNotice(
  sql: Sql,
  noticeId: string,
): Promise<{ told: number } & Record<ReceiptLevel, number>> {
  const { rows } = await sql.query<{ told: number } & Record<ReceiptLevel, number>>(
    `select (select count(*) from notice_recipient where notice_id = $1) as told,
       count(*) filter (where receipt.level = 'delivered') as delivered,
       count(*) filter (where receipt.level = 'displayed') as displayed,
       count(*) filter (where receipt.level = 'read') as read
     from notice_recipient join notice_receipt receipt using (mid) where notice_id = $1`,
    [noticeId],
  );
  return rows[0] ?? { told: 0, delivered: 0, displayed: 0, read: 0 };
}

export async function nextNoticeDueAt(sql: Sql): Promise<number | undefined> {
  const { rows } = await sql.query<{ due: Date | null }>(
    'select min(due_at) as due from notice where due_at is not null',
  );
  return rows[0]?.due?.getTime();
}

export async function listDueNotices(sql: Sql, now: number, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ noticeId: string }>(
    'select notice_id as "noticeId" from notice where due_at <= $1 order by due_at limit $2',
    [new Date(now), limit],
  );
  return rows.map((row) => row.noticeId);
}

/** Undefined when another process has it, or nobody is left to be told. */
export async function claimDueNotice(tx: Sql, noticeId: string, now: number): Promise<StoredNotice | undefined> {
  const { rows } = await tx.query<NoticeRow>(
    `${selectNotice} where notice_id = $1 and due_at <= $2 for update skip locked`,
    [noticeId, new Date(now)],
  );
  return rows[0] === undefined ? undefined : toNotice(rows[0]);
}

/** The next who follow the topic, by id. */
export async function listNextFollowers(tx: Sql, notice: StoredNotice, limit: number): Promise<string[]> {
  const { rows } = await tx.query<{ person: string }>(
    `select person_id as person from topic_follower
     where hospital = $1 and topic = $2 and person_id > $3 order by person_id limit $4`,
    [notice.hospital, notice.topic, notice.toldUpTo, limit],
  );
  return rows.map((row) => row.person);
}

export async function insertRecipients(
  tx: Sql,
  noticeId: string,
  recipients: readonly { person: string; mid: string }[],
): Promise<void> {
  await tx.query(
    `insert into notice_recipient (notice_id, person_id, mid)
     select $1, person, mid from unnest($2::text[], $3::text[]) as given (person, mid)`,
    [noticeId, recipients.map(({ person }) => person), recipients.map(({ mid }) => mid)],
  );
}

export async function markTold(tx: Sql, noticeId: string, toldUpTo: string, dueAt: number | null): Promise<void> {
  await tx.query('update notice set told_up_to = $2, due_at = $3 where notice_id = $1', [
    noticeId,
    toldUpTo,
    date(dueAt),
  ]);
}

/** One that could not be told; what was done meanwhile is left alone. */
export async function postponeNotice(sql: Sql, noticeId: string, now: number, until: number): Promise<void> {
  await sql.query('update notice set due_at = $3 where notice_id = $1 and due_at <= $2', [
    noticeId,
    new Date(now),
    new Date(until),
  ]);
}

/**
 * Keeps those that name a message of the same person in the hospital and that nobody has told before.
 * @returns how many were new
 */
export async function insertReceipts(tx: Sql, hospital: string, facts: readonly Fact[]): Promise<number> {
  const { rowCount } = await tx.query(
    `insert into notice_receipt (mid, level, at)
     select recipient.mid, given.level, greatest(given.at, notice.published_at)
     from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as given (mid, person, level, at)
     join notice_recipient recipient on recipient.mid = given.mid and recipient.person_id = given.person
     join notice on notice.notice_id = recipient.notice_id and notice.hospital = $1
     -- In one order for everybody: two that keep the same ones wait for each other, and never both.
     order by recipient.mid, given.level, given.at
     on conflict do nothing`,
    [
      hospital,
      facts.map((fact) => fact.mid),
      facts.map((fact) => fact.person),
      facts.map((fact) => fact.level),
      facts.map((fact) => new Date(fact.at)),
    ],
  );
  return rowCount ?? 0;
}

export async function nextForgetAt(sql: Sql): Promise<number | undefined> {
  const { rows } = await sql.query<{ at: Date | null }>('select min(forget_at) as at from notice');
  return rows[0]?.at?.getTime();
}

/** With its recipients and their receipts. @returns how many notices */
export async function deleteOldNotices(sql: Sql, now: number, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from notice where notice_id in
       (select notice_id from notice where forget_at <= $1 order by forget_at limit $2 for update skip locked)`,
    [new Date(now), limit],
  );
  return rowCount ?? 0;
}
