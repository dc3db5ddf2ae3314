/** Two real processes, one of which stands still for a while: by a debugger, a swapping machine, a frozen container. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setPolicy } from '@carillon/contracts/escalation-policies';
import { openDatabase, type Database } from '@carillon/database/database';
import { eventually } from '@carillon/testkit/eventually';
import { builtFile, freePort, startNode, type NodeProcess } from '@carillon/testkit/node-process';
import { patience } from '@carillon/testkit/patience';
import { openWard, type WardStory } from '../ward.ts';

let ward: WardStory;
let database: Database;
const engines = new Map<string, NodeProcess>();

/** The bed nurse at once, all nurses after 5 s. */
const policy = {
  levels: [
    { afterSeconds: 0, targets: [{ kind: 'bedNurse' as const }] },
    { afterSeconds: 5, targets: [{ kind: 'wardRole' as const, role: 'nurse' as const }] },
    { afterSeconds: 3_600, targets: [{ kind: 'failsafe' as const }] },
  ],
  repeatSeconds: 3_600,
};
/** Within which another takes over, after the deadline or after the alarm. */
const takenOverWithinMs = 5_000;

beforeAll(async () => {
  ward = await openWard({ receives: false });
  database = openDatabase({ url: ward.infrastructure.postgres.url, service: 'alert-escalation' });
  for (const name of ['one', 'two']) {
    const environment = ward.infrastructure.environmentOf('alert-escalation');
    // So that the database knows which is which.
    const url = new URL(environment['DATABASE_URL'] ?? '');
    url.searchParams.set('application_name', name);
    const given = { DATABASE_URL: url.href, CARILLON_INTERNAL_PORT: String(await freePort()) };
    const engine = startNode([builtFile('services/alert-escalation/dist/main.js')], { ...environment, ...given });
    engines.set(name, engine);
    await engine.line('alert-escalation ready');
  }
  const reply = await ward.send('a1', setPolicy, { policyId: 'default', ...policy }, { issuedAt: Date.now() });
  expect(reply?.ok).toBe(true);
});
afterAll(async () => {
  for (const engine of engines.values()) {
    engine.signal('SIGKILL');
    await engine.exited;
  }
  await database.close();
  await ward.stop();
});

const pageOf = (kind: string, person: string, level: number) =>
  ward.expect(
    (one) => one.event === 'page:new' && one.alert.kind === kind && one.person === person && one.level === level,
    `level ${level} of ${kind} to ${person}`,
  );
async function openedAt(kind: string): Promise<number> {
  await ward.condition('raised', kind);
  return Date.parse((await pageOf(kind, 'n1', 1)).alert.openedAt);
}
/** Each call once: in the rows, and in what was sent. */
async function expectCallsOnce(kind: string): Promise<void> {
  const calls = ['1 n1', '2 n1', '2 n2', '2 n3'];
  const { rows } = await database.query<{ call: string }>(
    `select page.level || ' ' || person as call from page join alert using (alert_id) where kind = $1 order by 1`,
    [kind],
  );
  expect(rows.map(({ call }) => call)).toEqual(calls);
  const sent = ward.heard.filter((one) => one.event === 'page:new' && one.alert.kind === kind);
  expect(sent.map(({ level, person }) => `${level} ${person}`).toSorted()).toEqual(calls);
}

test('I1: whichever of two engines stands still, the other calls the next level and for a new alarm in time, and nobody is called twice when it goes on', async () => {
  for (const [name, engine] of engines) {
    // The second time it is the other that stood still before.
    const kind = `before-${name}-stands`;
    const deadline = (await openedAt(kind)) + 5_000;
    engine.signal('SIGSTOP');
    try {
      const raisedAt = Date.now();
      await openedAt(`while-${name}-stands`);
      expect(Date.now() - raisedAt).toBeLessThan(patience(takenOverWithinMs));
      await pageOf(kind, 'n2', 2);
      expect(Date.now() - deadline).toBeLessThan(patience(takenOverWithinMs));
    } finally {
      engine.signal('SIGCONT');
    }
  }
  for (const name of engines.keys()) {
    await Promise.all([pageOf(`before-${name}-stands`, 'n3', 2), pageOf(`while-${name}-stands`, 'n3', 2)]);
    await expectCallsOnce(`before-${name}-stands`);
    await expectCallsOnce(`while-${name}-stands`);
  }
});

test('I3, I4: an engine that stands still inside its transaction loses it: the other calls in time, and what goes on later calls nobody again', async () => {
  await database.query(`create function hold_pages() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(1); return null; end $$`);
  await database.query('create trigger hold_pages after insert on page execute function hold_pages()');
  const deadline = (await openedAt('spo2-below')) + 5_000;

  let stopped: NodeProcess | undefined;
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock(1)');
    const name = await eventually(
      async () => {
        const { rows } = await tx.query<{ name: string }>(
          `select application_name as name from pg_locks join pg_stat_activity using (pid)
           where locktype = 'advisory' and not granted`,
        );
        return rows[0]?.name;
      },
      { what: 'an engine that is about to page' },
    );
    stopped = engines.get(name);
    stopped?.signal('SIGSTOP');
  });
  // Its statement is done now, and it will never say commit.
  await pageOf('spo2-below', 'n2', 2).finally(() => stopped?.signal('SIGCONT'));
  expect(Date.now() - deadline).toBeLessThan(patience(takenOverWithinMs));

  // It is back when it does alone what is to be done.
  const other = [...engines.values()].find((engine) => engine !== stopped);
  other?.signal('SIGKILL');
  await openedAt('pulse-above');
  await pageOf('pulse-above', 'n2', 2);
  await expectCallsOnce('spo2-below');
  const { rows } = await database.query(
    `select from alert_log join alert using (alert_id) where alert.kind = 'spo2-below' and alert_log.kind = 'level'`,
  );
  expect(rows).toHaveLength(2);
});
