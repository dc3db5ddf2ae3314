/** The calls of an alert, and its timeline. */
import type { Sql } from '@carillon/database/database';
import type { LogEntry, Page } from './domain/alert.ts';

/** `mid` names the message of a new call; that of a known one stays. */
export type PageRow = Page & { alertId: string; mid?: string };

export async function upsertPages(tx: Sql, pages: readonly PageRow[]): Promise<void> {
  if (pages.length === 0) return;
  await tx.query(
    `insert into page (alert_id, run, level, attempt, person, at, status, mid)
     select alert_id, run, level, attempt, person, at, status, mid
     from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::text[])
       as given (alert_id, run, level, attempt, person, at, status, mid)
     on conflict (alert_id, run, level, attempt, person) do update set status = excluded.status`,
    [
      pages.map((page) => page.alertId),
      pages.map((page) => page.run),
      pages.map((page) => page.level),
      pages.map((page) => page.attempt),
      pages.map((page) => page.person),
      pages.map((page) => new Date(page.at)),
      pages.map((page) => page.status),
      pages.map((page) => page.mid ?? null),
    ],
  );
}

export async function insertLog(tx: Sql, entries: readonly (LogEntry & { alertId: string })[]): Promise<void> {
  if (entries.length === 0) return;
  // Lists of different lengths are no array of arrays: `people` travels as JSON.
  await tx.query(
    `insert into alert_log (alert_id, at, kind, actor, level, people, reason, until)
     select alert_id, at, kind, actor, level,
       case when people is null then null else array(select jsonb_array_elements_text(people::jsonb)) end, reason, until
     from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
         $8::timestamptz[])
       with ordinality as entry (alert_id, at, kind, actor, level, people, reason, until, position)
     order by position`,
    [
      entries.map((entry) => entry.alertId),
      entries.map((entry) => new Date(entry.at)),
      entries.map((entry) => entry.kind),
      entries.map((entry) => entry.actor ?? null),
      entries.map((entry) => entry.level ?? null),
      entries.map((entry) => (entry.people === undefined ? null : JSON.stringify(entry.people))),
      entries.map((entry) => entry.reason ?? null),
      entries.map((entry) => (entry.until === undefined ? null : new Date(entry.until))),
    ],
  );
}

/** The timeline of an alert, with how far its pages came; at most the newest 500 entries of each. */
export async function listLog(sql: Sql, alertId: string): Promise<LogEntry[]> {
  const { rows } = await sql.query<{
    at: Date;
    kind: string;
    actor: string | null;
    level: number | null;
    people: string[] | null;
    reason: string | null;
    until: Date | null;
  }>(
    `(select at, kind, actor, level, people, reason, until from
       (select * from alert_log where alert_id = $1 order by id desc limit 500) newest order by id)
     union all
     (select receipt.at, receipt.level, page.person, page.level, null, null, null
      from page join page_receipt receipt using (mid)
      where page.alert_id = $1 order by receipt.at desc, page.person, receipt.level limit 500)`,
    [alertId],
  );
  // What happened at the same time stays in the order of the log.
  const inOrder = rows.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  return inOrder.map((row) => ({
    at: row.at.getTime(),
    kind: row.kind,
    ...(row.actor === null ? {} : { actor: row.actor }),
    ...(row.level === null ? {} : { level: row.level }),
    ...(row.people === null ? {} : { people: row.people }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.until === null ? {} : { until: row.until.getTime() }),
  }));
}

/** Whether the person was ever called to the alert, in whatever run. */
export async function wasPaged(sql: Sql, alertId: string, person: string): Promise<boolean> {
  const { rows } = await sql.query('select from page where alert_id = $1 and person = $2 limit 1', [alertId, person]);
  return rows.length > 0;
}
