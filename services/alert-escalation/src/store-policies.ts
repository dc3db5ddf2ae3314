import type { Policy, StoredPolicy } from '@carillon/contracts/escalation-policies';
import type { Sql } from '@carillon/database/database';
import { calledRoles } from './domain/levels.ts';

type PolicyRow = { policyId: string; version: number; body: Policy };
const toStored = ({ policyId, version, body }: PolicyRow): StoredPolicy => ({ policyId, version, ...body });

/** Those by which alerts run that are opened now. */
export async function findPolicies(sql: Sql, hospital: string): Promise<StoredPolicy[]> {
  const { rows } = await sql.query<PolicyRow>(
    `select policy_id as "policyId", version, body from policy
     where hospital = $1 and removed_at is null order by policy_id`,
    [hospital],
  );
  return rows.map(toStored);
}

export async function listPolicies(
  sql: Sql,
  hospital: string,
): Promise<(StoredPolicy & { setBy: string | null; setAt: number | null })[]> {
  const { rows } = await sql.query<PolicyRow & { setBy: string | null; setAt: Date | null }>(
    `select policy_id as "policyId", policy.version, policy.body, set_by as "setBy", set_at as "setAt"
     from policy left join policy_version using (hospital, policy_id, version)
     where hospital = $1 and removed_at is null order by policy_id`,
    [hospital],
  );
  return rows.map((row) => ({ ...toStored(row), setBy: row.setBy, setAt: row.setAt?.getTime() ?? null }));
}

export async function findPolicyVersion(
  sql: Sql,
  hospital: string,
  policyId: string,
  version: number,
): Promise<StoredPolicy | undefined> {
  const { rows } = await sql.query<PolicyRow>(
    `select policy_id as "policyId", version, body from policy_version
     where hospital = $1 and policy_id = $2 and version = $3`,
    [hospital, policyId, version],
  );
  return rows[0] === undefined ? undefined : toStored(rows[0]);
}

/** @returns its version. Plans must be locked. */
export async function upsertPolicy(
  tx: Sql,
  hospital: string,
  policyId: string,
  { body, setBy, now }: { body: Policy; setBy: string; now: number },
): Promise<number> {
  const { rows } = await tx.query<{ version: number }>(
    `with written as (
       insert into policy (hospital, policy_id, body, version) values ($1, $2, $3, 1)
       on conflict (hospital, policy_id) do update set
         body = excluded.body, version = policy.version + 1, removed_at = null
       returning version)
     insert into policy_version (hospital, policy_id, version, body, set_by, set_at)
     select $1, $2, version, $3, $4, $5 from written returning version`,
    [hospital, policyId, JSON.stringify(body), setBy, new Date(now)],
  );
  const version = rows[0]?.version;
  if (version === undefined) throw new Error(`policy ${policyId} was not written`);
  return version;
}

export async function markPolicyRemoved(tx: Sql, hospital: string, policyId: string, now: number): Promise<void> {
  await tx.query('update policy set removed_at = $3 where hospital = $1 and policy_id = $2', [
    hospital,
    policyId,
    new Date(now),
  ]);
}

/** What a policy may name. */
export type Named = { people: readonly string[]; groups: readonly string[]; schedules: readonly string[] };

/** @returns those that there are; of people those who may be called */
export async function findNamed(sql: Sql, hospital: string, { people, groups, schedules }: Named): Promise<Named> {
  const { rows } = await sql.query<Named>(
    `select
       array(select person_id from directory_person
         where hospital = $1 and person_id = any($2::text[]) and roles && $5::text[]) as people,
       array(select group_id from paging_group where hospital = $1 and group_id = any($3::text[])) as groups,
       array(select schedule_id from schedule where hospital = $1 and schedule_id = any($4::text[])) as schedules`,
    [hospital, people, groups, schedules, calledRoles],
  );
  return rows[0] ?? { people: [], groups: [], schedules: [] };
}
