/** Calls of many people, as everybody of the hospital may know of them: nothing here names a patient. */
import type { Emergency } from '@carillon/contracts/call-outs';
import type { Sql } from '@carillon/database/database';
import type { AlertState } from './domain/alert.ts';

/** `endedAt` is null while it is not over. */
export type EmergencyRow = Omit<Emergency, 'declaredAt'> &
  Pick<AlertState, 'hospital' | 'outcome'> & {
    declaredAt: Date;
    endedAt: Date | null;
    endedBy: string | null;
  };

const selectEmergency = `
  select alert.alert_id as "alertId", alert.hospital, alert.kind, alert.ward_id as "wardId", ward.name as "wardName",
    admission.bed_id as "bedId", coalesce(called.name, target.group_id, target.role, '') as called,
    opened.actor as "declaredBy", alert.opened_at as "declaredAt", alert.version,
    alert.resolved_at as "endedAt", ended.actor as "endedBy", alert.outcome
  from alert
    cross join lateral (select target ->> 'group' as group_id, target ->> 'role' as role
      from (select alert.policy #> '{levels,0,targets,0}' as target) first) target
    cross join lateral (select actor from alert_log
      where alert_log.alert_id = alert.alert_id and alert_log.kind = 'opened' order by id limit 1) opened
    left join lateral (select actor from alert_log
      where alert_log.alert_id = alert.alert_id and alert_log.kind = 'resolved' order by id desc limit 1) ended on true
    left join paging_group called on called.hospital = alert.hospital and called.group_id = target.group_id
    left join directory_ward ward on ward.hospital = alert.hospital and ward.ward_id = alert.ward_id
    left join directory_admission admission on admission.hospital = alert.hospital
      and admission.patient_id = alert.patient_id and admission.ward_id = alert.ward_id
  where alert.policy_version = 0 and alert.policy_id like 'call-out-%'`;

/** Those of the hospital that are not over, newest first. */
export async function listEmergencies(sql: Sql, hospital: string, limit: number): Promise<EmergencyRow[]> {
  const { rows } = await sql.query<EmergencyRow>(
    `${selectEmergency} and alert.state <> 'resolved' and alert.hospital = $1
     order by alert.opened_at desc, alert.alert_id limit $2`,
    [hospital, limit],
  );
  return rows;
}

/** Also those that are over. */
export async function findEmergencies(sql: Sql, alertIds: readonly string[]): Promise<EmergencyRow[]> {
  const { rows } = await sql.query<EmergencyRow>(
    `${selectEmergency} and alert.alert_id = any($1::text[]) order by alert.alert_id`,
    [alertIds],
  );
  return rows;
}

/** The calls of one person are counted one after another. */
export async function lockCaller(tx: Sql, hospital: string, person: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('call-out ' || $1 || ' ' || $2, 0))`, [
    hospital,
    person,
  ]);
}
