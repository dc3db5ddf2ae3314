import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { acknowledgeAlert } from '@carillon/contracts/alert-escalation';
import { setPolicy } from '@carillon/contracts/escalation-policies';
import { listGroups, setGroup } from '@carillon/contracts/plans';
import { eventually } from '@carillon/testkit/eventually';
import { openEngine } from '../database.ts';
import { openWard, type WardStory } from '../ward.ts';

let ward: WardStory;

beforeAll(async () => {
  // Hundreds of receipts would be told beside what is looked at: no level waits for one.
  ward = await openWard({ receives: false });
  await ward.startEngine();
  const levels = [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
    { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }] },
    { afterSeconds: 7_200, targets: [{ kind: 'failsafe' }] },
  ];
  const policy = { policyId: 'default', levels, repeatSeconds: 3_600 };
  expect(await ward.send('d1', setPolicy, policy)).toMatchObject({ ok: true });
}, 60_000);
afterAll(() => ward.stop());

const many = 400;

test('I14: hundreds of low alerts that are due at once do not delay one of high priority', async () => {
  await Promise.all(Array.from({ length: many }, (_, index) => ward.condition('raised', `low-${index}`, 'low')));
  await ward.condition('raised', 'spo2-below');
  const raised = (): number => ward.heard.filter(({ event }) => event === 'alert:raised').length;
  await eventually(() => (raised() === many + 1 ? true : undefined), { what: 'all alerts', withinMs: 60_000 });
  const nextLevel = (): { priority: string }[] =>
    ward.heard.flatMap(({ event, level, alert }) => (event === 'page:new' && level === 2 ? [alert] : []));
  ward.leap(3_600);
  await eventually(() => nextLevel().find(({ priority }) => priority === 'high'), { what: 'the one of high priority' });
  // In one queue it would be the last, as it was raised last. What a busy machine does beside it may be seen before it.
  expect(nextLevel().filter(({ priority }) => priority === 'low').length).toBeLessThan((many * 3) / 4);
  await eventually(() => (new Set(nextLevel()).size >= many ? true : undefined), {
    what: 'the others, all of them',
    withinMs: 60_000,
  });
}, 150_000);

const pageOf = (kind: string, person: string, level: number) =>
  ward.expect(
    (one) => one.event === 'page:new' && one.alert.kind === kind && one.person === person && one.level === level,
    `level ${level} of ${kind} to ${person}`,
  );

test('I14: while what is lower holds each connection that all share, high priority opens, climbs and is answered', async () => {
  const porters = { groupId: 'porters', name: 'Porters', people: ['r1'] };
  expect(await ward.send('a1', setGroup, porters)).toMatchObject({ ok: true });
  const lowPolicy = {
    policyId: 'low',
    applies: { priorities: ['low'] },
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'group', group: 'porters' }] },
      { afterSeconds: 20, targets: [{ kind: 'group', group: 'porters' }, { kind: 'failsafe' }] },
    ],
    repeatSeconds: 3_600,
  };
  expect(await ward.send('d1', setPolicy, lowPolicy)).toMatchObject({ ok: true });
  await ward.condition('raised', 'drip', 'low');
  await pageOf('drip', 'r1', 1);
  await ward.condition('raised', 'pulse-above');
  await pageOf('pulse-above', 'n1', 1);

  const database = openEngine(ward.infrastructure.postgres.url, 2);
  const waiting = async (): Promise<number> => {
    const { rows } = await database.query<{ count: number }>(
      `select count(*) as count from pg_stat_activity where wait_event_type = 'Lock'`,
    );
    return rows[0]?.count ?? 0;
  };
  const held = database.transaction(async (tx) => {
    await tx.query(`set local idle_in_transaction_session_timeout = 0`);
    // Groups are named by policies of low priority only.
    await tx.query('lock table paging_group in access exclusive mode');
    const low = [
      ...Array.from({ length: 2 }, () => ward.ask('o1', listGroups, {}).catch(() => {})),
      ward.send('a1', setGroup, porters, { deadlineMs: 500 }),
      ward.condition('raised', 'drip-2', 'low'),
    ];
    await eventually(async () => ((await waiting()) >= 4 ? true : undefined), { what: 'all that share' });
    ward.leap(20);
    await pageOf('pulse-above', 'n2', 2);
    await ward.condition('raised', 'fall');
    const { alert } = await pageOf('fall', 'n1', 1);
    expect(await ward.send('n1', acknowledgeAlert, { alertId: alert.alertId })).toMatchObject({ ok: true });
    // It was not that they gave up, as each does after 5 s.
    expect(await waiting()).toBeGreaterThanOrEqual(4);
    return low;
  });
  await Promise.allSettled(await held.finally(() => database.close()));
});
