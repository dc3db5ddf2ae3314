import type { PositionSignal } from '@carillon/contracts/positions';
import type { Sql } from '@carillon/database/database';
import type { Place } from './domain/nearest.ts';

export type SeenAt = PositionSignal & { hospital: string; person: string };

/** Only of who is on shift, and only what is newer than what is known. */
export async function upsertPositions(sql: Sql, seen: readonly SeenAt[], now: number): Promise<void> {
  if (seen.length === 0) return;
  await sql.query(
    `insert into position (hospital, person, latitude, longitude, floor, measured_at)
     select hospital, person, latitude, longitude, floor, measured_at
     from unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::int[], $6::timestamptz[])
       as given (hospital, person, latitude, longitude, floor, measured_at)
     where exists (select from directory_shift shift
       where shift.hospital = given.hospital and shift.person_id = given.person
         and coalesce(shift.ends_at, 'infinity') > $7 and shift.starts_at <= $7)
     order by hospital, person
     on conflict (hospital, person) do update set latitude = excluded.latitude, longitude = excluded.longitude,
       floor = excluded.floor, measured_at = excluded.measured_at
     where position.measured_at < excluded.measured_at`,
    [
      seen.map(({ hospital }) => hospital),
      seen.map(({ person }) => person),
      seen.map(({ latitude }) => latitude),
      seen.map(({ longitude }) => longitude),
      seen.map(({ floor }) => floor),
      seen.map(({ measuredAt }) => new Date(measuredAt)),
      new Date(now),
    ],
  );
}

export async function deletePositions(sql: Sql, before: number): Promise<void> {
  await sql.query('delete from position where measured_at < $1', [new Date(before)]);
}

export async function upsertWardPlace(
  tx: Sql,
  hospital: string,
  wardId: string,
  { latitude, longitude, floor }: Place,
): Promise<void> {
  await tx.query(
    `insert into ward_place (hospital, ward_id, latitude, longitude, floor) values ($1, $2, $3, $4, $5)
     on conflict (hospital, ward_id) do update set
       latitude = excluded.latitude, longitude = excluded.longitude, floor = excluded.floor`,
    [hospital, wardId, latitude, longitude, floor],
  );
}
