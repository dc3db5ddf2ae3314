import type { Sql } from './database.ts';

export type InboxKey = { hospital: string; actor: string; operation: string; key: string };
export type InboxEntry = { bodyHash: string; result: unknown };

/** The row of work that was done already. */
export async function findInboxEntry(tx: Sql, at: InboxKey): Promise<InboxEntry | undefined> {
  const { rows } = await tx.query<{ body_hash: string; result: unknown }>(
    'select body_hash, result from inbox where hospital = $1 and actor = $2 and operation = $3 and key = $4',
    [at.hospital, at.actor, at.operation, at.key],
  );
  const row = rows[0];
  return row === undefined ? undefined : { bodyHash: row.body_hash, result: row.result };
}

/**
 * Takes the key for this transaction. A concurrent holder of the same key makes this wait until he commits or fails.
 * @returns false when it is taken: what he stored is then to be read
 */
export async function takeInboxKey(tx: Sql, at: InboxKey, bodyHash: string, keepUntil: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into inbox (hospital, actor, operation, key, body_hash, keep_until)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    [at.hospital, at.actor, at.operation, at.key, bodyHash, new Date(keepUntil)],
  );
  return rowCount === 1;
}

export async function storeInboxResult(tx: Sql, at: InboxKey, result: unknown): Promise<void> {
  await tx.query('update inbox set result = $5 where hospital = $1 and actor = $2 and operation = $3 and key = $4', [
    at.hospital,
    at.actor,
    at.operation,
    at.key,
    JSON.stringify(result),
  ]);
}

/** Removes at most 5,000 rows whose time is over. @returns how many */
export async function deleteOldInboxEntries(sql: Sql, now: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from inbox where ctid in (select ctid from inbox where keep_until < $1 limit 5000)`,
    [new Date(now)],
  );
  return rowCount ?? 0;
}
