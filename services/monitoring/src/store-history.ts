/** Tables that are kept for a time: a partition for each part of it, by UTC, and a default one for what belongs to none. */
import type { Sql } from '@carillon/database/database';

export const dayMs = 86_400_000;

/** The beginning of the UTC day of an instant; ms since the epoch. */
export const dayOf = (atMs: number): number => Math.floor(atMs / dayMs) * dayMs;

const isoDate = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);
const monthAfter = (atMs: number, months: number): number =>
  Date.UTC(new Date(atMs).getUTCFullYear(), new Date(atMs).getUTCMonth() + months);

/** Instants are ms since the epoch. */
export type KeptTable = {
  name: 'vital_sign' | 'vital_minute';
  /** By which its rows are parted. */
  column: 'measured_at' | 'minute';
  /** Of the date that ends the name of a partition: YYYYMMDD or YYYYMM. */
  digits: 8 | 6;
  /** The beginning of the part that an instant belongs to. */
  beginOf(atMs: number): number;
  /** The beginning of the part that follows. */
  endOf(begin: number): number;
};

export const readingDays: KeptTable = {
  name: 'vital_sign',
  column: 'measured_at',
  digits: 8,
  beginOf: dayOf,
  endOf: (day) => day + dayMs,
};
export const minuteMonths: KeptTable = {
  name: 'vital_minute',
  column: 'minute',
  digits: 6,
  beginOf: (atMs) => monthAfter(atMs, 0),
  endOf: (month) => monthAfter(month, 1),
};

export const partitionOf = ({ name, digits }: KeptTable, begin: number): string =>
  `${name}_${isoDate(begin).replaceAll('-', '').slice(0, digits)}`;

/** One replica at a time, until the transaction ends. */
export async function isRetainer(tx: Sql): Promise<boolean> {
  const { rows } = await tx.query<{ held: boolean }>('select pg_try_advisory_xact_lock(hashtext($1)) as held', [
    'monitoring retention',
  ]);
  return rows[0]?.held === true;
}

/** Parts that have a partition, oldest first; each by its beginning, ms since the epoch. */
export async function listParts(sql: Sql, { name, digits }: KeptTable): Promise<number[]> {
  const { rows } = await sql.query<{ date: string }>(
    `select right(child.relname, $2) as date from pg_inherits
       join pg_class child on child.oid = pg_inherits.inhrelid
     where pg_inherits.inhparent = $1::regclass and child.relname ~ ('_\\d{' || $2 || '}$') order by 1`,
    [name, digits],
  );
  return rows.map(({ date }) => {
    const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6) || '01'];
    return Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  });
}

/**
 * Whoever waits for a lock on the table makes all others wait behind himself: the readings of a ward, too. So it gives
 * up soon (SQLSTATE 55P03) and is tried again.
 */
const soonOrNotAtAll = "set local lock_timeout = '500ms'";

/** Makes a partition. Attached and not created in place: so what came before it was made goes with it. */
export async function createPart(tx: Sql, table: KeptTable, begin: number): Promise<void> {
  const partition = partitionOf(table, begin);
  const [from, to] = [`${isoDate(begin)} 00:00+00`, `${isoDate(table.endOf(begin))} 00:00+00`];
  await tx.query(soonOrNotAtAll);
  await tx.query(`create table ${partition} (like ${table.name} including all)`);
  await tx.query(
    `with moved as (
       delete from ${table.name}_default where ${table.column} >= '${from}' and ${table.column} < '${to}' returning *)
     insert into ${partition} select * from moved`,
  );
  await tx.query(`alter table ${table.name} attach partition ${partition} for values from ('${from}') to ('${to}')`);
}

export async function dropPart(tx: Sql, table: KeptTable, begin: number): Promise<void> {
  await tx.query(soonOrNotAtAll);
  await tx.query(`drop table ${partitionOf(table, begin)}`);
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
