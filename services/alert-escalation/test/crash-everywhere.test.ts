/** One rich history, and a crash before and after each statement of it: afterwards nothing may tell that there was one. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '@carillon/database/database';
import { crashingDatabase } from '@carillon/testkit/faults';
import { figure } from '@carillon/testkit/figures';
import { insertSilence } from '../src/store-silences.ts';
import { openEngine, startHistoryDatabase, type HistoryDatabase } from './database.ts';
import { deliver, tick, type Answer, type Delivery } from './engine.ts';
import { findViolations } from './judge.ts';
import { actorOf, gatewayActor, hospital, people, storeWorld, ward, type World } from './world.ts';

let database: HistoryDatabase;
let engine: Database;

beforeAll(async () => {
  database = await startHistoryDatabase();
  engine = openEngine(database.url);
}, 60_000);
afterAll(async () => {
  await engine.close();
  await database.stop();
});

const startAt = Date.UTC(2026, 10, 21, 8);
const after = (seconds: number): number => startAt + seconds * 1_000;
const always = { from: 0, until: startAt * 2 };
/** The shift of n2, a bed nurse of p1, begins in the middle. */
const world: World = {
  policy: {
    levels: [
      { afterSeconds: 0, targets: [{ kind: 'bedNurse' }], deliverWithinSeconds: 5 },
      { afterSeconds: 10, targets: [{ kind: 'wardRole', role: 'nurse' }], needs: 2 },
      { afterSeconds: 30, targets: [{ kind: 'wardRole', role: 'doctor' }] },
      { afterSeconds: 60, targets: [{ kind: 'failsafe' }] },
    ],
    repeatSeconds: 30,
  },
  duties: {
    ...Object.fromEntries(people.map((person) => [person, always])),
    n2: { from: after(620), until: startAt * 2 },
  },
  bedNurses: { p1: ['n1', 'n2'], p2: ['n1'] },
};

type Patient = 'p1' | 'p2';
/** The newest alert of a patient, and its calls. */
type Seen = { alertId: string; version: number; calls: { mid: string; person: string }[] };
type Ask = (key: string, seen: Readonly<Record<Patient, Seen>>) => Delivery;
/** So many seconds after the start, what comes; or what is due is done. */
type Step = readonly [at: number, what: Ask | 'tick'];

const condition =
  (kind: 'active' | 'cleared', version: number): Ask =>
  (key) => ({
    key,
    kind,
    version,
    condition: {
      patientId: 'p1',
      wardId: ward,
      kind: 'fall',
      priority: 'high',
      message: 'Fall',
      at: new Date(startAt).toISOString(),
    },
  });
const call =
  (person: string, patient: Patient): Ask =>
  (key) => ({
    key,
    kind: 'raise',
    actor: actorOf(person),
    input: { patientId: patient, kind: 'fall', priority: 'medium', message: 'Fall' },
  });
const answer =
  (kind: 'acknowledge' | 'decline' | 'resolve' | 'arrive', person: string, patient: Patient = 'p1'): Ask =>
  (key, seen) => ({ key, kind, actor: actorOf(person), input: { alertId: seen[patient].alertId } });
const snooze =
  (person: string, seconds: number): Ask =>
  (key, { p1 }) => ({ key, kind: 'snooze', actor: actorOf(person), input: { alertId: p1.alertId, seconds } });
const escalate =
  (person: string): Ask =>
  (key, { p1: { alertId, version } }) => ({
    key,
    kind: 'escalate',
    actor: actorOf(person),
    input: { alertId, seenVersion: version },
  });
const delivered =
  (patient: Patient): Ask =>
  (key, seen) => {
    const at = new Date(startAt).toISOString();
    const items = seen[patient].calls.map((row) => ({ ...row, level: 'delivered' as const, at }));
    return { key, kind: 'receipts', actor: gatewayActor, items };
  };

const history: readonly Step[] = [
  [0, condition('active', 1)],
  [1, call('n1', 'p2')],
  // The call of p2 comes to a device, that of p1 does not: its second level starts early.
  [3, delivered('p2')],
  [5, 'tick'],
  // Two must answer. One cannot, so that too few are left.
  [7, answer('acknowledge', 'n3')],
  [8, answer('decline', 'n1')],
  [11, 'tick'],
  [12, answer('acknowledge', 'n3', 'p2')],
  [13, answer('acknowledge', 'n1', 'p2')],
  [14, answer('arrive', 'n3', 'p2')],
  [15, answer('resolve', 'd1', 'p2')],
  // No engine looked for ten minutes.
  [611, 'tick'],
  [612, escalate('n1')],
  // n2 takes over the bed.
  [620, 'tick'],
  [625, snooze('n1', 60)],
  [685, 'tick'],
  [690, answer('resolve', 'd1')],
  // The condition outlasts that: a new alert, of which nobody takes notice before it clears.
  [1_290, 'tick'],
  [1_380, 'tick'],
  [1_381, condition('cleared', 2)],
  [1_382, answer('acknowledge', 'o1')],
];

async function newest(patient: Patient): Promise<Seen> {
  const { rows } = await engine.query<{ alertId: string; version: number; calls: Seen['calls'] | null }>(
    `select alert_id as "alertId", version,
       (select json_agg(json_build_object('mid', mid, 'person', person) order by at, level, person) from page
        where page.alert_id = alert.alert_id) as calls
     from alert where patient_id = $1 order by opened_at desc limit 1`,
    [patient],
  );
  const [row] = rows;
  return row === undefined ? { alertId: '', version: 0, calls: [] } : { ...row, calls: row.calls ?? [] };
}

/** Every table of the service, with the columns that are not computed. */
async function columnsByTable(): Promise<ReadonlyMap<string, string>> {
  const { rows } = await engine.query<{ name: string; columns: string }>(
    `select table_name as name, string_agg(quote_ident(column_name), ', ') as columns
     from information_schema.tables join information_schema.columns using (table_schema, table_name)
     where table_schema = $1 and is_generated = 'NEVER' group by 1`,
    [engine.schema],
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}
type Columns = Awaited<ReturnType<typeof columnsByTable>>;

const together = (statements: readonly string[]) => engine.query(statements.join(';'));
const save = (tables: Columns) =>
  together([
    'drop schema if exists saved cascade; create schema saved',
    ...[...tables.keys()].map((table) => `create table saved.${table} as table ${table}`),
  ]);
/** Those that are not as they were saved. */
async function changedSince(tables: Columns): Promise<Columns> {
  const isChanged = (table: string): string =>
    `select '${table}' as name where exists (
       (select one::text from ${table} one except all select one::text from saved.${table} one)
       union all (select one::text from saved.${table} one except all select one::text from ${table} one))`;
  const { rows } = await engine.query<{ name: string }>([...tables.keys()].map(isChanged).join(' union all '));
  return new Map(rows.map(({ name }) => [name, tables.get(name) ?? '']));
}
const restore = (changed: Columns) =>
  together([
    // Rows that refer to others come back in any order.
    'set local session_replication_role = replica',
    ...[...changed].map(
      ([table, columns]) =>
        `delete from ${table};
         insert into ${table} (${columns}) overriding system value select ${columns} from saved.${table}`,
    ),
  ]);

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** All that is left, and what the caller heard; names that were made at random replaced by the order of their coming. */
async function left(answer: Answer | undefined): Promise<unknown> {
  const tables = {
    log: 'select kind, at, actor, level, people, reason, until, alert_id from alert_log order by id',
    alerts: 'select * from alert order by opened_at',
    pages:
      'select page.* from page join alert using (alert_id) order by opened_at, run, page.level, page.attempt, person',
    receipts:
      'select receipt.* from page_receipt receipt join page using (mid) order by page.at, page.level, page.person',
    outbox: `select lane, entity, subject, headers::jsonb - 'traceparent' as headers, body from outbox order by id`,
    conditions: 'select * from condition_seen order by episode_key',
    inbox: 'select * from inbox order by key',
    admissions: 'select * from directory_admission order by patient_id',
  };
  const each = Object.entries(tables).map(
    ([name, select]) => `(select json_agg(entry) from (${select}) entry) as ${name}`,
  );
  const { rows } = await engine.query<Record<string, unknown>>(`select ${each.join(', ')}`);
  const names = new Map<string, string>();
  const text = JSON.stringify({ ...rows[0], answer }).replaceAll(uuid, (name) => {
    names.set(name, names.get(name) ?? `name ${names.size}`);
    return names.get(name) ?? '';
  });
  return JSON.parse(text);
}

async function timeline(): Promise<string[]> {
  const { rows } = await engine.query<{ entry: string }>(
    `select concat_ws(' ', to_char(at - $1::timestamptz, 'MI:SS'), patient_id, alert_log.kind, alert_log.level,
       actor, array_to_string(people, ','), reason) as entry
     from alert_log join alert using (alert_id) order by id`,
    [new Date(startAt)],
  );
  return rows.map(({ entry }) => entry);
}

/** Plays a history in the world as it is, each step once for each crash that it can have, and compares what is left. */
async function crashEverywhere(history: readonly Step[]): Promise<void> {
  const tables = await columnsByTable();
  let crashes = 0;
  for (const [index, [at, what]] of history.entries()) {
    const seen = { p1: await newest('p1'), p2: await newest('p2') };
    const step = (on: Database, crashing?: Database): Promise<Answer | undefined> =>
      what === 'tick'
        ? tick(on, after(at), crashing).then(() => undefined)
        : deliver(on, after(at), what(`key${index}`, seen), crashing);
    await save(tables);
    const counting = crashingDatabase(engine, { statement: Infinity, when: 'before' });
    const answer = await step(counting);
    expect(answer?.ok ?? true).toBe(true);
    const expected = await left(answer);
    const changed = await changedSince(tables);
    for (let statement = 0; statement < counting.statements(); statement++) {
      for (const when of ['before', 'after'] as const) {
        await restore(changed);
        const point = { statement, when };
        expect({ index, point, left: await left(await step(engine, crashingDatabase(engine, point))) }).toEqual({
          index,
          point,
          left: expected,
        });
        crashes++;
      }
    }
  }
  figure(`${crashes} crashes`);
}

test('a crash before or after any statement of a long history changes nothing of what is decided, kept and told', async () => {
  await storeWorld(engine, world);
  await crashEverywhere(history);
  const ticks = history.filter(([, what]) => what === 'tick').map(([at]) => after(at));
  expect(await findViolations(engine, { world, ticks })).toEqual([]);
  expect(await timeline()).toEqual([
    '00:00 p1 opened',
    '00:00 p1 level 1 n1 due',
    '00:01 p2 opened n1',
    '00:01 p2 level 1 n1 due',
    '00:05 p1 level 2 n1,n3 undelivered',
    '00:07 p1 accepted n3',
    '00:08 p1 declined n1',
    '00:08 p1 level 3 d1 declined',
    '00:11 p2 level 2 n1,n3 due',
    '00:12 p2 accepted n3',
    '00:13 p2 accepted n1',
    '00:13 p2 acknowledged n3',
    '00:14 p2 arrived n3',
    '00:15 p2 resolved d1',
    '10:11 p1 level 4 o1 due',
    '10:12 p1 escalated 4 n1',
    '10:12 p1 level 4 o1 manual',
    '10:20 p1 handover 4 n2',
    '10:25 p1 snoozed n1',
    '11:25 p1 ackExpired',
    '11:25 p1 level 1 n1,n2 due',
    '11:30 p1 resolved d1',
    '21:30 p1 opened the condition outlasted the resolution',
    '21:30 p1 level 1 n1,n2 due',
    '23:00 p1 level 2 n1,n2,n3 undelivered',
    '23:00 p1 level 3 d1 due',
    '23:00 p1 level 4 o1 due',
    '23:01 p1 cleared',
    '23:02 p1 accepted o1',
    '23:02 p1 acknowledged o1',
    '23:02 p1 resolved acknowledged after it had cleared',
  ]);
}, 300_000);

test('a crash before or after any statement of a silence that ends and of a move to another ward changes nothing either', async () => {
  await storeWorld(engine, world);
  await insertSilence(engine, hospital, {
    silenceId: 'silence',
    wardId: ward,
    patientId: null,
    kinds: null,
    priorities: ['medium'],
    from: startAt,
    until: after(60),
    reason: 'Cleaning',
    setBy: 'n1',
    endedAt: null,
  });
  await engine.query("update directory_shift set ward_id = 'w2' where person_id = 'n3'");
  await crashEverywhere([
    [1, call('n1', 'p1')],
    [2, call('n1', 'p2')],
    [20, answer('acknowledge', 'n1', 'p2')],
    [60, 'tick'],
    [66, 'tick'],
    [67, (key) => ({ key, kind: 'moved', version: 2, patientId: 'p1', wardId: 'w2' })],
    [70, answer('acknowledge', 'n3')],
  ]);
  await engine.query('delete from silence');
  expect(await timeline()).toEqual([
    '00:01 p1 opened n1',
    '00:01 p1 held silence silence',
    '00:02 p2 opened n1',
    '00:02 p2 held silence silence',
    '00:20 p2 accepted n1',
    '00:20 p2 acknowledged n1',
    '01:00 p1 released',
    '01:00 p1 level 1 n1 due',
    '01:06 p1 level 2 n1 undelivered',
    '01:06 p1 level 3 d1 unreachable',
    '01:07 p1 entered w2',
    '01:07 p1 relieved d1',
    '01:07 p1 moved 3 n3',
    '01:10 p1 accepted n3',
    '01:10 p1 acknowledged n3',
  ]);
}, 300_000);
