/** What may hold alerts back: silences, and other alerts by the rules of inhibition. */
import type { Sql } from '@carillon/database/database';
import type { Priority } from '@carillon/contracts/monitoring';
import type { Inhibiting, InhibitionRule, Silencing } from './domain/silences.ts';

type OfHospital<T> = T & { hospital: string };

/** Those that last now. */
export async function findSilences(
  sql: Sql,
  hospitals: readonly string[],
  now: number,
): Promise<OfHospital<Silencing>[]> {
  const { rows } = await sql.query<{
    hospital: string;
    silenceId: string;
    wardId: string | null;
    patientId: string | null;
    kinds: string[] | null;
    priorities: Priority[];
    from: Date;
    until: Date;
  }>(
    `select hospital, silence_id as "silenceId", ward_id as "wardId", patient_id as "patientId", kinds, priorities,
       starts_at as "from", ends_at as "until"
     from silence where hospital = any($1::text[]) and starts_at <= $2 and ends_at > $2 and ended_at is null`,
    [hospitals, new Date(now)],
  );
  return rows.map((row) => ({ ...row, from: row.from.getTime(), until: row.until.getTime() }));
}

export async function findRules(sql: Sql, hospitals: readonly string[]): Promise<OfHospital<InhibitionRule>[]> {
  const { rows } = await sql.query<{ hospital: string; body: InhibitionRule }>(
    'select hospital, body from inhibition_rule where hospital = any($1::text[])',
    [hospitals],
  );
  return rows.map(({ hospital, body }) => ({ hospital, ...body }));
}

/** An alert that may hold others back: on or answered, its condition active, and not held itself. */
const isSource = `state <> 'resolved' and condition = 'active' and hold_kind is null`;

export async function findSources(
  sql: Sql,
  {
    hospitals,
    kinds,
    patients,
    wards,
  }: Readonly<Record<'hospitals' | 'kinds' | 'patients' | 'wards', readonly string[]>>,
): Promise<OfHospital<Inhibiting>[]> {
  const { rows } = await sql.query<OfHospital<Inhibiting>>(
    `select hospital, alert_id as "alertId", patient_id as "patientId", ward_id as "wardId", kind, priority from alert
     where hospital = any($1::text[]) and ${isSource} and kind = any($2::text[])
       and (patient_id = any($3::text[]) or ward_id = any($4::text[]))
     order by alert_id`,
    [hospitals, kinds, patients, wards],
  );
  return rows;
}

/**
 * Of these silences and alerts, those that still hold others back and go on to until this transaction ends: whoever ends
 * one waits for it, and then wakes what it held. One that somebody holds at this moment is left out, not waited for.
 */
export async function keepHolding(
  tx: Sql,
  { silences, alerts }: Readonly<Record<'silences' | 'alerts', readonly string[]>>,
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  if (silences.length > 0) {
    const { rows } = await tx.query<{ id: string }>(
      `select silence_id as id from silence
       where silence_id = any($1::text[]) and ended_at is null order by id for share skip locked`,
      [silences],
    );
    for (const { id } of rows) kept.add(id);
  }
  if (alerts.length > 0) {
    const { rows } = await tx.query<{ id: string }>(
      `select alert_id as id from alert where alert_id = any($1::text[]) and ${isSource} order by id for share skip locked`,
      [alerts],
    );
    for (const { id } of rows) kept.add(id);
  }
  return kept;
}

/**
 * What these alerts hold back is looked at now. Waits for one that is locked: whoever has it, as somebody who answers, need
 * not look at what holds it.
 */
export async function wakeHeldBy(tx: Sql, alertIds: readonly string[], now: number): Promise<void> {
  if (alertIds.length === 0) return;
  await tx.query(
    `with held as (select alert_id from alert where hold_by = any($1::text[]) order by alert_id for update)
     update alert set hold_until = $2, due_at = $2 from held where alert.alert_id = held.alert_id and hold_by is not null`,
    [alertIds, new Date(now)],
  );
}
