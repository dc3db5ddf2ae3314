/** The days of `vital_sign`: a partition each, by UTC, and a default one for what belongs to none. */
import type { Sql } from '@carillon/database/database';

export const dayMs = 86_400_000;

/** The beginning of the UTC day of an instant; ms since the epoch. */
export const dayOf = (atMs: number): number => Math.floor(atMs / dayMs) * dayMs;

const isoDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const partitionOfDay = (day: number): string => `vital_sign_${isoDate(day).replaceAll('-', '')}`;

/** One replica at a time, until the transaction ends. */
export async function isRetainer(tx: Sql): Promise<boolean> {
  const { rows } = await tx.query<{ held: boolean }>('select pg_try_advisory_xact_lock(hashtext($1)) as held', [
    'monitoring retention',
  ]);
  return rows[0]?.held === true;
}

/** Days that have a partition, oldest first; each by its beginning, ms since the epoch. */
export async function listDays(sql: Sql): Promise<number[]> {
  const { rows } = await sql.query<{ day: string }>(
    `select right(child.relname, 8) as day from pg_inherits
       join pg_class child on child.oid = pg_inherits.inhrelid
     where pg_inherits.inhparent = 'vital_sign'::regclass and child.relname ~ '^vital_sign_\\d{8}$' order by 1`,
  );
  return rows.map(({ day }) => Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`));
}

/**
 * Whoever waits for a lock on the table makes all others wait behind himself: the readings of a ward, too. So it gives
 * up soon (SQLSTATE 55P03) and is tried again.
 */
const soonOrNotAtAll = "set local lock_timeout = '500ms'";

/** Makes the partition of a day. Attached and not created in place: so what came before its day was made goes with it. */
export async function createDay(tx: Sql, day: number): Promise<void> {
  const name = partitionOfDay(day);
  const [from, to] = [`${isoDate(day)} 00:00+00`, `${isoDate(day + dayMs)} 00:00+00`];
  await tx.query(soonOrNotAtAll);
  await tx.query(`create table ${name} (like vital_sign including all)`);
  await tx.query(
    `with moved as (
       delete from vital_sign_default where measured_at >= '${from}' and measured_at < '${to}' returning *)
     insert into ${name} select * from moved`,
  );
  await tx.query(`alter table vital_sign attach partition ${name} for values from ('${from}') to ('${to}')`);
}

export async function dropDay(tx: Sql, day: number): Promise<void> {
  await tx.query(soonOrNotAtAll);
  await tx.query(`drop table ${partitionOfDay(day)}`);
}

const rowsAtOnce = 5_000;

/** History that came late is kept as long as what came in time: from its receipt. @returns how many rows are gone */
export async function deleteOldHistory(sql: Sql, receivedBefore: number): Promise<number> {
  const { rowCount } = await sql.query(
    `delete from vital_sign_default where ctid = any(array(
       select ctid from vital_sign_default where received_at < $1 limit $2))`,
    [new Date(receivedBefore), rowsAtOnce],
  );
  return rowCount ?? 0;
}
