import type { ReceiptLevel } from '@carillon/contracts/receipts';
import type { Sql } from '@carillon/database/database';
import type { AlertState, Hold, Page } from './domain/alert.ts';
import type { Receipts } from './domain/receipts.ts';

const times = [
  'baseAt',
  'levelStartedAt',
  'ackUntil',
  'deliverBy',
  'handOverAt',
  'dueAt',
  'openedAt',
  'resolvedAt',
  'touchedAt',
  'measuredAt',
  'activeAt',
] as const;
type Times = (typeof times)[number];
type AlertRow = Omit<AlertState, 'pages' | 'hold' | Times> & {
  [time in Times]: Date | null;
} & {
  baseAt: Date;
  openedAt: Date;
  holdKind: Hold['kind'] | null;
  holdBy: string | null;
  holdUntil: Date | null;
  pages:
    (Omit<Page, 'at' | 'receipts'> & { at: string; receipts: Partial<Record<ReceiptLevel, string>> | null })[] | null;
};

/** With the newest call of each level and person in the current run, and how far its message came. */
const selectAlert = `
  select alert_id as "alertId", hospital, patient_id as "patientId", ward_id as "wardId", kind, priority, message,
    source, state, condition, policy, policy_id as "policyId", policy_version as "policyVersion", run,
    base_at as "baseAt", level, attempt, level_started_at as "levelStartedAt", accepted, arrived, ack_by as "ackBy",
    ack_until as "ackUntil", snoozes, deliver_by as "deliverBy", hand_over_at as "handOverAt",
    hold_kind as "holdKind", hold_by as "holdBy", hold_until as "holdUntil", due_at as "dueAt",
    opened_at as "openedAt", resolved_at as "resolvedAt", touched_at as "touchedAt", measured_at as "measuredAt",
    active_at as "activeAt", outcome, version,
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

const toAlert = ({ holdKind, holdBy, holdUntil, ...row }: AlertRow): AlertState => ({
  ...row,
  baseAt: row.baseAt.getTime(),
  levelStartedAt: ms(row.levelStartedAt),
  ackUntil: ms(row.ackUntil),
  deliverBy: ms(row.deliverBy),
  handOverAt: ms(row.handOverAt),
  hold:
    holdKind === null || holdBy === null || holdUntil === null
      ? null
      : { kind: holdKind, by: holdBy, until: holdUntil.getTime() },
  dueAt: ms(row.dueAt),
  openedAt: row.openedAt.getTime(),
  resolvedAt: ms(row.resolvedAt),
  // Of an alert from before it was kept: no decision about it is that old.
  touchedAt: ms(row.touchedAt) ?? row.openedAt.getTime(),
  measuredAt: ms(row.measuredAt),
  activeAt: ms(row.activeAt),
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

/** All that are not resolved. */
export async function lockAlertsOfPatient(tx: Sql, hospital: string, patientId: string): Promise<AlertState[]> {
  const { rows } = await tx.query<{ alert_id: string }>(
    `select alert_id from alert where hospital = $1 and patient_id = $2 and state <> 'resolved'
     order by alert_id for update`,
    [hospital, patientId],
  );
  return readLocked(tx, rows);
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

/** The alerts whose priority has a lane; each lane has a loop of its own. */
export type DueLane = 'critical' | 'normal';

/** What is due, most overdue first; rows that another engine holds are passed over. */
export async function claimDueAlerts(
  tx: Sql,
  { now, lane, limit, only }: { now: number; lane: DueLane; limit: number; only?: string | undefined },
): Promise<AlertState[]> {
  const { rows } = await tx.query<{ alert_id: string }>(
    `select alert_id from alert
     where lane = $2 and due_at <= $1 and ($4::text is null or alert_id = $4)
     order by due_at, alert_id limit $3 for update skip locked`,
    [new Date(now), lane, limit, only ?? null],
  );
  return readLocked(tx, rows);
}

export async function listDueAlerts(sql: Sql, now: number, lane: DueLane, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ alert_id: string }>(
    'select alert_id from alert where lane = $2 and due_at <= $1 order by due_at, alert_id limit $3',
    [new Date(now), lane, limit],
  );
  return rows.map((row) => row.alert_id);
}

/** Moves a deadline that could not be met, which the watchdog still sees; one that was met meanwhile is left alone. */
export async function postponeAlert(sql: Sql, alertId: string, now: number, until: number): Promise<void> {
  await sql.query(
    `update alert set failing_since = coalesce(failing_since, due_at), due_at = $3
     where alert_id = $1 and due_at <= $2`,
    [alertId, new Date(now), new Date(until)],
  );
}

export async function nextDueTime(sql: Sql, lane: DueLane): Promise<number | undefined> {
  const { rows } = await sql.query<{ due: Date | null }>(
    'select min(due_at) as due from alert where due_at is not null and lane = $1',
    [lane],
  );
  return rows[0]?.due?.getTime();
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What may change of an alert, as a row of `changing`. */
const toRow = (alert: AlertState): Record<string, unknown> => ({
  alert_id: alert.alertId,
  ward_id: alert.wardId,
  priority: alert.priority,
  message: alert.message,
  source: alert.source,
  state: alert.state,
  condition: alert.condition,
  policy: alert.policy,
  policy_id: alert.policyId,
  policy_version: alert.policyVersion,
  run: alert.run,
  base_at: iso(alert.baseAt),
  level: alert.level,
  attempt: alert.attempt,
  level_started_at: iso(alert.levelStartedAt),
  accepted: alert.accepted,
  arrived: alert.arrived,
  ack_by: alert.ackBy,
  ack_until: iso(alert.ackUntil),
  snoozes: alert.snoozes,
  deliver_by: iso(alert.deliverBy),
  hand_over_at: iso(alert.handOverAt),
  hold_kind: alert.hold?.kind ?? null,
  hold_by: alert.hold?.by ?? null,
  hold_until: iso(alert.hold?.until ?? null),
  due_at: iso(alert.dueAt),
  resolved_at: iso(alert.resolvedAt),
  touched_at: iso(alert.touchedAt),
  outcome: alert.outcome,
  version: alert.version,
});
/** The fields of `toRow` with their types: one list for inserting and updating. */
const changing = `alert_id text, ward_id text, priority text, message text, source text, state text, condition text,
  policy jsonb, policy_id text, policy_version bigint, run int, base_at timestamptz, level int, attempt int,
  level_started_at timestamptz, accepted text[], arrived text[], ack_by text, ack_until timestamptz, snoozes int,
  deliver_by timestamptz, hand_over_at timestamptz, hold_kind text, hold_by text, hold_until timestamptz,
  due_at timestamptz, resolved_at timestamptz, touched_at timestamptz, outcome text, version bigint`;
const columns = changing.replaceAll(/ [a-z]+(\[\])?(,|$)/g, '$2');

/** @returns false when the episode has an open alert already */
export async function insertAlert(tx: Sql, alert: AlertState, episodeKey: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into alert (${columns}, hospital, patient_id, kind, opened_at, measured_at, active_at, episode_key)
     select ${columns}, $2, $3, $4, $5, $6, $7, $8 from jsonb_to_record($1::jsonb) as given (${changing})
     on conflict (hospital, episode_key) where state <> 'resolved' do nothing`,
    [
      JSON.stringify(toRow(alert)),
      alert.hospital,
      alert.patientId,
      alert.kind,
      iso(alert.openedAt),
      iso(alert.measuredAt),
      iso(alert.activeAt),
      episodeKey,
    ],
  );
  return rowCount === 1;
}

export async function updateAlerts(tx: Sql, alerts: readonly AlertState[]): Promise<void> {
  if (alerts.length === 0) return;
  await tx.query(
    `update alert set failing_since = null, (${columns}) = (select ${columns
      .split(/,\s*/)
      .map((column) => `given.${column}`)
      .join(', ')})
     from jsonb_to_recordset($1::jsonb) as given (${changing}) where alert.alert_id = given.alert_id`,
    [JSON.stringify(alerts.map(toRow))],
  );
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

/** How many calls of many people a person has made since. */
export async function countCallOuts(tx: Sql, hospital: string, person: string, since: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(*) as count from alert
     where hospital = $1 and opened_at > $3 and policy_id like 'call-out-%' and policy_version = 0
       and exists (select from alert_log where alert_log.alert_id = alert.alert_id and kind = 'opened' and actor = $2)`,
    [hospital, person, new Date(since)],
  );
  return rows[0]?.count ?? 0;
}

/** Remembers the newest version of a condition. @returns false for one that is older than what was seen */
export async function isNewerCondition(
  tx: Sql,
  hospital: string,
  episodeKey: string,
  version: number,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into condition_seen (hospital, episode_key, version, seen_on) values ($1, $2, $3, current_date)
     on conflict (hospital, episode_key) do update set version = excluded.version, seen_on = excluded.seen_on
     where condition_seen.version < excluded.version`,
    [hospital, episodeKey, version],
  );
  return rowCount === 1;
}

const admissionKey = `hashtextextended('admission ' || $1 || ' ' || $2, 0)`;

/**
 * The ward where the patient lies, and until the end of the transaction stays: whoever moves him waits for it, and then
 * finds the alert that was opened here.
 */
export async function findWardToStay(tx: Sql, hospital: string, patientId: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ ward_id: string | null }>(
    'select ward_id from directory_admission where hospital = $1 and patient_id = $2 for share',
    [hospital, patientId],
  );
  if (rows[0] !== undefined) return rows[0].ward_id ?? undefined;
  // Of one who is not admitted yet there is no row to lock. Whoever admits him waits for this lock, or has admitted him.
  await tx.query(`select pg_advisory_xact_lock_shared(${admissionKey})`, [hospital, patientId]);
  const again = await tx.query<{ ward_id: string | null }>(
    // Not for share: who moves him next has the row already, and waits for the lock above.
    'select ward_id from directory_admission where hospital = $1 and patient_id = $2',
    [hospital, patientId],
  );
  return again.rows[0]?.ward_id ?? undefined;
}

/** Waits for who has found no admission of the patient, and then finds the alert that he has opened. After the row itself. */
export async function lockAdmission(tx: Sql, hospital: string, patientId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(${admissionKey})`, [hospital, patientId]);
}
