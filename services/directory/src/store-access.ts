/** Revocations and what operators ended, and break-glass access. */
import type { AccessEntry, AccessKind } from '@carillon/contracts/access';
import type { Sql } from '@carillon/database/database';

/** An entry with the last part of its key. */
export type PlacedEntry = AccessEntry & { entryId: string };
export type NewEntry = Omit<AccessEntry, 'isLogout'> & { isLogout: boolean };

type EntryRow = {
  entryId: string;
  hospital: string;
  kind: AccessKind;
  id: string;
  room: string;
  at: Date;
  until: Date | null;
  isLogout: boolean;
};
const columns = `entry_id as "entryId", hospital, kind, id, room, at, until, is_logout as "isLogout"`;
const toEntry = ({ entryId, hospital, kind, id, room, at, until, isLogout }: EntryRow): PlacedEntry => ({
  entryId,
  hospital,
  kind,
  id,
  ...(room === '' ? {} : { room }),
  at: at.getTime(),
  until: until === null ? null : until.getTime(),
  ...(isLogout ? { isLogout } : {}),
});
const valuesOf = ({ hospital, kind, id, room = '', at, until, isLogout }: NewEntry): unknown[] => [
  hospital,
  kind,
  id,
  room,
  new Date(at),
  until === null ? null : new Date(until),
  isLogout,
];

/** One at a time a hospital: each looks for its own place, and then for one that has ended. */
export async function lockAccess(tx: Sql, hospital: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('access ' || $1, 0))`, [hospital]);
}

/** What is shut stays shut as long as either wants it. @returns undefined where there is no such entry */
export async function updateAccessEntry(tx: Sql, entry: NewEntry): Promise<PlacedEntry | undefined> {
  const { rows } = await tx.query<EntryRow>(
    `update access_entry set
       at = greatest(at, $5),
       until = case when until is null or $6::timestamptz is null then null else greatest(until, $6) end,
       is_logout = is_logout and $7
     where hospital = $1 and kind = $2 and id = $3 and room = $4 returning ${columns}`,
    valuesOf(entry),
  );
  return rows[0] === undefined ? undefined : toEntry(rows[0]);
}

/** Gives it the place of one that has ended. @returns undefined where none has */
export async function replaceAccessEntry(tx: Sql, entry: NewEntry): Promise<PlacedEntry | undefined> {
  const { rows } = await tx.query<EntryRow>(
    `update access_entry set id = $3, room = $4, at = $5, until = $6, is_logout = $7
     where entry_id = (
       select entry_id from access_entry where hospital = $1 and kind = $2 and until <= $5 order by until limit 1)
     returning ${columns}`,
    valuesOf(entry),
  );
  return rows[0] === undefined ? undefined : toEntry(rows[0]);
}

export async function insertAccessEntry(tx: Sql, entry: NewEntry, entryId: string): Promise<PlacedEntry> {
  await tx.query(
    `insert into access_entry (hospital, kind, id, room, at, until, is_logout, entry_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [...valuesOf(entry), entryId],
  );
  const { isLogout, ...rest } = entry;
  return { ...rest, ...(isLogout ? { isLogout } : {}), entryId };
}

export async function countAccessEntries(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ count: number }>('select count(*) as count from access_entry');
  return rows[0]?.count ?? 0;
}

export async function listAccessHospitals(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ hospital: string }>(
    'select distinct hospital from access_entry order by hospital',
  );
  return rows.map(({ hospital }) => hospital);
}

export async function listAccessEntries(sql: Sql, hospital: string): Promise<PlacedEntry[]> {
  const { rows } = await sql.query<EntryRow>(
    `select ${columns} from access_entry where hospital = $1 order by entry_id`,
    [hospital],
  );
  return rows.map(toEntry);
}

/** While it is held, no import writes entries of people from what it read before. @returns whether it is known */
export async function lockKnownHospital(tx: Sql, hospital: string): Promise<boolean> {
  const { rowCount } = await tx.query('select 1 from hospital where hospital_id = $1 for update', [hospital]);
  return rowCount === 1;
}

export type BrokenGlass = { hospital: string; person: string; patientId: string; until: number };

export async function upsertBrokenGlass(tx: Sql, { hospital, person, patientId, until }: BrokenGlass): Promise<void> {
  await tx.query(
    `insert into broken_glass (hospital, person_id, patient_id, until) values ($1, $2, $3, $4)
     on conflict (hospital, person_id, patient_id) do update set until = excluded.until`,
    [hospital, person, patientId, new Date(until)],
  );
}

export async function listBrokenGlass(
  sql: Sql,
  hospital: string,
  person: string,
): Promise<{ patientId: string; until: string }[]> {
  const { rows } = await sql.query<{ patientId: string; until: Date }>(
    `select patient_id as "patientId", until from broken_glass
     where hospital = $1 and person_id = $2 order by patient_id`,
    [hospital, person],
  );
  return rows.map(({ patientId, until }) => ({ patientId, until: until.toISOString() }));
}

/** @returns whether there was any */
export async function deleteBrokenGlass(
  tx: Sql,
  { hospital, person, patientId }: Omit<BrokenGlass, 'until'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from broken_glass where hospital = $1 and person_id = $2 and patient_id = $3',
    [hospital, person, patientId],
  );
  return rowCount === 1;
}

export async function nextBrokenGlassEnd(sql: Sql): Promise<{ hospital: string; at: number } | undefined> {
  const { rows } = await sql.query<{ hospital: string; until: Date }>(
    'select hospital, until from broken_glass order by until limit 1',
  );
  return rows[0] === undefined ? undefined : { hospital: rows[0].hospital, at: rows[0].until.getTime() };
}

/** @returns what has ended by now, which is no longer there */
export async function deleteEndedBrokenGlass(
  tx: Sql,
  hospital: string,
  now: number,
): Promise<{ person: string; patientId: string }[]> {
  const { rows } = await tx.query<{ person: string; patientId: string }>(
    `delete from broken_glass where hospital = $1 and until <= $2
     returning person_id as person, patient_id as "patientId"`,
    [hospital, new Date(now)],
  );
  return rows;
}
