import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Database } from '@carillon/database/database';
import { eventually } from '@carillon/testkit/eventually';
import { openEngine, startHistoryDatabase, type HistoryDatabase } from './database.ts';
import { deliver, tick, type Delivery } from './engine.ts';
import { findViolations } from './judge.ts';
import { actorOf, hospital, nurses, people, storeWorld, ward, type World } from './world.ts';

const now = Date.UTC(2026, 10, 21, 8);
const always = { from: 0, until: now * 2 };
/** Both bed nurses at once, the third nurse with the others after 20 s, the operator after 60 s. */
const world: World = {
  policy: {
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'bedNurse' }] },
      { afterSeconds: 20, targets: [{ kind: 'wardRole', role: 'nurse' }] },
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 60,
  },
  duties: Object.fromEntries(people.map((person) => [person, always])),
  bedNurses: { p1: ['n1', 'n2'] },
};

let database: HistoryDatabase;
let engines: readonly [Database, Database];

beforeAll(async () => {
  database = await startHistoryDatabase();
  engines = [openEngine(database.url, 8), openEngine(database.url, 8)];
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await database.stop();
});
beforeEach(() => storeWorld(engines[0], world));

let keys = 0;
const raised = (by: string, priority: 'high' | 'medium' | 'low' = 'high'): Delivery => ({
  key: `key${keys++}`,
  kind: 'raise',
  actor: actorOf(by),
  input: { patientId: 'p1', kind: 'fall', priority, message: 'Fall' },
});
const condition = (
  kind: 'active' | 'changed' | 'cleared',
  version: number,
  priority: 'high' | 'medium' = 'high',
): Delivery => ({
  key: `key${keys++}`,
  kind,
  version,
  condition: {
    patientId: 'p1',
    wardId: ward,
    kind: 'fall',
    priority,
    message: 'Fall',
    at: new Date(now).toISOString(),
  },
});
const answered = (kind: 'acknowledge' | 'arrive' | 'decline' | 'resolve', by: string, alertId: string): Delivery => ({
  key: `key${keys++}`,
  kind,
  actor: actorOf(by),
  input: { alertId },
});

async function openAlertId(): Promise<string> {
  const { rows } = await engines[0].query<{ alert_id: string }>("select alert_id from alert where state <> 'resolved'");
  expect(rows).toHaveLength(1);
  return rows[0]!.alert_id;
}
async function pageStatuses(): Promise<string[]> {
  const { rows } = await engines[0].query<{ page: string }>(
    `select level || ' ' || person || ' ' || status as page from page order by run, level, attempt, person`,
  );
  return rows.map((row) => row.page);
}

/** An engine that does everything and then, in its nth transaction (from 0), does not commit until it is told. */
function holding(database: Database, nth = 0): { on: Database; isHolding: Promise<void>; commit(): void } {
  let commit: () => void = () => {};
  const told = new Promise<void>((resolve) => (commit = resolve));
  let hold: () => void = () => {};
  const isHolding = new Promise<void>((resolve) => (hold = resolve));
  let count = 0;
  const transaction: Database['transaction'] = (work) =>
    database.transaction(async (tx) => {
      const result = await work(tx);
      if (count++ < nth) return result;
      hold();
      await told;
      return result;
    });
  return { on: { ...database, transaction }, isHolding, commit };
}
const somebodyWaitsForLock = (): Promise<true> =>
  eventually(
    async () => {
      const { rows } = await engines[0].query<{ waiting: number }>(
        "select count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock'",
      );
      return (rows[0]?.waiting ?? 0) > 0 ? true : undefined;
    },
    { what: 'waiting for a lock' },
  );

/** Starts `second` while `first` holds its alert in its nth transaction, and lets `first` commit when `second` waits for it. */
async function overtake(
  first: (on: Database) => Promise<unknown>,
  second: (on: Database) => Promise<unknown>,
  nth = 0,
): Promise<void> {
  const { on, isHolding, commit } = holding(engines[0], nth);
  const done = first(on);
  await isHolding;
  const waiting = second(engines[1]);
  await somebodyWaitsForLock().finally(commit);
  await Promise.all([done, waiting]);
}

test('I12: twelve raises of one episode at the same moment, by people and by the condition, open one alert', async () => {
  const deliveries = [...Array.from({ length: 10 }, (_, index) => raised(nurses[index % 3]!)), condition('active', 1)];
  const answers = await Promise.all(
    [...deliveries, deliveries[0]!].map((delivery, index) => deliver(engines[index % 2]!, now, delivery)),
  );
  expect(answers.every((answer) => answer.ok)).toBe(true);
  await openAlertId();
  expect(await pageStatuses()).toEqual(['1 n1 paged', '1 n2 paged']);
  expect(await findViolations(engines[0], { world, ticks: [now] })).toEqual([]);
});

test('the words of a higher priority stay with the alert', async () => {
  const raisedWith = (priority: 'low' | 'high', message: string): Delivery => ({
    key: `key${keys++}`,
    kind: 'raise',
    actor: actorOf('n1'),
    input: { patientId: 'p1', kind: 'fall', priority, message },
  });
  await deliver(engines[0], now, raisedWith('low', 'Slipped'));
  await deliver(engines[0], now, raisedWith('high', 'Unconscious'));
  await deliver(engines[0], now, answered('acknowledge', 'n1', await openAlertId()));
  const told = await engines[0].query<{ message: string }>(
    `select body::jsonb ->> 'message' as message from outbox where headers ->> 'Carillon-Event' = 'alert:acknowledged'`,
  );
  expect(told.rows).toEqual([{ message: 'Unconscious' }]);
});

test('I12: a raise that meets an uncommitted one joins it', async () => {
  await overtake(
    (on) => deliver(on, now, condition('active', 1, 'medium')),
    (on) => deliver(on, now, raised('n3', 'high')),
  );
  await openAlertId();
  const { rows } = await engines[0].query('select priority, source, version from alert');
  expect(rows).toEqual([{ priority: 'high', source: 'condition', version: 2 }]);
});

test('when the last two decline at the same moment the next level starts', async () => {
  await deliver(engines[0], now, condition('active', 1));
  const alertId = await openAlertId();
  await overtake(
    (on) => deliver(on, now, answered('decline', 'n1', alertId)),
    (on) => deliver(on, now, answered('decline', 'n2', alertId)),
  );
  expect(await pageStatuses()).toEqual(['1 n1 declined', '1 n2 declined', '2 n3 paged']);
  expect(await findViolations(engines[0], { world, ticks: [now] })).toEqual([]);
});

test('an acknowledgement that waits for a level to be started withdraws its calls', async () => {
  await deliver(engines[0], now, condition('active', 1));
  const alertId = await openAlertId();
  await overtake(
    (on) => tick(on, now + 20_000),
    (on) => deliver(on, now + 20_000, answered('acknowledge', 'n1', alertId)),
  );
  expect(await pageStatuses()).toEqual([
    '1 n1 acknowledged',
    '1 n2 withdrawn',
    '2 n1 acknowledged',
    '2 n2 withdrawn',
    '2 n3 withdrawn',
  ]);
});

test('two people who acknowledge at the same moment give one owner', async () => {
  await deliver(engines[0], now, condition('active', 1));
  const alertId = await openAlertId();
  const answers = await Promise.all(
    ['n1', 'n2', 'n3'].map((name, index) => deliver(engines[index % 2]!, now, answered('acknowledge', name, alertId))),
  );
  expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  expect(answers.filter((answer) => !answer.ok && answer.code === 'conflict')).toHaveLength(2);
});

test('a reopening that joins an alert of the same tick is not overwritten by it', async () => {
  await deliver(engines[0], now, condition('active', 1, 'medium'));
  await deliver(engines[0], now, answered('resolve', 'n1', await openAlertId()));
  // A person raises the same, less urgently, while the resolution holds.
  const holdsMs = 1_800_000;
  await deliver(engines[0], now + holdsMs - 15_000, raised('n3', 'low'));
  await tick(engines[0], now + holdsMs + 10_000);
  const { rows } = await engines[0].query("select priority, source from alert where state <> 'resolved'");
  expect(rows).toEqual([{ priority: 'medium', source: 'condition' }]);
  expect(await findViolations(engines[0], { world, ticks: [now + holdsMs + 10_000] })).toEqual([]);
});

test('I13: the database refuses an alert that is on, or answered for a time, without a next deadline', async () => {
  await deliver(engines[0], now, condition('active', 1));
  const forget = (): Promise<unknown> => engines[0].query('update alert set due_at = null');
  await expect(forget()).rejects.toThrow('on_has_deadline');
  await deliver(engines[0], now, answered('acknowledge', 'n1', await openAlertId()));
  await expect(forget()).rejects.toThrow('acknowledged_until');
});

test('an older event of a condition changes nothing when it comes after a newer one', async () => {
  const first = condition('active', 1);
  const second = condition('cleared', 2);
  await deliver(engines[0], now, second);
  await deliver(engines[0], now, first);
  await deliver(engines[0], now, second);
  expect((await engines[0].query('select from alert')).rows).toHaveLength(0);
  await deliver(engines[0], now, condition('active', 3));
  await openAlertId();
});

const leadOff = (kind: 'active' | 'cleared', version: number): Delivery => {
  const { key, condition: found } = condition(kind, version) as Extract<
    Delivery,
    { kind: 'active' | 'changed' | 'cleared' }
  >;
  return { key, kind, version, condition: { ...found, kind: 'leads-off' } };
};
/** A fall calls nobody while the leads are off. */
const inhibit = (): Promise<unknown> =>
  engines[0].query(
    `insert into inhibition_rule (hospital, rule_id, body, version) values ('h1', 'r1', $1, 1)
    on conflict do nothing`,
    [JSON.stringify({ source: ['leads-off'], target: ['fall'], same: 'patient' })],
  );
const callsOfFall = async (): Promise<string[]> => {
  const { rows } = await engines[0].query<{ person: string }>(
    `select person from page join alert using (alert_id) where kind = 'fall' order by person`,
  );
  return rows.map(({ person }) => person);
};

test('I16: an alert that ends while it is taken for the cause of another leaves that one held for a second at most', async () => {
  await inhibit();
  await deliver(engines[0], now, leadOff('active', 1));
  const { rows } = await engines[0].query<{ alert_id: string }>('select alert_id from alert');
  const { on, isHolding, commit } = holding(engines[0]);
  const ending = deliver(on, now, answered('resolve', 'n1', rows[0]!.alert_id));
  await isHolding;
  await deliver(engines[1], now, condition('active', 1));
  commit();
  await ending;
  expect(await callsOfFall()).toEqual([]);
  await tick(engines[0], now + 1_000);
  expect(await callsOfFall()).toEqual(['n1', 'n2']);
});

test('I16: who ends an alert waits for one that is just being held by it, and wakes it', async () => {
  await inhibit();
  await deliver(engines[0], now, leadOff('active', 1));
  const { rows } = await engines[0].query<{ alert_id: string }>('select alert_id from alert');
  await overtake(
    (on) => deliver(on, now, condition('active', 1)),
    (on) => deliver(on, now, answered('resolve', 'n1', rows[0]!.alert_id)),
  );
  await tick(engines[0], now);
  expect(await callsOfFall()).toEqual(['n1', 'n2']);
});

test('I16: an alert that somebody answers while what holds it ends calls at once', async () => {
  await inhibit();
  await deliver(engines[0], now, leadOff('active', 1));
  await deliver(engines[0], now, condition('active', 1));
  const { rows } = await engines[0].query<{ alert_id: string }>("select alert_id from alert where kind = 'fall'");
  await overtake(
    (on) => deliver(on, now, answered('arrive', 'n1', rows[0]!.alert_id)),
    (on) => deliver(on, now, leadOff('cleared', 2)),
  );
  await tick(engines[0], now);
  expect(await callsOfFall()).toEqual(['n1', 'n2']);
});

test('a condition that changes holds no alert while it waits for a patient who is being moved', async () => {
  await deliver(engines[0], now, condition('active', 1));
  const alertId = await openAlertId();
  let changed: Promise<unknown> = Promise.resolve();
  await engines[0].transaction(async (tx) => {
    // As whoever moves him: where he lies, and then his alerts.
    await tx.query(`select from directory_admission where patient_id = 'p1' for update`);
    changed = deliver(engines[1], now, condition('changed', 2, 'medium'));
    await somebodyWaitsForLock();
    await tx.query('select from alert where alert_id = $1 for update nowait', [alertId]);
  });
  expect(await changed).toMatchObject({ ok: true });
});

test('an alert that opens anew waits for the open one of its episode, and holds no other meanwhile', async () => {
  await deliver(engines[0], now, leadOff('active', 1));
  await deliver(engines[0], now, answered('resolve', 'n1', await openAlertId()));
  const holdsMs = 600_000;
  const input = { patientId: 'p1', kind: 'leads-off', priority: 'low' as const, message: 'Leads off' };
  const byNurse: Delivery = { key: `key${keys++}`, kind: 'raise', actor: actorOf('n3'), input };
  await deliver(engines[0], now + holdsMs - 15_000, byNurse);
  const again = await openAlertId();
  await deliver(engines[0], now + holdsMs - 15_000, condition('active', 2));
  const { rows } = await engines[0].query<{ alert_id: string }>("select alert_id from alert where kind = 'fall'");
  let looking: Promise<unknown> = Promise.resolve();
  await engines[0].transaction(async (tx) => {
    // As whoever moves the patient, who has one of his alerts and comes to the next.
    await tx.query('select from alert where alert_id = $1 for update', [again]);
    looking = tick(engines[1], now + holdsMs + 10_000);
    await somebodyWaitsForLock();
    await tx.query('select from alert where alert_id = $1 for update nowait', [rows[0]?.alert_id]);
  });
  await looking;
  expect(await callsOfFall()).toEqual(['n1', 'n1', 'n2', 'n2', 'n3']);
});

test('an alert that is opened while its patient is moved is in one of the wards, and told in the other that it left', async () => {
  await overtake(
    (on) => deliver(on, now, condition('active', 1)),
    (on) => deliver(on, now, { key: 'move', kind: 'moved', version: 2, patientId: 'p1', wardId: 'w2' }),
  );
  const { rows } = await engines[0].query<{ ward_id: string }>('select ward_id from alert');
  expect(rows).toEqual([{ ward_id: 'w2' }]);
});

test('an alert that opens anew while its patient is moved goes with him', async () => {
  await deliver(engines[0], now, condition('active', 1));
  await deliver(engines[0], now, answered('resolve', 'n1', await openAlertId()));
  const outlasted = now + 600_000;
  await overtake(
    (on) => tick(on, outlasted),
    (on) => deliver(on, outlasted, { key: 'move', kind: 'moved', version: 2, patientId: 'p1', wardId: 'w2' }),
    // The first finds that it opens anew, the second opens it.
    1,
  );
  const { rows } = await engines[0].query<{ ward_id: string }>("select ward_id from alert where state <> 'resolved'");
  expect(rows).toEqual([{ ward_id: 'w2' }]);
});

const sos = (): Delivery => ({
  key: `key${keys++}`,
  kind: 'raise',
  actor: { person: 'p1', hospital, roles: ['patient'] },
  input: { patientId: 'p1', kind: 'sos', priority: 'high', message: 'SOS' },
});
const admitted = (): Delivery => ({ key: 'move', kind: 'moved', version: 1, patientId: 'p1', wardId: 'w2' });

test.each([
  ['waits for an alert of his', sos, admitted],
  ['is waited for by an alert of his', admitted, sos],
])('the first admission of a patient %s, which is then in the ward', async (_, first, second) => {
  await engines[0].query("delete from directory_admission where patient_id = 'p1'");
  await overtake(
    (on) => deliver(on, now, first()),
    (on) => deliver(on, now, second()),
  );
  const { rows } = await engines[0].query<{ ward_id: string }>('select ward_id from alert');
  expect(rows).toEqual([{ ward_id: 'w2' }]);
});
