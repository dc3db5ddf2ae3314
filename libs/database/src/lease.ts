/** One owner at a time, over all replicas. The clock is the database's, and only the database's. */
import type { Sql } from './database.ts';

/** The generation grows with each new owner; work that carries an old one is refused. */
export type Lease = { name: string; generation: number };

/**
 * Takes each named lease that is free, over or ours already, for `seconds`. One of another's is taken when whoever works
 * under it has finished; our own are renewed at once.
 * @returns those we hold now
 */
export async function takeLeases(sql: Sql, names: readonly string[], owner: string, seconds: number): Promise<Lease[]> {
  const { rows } = await sql.query<Lease>(
    `with over as materialized (
       select name from lease where name = any($1::text[]) and owner <> $2 and held_until < clock_timestamp()
       order by name for update)
     insert into lease (name, owner, generation, held_until)
     select name, $2, 1, clock_timestamp() + make_interval(secs => $3) from unnest($1::text[]) as name
     where (select count(*) from over) >= 0 order by name
     on conflict (name) do update set
       owner = excluded.owner,
       generation = case when lease.owner = excluded.owner then lease.generation else lease.generation + 1 end,
       held_until = excluded.held_until
     where lease.owner = excluded.owner or lease.name in (select name from over)
     returning name, generation`,
    [names, owner, seconds],
  );
  return rows;
}

/**
 * Whether nobody took any of them from us; holds off successors until this transaction ends. A key lock, which a renewal
 * does not wait for: it would, for as long as a transaction takes, and all that comes next would wait behind it.
 */
export async function areLeasesHeld(tx: Sql, leases: readonly Lease[], owner: string): Promise<boolean> {
  const { rows } = await tx.query<{ name: string }>(
    `select lease.name from lease join unnest($1::text[], $2::bigint[]) as held (name, generation)
       on held.name = lease.name and held.generation = lease.generation
     where lease.owner = $3 order by lease.name for key share of lease`,
    [leases.map((lease) => lease.name), leases.map((lease) => lease.generation), owner],
  );
  return rows.length === leases.length;
}

export async function giveUpLeases(sql: Sql, names: readonly string[], owner: string): Promise<void> {
  await sql.query(`update lease set held_until = '-infinity' where name = any($1::text[]) and owner = $2`, [
    names,
    owner,
  ]);
}

/** Forgets leases of processes that will not come back; their names are never used again. */
export async function deleteOldLeases(sql: Sql, prefix: string): Promise<void> {
  await sql.query(
    `delete from lease where starts_with(name, $1) and held_until < clock_timestamp() - interval '1 minute'`,
    [prefix],
  );
}

/** Who holds what; for balancing and for operators. */
export async function listLeases(sql: Sql, prefix: string): Promise<{ name: string; owner: string }[]> {
  const { rows } = await sql.query<{ name: string; owner: string }>(
    `select name, owner from lease where starts_with(name, $1) and held_until >= clock_timestamp() order by name`,
    [prefix],
  );
  return rows;
}
