import type { Role } from '@carillon/contracts/define';
import type { Sql } from '@carillon/database/database';
import type { PlannedShift } from './domain/coverage.ts';

/** By id, from the one after `after` on. */
export async function listWards(
  sql: Sql,
  hospital: string,
  { after, only, limit }: { after: string; only?: string | undefined; limit: number },
): Promise<{ wardId: string; name: string }[]> {
  const { rows } = await sql.query<{ wardId: string; name: string }>(
    `select ward_id as "wardId", name from directory_ward
     where hospital = $1 and ward_id > $2 and ($3::text is null or ward_id = $3) order by ward_id limit $4`,
    [hospital, after, only ?? null, limit],
  );
  return rows;
}

export async function listHospitals(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ hospital: string }>(
    'select distinct hospital from directory_ward order by hospital',
  );
  return rows.map(({ hospital }) => hospital);
}

/** The time zone of every schedule that there is. */
export async function listZones(sql: Sql): Promise<{ hospital: string; scheduleId: string; zone: string }[]> {
  const { rows } = await sql.query<{ hospital: string; scheduleId: string; zone: string }>(
    `select hospital, schedule_id as "scheduleId", body ->> 'timeZone' as zone from schedule order by hospital, schedule_id`,
  );
  return rows;
}

/** Those that touch the time; one without an end lasts for ever. */
export async function findShifts(sql: Sql, hospital: string, from: number, until: number): Promise<PlannedShift[]> {
  const { rows } = await sql.query<{
    person: string;
    role: Role;
    wardId: string | null;
    from: Date;
    until: Date | null;
  }>(
    `select person_id as person, role, ward_id as "wardId", starts_at as "from", ends_at as "until" from directory_shift
     where hospital = $1 and coalesce(ends_at, 'infinity') > $2 and starts_at < $3`,
    [hospital, new Date(from), new Date(until)],
  );
  return rows.map((row) => ({ ...row, from: row.from.getTime(), until: row.until?.getTime() ?? Infinity }));
}

/** Who has a role, on shift or not. */
export async function findPeopleOf(
  sql: Sql,
  hospital: string,
  roles: readonly Role[],
): Promise<Partial<Record<Role, string[]>>> {
  const { rows } = await sql.query<{ role: Role; people: string[] }>(
    `select role, array_agg(person_id order by person_id) as people from directory_person, unnest(roles) as role
     where hospital = $1 and roles && $2::text[] and role = any($2::text[]) group by role`,
    [hospital, roles],
  );
  return Object.fromEntries(rows.map(({ role, people }) => [role, people]));
}
