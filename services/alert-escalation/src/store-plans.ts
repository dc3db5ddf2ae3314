import type { Group, Override, Schedule } from '@carillon/contracts/plans';
import type { Sql } from '@carillon/database/database';
import { calledRoles } from './domain/levels.ts';
import type { Plan, Replacement } from './domain/schedule.ts';

/** Plans of a hospital are changed one after another: what one names, another cannot remove meanwhile. */
export async function lockPlans(tx: Sql, hospital: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('plans ' || $1, 0))`, [hospital]);
}

/** @returns those of them who are not known, or have no role that may be called */
export async function findUnknownPeople(sql: Sql, hospital: string, people: readonly string[]): Promise<string[]> {
  const { rows } = await sql.query<{ person: string }>(
    `select person from unnest($2::text[]) as person
     where not exists (
       select from directory_person where hospital = $1 and person_id = person and roles && $3::text[])`,
    [hospital, people, calledRoles],
  );
  return rows.map(({ person }) => person);
}

type GroupRow = Omit<Group, 'isCalledOffShift'> & { isCalledOffShift: boolean };
const selectGroup = `select group_id as "groupId", version, name, people,
  is_called_off_shift as "isCalledOffShift" from paging_group`;

/** By id, from the one after `after` on. */
export async function listGroups(sql: Sql, hospital: string, after: string, limit: number): Promise<GroupRow[]> {
  const { rows } = await sql.query<GroupRow>(
    `${selectGroup} where hospital = $1 and group_id > $2 order by group_id limit $3`,
    [hospital, after, limit],
  );
  return rows;
}

export async function findGroups(sql: Sql, hospital: string): Promise<GroupRow[]> {
  const { rows } = await sql.query<GroupRow>(`${selectGroup} where hospital = $1 order by group_id`, [hospital]);
  return rows;
}

/** Of one group, 0 where there is none, and how many others there are. Plans must be locked. */
export async function getGroupVersion(
  tx: Sql,
  hospital: string,
  groupId: string,
): Promise<{ version: number; others: number }> {
  const { rows } = await tx.query<{ version: number; others: number }>(
    `select coalesce(max(version) filter (where group_id = $2), 0) as version,
       count(*) filter (where group_id <> $2) as others
     from paging_group where hospital = $1`,
    [hospital, groupId],
  );
  return rows[0] ?? { version: 0, others: 0 };
}

export async function upsertGroup(tx: Sql, hospital: string, group: GroupRow): Promise<void> {
  await tx.query(
    `insert into paging_group (hospital, group_id, name, people, is_called_off_shift, version)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (hospital, group_id) do update set name = excluded.name, people = excluded.people,
       is_called_off_shift = excluded.is_called_off_shift, version = excluded.version`,
    [hospital, group.groupId, group.name, group.people, group.isCalledOffShift, group.version],
  );
}

export async function deleteGroup(tx: Sql, hospital: string, groupId: string): Promise<void> {
  await tx.query('delete from paging_group where hospital = $1 and group_id = $2', [hospital, groupId]);
}

type ScheduleBody = Omit<Schedule, 'scheduleId' | 'version'>;
export type KnownOverride = Replacement & Pick<Override, 'overrideId'>;
/** With the overrides that are not over, the later made one last. */
export type KnownSchedule = Schedule & { overrides: readonly KnownOverride[] };

/** @param since overrides that ended before are left out */
export async function findSchedules(
  sql: Sql,
  hospital: string,
  { since, only }: { since: number; only?: readonly string[] },
): Promise<KnownSchedule[]> {
  const { rows } = await sql.query<{
    scheduleId: string;
    version: number;
    body: ScheduleBody;
    overrides: { overrideId: string; person: string; from: string; until: string }[];
  }>(
    `select schedule_id as "scheduleId", version, body,
       coalesce((select json_agg(json_build_object('overrideId', override_id, 'person', person, 'from', starts_at,
           'until', ends_at) order by id)
         from schedule_override made
         where made.hospital = schedule.hospital and made.schedule_id = schedule.schedule_id and ends_at > $2), '[]')
         as overrides
     from schedule where hospital = $1 and ($3::text[] is null or schedule_id = any($3)) order by schedule_id`,
    [hospital, new Date(since), only ?? null],
  );
  return rows.map(({ scheduleId, version, body, overrides }) => ({
    scheduleId,
    version,
    ...body,
    overrides: overrides.map((made) => ({ ...made, from: Date.parse(made.from), until: Date.parse(made.until) })),
  }));
}

/** Of one schedule, 0 where there is none, and how many others there are. Plans must be locked. */
export async function getScheduleVersion(
  tx: Sql,
  hospital: string,
  scheduleId: string,
): Promise<{ version: number; others: number }> {
  const { rows } = await tx.query<{ version: number; others: number }>(
    `select coalesce(max(version) filter (where schedule_id = $2), 0) as version,
       count(*) filter (where schedule_id <> $2) as others
     from schedule where hospital = $1`,
    [hospital, scheduleId],
  );
  return rows[0] ?? { version: 0, others: 0 };
}

export async function upsertSchedule(
  tx: Sql,
  hospital: string,
  { scheduleId, version, ...body }: Schedule & Plan,
): Promise<void> {
  await tx.query(
    `insert into schedule (hospital, schedule_id, body, version) values ($1, $2, $3, $4)
     on conflict (hospital, schedule_id) do update set body = excluded.body, version = excluded.version`,
    [hospital, scheduleId, JSON.stringify(body), version],
  );
}

/** With its overrides. */
export async function deleteSchedule(tx: Sql, hospital: string, scheduleId: string): Promise<void> {
  await tx.query('delete from schedule where hospital = $1 and schedule_id = $2', [hospital, scheduleId]);
}

export async function countOverrides(tx: Sql, hospital: string, scheduleId: string, now: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    'select count(*) as count from schedule_override where hospital = $1 and schedule_id = $2 and ends_at > $3',
    [hospital, scheduleId, new Date(now)],
  );
  return rows[0]?.count ?? 0;
}

export async function insertOverride(
  tx: Sql,
  hospital: string,
  scheduleId: string,
  { overrideId, person, from, until, setBy }: KnownOverride & { setBy: string },
): Promise<void> {
  await tx.query(
    `insert into schedule_override (hospital, override_id, schedule_id, person, starts_at, ends_at, set_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [hospital, overrideId, scheduleId, person, new Date(from), new Date(until), setBy],
  );
}

/** @returns false where there is none */
export async function deleteOverride(
  tx: Sql,
  hospital: string,
  scheduleId: string,
  overrideId: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from schedule_override where hospital = $1 and schedule_id = $2 and override_id = $3',
    [hospital, scheduleId, overrideId],
  );
  return rowCount === 1;
}

export async function findNames(
  sql: Sql,
  hospital: string,
  people: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ person_id: string; name: string }>(
    'select person_id, name from directory_person where hospital = $1 and person_id = any($2::text[])',
    [hospital, people],
  );
  return new Map(rows.map((row) => [row.person_id, row.name]));
}
