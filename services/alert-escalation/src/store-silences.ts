import type { Priority } from '@carillon/contracts/monitoring';
import type { Inhibition } from '@carillon/contracts/silences';
import type { Sql } from '@carillon/database/database';
import type { Silencing } from './domain/silences.ts';

export type KnownSilence = Silencing & {
  reason: string;
  setBy: string;
  /** When somebody ended it before its time. */
  endedAt: number | null;
};
type SilenceRow = {
  silenceId: string;
  wardId: string | null;
  patientId: string | null;
  kinds: string[] | null;
  priorities: Priority[];
  reason: string;
  from: Date;
  until: Date;
  endedAt: Date | null;
  setBy: string;
};
const selectSilence = `select silence_id as "silenceId", ward_id as "wardId", patient_id as "patientId", kinds, priorities,
  reason, starts_at as "from", ends_at as "until", ended_at as "endedAt", set_by as "setBy" from silence`;
const toSilence = ({ from, until, endedAt, ...row }: SilenceRow): KnownSilence => ({
  ...row,
  from: from.getTime(),
  until: until.getTime(),
  endedAt: endedAt?.getTime() ?? null,
});

export async function insertSilence(tx: Sql, hospital: string, silence: KnownSilence): Promise<void> {
  await tx.query(
    `insert into silence (silence_id, hospital, ward_id, patient_id, kinds, priorities, reason, starts_at, ends_at, set_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      silence.silenceId,
      hospital,
      silence.wardId,
      silence.patientId,
      silence.kinds,
      silence.priorities,
      silence.reason,
      new Date(silence.from),
      new Date(silence.until),
      silence.setBy,
    ],
  );
}

/** Locked: who is about to hold an alert by it waits until it has ended, or is waited for. */
export async function lockSilence(tx: Sql, hospital: string, silenceId: string): Promise<KnownSilence | undefined> {
  const { rows } = await tx.query<SilenceRow>(
    `${selectSilence} where hospital = $1 and silence_id = $2 for no key update`,
    [hospital, silenceId],
  );
  return rows[0] === undefined ? undefined : toSilence(rows[0]);
}

export async function markSilenceEnded(tx: Sql, silenceId: string, now: number): Promise<void> {
  await tx.query('update silence set ended_at = $2 where silence_id = $1 and ended_at is null', [
    silenceId,
    new Date(now),
  ]);
}

/** What a silence or an alert holds back is looked at now: the due loop releases it, or finds what else holds it. */
export async function wakeHeld(tx: Sql, by: string, now: number): Promise<void> {
  await tx.query(
    `with held as (select alert_id from alert where hold_by = $1 and due_at > $2 order by alert_id for update)
     update alert set hold_until = $2, due_at = $2 from held where alert.alert_id = held.alert_id`,
    [by, new Date(now)],
  );
}

export type SilenceFilter = {
  /** Of this ward and its patients. */
  wardId: string | undefined;
  /** Only of these wards and patients, of the wards where these lie, and what the person set (or'ed); undefined for everything. */
  visible: { wards: readonly string[]; patients: readonly string[]; person: string } | undefined;
  now: number;
  since: number;
  limit: number;
};

/** Those that last, then those that ended after `since`; of both the newest first. */
export async function listSilences(
  sql: Sql,
  hospital: string,
  { wardId, visible, now, since, limit }: SilenceFilter,
): Promise<KnownSilence[]> {
  const { rows } = await sql.query<SilenceRow>(
    `${selectSilence}
     where hospital = $1 and ends_at > $2 and (ended_at is null or ended_at > $2)
       and ($3::text is null or ward_id = $3 or exists (
         select from directory_admission lying
         where lying.hospital = $1 and lying.patient_id = silence.patient_id and lying.ward_id = $3))
       and ($6::boolean or ward_id = any($7::text[]) or patient_id = any($8::text[]) or set_by = $9 or exists (
         select from directory_admission lying
         where lying.hospital = $1
           and (lying.patient_id = silence.patient_id and lying.ward_id = any($7)
             or silence.patient_id is null and lying.ward_id = silence.ward_id and lying.patient_id = any($8))))
     order by (ended_at is null and ends_at > $5) desc, starts_at desc, silence_id limit $4`,
    [
      hospital,
      new Date(since),
      wardId ?? null,
      limit,
      new Date(now),
      visible === undefined,
      visible?.wards ?? [],
      visible?.patients ?? [],
      visible?.person ?? '',
    ],
  );
  return rows.map(toSilence);
}

/** Whether high priority of a patient, of one of these kinds, was silenced at some time after `since`. */
export async function wasHighSilenced(
  tx: Sql,
  hospital: string,
  { patientId, kinds, since }: { patientId: string; kinds: readonly string[]; since: number },
): Promise<boolean> {
  const { rows } = await tx.query(
    `select from silence where hospital = $1 and patient_id = $2 and kinds && $3::text[] and 'high' = any(priorities)
       and ends_at > $4 and coalesce(ended_at, ends_at) > $4 limit 1`,
    [hospital, patientId, kinds, new Date(since)],
  );
  return rows.length > 0;
}

/** Those that were not ended, and are not over. */
export async function countLasting(tx: Sql, hospital: string, now: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    'select count(*) as count from silence where hospital = $1 and ends_at > $2 and ended_at is null',
    [hospital, new Date(now)],
  );
  return rows[0]?.count ?? 0;
}

export async function listInhibitions(sql: Sql, hospital: string): Promise<Inhibition[]> {
  const { rows } = await sql.query<{
    ruleId: string;
    version: number;
    body: Omit<Inhibition, 'ruleId' | 'version'>;
  }>(`select rule_id as "ruleId", version, body from inhibition_rule where hospital = $1 order by rule_id`, [hospital]);
  return rows.map(({ body, ...rule }) => ({ ...rule, ...body }));
}

/** @returns its version */
export async function upsertInhibition(
  tx: Sql,
  hospital: string,
  { ruleId, ...body }: Omit<Inhibition, 'version'>,
): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `insert into inhibition_rule (hospital, rule_id, body, version) values ($1, $2, $3, 1)
     on conflict (hospital, rule_id) do update set body = excluded.body, version = inhibition_rule.version + 1
     returning version`,
    [hospital, ruleId, JSON.stringify(body)],
  );
  return rows[0]?.version ?? 1;
}

/** @returns false where there is none */
export async function deleteInhibition(tx: Sql, hospital: string, ruleId: string): Promise<boolean> {
  const { rowCount } = await tx.query('delete from inhibition_rule where hospital = $1 and rule_id = $2', [
    hospital,
    ruleId,
  ]);
  return rowCount === 1;
}
