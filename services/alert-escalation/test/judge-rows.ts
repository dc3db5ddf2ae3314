/** What an engine leaves: the rows of its tables, and the messages that it sends. */
import type { AlertSummary } from '@carillon/contracts/alert-escalation';
import type { Policy } from '@carillon/contracts/escalation-policies';
import type { Priority } from '@carillon/contracts/monitoring';
import type { Sql } from '@carillon/database/database';

export type AlertRow = {
  alert_id: string;
  patient_id: string;
  ward_id: string;
  kind: string;
  priority: Priority;
  episode_key: string;
  state: string;
  condition: string;
  policy: Policy;
  run: number;
  base_at: Date;
  level: number;
  accepted: string[];
  hold_kind: string | null;
  due_at: Date | null;
};
export type LogRow = {
  id: number;
  alert_id: string;
  at: Date;
  kind: string;
  actor: string | null;
  level: number | null;
  people: string[] | null;
  reason: string | null;
  until: Date | null;
};
/** `delivered_at`: when the receipt of its message came. */
export type PageRow = {
  alert_id: string;
  run: number;
  level: number;
  attempt: number;
  person: string;
  at: Date;
  delivered_at: Date | null;
};
export type SilenceRow = {
  silence_id: string;
  ward_id: string | null;
  patient_id: string | null;
  kinds: string[] | null;
  priorities: Priority[];
  starts_at: Date;
  /** Its own end, or when somebody ended it. */
  ended_at: Date;
};
type PolicyRow = { policy_id: string; version: number; set_at: Date; body: Policy };
type Message = { name: string; person: string; data: AlertSummary & { level: number; alert?: AlertSummary } };

/** In the order in which it happened. */
export async function readRows(sql: Sql) {
  const [alerts, log, pages, outbox, silences, policies, admissions] = await Promise.all([
    sql.query<AlertRow>('select * from alert order by opened_at, alert_id'),
    sql.query<LogRow>('select * from alert_log order by id'),
    sql.query<PageRow>(
      `select page.*, receipt.at as delivered_at from page
       left join page_receipt receipt on receipt.mid = page.mid and receipt.level = 'delivered'`,
    ),
    sql.query<{ headers: Record<string, string>; subject: string; body: string }>(
      `select subject, headers, body from outbox where headers::jsonb ? 'Carillon-Event' order by id`,
    ),
    sql.query<SilenceRow>(
      `select silence_id, ward_id, patient_id, kinds, priorities, starts_at, least(ends_at, ended_at) as ended_at
       from silence`,
    ),
    sql.query<PolicyRow>('select * from policy_version order by version'),
    sql.query<{ patient_id: string; ward_id: string | null }>('select * from directory_admission'),
  ]);
  const messages = outbox.rows.map(({ headers, subject, body }): Message => {
    const data = JSON.parse(body) as Message['data'];
    return { name: headers['Carillon-Event'] ?? '', person: subject.split('.')[2] ?? '', data };
  });
  return {
    alerts: alerts.rows,
    log: log.rows,
    pages: pages.rows,
    messages,
    silences: silences.rows,
    policies: policies.rows,
    wards: new Map(admissions.rows.map((row) => [row.patient_id, row.ward_id])),
  };
}
export type Rows = Awaited<ReturnType<typeof readRows>>;

export const ofAlert = <T extends { alert_id: string }>(rows: readonly T[], alertId: string): T[] =>
  rows.filter((row) => row.alert_id === alertId);

/** What rooms were told of an alert, oldest first. */
export const toldOf = ({ messages }: Rows, alertId: string): AlertSummary[] =>
  messages.flatMap(({ data }) => (data.alertId === alertId && 'policyId' in data ? [data] : []));
