import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openDatabase, type Database } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { startDueLoop, type DueLoop } from '@carillon/runtime/due-loop';
import { createGate, type Gate } from '@carillon/runtime/gate';
import { createLogger } from '@carillon/runtime/log';
import { createVirtualClock, type VirtualClock } from '@carillon/testkit/clock';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { migrations } from './ledger.ts';

let infrastructure: Infrastructure;
let database: Database;
let gate: Gate;
let clock: VirtualClock;
let loops: DueLoop[] = [];
const log = createLogger('test', { level: 'silent', file: '' });
const start = Date.parse('2026-11-21T08:00:00Z');

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrate(infrastructure.postgres.url, 'directory', migrations);
  database = openDatabase({ url: infrastructure.postgres.url, service: 'directory' });
});
beforeEach(() => {
  gate = createGate(() => database.query('select 1'), log, 'database');
  clock = createVirtualClock(start);
});
afterEach(async () => {
  gate.stop();
  await Promise.all(loops.map((loop) => loop.stop()));
  loops = [];
  await database.query('delete from due');
});
afterAll(async () => {
  await database.close();
  await infrastructure.stop();
});

let looks = 0;
function startLoop(on: VirtualClock = clock): DueLoop {
  const loop = startDueLoop(
    {
      name: 'test',
      async nextDueAt() {
        looks++;
        const { rows } = await database.query<{ at: Date | null }>(
          'select min(due_at) as at from due where done_at is null',
        );
        return rows[0]?.at?.getTime();
      },
      async run(now) {
        const { rowCount } = await database.query(
          `update due set done_at = $1 where id in
             (select id from due where done_at is null and due_at <= $1 limit 2 for update skip locked)`,
          [new Date(now)],
        );
        return rowCount ?? 0;
      },
    },
    { clock: on, gate, log },
  );
  loops.push(loop);
  return loop;
}
const add = (id: string, afterMs: number): Promise<unknown> =>
  database.query('insert into due (id, due_at) values ($1, $2)', [id, new Date(start + afterMs)]);
const doneAfter = async (id: string): Promise<number | undefined> => {
  const { rows } = await database.query<{ at: Date | null }>('select done_at as at from due where id = $1', [id]);
  const at = rows[0]?.at?.getTime();
  return at === undefined ? undefined : at - start;
};
/** Until the loop sleeps again; only then does the virtual time move. */
async function asleep(): Promise<void> {
  let before = -1;
  await eventually(() => {
    const isSame = before === looks;
    before = looks;
    return isSame ? true : undefined;
  });
}

test('what is due is done at its time and not before, also when it was due long ago', async () => {
  await add('past', -3_600_000);
  await add('soon', 400);
  startLoop();
  await eventually(() => doneAfter('past').then((at) => at ?? undefined));
  await asleep();
  clock.advance(399);
  await asleep();
  expect(await doneAfter('soon')).toBeUndefined();
  clock.advance(1);
  expect(await eventually(() => doneAfter('soon'))).toBe(400);
});

test('more than one batch is done without sleeping', async () => {
  for (let index = 0; index < 7; index++) await add(`${index}`, 0);
  startLoop();
  for (let index = 0; index < 7; index++) expect(await eventually(() => doneAfter(`${index}`))).toBe(0);
});

test('a change wakes the loop before the time that it sleeps for', async () => {
  await add('late', 900);
  const loop = startLoop();
  await asleep();
  await add('now', 0);
  loop.wake();
  expect(await eventually(() => doneAfter('now'))).toBe(0);
});

test('what another process wrote is found within a second, though nobody woke the loop', async () => {
  await add('tomorrow', 86_400_000);
  startLoop();
  await asleep();
  await add('from elsewhere', 0);
  clock.advance(1_000);
  expect(await eventually(() => doneAfter('from elsewhere'))).toBe(1_000);
});

test('a row that another process holds is done when it lets go, and others are not held up', async () => {
  await add('held', -1_000);
  let letGo: () => void = () => {};
  let isHeld: () => void = () => {};
  const held = new Promise<void>((resolve) => (isHeld = resolve));
  const holder = database
    .transaction(async (tx) => {
      await tx.query(`select * from due where id = 'held' for update`);
      isHeld();
      await new Promise<void>((resolve) => (letGo = resolve));
      throw new Error('it died');
    })
    .catch(() => {});
  await held;
  await add('free', 0);
  startLoop();
  await eventually(() => doneAfter('free'));
  expect(await doneAfter('held')).toBeUndefined();
  letGo();
  await holder;
  await eventually(() => {
    clock.advance(20);
    return doneAfter('held');
  });
});

test('two loops do each row once', async () => {
  for (let index = 0; index < 20; index++) await add(`${index}`, index % 2 === 0 ? 0 : 500);
  startLoop();
  startLoop(clock);
  await eventually(async () => {
    clock.advance(20);
    const { rows } = await database.query<{ open: number }>('select count(*) as open from due where done_at is null');
    return rows[0]?.open === 0 ? true : undefined;
  });
});

test('while the database is away the loop waits at the gate, and then does what became due', async () => {
  await add('due meanwhile', 500);
  startLoop();
  await asleep();
  await infrastructure.postgres.stop();
  clock.advance(1_000);
  const before = looks;
  await eventually(() => (looks > before ? true : undefined));
  await infrastructure.restartPostgres();
  await eventually(() => {
    clock.advance(20);
    return doneAfter('due meanwhile');
  });
  expect(looks - before).toBeLessThan(40);
});

test('a stop is prompt while the database is away', async () => {
  startLoop();
  await asleep();
  await infrastructure.postgres.stop();
  clock.advance(1_000);
  const before = looks;
  await eventually(() => (looks > before ? true : undefined));
  gate.stop();
  const stoppedAt = performance.now();
  const stopping = loops.map((loop) => loop.stop());
  clock.advance(20);
  await Promise.all(stopping);
  expect(performance.now() - stoppedAt).toBeLessThan(patience(1_000));
  await infrastructure.restartPostgres();
});

test('the gate tells when it has been shut for three seconds, and when it opens after that; of shorter times nothing', async () => {
  let isAway = true;
  const told: boolean[] = [];
  const watched = createGate(() => (isAway ? Promise.reject(new Error('away')) : Promise.resolve()), log, 'test');
  watched.watch((isLost) => told.push(isLost));
  watched.close();
  isAway = false;
  await watched.whenOpen();
  expect(told).toEqual([]);
  isAway = true;
  watched.close();
  await eventually(() => (told.length === 1 ? true : undefined));
  isAway = false;
  await watched.whenOpen();
  expect(told).toEqual([true, false]);
  watched.stop();
});

test('a loop whose look for what is due hangs says for how long, and not any more when it goes on', async () => {
  let answer: (() => void) | undefined;
  const loop = startDueLoop(
    {
      name: 'hanging',
      nextDueAt: () => new Promise((resolve) => (answer = () => resolve(undefined))),
      run: () => Promise.resolve(0),
    },
    { clock, gate, log },
  );
  loops.push(loop);
  await eventually(() => (loop.sinceTurnMs() > 300 ? true : undefined), { what: 'a turn that lasts' });
  answer?.();
  await eventually(
    () => {
      clock.advance(1_000);
      answer?.();
      return loop.sinceTurnMs() < 100 ? true : undefined;
    },
    { what: 'the next turn' },
  );
  // Else it would wait for an answer for ever.
  const stopped = loop.stop();
  answer?.();
  await stopped;
});
