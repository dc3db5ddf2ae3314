import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Sql } from '@carillon/database/database';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { defaultPolicy } from '../src/domain/levels.ts';
import { readDayPlan } from '../src/domain/shifts.ts';
import { createResponse } from '../src/handlers/response.ts';
import { deleteOldAlerts } from '../src/store-sweeps.ts';
import { migrateService, openEngine } from './database.ts';

let infrastructure: Infrastructure;
let sql: Sql & { close(): Promise<void> };
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrateService(infrastructure.postgres.url);
  sql = openEngine(infrastructure.postgres.url);
}, 60_000);
afterAll(async () => {
  await sql.close();
  await infrastructure.stop();
});

const day = Date.UTC(2026, 10, 20);
const at = (hour: number, seconds = 0): Date => new Date(day + hour * 3_600_000 + seconds * 1_000);

type Told = {
  ward: string | null;
  priority?: 'high' | 'low';
  /** Of the day, UTC. */
  hour: number;
  /** Seconds after it was opened. */
  displayed?: number;
  acknowledged?: number;
  secondLevel?: number;
  outcome?: 'actionable' | 'notActionable';
};
let alerts = 0;

/** An alert as its record is left behind: measured 2 s before it was opened, active half a second before, paged 1 s after. */
async function keep({ ward, priority = 'high', hour, outcome, ...after }: Told, hospital = 'h1'): Promise<void> {
  const id = `a${++alerts}`;
  await sql.query(
    `insert into alert (alert_id, hospital, ward_id, kind, priority, message, episode_key, source, state, condition, policy,
       run, base_at, level, attempt, opened_at, measured_at, active_at, resolved_at, outcome, version)
     values ($1, $2, $3, 'fall', $4, 'Fall', $1, 'condition', 'resolved', 'cleared', $5, 1, $6, 1, 1, $6, $7,
       $6::timestamptz - interval '0.5 s', $8, $9, 1)`,
    [
      id,
      hospital,
      ward,
      priority,
      JSON.stringify(defaultPolicy),
      at(hour),
      at(hour, -2),
      at(hour, 600),
      outcome ?? null,
    ],
  );
  const page = (level: number, seconds: number) =>
    sql.query(
      `insert into page (alert_id, run, level, attempt, person, at, status, mid)
       values ($1, 1, $2, 1, 'n1', $3, 'withdrawn', $4)`,
      [id, level, at(hour, seconds), `${id}-${level}`],
    );
  await page(1, 1);
  if (after.secondLevel !== undefined) await page(2, after.secondLevel);
  if (after.displayed !== undefined)
    await sql.query(`insert into page_receipt (mid, level, at) values ($1, 'displayed', $2)`, [
      `${id}-1`,
      at(hour, after.displayed),
    ]);
  if (after.acknowledged !== undefined)
    await sql.query(`insert into alert_log (alert_id, at, kind, actor) values ($1, $2, 'acknowledged', 'n1')`, [
      id,
      at(hour, after.acknowledged),
    ]);
}

const ask = (by: 'ward' | 'priority' | 'shift', more: { wardId?: string; to?: Date } = {}, zone = 'UTC') => {
  const plan = readDayPlan(['day=07:00', 'late=15:00', 'night=23:00'], zone);
  if ('problem' in plan) throw new Error(plan.problem);
  const work = { sql, now: at(24).getTime(), actor: { person: 'o1', hospital: 'h1', roles: ['operator' as const] } };
  const { to = at(24), ...rest } = more;
  return createResponse(plan)(work, { from: at(0).toISOString(), to: to.toISOString(), by, ...rest });
};

test('figures of no alerts are empty, and none of them is made up', async () => {
  expect(await ask('ward')).toEqual({
    total: { alerts: 0, hops: [], firstLevelShare: null, escalationsPer100: null, notActionableShare: null },
    groups: [],
    pagesPerNurseHour: null,
  });
});

test('each hop has its percentiles, and what was never answered counts in none', async () => {
  for (const acknowledged of [11, 21, 31]) await keep({ ward: 'w1', hour: 8, displayed: 4, acknowledged });
  await keep({ ward: 'w1', hour: 8, secondLevel: 20 });
  await keep({ ward: 'w1', hour: 8, acknowledged: 5 }, 'h2');
  const { total } = await ask('ward');
  expect(total.alerts).toBe(4);
  expect(Object.fromEntries(total.hops.map(({ hop, ...figures }) => [hop, figures]))).toEqual({
    measured_active: { count: 4, p50Ms: 1_500, p95Ms: 1_500, p99Ms: 1_500 },
    active_opened: { count: 4, p50Ms: 500, p95Ms: 500, p99Ms: 500 },
    measured_opened: { count: 4, p50Ms: 2_000, p95Ms: 2_000, p99Ms: 2_000 },
    opened_paged: { count: 4, p50Ms: 1_000, p95Ms: 1_000, p99Ms: 1_000 },
    paged_displayed: { count: 3, p50Ms: 3_000, p95Ms: 3_000, p99Ms: 3_000 },
    opened_accepted: { count: 3, p50Ms: 21_000, p95Ms: 30_000, p99Ms: 30_800 },
    opened_acknowledged: { count: 3, p50Ms: 21_000, p95Ms: 30_000, p99Ms: 30_800 },
    opened_resolved: { count: 4, p50Ms: 600_000, p95Ms: 600_000, p99Ms: 600_000 },
  });
});

test('groups are wards, priorities or shifts by the clock on the wall, and night goes on after midnight', async () => {
  await keep({ ward: 'w2', priority: 'low', hour: 2, acknowledged: 60 });
  await keep({ ward: null, priority: 'low', hour: 16 });
  const countsBy = async (by: 'ward' | 'priority' | 'shift', zone?: string) =>
    Object.fromEntries((await ask(by, {}, zone)).groups.map(({ group, alerts: count }) => [group, count]));
  expect(await countsBy('ward')).toEqual({ w1: 4, w2: 1, null: 1 });
  expect(await countsBy('priority')).toEqual({ high: 4, low: 2 });
  expect(await countsBy('shift')).toEqual({ night: 1, day: 4, late: 1 });
  // 08:00 UTC is 16:00 in Kuala Lumpur.
  expect(await countsBy('shift', 'Asia/Kuala_Lumpur')).toEqual({ day: 1, late: 4, night: 1 });
});

test('who answered at the first level, what was escalated and what was not actionable are told as shares', async () => {
  await keep({ ward: 'w3', hour: 9, acknowledged: 10, outcome: 'notActionable' });
  await keep({ ward: 'w3', hour: 9, secondLevel: 20, acknowledged: 25, outcome: 'actionable' });
  await keep({ ward: 'w3', hour: 9, acknowledged: 15, secondLevel: 40 });
  await sql.query(
    `insert into directory_person (hospital, person_id, name, roles, wards, version) values ('h1', 'n1', 'N', '{nurse}', '{w3}', 1)`,
  );
  await sql.query(
    `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, ends_at, version)
     values ('h1', 's1', 'n1', 'w3', 'nurse', $1, $2, 1)`,
    [at(-4), at(8)],
  );
  const { total, pagesPerNurseHour } = await ask('ward', { wardId: 'w3' });
  expect(total).toMatchObject({ firstLevelShare: 2 / 3, notActionableShare: 1 / 2 });
  expect(total.escalationsPer100).toBeCloseTo(200 / 3);
  // Five pages in the eight hours of the shift that lie in the day.
  expect(pagesPerNurseHour).toBe(5 / 8);
});

test('a time that is upside down or longer than a month is refused', async () => {
  await expect(ask('ward', { to: at(0) })).rejects.toMatchObject({ code: 'bad_input' });
  await expect(ask('ward', { to: at(32 * 24) })).rejects.toMatchObject({ code: 'bad_input' });
});

test('old alerts of one hospital are deleted with all that is kept of them, and of another none', async () => {
  const count = async (table: string): Promise<number> =>
    (await sql.query<{ count: number }>(`select count(*) as count from ${table}`)).rows[0]?.count ?? 0;
  const tables = ['alert', 'page', 'page_receipt', 'alert_log'];
  const before = await Promise.all(tables.map(count));
  await keep({ ward: 'w1', hour: 1, displayed: 2, acknowledged: 3, secondLevel: 4 }, 'h3');
  await keep({ ward: 'w1', hour: 1, displayed: 2, acknowledged: 3 }, 'h3');
  await keep({ ward: 'w1', hour: 5 }, 'h3');
  const sweep = { hospital: 'h3', before: at(4).getTime(), limit: 10 };
  expect(await deleteOldAlerts(sql, sweep)).toBe(2);
  expect(await deleteOldAlerts(sql, sweep)).toBe(0);
  // What is left is the third of them, with its page.
  expect(await Promise.all(tables.map(count))).toEqual(before.map((each, index) => each + (index < 2 ? 1 : 0)));
});
