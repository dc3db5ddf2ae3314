import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import type { Condition } from '@carillon/contracts/monitoring';
import { migrate } from '@carillon/database/migrate';
import { directoryProjectionMigrations } from '@carillon/runtime/directory-projection';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { migrationsBefore } from '@carillon/testkit/migrations-before';
import { openEngine } from './database.ts';
import { deliver, tick } from './engine.ts';
import { actorOf } from './world.ts';

let infrastructure: Infrastructure;
let before: Awaited<ReturnType<typeof migrationsBefore>>;
const folder = fileURLToPath(new URL('../migrations', import.meta.url));

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  before = await migrationsBefore(folder, '0003');
});
afterAll(async () => {
  await infrastructure.stop();
  await before.remove();
});

const start = Date.UTC(2026, 10, 21, 8);
const after = (seconds: number): Date => new Date(start + seconds * 1_000);
/** As an alert keeps it from a release that knew no more of policies. */
const policy = {
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 40, targets: [{ kind: 'wardRole', role: 'doctor' }] },
    { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
};

test('alerts from before quorum, holds and plans go on: no deadline moves, nobody is called twice, answers count', async () => {
  const { url } = infrastructure.postgres;
  await migrate(url, 'alert-escalation', [
    directoryProjectionMigrations,
    { folder: before.folder, table: 'migrations' },
  ]);
  const database = openEngine(url);
  for (const [person, role, ward] of [
    ['n1', 'nurse', 'w1'],
    ['n2', 'nurse', 'w1'],
    ['d1', 'doctor', 'w1'],
    ['o1', 'operator', null],
  ]) {
    await database.query(
      `insert into directory_person (hospital, person_id, name, roles, wards, version)
       values ('h1', $1, $1, array[$2], coalesce(array[$3::text], '{}'), 1)`,
      [person, role, ward],
    );
    await database.query(
      `insert into directory_shift (hospital, shift_id, person_id, ward_id, role, starts_at, version)
       values ('h1', 's-' || $1, $1, $3, $2, $4, 1)`,
      [person, role, ward, after(-3_600)],
    );
  }
  await database.query(
    `insert into directory_person (hospital, person_id, name, roles, wards, version) values ('h1', 'p1', 'p1', '{patient}', '{}', 1)`,
  );
  await database.query(`insert into directory_admission values ('h1', 'p1', 'w1', 'b1', 1)`);
  await database.query(`insert into directory_care_team values ('h1', 'p1', '{n1}', '{}', 1)`);
  const keep = async (alertId: string, kind: string, state: 'open' | 'acknowledged', level: number, due: number) => {
    await database.query(
      `insert into alert (alert_id, hospital, patient_id, ward_id, kind, priority, message, episode_key, source, state,
         condition, policy, run, base_at, level, attempt, level_started_at, ack_by, ack_until, due_at, opened_at, version)
       values ($1, 'h1', 'p1', 'w1', $2, 'high', 'Come', $3, 'condition', $4, 'active', $5, 1, $6, $7, 1, $8, $9, $10,
         $11, $6, 3)`,
      [
        alertId,
        kind,
        `patient p1 ${kind}`,
        state,
        JSON.stringify(policy),
        after(0),
        level,
        after((level - 1) * 20),
        state === 'open' ? null : 'n1',
        state === 'open' ? null : after(due),
        after(due),
      ],
    );
    for (const [person, at] of [
      ['n1', 1],
      ['n1', 2],
      ['n2', 2],
    ] as const)
      await database.query(`insert into page values ($1, 1, $2, 1, $3, $4, $5, $6)`, [
        alertId,
        at,
        person,
        after((at - 1) * 20),
        'paged',
        `${alertId} ${at} ${person}`,
      ]);
    await database.query(`insert into alert_log (alert_id, at, kind) values ($1, $2, 'opened')`, [alertId, after(0)]);
  };
  await keep('a1', 'spo2-below', 'open', 2, 40);
  await keep('a2', 'heartRate-above', 'acknowledged', 1, 300);
  await database.query(`insert into condition_seen values ('h1', 'patient p1 spo2-below', 7)`);
  await migrate(url, 'alert-escalation', [directoryProjectionMigrations, { folder, table: 'migrations' }]);

  const pages = async (alertId: string): Promise<string[]> => {
    const { rows } = await database.query<{ page: string }>(
      `select concat_ws(' ', run, level, attempt, person) as page from page where alert_id = $1 order by at, person`,
      [alertId],
    );
    return rows.map(({ page }) => page);
  };
  const known = ['1 1 1 n1', '1 2 1 n1', '1 2 1 n2'];
  await tick(database, after(39).getTime());
  expect(await pages('a1')).toEqual(known);
  await tick(database, after(45).getTime());
  await tick(database, after(46).getTime());
  expect(await pages('a1')).toEqual([...known, '1 3 1 d1']);
  await tick(database, after(60).getTime());
  expect(await pages('a1')).toEqual([...known, '1 3 1 d1', '1 4 1 o1']);
  expect(await pages('a2')).toEqual(known);

  // What `monitoring` told before the upgrade and is delivered again raises nothing.
  const condition: Condition = {
    patientId: 'p1',
    wardId: 'w1',
    kind: 'spo2-below',
    priority: 'high',
    message: 'Come',
    at: after(0).toISOString(),
  };
  await deliver(database, after(61).getTime(), { kind: 'active', key: 'k1', version: 7, condition });
  const acknowledge = { kind: 'acknowledge', key: 'k2', actor: actorOf('n2'), input: { alertId: 'a1' } } as const;
  expect(await deliver(database, after(62).getTime(), acknowledge)).toMatchObject({
    ok: true,
    result: { state: 'acknowledged', acknowledgedBy: 'n2', version: expect.any(Number) },
  });
  const { rows } = await database.query(`select count(*) as alerts from alert where kind = 'spo2-below'`);
  expect(rows).toEqual([{ alerts: 1 }]);
  // An acknowledgement from before ends when it was to end, and the alert calls anew, once.
  await tick(database, after(301).getTime());
  expect((await pages('a2')).slice(3)).toEqual(['2 1 1 n1']);
  await database.close();
});
