import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { canary } from '@carillon/contracts/canary';
import type { Database } from '@carillon/database/database';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { defaultPolicy } from '../src/domain/levels.ts';
import { findAlert } from '../src/store.ts';
import { sweepAll } from '../src/sweeps.ts';
import { migrateService, openEngine } from './database.ts';

let infrastructure: Infrastructure;
let database: Database;
beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrateService(infrastructure.postgres.url);
  database = openEngine(infrastructure.postgres.url);
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const now = Date.UTC(2026, 10, 21);
const daysAgo = (days: number): Date => new Date(now - days * 86_400_000);
const metrics = createMetrics('test');
const log = createLogger('test', { level: 'silent', file: '' });
const sweep = (on: Pick<Database, 'query'> = database) =>
  sweepAll(
    { database: { ...database, ...on }, now: () => now, isStopping: () => false, log, metrics },
    { CARILLON_PAGES_KEEP_DAYS: 62, CARILLON_PLANS_KEEP_DAYS: 400 },
  );
const idsOf = async (query: string): Promise<unknown[]> =>
  (await database.query<{ id: unknown }>(`select ${query} order by 1`)).rows.map(({ id }) => id);

async function keepAlert(alertId: string, state: 'open' | 'resolved', hospital = 'h1', opened = daysAgo(90)) {
  const isOpen = state === 'open';
  await database.query(
    `insert into alert (alert_id, hospital, kind, priority, message, episode_key, source, state, condition, policy, run,
       base_at, level, attempt, opened_at, due_at, version)
     values ($1, $2, 'fall', 'low', 'Fall', $1, 'condition', $3, $4, $5, 1, $6, 1, 5, $6, $7, 1)`,
    [
      alertId,
      hospital,
      state,
      isOpen ? 'active' : 'cleared',
      JSON.stringify(defaultPolicy),
      opened,
      isOpen ? new Date(now + 60_000) : null,
    ],
  );
  await database.query(`insert into alert_log (alert_id, at, kind) values ($1, $2, 'opened')`, [alertId, opened]);
}

const keepPage = (alertId: string, attempt: number, days: number, { person = 'n1', status = 'paged' } = {}) =>
  database.query(
    `with kept as (
       insert into page (alert_id, run, level, attempt, person, at, status, mid)
       values ($1, 1, 1, $2, $3, $4, $5, $6) returning mid, at)
     insert into page_receipt (mid, level, at) select mid, 'delivered', at from kept`,
    [alertId, attempt, person, daysAgo(days), status, `${alertId}-${attempt}-${person}`],
  );

test('repeated calls go after a while, but the first, the newest and what was answered; no alert of a patient does', async () => {
  await keepAlert('a1', 'open');
  await keepAlert('a2', 'resolved');
  for (const attempt of [1, 2, 3, 5]) await keepPage('a1', attempt, 90 - attempt);
  await keepPage('a1', 4, 86, { status: 'declined' });
  await keepPage('a1', 3, 87, { person: 'n2' });
  // Who came on shift meanwhile was called by no first attempt.
  for (const attempt of [3, 4, 5]) await keepPage('a1', attempt, 90 - attempt, { person: 'n3' });
  for (const [attempt, days] of [
    [1, 64],
    [2, 63],
    [3, 61],
    [4, 60],
  ] as const)
    await keepPage('a2', attempt, days, { status: 'withdrawn' });
  const before = await findAlert(database, 'h1', 'a1');
  await sweep();
  const ofOne = ['a1-1-n1', 'a1-3-n2', 'a1-3-n3', 'a1-4-n1', 'a1-5-n1', 'a1-5-n3'];
  const left = [...ofOne, 'a2-1-n1', 'a2-3-n1', 'a2-4-n1'];
  expect(await idsOf('mid as id from page')).toEqual(left);
  expect(await idsOf('mid as id from page_receipt')).toEqual(left);
  expect(await findAlert(database, 'h1', 'a1')).toEqual(before);
  expect(await idsOf(`alert_id as id from alert where hospital = 'h1'`)).toEqual(['a1', 'a2']);
  expect(await idsOf('count(*) as id from alert_log')).toEqual([2]);
});

test('alerts of the canary go after a day, unless they are open, however many there are', async () => {
  for (let index = 0; index < 250; index++) await keepAlert(`old-${index}`, 'resolved', canary.hospital, daysAgo(1.1));
  await keepAlert('open', 'open', canary.hospital);
  await keepAlert('young', 'resolved', canary.hospital, daysAgo(0.9));
  await sweep();
  expect(await idsOf(`alert_id as id from alert where hospital = '${canary.hospital}'`)).toEqual(['open', 'young']);
});

test('what was seen of a condition is forgotten when no event of it can come again, and no alert of it is open', async () => {
  await database.query(
    `insert into condition_seen (hospital, episode_key, version, seen_on)
     values ('h1', 'a1', 4, $1), ('h1', 'a2', 4, $1), ('h2', 'a1', 4, $1), ('h1', 'young', 4, $2)`,
    [daysAgo(42), daysAgo(38)],
  );
  await sweep();
  expect(await idsOf(`hospital || ' ' || episode_key as id from condition_seen`)).toEqual(['h1 a1', 'h1 young']);
});

test('silences and overrides go long after their end', async () => {
  await database.query(`insert into schedule (hospital, schedule_id, body, version) values ('h1', 'duty', '{}', 1)`);
  for (const days of [401, 399]) {
    await database.query(
      `insert into silence (silence_id, hospital, ward_id, priorities, reason, starts_at, ends_at, set_by)
       values ($1, 'h1', 'w1', '{low}', 'cleaning', $2, $2, 'n1')`,
      [`s-${days}`, daysAgo(days)],
    );
    await database.query(
      `insert into schedule_override (hospital, override_id, schedule_id, person, starts_at, ends_at, set_by)
       values ('h1', $1, 'duty', 'n1', $2, $2, 'o1')`,
      [`o-${days}`, daysAgo(days)],
    );
  }
  await sweep();
  expect(await idsOf('silence_id as id from silence')).toEqual(['s-399']);
  expect(await idsOf('override_id as id from schedule_override')).toEqual(['o-399']);
});

test('what cannot be deleted is counted, as a defect where it is none of the database, and holds up nothing else', async () => {
  const counted = async (outcome: string): Promise<number | undefined> =>
    (await metrics.handled.get()).values.find(({ labels }) => labels.outcome === outcome)?.value;
  const done = (await counted('ok')) ?? 0;
  await database.query(`update silence set ends_at = $1`, [daysAgo(401)]);
  const isOfPages = (text: string): boolean => text.includes('delete from page using old\n');
  await sweep({
    query: (text, values) =>
      isOfPages(text)
        ? Promise.reject(Object.assign(new Error('canceled'), { code: '57014' }))
        : database.query(text, values),
  });
  expect(await idsOf('silence_id as id from silence')).toEqual([]);
  await sweep({
    query: (text, values) => database.query(isOfPages(text) ? 'delete from no_such_table' : text, values),
  });
  expect([await counted('ok'), await counted('later'), await counted('poison')]).toEqual([done + 8, 1, 1]);
});
