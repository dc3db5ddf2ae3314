import type { Role } from '@carillon/contracts/define';
import type { Sql } from '@carillon/database/database';
import { calledRoles } from './domain/levels.ts';

type CallablePerson = { personId: string; name: string; roles: Role[] };

/** By name. @param only of these; absent: of all. @param text a part of the name in whatever case, or the id */
export async function findCallable(
  sql: Sql,
  hospital: string,
  { only, text, limit }: { only: readonly string[] | undefined; text: string | undefined; limit: number },
): Promise<CallablePerson[]> {
  const { rows } = await sql.query<CallablePerson>(
    `select person_id as "personId", name, roles from directory_person
     where hospital = $1 and roles && $2::text[] and ($3::text[] is null or person_id = any($3))
       and ($4::text is null or person_id = $4 or strpos(lower(name), lower($4)) > 0)
     order by name, person_id limit $5`,
    [hospital, calledRoles, only ?? null, text ?? null, limit],
  );
  return rows;
}

/** Of a group; nobody where there is none. */
export async function findGroupMembers(sql: Sql, hospital: string, groupId: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ people: string[] }>(
    'select people from paging_group where hospital = $1 and group_id = $2',
    [hospital, groupId],
  );
  return rows[0]?.people ?? [];
}
