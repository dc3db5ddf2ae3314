/** What nobody needs any more, so many rows at once; each statement returns how many went. */
import type { Sql } from '@carillon/database/database';

export type Old = { before: number; limit: number };

/** Ends the record of old alerts of one hospital. */
export async function deleteOldAlerts(
  sql: Sql,
  { hospital, before, limit }: Old & { hospital: string },
): Promise<number> {
  const { rowCount } = await sql.query(
    `with old as materialized (
       select alert_id from alert
       where hospital = $1 and opened_at < $2 and state = 'resolved' and due_at is null limit $3 for update skip locked
     ), receipts as (
       delete from page_receipt using page join old using (alert_id) where page_receipt.mid = page.mid
     ), pages as (
       delete from page using old where page.alert_id = old.alert_id
     ), entries as (
       delete from alert_log using old where alert_log.alert_id = old.alert_id
     )
     delete from alert using old where alert.alert_id = old.alert_id`,
    [hospital, new Date(before), limit],
  );
  return rowCount ?? 0;
}

/**
 * Calls between the first and the newest of a level and person in a run, that nobody answered: an alert needs the newest, its
 * figures the first, and who was called keeps the right to see it.
 */
export async function deleteRepeatedPages(sql: Sql, { before, limit }: Old): Promise<number> {
  const { rowCount } = await sql.query(
    `with old as materialized (
       select alert_id, run, level, attempt, person, mid from page
       where at < $1 and attempt > 1 and status in ('paged', 'withdrawn')
         and exists (select from page first where first.alert_id = page.alert_id and first.run = page.run
           and first.level = page.level and first.person = page.person and first.attempt < page.attempt)
         and exists (select from page newer where newer.alert_id = page.alert_id and newer.run = page.run
           and newer.level = page.level and newer.person = page.person and newer.attempt > page.attempt)
       limit $2
     ), receipts as (
       delete from page_receipt using old where page_receipt.mid = old.mid
     )
     delete from page using old
     where (page.alert_id, page.run, page.level, page.attempt, page.person)
       = (old.alert_id, old.run, old.level, old.attempt, old.person)`,
    [new Date(before), limit],
  );
  return rowCount ?? 0;
}

/** Not of an episode whose alert is open, or would open anew: an older event of its condition must still change nothing. */
export async function deleteOldConditions(sql: Sql, { before, limit }: Old): Promise<number> {
  const { rowCount } = await sql.query(
    `with old as materialized (
       select hospital, episode_key from condition_seen seen
       where seen_on < $1::timestamptz::date and not exists (
         select from alert where alert.hospital = seen.hospital and alert.episode_key = seen.episode_key
           and (state <> 'resolved' or due_at is not null))
       limit $2 for update skip locked
     )
     delete from condition_seen seen using old
     where seen.hospital = old.hospital and seen.episode_key = old.episode_key`,
    [new Date(before), limit],
  );
  return rowCount ?? 0;
}

export async function deleteOldSilences(sql: Sql, { before, limit }: Old): Promise<number> {
  const { rowCount } = await sql.query(
    'delete from silence where silence_id in (select silence_id from silence where ends_at < $1 limit $2)',
    [new Date(before), limit],
  );
  return rowCount ?? 0;
}

export async function deleteOldOverrides(sql: Sql, { before, limit }: Old): Promise<number> {
  const { rowCount } = await sql.query(
    'delete from schedule_override where id in (select id from schedule_override where ends_at < $1 limit $2)',
    [new Date(before), limit],
  );
  return rowCount ?? 0;
}
