import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { databaseTime, isPassing, openDatabase, type Database, type Sql } from '@carillon/database/database';
import { deleteOldInboxEntries, findInboxEntry, storeInboxResult, takeInboxKey } from '@carillon/database/inbox';
import { areLeasesHeld, deleteOldLeases, giveUpLeases, listLeases, takeLeases } from '@carillon/database/lease';
import { migrate } from '@carillon/database/migrate';
import { countOutbox, deleteOutbox, insertOutbox, selectOutbox, type OutboxMessage } from '@carillon/database/outbox';
import { figure } from '@carillon/testkit/figures';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';

let infrastructure: Infrastructure;
let database: Database;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const { url } = infrastructure.postgres;
  await Promise.all(['monitoring', 'monitoring', 'monitoring', 'directory'].map((name) => migrate(url, name, [])));
  database = openDatabase({ url, service: 'monitoring', maxConnections: 6 });
  await database.query('create table counter (id int primary key, value int not null)');
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const countRows = async (id: number): Promise<number | undefined> =>
  (await database.query<{ count: number }>('select count(*) as count from counter where id = $1', [id])).rows[0]?.count;

test('replicas that start at once migrate once, each service in a schema of its own', async () => {
  await migrate(infrastructure.postgres.url, 'monitoring', []);
  const { rows } = await database.query<{ schema: string }>(
    `select table_schema as schema from information_schema.tables where table_name = 'inbox' order by 1`,
  );
  expect(rows.map((row) => row.schema)).toEqual(['directory', 'monitoring']);
  const applied = await database.query<{ name: string }>('select name from carillon_migrations');
  expect(applied.rows).toEqual([
    { name: '0001_command-path' },
    { name: '0002_operations' },
    { name: '0003_plain-headers' },
  ]);
});

test('what resolves is committed, what throws is rolled back', async () => {
  await database.transaction((tx) => tx.query('insert into counter values (1, 0)'));
  const failure = new Error('no');
  const thrown = await failureOf(
    database.transaction(async (tx) => {
      await tx.query('insert into counter values (2, 0)');
      throw failure;
    }),
  );
  expect(thrown).toBe(failure);
  expect([await countRows(1), await countRows(2)]).toEqual([1, 0]);
});

test('a connection that breaks in a transaction is thrown away, and the next one works', async () => {
  const error = await failureOf(
    database.transaction(async (tx) => {
      await tx.query('insert into counter values (3, 0)');
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await database.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
      await tx.query('select 1');
    }),
  );
  expect(isPassing(error)).toBe(true);
  for (let attempt = 0; attempt < 6; attempt++) expect(await countRows(3)).toBe(0);
});

test('a server that has stopped answering is waited for 7 s and no longer, and that passes', async () => {
  const askedAt = performance.now();
  let pid = 0;
  const error = await failureOf(
    database.transaction(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      pid = rows[0]?.pid ?? 0;
      execFileSync('kill', ['-STOP', String(pid)]);
      await tx.query('select 1');
    }),
  );
  execFileSync('kill', ['-CONT', String(pid)]);
  expect(isPassing(error)).toBe(true);
  expect(performance.now() - askedAt).toBeLessThan(patience(8_000));
  expect(await countRows(1)).toBe(1);
});

test('the settings that let go of rows of a stopped process are in force', async () => {
  const { rows } = await database.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name = any($1::text[]) order by name`,
    [['statement_timeout', 'idle_in_transaction_session_timeout', 'tcp_user_timeout', 'TimeZone', 'search_path']],
  );
  expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
    idle_in_transaction_session_timeout: '3000',
    search_path: 'monitoring',
    statement_timeout: '5000',
    tcp_user_timeout: '5000',
    TimeZone: 'UTC',
  });
});

test('a transaction whose process sleeps for 3 s is ended by the server, and its rows are free', async () => {
  const error = await failureOf(
    database.transaction(async (tx) => {
      await tx.query('select * from counter where id = 1 for update');
      // The sleeper is what is tested, not an effect that is waited for.
      await new Promise((resolve) => setTimeout(resolve, 3_500));
      await tx.query('select 1');
    }),
  );
  expect(isPassing(error)).toBe(true);
  await database.transaction((tx) => tx.query('select * from counter where id = 1 for update nowait'));
});

test('time-outs, locks, deadlocks and lost servers pass; wrong SQL and broken rules do not', async () => {
  const codeOf = (error: unknown): unknown => Reflect.get(error as object, 'code');
  const timeout = await failureOf(
    database.transaction(async (tx) => {
      await tx.query('set local statement_timeout = 50');
      await tx.query('select pg_sleep(1)');
    }),
  );
  expect([codeOf(timeout), isPassing(timeout)]).toEqual(['57014', true]);

  await database.query('insert into counter values (10, 0), (11, 0)');
  const lockBoth = (first: number, second: number, other: Promise<void>, ready: () => void) =>
    database.transaction(async (tx) => {
      await tx.query('select * from counter where id = $1 for update', [first]);
      ready();
      await other;
      await tx.query('select * from counter where id = $1 for update', [second]);
    });
  let readyA = (): void => {};
  let readyB = (): void => {};
  const a = new Promise<void>((resolve) => (readyA = resolve));
  const b = new Promise<void>((resolve) => (readyB = resolve));
  const both = await Promise.all([lockBoth(10, 11, b, readyA), lockBoth(11, 10, a, readyB)].map(failureOf));
  const deadlock = both.find((error) => error !== undefined);
  expect([codeOf(deadlock), isPassing(deadlock)]).toEqual(['40P01', true]);

  for (const wrong of [
    'selec 1',
    'select * from nowhere',
    'insert into counter values (10, 0)',
    'insert into counter values (12, null)',
    'select 1 / 0',
  ]) {
    const error = await failureOf(database.query(wrong));
    expect(error).toBeInstanceOf(Error);
    expect(isPassing(error)).toBe(false);
  }
  expect(isPassing(new Error('ours'))).toBe(false);

  const nowhere = openDatabase({ url: 'postgres://carillon:secret@127.0.0.1:1/carillon', service: 'monitoring' });
  expect(isPassing(await failureOf(nowhere.query('select 1')))).toBe(true);
  await nowhere.close();
  const wrongPassword = openDatabase({
    url: infrastructure.postgres.url.replace(/:[^:@/]+@/, ':wrong@'),
    service: 'monitoring',
  });
  const refused = await failureOf(wrongPassword.query('select 1'));
  expect([codeOf(refused), isPassing(refused)]).toEqual(['28P01', true]);
  await wrongPassword.close();
});

test('a server that goes away and comes back is a passing trouble', async () => {
  const running = failureOf(database.query('select pg_sleep(4)'));
  infrastructure.postgres.kill();
  expect(isPassing(await running)).toBe(true);
  expect(isPassing(await failureOf(database.query('select 1')))).toBe(true);
  await infrastructure.restartPostgres();
  const backAt = performance.now();
  await eventually(() => countRows(1), { what: 'an answer' });
  figure(`answers ${Math.round(performance.now() - backAt)} ms after the return of PostgreSQL`);
});

const at = (key: string) => ({ hospital: 'h1', actor: 'n1', operation: 'alert:raise', key });

test('the second holder of a key waits for the first, and then finds what he stored', async () => {
  let finish: () => void = () => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  let taken: () => void = () => {};
  const isTaken = new Promise<void>((resolve) => (taken = resolve));
  const first = database.transaction(async (tx) => {
    expect(await takeInboxKey(tx, at('k1'), 'body', Date.now() + 1000)).toBe(true);
    taken();
    await held;
    await storeInboxResult(tx, at('k1'), { done: 1 });
  });
  await isTaken;
  let isWaiting = true;
  const second = database.transaction(async (tx) => {
    const isMine = await takeInboxKey(tx, at('k1'), 'other', Date.now() + 1000);
    isWaiting = false;
    return [isMine, await findInboxEntry(tx, at('k1'))];
  });
  await eventually(async () => {
    const { rows } = await database.query<{ waiting: number }>(
      `select count(*) as waiting from pg_stat_activity where wait_event = 'transactionid' and query like '%inbox%'`,
    );
    return rows[0]?.waiting === 1 ? true : undefined;
  });
  expect(isWaiting).toBe(true);
  finish();
  await first;
  // With the hash of the first body: whoever asks sees that the second was another.
  expect(await second).toEqual([false, { bodyHash: 'body', result: { done: 1 } }]);
});

test('when the first holder of a key fails, the second does the work', async () => {
  const first = database.transaction(async (tx) => {
    await takeInboxKey(tx, at('k2'), 'body', Date.now() + 1000);
    throw new Error('failed');
  });
  const second = database.transaction((tx) => takeInboxKey(tx, at('k2'), 'body', Date.now() + 1000));
  await failureOf(first);
  expect(await second).toBe(true);
});

test('the same key of another person, operation or hospital is another', async () => {
  const keys = [
    at('k3'),
    { ...at('k3'), actor: 'n2' },
    { ...at('k3'), operation: 'x:y' },
    { ...at('k3'), hospital: 'h2' },
  ];
  for (const key of keys) expect(await takeInboxKey(database, key, 'body', 0)).toBe(true);
  expect(await deleteOldInboxEntries(database, 1)).toBe(4);
  expect(await takeInboxKey(database, at('k3'), 'body', 0)).toBe(true);
});

const message = (lane: OutboxMessage['lane'], body: string): OutboxMessage => ({
  lane,
  entity: 'e',
  subject: 's',
  headers: { at: body },
  body,
});

test('the outbox of a lane comes in the order in which it was written', async () => {
  await database.transaction((tx) =>
    insertOutbox(
      tx,
      ['a', 'b', 'c'].map((body) => message('normal', body)),
    ),
  );
  await insertOutbox(database, [message('critical', 'x')]);
  await insertOutbox(database, [message('normal', 'd')]);
  const rows = await selectOutbox(database, 'normal', 10);
  expect(rows.map((row) => [row.body, row.headers])).toEqual(['a', 'b', 'c', 'd'].map((body) => [body, { at: body }]));
  await deleteOutbox(
    database,
    rows.slice(0, 3).map((row) => row.id),
  );
  expect((await selectOutbox(database, 'normal', 10)).map((row) => row.body)).toEqual(['d']);
  expect(await countOutbox(database)).toEqual(
    expect.arrayContaining([
      { lane: 'normal', waiting: 1, oldestSeconds: expect.closeTo(0, 0) },
      { lane: 'critical', waiting: 1, oldestSeconds: expect.closeTo(0, 0) },
    ]),
  );
});

const expire = (sql: Sql, name: string): Promise<unknown> =>
  sql.query(`update lease set held_until = clock_timestamp() - interval '1 ms' where name = $1`, [name]);

test('a lease has one owner at a time, whoever asks at the same moment', async () => {
  const owners = Array.from({ length: 6 }, (_, index) => `owner-${index}`);
  const taken = await Promise.all(owners.map((owner) => takeLeases(database, ['one', 'two'], owner, 30)));
  expect(taken.flat()).toHaveLength(2);
  const listed = await listLeases(database, '');
  for (const [index, leases] of taken.entries()) {
    for (const lease of leases) expect(listed).toContainEqual({ name: lease.name, owner: owners[index] });
  }
});

test('the owner renews a lease under the same generation; another gets it when it is over, under the next', async () => {
  const [first] = await takeLeases(database, ['renewed'], 'a', 30);
  expect(await takeLeases(database, ['renewed'], 'a', 30)).toEqual([first]);
  expect(await takeLeases(database, ['renewed'], 'b', 30)).toEqual([]);
  await expire(database, 'renewed');
  expect(await takeLeases(database, ['renewed'], 'b', 30)).toEqual([
    { name: 'renewed', generation: (first?.generation ?? 0) + 1 },
  ]);
});

test('an owner that was stopped finds its lease gone when it wakes, and holds off a successor while it commits', async () => {
  const [lease] = await takeLeases(database, ['fenced'], 'a', 30);
  if (lease === undefined) throw new Error('not taken');
  await expire(database, 'fenced');
  // Over, and nobody came: its work still counts, and the successor waits for it.
  let successor: Promise<unknown> | undefined;
  await database.transaction(async (tx) => {
    expect(await areLeasesHeld(tx, [lease], 'a')).toBe(true);
    successor = takeLeases(database, ['fenced'], 'b', 30);
    await eventually(async () => {
      const { rows } = await database.query<{ waiting: number }>(
        `select count(*) as waiting from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into lease%'`,
      );
      return rows[0]?.waiting === 1 ? true : undefined;
    });
    await tx.query('update counter set value = value + 1 where id = 1');
  });
  expect(await successor).toHaveLength(1);
  await database.transaction(async (tx) => {
    expect(await areLeasesHeld(tx, [lease], 'a')).toBe(false);
  });
});

test('an owner renews while it works under its lease: neither waits for the other', async () => {
  const [lease] = await takeLeases(database, ['busy'], 'a', 30);
  if (lease === undefined) throw new Error('not taken');
  await database.transaction(async (tx) => {
    expect(await areLeasesHeld(tx, [lease], 'a')).toBe(true);
    // Within the transaction: one that waited for it would wait for ever.
    expect(await takeLeases(database, ['busy'], 'a', 30)).toEqual([lease]);
    expect(await areLeasesHeld(tx, [lease], 'a')).toBe(true);
  });
});

test('a lease that was given up is free at once, and forgotten when its name is used no more', async () => {
  await takeLeases(database, ['member:x:a'], 'a', 30);
  await giveUpLeases(database, ['member:x:a'], 'b');
  expect(await takeLeases(database, ['member:x:a'], 'c', 30)).toEqual([]);
  await giveUpLeases(database, ['member:x:a'], 'a');
  expect(await listLeases(database, 'member:x:')).toEqual([]);
  await deleteOldLeases(database, 'member:x:');
  const { rows } = await database.query(`select name from lease where name = 'member:x:a'`);
  expect(rows).toEqual([]);
});

test('a statement is prepared once a connection, and one without values not at all', async () => {
  await database.transaction(async (tx) => {
    const count = async (): Promise<number> => {
      const { rows } = await tx.query<{ statement: string }>('select statement from pg_prepared_statements');
      return rows.filter(({ statement }) => statement.includes('prepared once')).length;
    };
    expect(await count()).toBe(0);
    for (let index = 0; index < 3; index++) await tx.query('select $1::int as "prepared once"', [index]);
    await tx.query('select 1 as "prepared once"');
    expect(await count()).toBe(1);
  });
});

test('the time of the database is told in milliseconds', async () => {
  expect(Math.abs((await databaseTime(database)) - Date.now())).toBeLessThan(1_000);
});
