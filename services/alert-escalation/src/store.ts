import type { Policy } from '@carillon/contracts/alert-escalation';
import type { Role } from '@carillon/contracts/define';
import type { Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';
import type { ReceiptLevel } from '@carillon/contracts/receipts';
import type { AlertState, LogEntry, Page } from './domain/alert.ts';
import { beyondTheWard, type Staffing } from './domain/levels.ts';
import type { Receipts } from './domain/receipts.ts';

type AlertRow = Omit<
  AlertState,
  'pages' | 'baseAt' | 'levelStartedAt' | 'ackUntil' | 'dueAt' | 'openedAt' | 'resolvedAt'
> & {
  baseAt: Date;
  levelStartedAt: Date | null;
  ackUntil: Date | null;
  dueAt: Date | null;
  openedAt: Date;
  resolvedAt: Date | null;
  pages:
    (Omit<Page, 'at' | 'receipts'> & { at: string; receipts: Partial<Record<ReceiptLevel, string>> | null })[] | null;
};

/** With the newest call of each level and person in the current run, and how far its message came. */
const selectAlert = `
  select alert_id as "alertId", hospital, patient_id as "patientId", ward_id as "wardId", kind, priority, message,
    source, state, condition, policy, run, base_at as "baseAt", level, attempt, level_started_at as "levelStartedAt",
    ack_by as "ackBy", ack_until as "ackUntil", due_at as "dueAt", opened_at as "openedAt",
    resolved_at as "resolvedAt", version,
    (select json_agg(json_build_object('run', newest.run, 'level', newest.level, 'attempt', newest.attempt,
         'person', newest.person, 'at', newest.at, 'status', newest.status, 'receipts',
         (select json_object_agg(receipt.level, receipt.at) from page_receipt receipt where receipt.mid = newest.mid))
       order by newest.at, newest.level, newest.person)
     from (select distinct on (page.level, page.person) page.* from page
           where page.alert_id = alert.alert_id and page.run = alert.run
           order by page.level, page.person, page.attempt desc) newest) as pages
  from alert`;

const ms = (date: Date | null): number | null => (date === null ? null : date.getTime());

const toTimes = (receipts: Partial<Record<ReceiptLevel, string>>): Receipts =>
  Object.fromEntries(Object.entries(receipts).map(([level, at]) => [level, Date.parse(at)]));

const toAlert = (row: AlertRow): AlertState => ({
  ...row,
  baseAt: row.baseAt.getTime(),
  levelStartedAt: ms(row.levelStartedAt),
  ackUntil: ms(row.ackUntil),
  dueAt: ms(row.dueAt),
  openedAt: row.openedAt.getTime(),
  resolvedAt: ms(row.resolvedAt),
  pages: (row.pages ?? []).map(({ receipts, ...page }) => ({
    ...page,
    at: Date.parse(page.at),
    ...(receipts === null ? {} : { receipts: toTimes(receipts) }),
  })),
});

export async function findAlert(sql: Sql, hospital: string, alertId: string): Promise<AlertState | undefined> {
  const { rows } = await sql.query<AlertRow>(`${selectAlert} where hospital = $1 and alert_id = $2`, [
    hospital,
    alertId,
  ]);
  return rows[0] === undefined ? undefined : toAlert(rows[0]);
}

/**
 * What was locked, as it is now. Read by a statement of its own: one that waits for a lock then sees the row as it has
 * become, and beside it the pages as they were before it waited.
 */
async function readLocked(tx: Sql, locked: readonly { alert_id: string }[]): Promise<AlertState[]> {
  if (locked.length === 0) return [];
  const { rows } = await tx.query<AlertRow>(
    `${selectAlert} where alert_id = any($1::text[]) order by array_position($1::text[], alert_id)`,
    [locked.map((row) => row.alert_id)],
  );
  return rows.map(toAlert);
}

export async function lockAlert(tx: Sql, hospital: string, alertId: string): Promise<AlertState | undefined> {
  const { rows } = await tx.query<{ alert_id: string }>(
    'select alert_id from alert where hospital = $1 and alert_id = $2 for update',
    [hospital, alertId],
  );
  return (await readLocked(tx, rows))[0];
}

/** The open alert of an episode, locked. */
export async function lockOpenAlert(tx: Sql, hospital: string, episodeKey: string): Promise<AlertState | undefined> {
  const { rows } = await tx.query<{ alert_id: string }>(
    `select alert_id from alert where hospital = $1 and episode_key = $2 and state <> 'resolved' for update`,
    [hospital, episodeKey],
  );
  return (await readLocked(tx, rows))[0];
}

/**
 * The open alert of an episode, and the resolved ones that would open anew while their condition lasts; all locked, in the
 * order in which the due loop comes to them: those that wait, then the open one.
 */
export async function lockEpisode(
  tx: Sql,
  hospital: string,
  episodeKey: string,
): Promise<{ open: AlertState | undefined; waiting: readonly AlertState[] }> {
  const { rows } = await tx.query<{ alert_id: string }>(
    `select alert_id from alert
     where hospital = $1 and episode_key = $2 and (state <> 'resolved' or due_at is not null)
     order by state = 'resolved' desc, alert_id for update`,
    [hospital, episodeKey],
  );
  const alerts = await readLocked(tx, rows);
  return {
    open: alerts.find(({ state }) => state !== 'resolved'),
    waiting: alerts.filter(({ state, dueAt }) => state === 'resolved' && dueAt !== null),
  };
}

/** What is due, most overdue first; rows that another engine holds are passed over. */
export async function claimDueAlerts(
  tx: Sql,
  {
    now,
    priorities,
    limit,
    only,
  }: { now: number; priorities: readonly Priority[]; limit: number; only?: string | undefined },
): Promise<AlertState[]> {
  const { rows } = await tx.query<{ alert_id: string }>(
    `select alert_id from alert
     where due_at <= $1 and priority = any($2::text[]) and ($4::text is null or alert_id = $4)
     order by due_at limit $3 for update skip locked`,
    [new Date(now), priorities, limit, only ?? null],
  );
  return readLocked(tx, rows);
}

export async function listDueAlerts(
  sql: Sql,
  now: number,
  priorities: readonly Priority[],
  limit: number,
): Promise<string[]> {
  const { rows } = await sql.query<{ alert_id: string }>(
    'select alert_id from alert where due_at <= $1 and priority = any($2::text[]) order by due_at limit $3',
    [new Date(now), priorities, limit],
  );
  return rows.map((row) => row.alert_id);
}

/** Moves a deadline that could not be met; one that was met meanwhile is left alone. */
export async function postponeAlert(sql: Sql, alertId: string, now: number, until: number): Promise<void> {
  await sql.query('update alert set due_at = $3 where alert_id = $1 and due_at <= $2', [
    alertId,
    new Date(now),
    new Date(until),
  ]);
}

export async function nextDueTime(sql: Sql, priorities: readonly Priority[]): Promise<number | undefined> {
  const { rows } = await sql.query<{ due: Date | null }>(
    'select min(due_at) as due from alert where due_at is not null and priority = any($1::text[])',
    [priorities],
  );
  return rows[0]?.due?.getTime();
}

const date = (at: number | null): Date | null => (at === null ? null : new Date(at));

const changing = (alert: AlertState): unknown[] => [
  alert.alertId,
  alert.priority,
  alert.source,
  alert.state,
  alert.condition,
  alert.run,
  new Date(alert.baseAt),
  alert.level,
  alert.attempt,
  date(alert.levelStartedAt),
  alert.ackBy,
  date(alert.ackUntil),
  date(alert.dueAt),
  date(alert.resolvedAt),
  alert.version,
];

/** @returns false when the episode has an open alert already */
export async function insertAlert(tx: Sql, alert: AlertState, episodeKey: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into alert (alert_id, priority, source, state, condition, run, base_at, level, attempt, level_started_at,
       ack_by, ack_until, due_at, resolved_at, version, hospital, patient_id, ward_id, kind, message, policy, opened_at,
       episode_key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
     on conflict (hospital, episode_key) where state <> 'resolved' do nothing`,
    [
      ...changing(alert),
      alert.hospital,
      alert.patientId,
      alert.wardId,
      alert.kind,
      alert.message,
      JSON.stringify(alert.policy),
      new Date(alert.openedAt),
      episodeKey,
    ],
  );
  return rowCount === 1;
}

export async function updateAlert(tx: Sql, alert: AlertState): Promise<void> {
  await tx.query(
    `update alert set priority = $2, source = $3, state = $4, condition = $5, run = $6, base_at = $7, level = $8,
       attempt = $9, level_started_at = $10, ack_by = $11, ack_until = $12, due_at = $13, resolved_at = $14,
       version = $15
     where alert_id = $1`,
    changing(alert),
  );
}

/** `mid` names the message of a new call; that of a known one stays. */
export async function upsertPages(
  tx: Sql,
  alertId: string,
  pages: readonly (Page & { mid?: string })[],
): Promise<void> {
  if (pages.length === 0) return;
  await tx.query(
    `insert into page (alert_id, run, level, attempt, person, at, status, mid)
     select $1, run, level, attempt, person, at, status, mid
     from unnest($2::int[], $3::int[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::text[])
       as given (run, level, attempt, person, at, status, mid)
     on conflict (alert_id, run, level, attempt, person) do update set status = excluded.status`,
    [
      alertId,
      pages.map((page) => page.run),
      pages.map((page) => page.level),
      pages.map((page) => page.attempt),
      pages.map((page) => page.person),
      pages.map((page) => new Date(page.at)),
      pages.map((page) => page.status),
      pages.map((page) => page.mid ?? null),
    ],
  );
}

export async function insertLog(tx: Sql, alertId: string, entries: readonly LogEntry[]): Promise<void> {
  if (entries.length === 0) return;
  // Lists of different lengths are no array of arrays: `people` travels as JSON.
  await tx.query(
    `insert into alert_log (alert_id, at, kind, actor, level, people, reason)
     select $1, at, kind, actor, level,
       case when people is null then null else array(select jsonb_array_elements_text(people::jsonb)) end, reason
     from unnest($2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[])
       with ordinality as entry (at, kind, actor, level, people, reason, position)
     order by position`,
    [
      alertId,
      entries.map((entry) => new Date(entry.at)),
      entries.map((entry) => entry.kind),
      entries.map((entry) => entry.actor ?? null),
      entries.map((entry) => entry.level ?? null),
      entries.map((entry) => (entry.people === undefined ? null : JSON.stringify(entry.people))),
      entries.map((entry) => entry.reason ?? null),
    ],
  );
}

/** The timeline of an alert, with how far its pages came; at most the newest 500 entries of each. */
export async function listLog(sql: Sql, alertId: string): Promise<LogEntry[]> {
  const { rows } = await sql.query<{
    at: Date;
    kind: string;
    actor: string | null;
    level: number | null;
    people: string[] | null;
    reason: string | null;
  }>(
    `(select at, kind, actor, level, people, reason from
       (select * from alert_log where alert_id = $1 order by id desc limit 500) newest order by id)
     union all
     (select receipt.at, receipt.level, page.person, page.level, null, null
      from page join page_receipt receipt using (mid)
      where page.alert_id = $1 order by receipt.at desc, page.person, receipt.level limit 500)`,
    [alertId],
  );
  // What happened at the same time stays in the order of the log.
  const inOrder = rows.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  return inOrder.map((row) => ({
    at: row.at.getTime(),
    kind: row.kind,
    ...(row.actor === null ? {} : { actor: row.actor }),
    ...(row.level === null ? {} : { level: row.level }),
    ...(row.people === null ? {} : { people: row.people }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  }));
}

export type AlertFilter = {
  hospital: string;
  /** Only of these wards and patients (or'ed); undefined for everything. */
  visible: { wards: readonly string[]; patients: readonly string[]; person: string } | undefined;
  wardId: string | undefined;
  patientId: string | undefined;
  state: string | undefined;
  before: { openedAt: number; alertId: string } | undefined;
  limit: number;
};

export async function listAlerts(sql: Sql, filter: AlertFilter): Promise<AlertState[]> {
  const { visible } = filter;
  const { rows } = await sql.query<AlertRow>(
    `${selectAlert}
     where hospital = $1
       and ($2::text is null or ward_id = $2)
       and ($3::text is null or patient_id = $3)
       and ($4::text is null or state = $4)
       and ($5::timestamptz is null or (opened_at, alert_id) < ($5, $6))
       and ($7::boolean or ward_id = any($8::text[]) or patient_id = any($9::text[])
         or exists (select from page where page.alert_id = alert.alert_id and page.person = $10))
     order by opened_at desc, alert_id desc limit $11`,
    [
      filter.hospital,
      filter.wardId ?? null,
      filter.patientId ?? null,
      filter.state ?? null,
      filter.before === undefined ? null : new Date(filter.before.openedAt),
      filter.before?.alertId ?? null,
      visible === undefined,
      visible?.wards ?? [],
      visible?.patients ?? [],
      visible?.person ?? '',
      filter.limit,
    ],
  );
  return rows.map(toAlert);
}

/** Whether the person was ever called to the alert, in whatever run. */
export async function wasPaged(sql: Sql, alertId: string, person: string): Promise<boolean> {
  const { rows } = await sql.query('select from page where alert_id = $1 and person = $2 limit 1', [alertId, person]);
  return rows.length > 0;
}

export async function findPolicy(sql: Sql, hospital: string, policyId: string): Promise<Policy | undefined> {
  const { rows } = await sql.query<{ body: Policy }>('select body from policy where hospital = $1 and policy_id = $2', [
    hospital,
    policyId,
  ]);
  return rows[0]?.body;
}

export async function upsertPolicy(tx: Sql, hospital: string, policyId: string, policy: Policy): Promise<void> {
  await tx.query(
    `insert into policy (hospital, policy_id, body, version) values ($1, $2, $3, 1)
     on conflict (hospital, policy_id) do update set body = excluded.body, version = policy.version + 1`,
    [hospital, policyId, JSON.stringify(policy)],
  );
}

/** Remembers the newest version of a condition. @returns false for one that is older than what was seen */
export async function isNewerCondition(
  tx: Sql,
  hospital: string,
  episodeKey: string,
  version: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into condition_seen (hospital, episode_key, version) values ($1, $2, $3)
     on conflict (hospital, episode_key) do update set version = excluded.version
     where condition_seen.version < excluded.version`,
    [hospital, episodeKey, version],
  );
  return rowCount === 1;
}

/** Whom `policy` may call now for one patient and ward: from the projection of the directory. */
export async function loadStaffing(
  sql: Sql,
  at: { hospital: string; patientId: string | null; wardId: string | null; policy: Policy; now: number },
): Promise<Staffing> {
  const { people, roles } = beyondTheWard(at.policy);
  const { rows } = await sql.query<{
    person: string;
    role: Role;
    ward: string | null;
    on_shift: boolean;
    bed: boolean;
  }>(
    `select shift.person_id as person, shift.role, shift.ward_id as ward, true as on_shift,
       coalesce(shift.person_id = any(team.bed_nurses), false) as bed
     from directory_shift shift
     left join directory_care_team team on team.hospital = $1 and team.patient_id = $2
     where shift.hospital = $1 and shift.starts_at <= $3 and (shift.ends_at is null or shift.ends_at > $3)
       and (shift.ward_id = $4 or shift.person_id = any(team.bed_nurses) or shift.person_id = any($5::text[])
         or shift.role = any($6::text[]))
     union all
     select person_id, role, null, false, false from directory_person, unnest(roles) as role
     where hospital = $1 and roles && $6::text[] and role = any($6::text[])
     order by person`,
    [at.hospital, at.patientId, new Date(at.now), at.wardId, people, roles],
  );
  const byRole = (keep: (row: (typeof rows)[number]) => boolean): Partial<Record<Role, string[]>> => {
    const result: Partial<Record<Role, string[]>> = {};
    for (const row of rows.filter(keep)) (result[row.role] ??= []).push(row.person);
    return result;
  };
  return {
    bedNurses: [...new Set(rows.filter((row) => row.bed).map((row) => row.person))],
    ward: byRole((row) => row.on_shift && row.ward === at.wardId && row.ward !== null),
    hospital: byRole((row) => row.on_shift),
    onShift: new Set(rows.filter((row) => row.on_shift).map((row) => row.person)),
    anybody: byRole((row) => !row.on_shift),
  };
}
