/** When readings were stored: the time of the commit, which PostgreSQL keeps (`track_commit_timestamp`). */
import type { Sql } from '@carillon/database/database';

export type Stored = {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
  /** Of the last commit, ms since the epoch. */
  lastAt: number;
};

/** @param from,to of the measurement, ms since the epoch; latencies in ms from there to the commit */
export async function storedBetween(sql: Sql, from: number, to: number): Promise<Stored> {
  const { rows } = await sql.query<Stored>(
    `select count(*) as count,
       percentile_disc(0.5) within group (order by latency) as p50,
       percentile_disc(0.95) within group (order by latency) as p95,
       percentile_disc(0.99) within group (order by latency) as p99,
       max(latency) as max, max(extract(epoch from committed_at) * 1000)::float8 as "lastAt"
     from (select pg_xact_commit_timestamp(xmin) as committed_at,
         round(extract(epoch from pg_xact_commit_timestamp(xmin) - measured_at) * 1000, 1)::float8 as latency
       from monitoring.vital_sign where measured_at >= $1 and measured_at < $2) reading`,
    [new Date(from), new Date(to)],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('a count has a row');
  return row;
}

export async function countStored(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ count: number }>('select count(*) as count from monitoring.vital_sign');
  return rows[0]?.count ?? 0;
}

/** Size of everything in the database, in bytes. */
export async function databaseBytes(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ bytes: number }>('select pg_database_size(current_database()) as bytes');
  return rows[0]?.bytes ?? 0;
}

export async function versionOfPostgres(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ version: string }>("select current_setting('server_version') as version");
  return rows[0]?.version.split(' ')[0] ?? 'unknown';
}
