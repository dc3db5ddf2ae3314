import type { Lane } from '@carillon/contracts/define';
import { bigints, texts } from './arrays.ts';
import type { Sql } from './database.ts';

export type OutboxMessage = {
  lane: Lane;
  /** What must keep its order: messages of one entity are published one after another. */
  entity: string;
  subject: string;
  headers: Record<string, string>;
  /** JSON text, stored and published as it stands. */
  body: string;
};
export type OutboxRow = Omit<OutboxMessage, 'lane'> & { id: number };

export async function insertOutbox(tx: Sql, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(
    `insert into outbox (lane, entity, subject, headers, body)
     select lane, entity, subject, headers::json, body
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
       with ordinality as message (lane, entity, subject, headers, body, position)
     order by position`,
    [
      texts(messages.map((message) => message.lane)),
      texts(messages.map((message) => message.entity)),
      texts(messages.map((message) => message.subject)),
      texts(messages.map((message) => JSON.stringify(message.headers))),
      texts(messages.map((message) => message.body)),
    ],
  );
}

export async function selectOutbox(sql: Sql, lane: Lane, limit: number): Promise<OutboxRow[]> {
  const { rows } = await sql.query<OutboxRow>(
    'select id, entity, subject, headers, body from outbox where lane = $1 order by id limit $2',
    [lane, limit],
    { isPlannedAnew: true },
  );
  return rows;
}

/**
 * Joined, since `id = any(...)` compares each row with each id where the planner takes the table for empty. The disk is
 * not waited for: a row that is back after a crash of the server is published again, with the same message id.
 */
export async function deleteOutbox(sql: Sql, ids: readonly number[]): Promise<void> {
  await sql.query(
    `delete from outbox using unnest($1::bigint[]) as gone (id),
       (select set_config('synchronous_commit', 'off', true) offset 0) unsynced
     where outbox.id = gone.id`,
    [bigints(ids)],
    { isPlannedAnew: true },
  );
}

/** How far publishing lags behind, by lane: rows, and the age of the oldest by the clock of the database. */
export async function countOutbox(sql: Sql): Promise<{ lane: Lane; waiting: number; oldestSeconds: number }[]> {
  const { rows } = await sql.query<{ lane: Lane; waiting: number; oldestSeconds: number }>(
    `select lane, count(*) as waiting,
       greatest(0, extract(epoch from clock_timestamp() - min(created_at)))::double precision as "oldestSeconds"
     from outbox group by lane`,
  );
  return rows;
}
