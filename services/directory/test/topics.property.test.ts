import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Database } from '@carillon/database/database';
import { openDatabase } from '@carillon/database/database';
import { migrate } from '@carillon/database/migrate';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { doWork, type WorkTools } from '@carillon/runtime/work';
import { Crash, crashingDatabase, type CrashPoint } from '@carillon/testkit/faults';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { tellNextFollowers } from '../src/handlers/notices.ts';
import { findNotice, insertFollower, insertNotice } from '../src/store-notices.ts';

let infrastructure: Infrastructure;
let engines: readonly [Database, Database];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const { url } = infrastructure.postgres;
  const folder = fileURLToPath(new URL('../migrations', import.meta.url));
  await migrate(url, 'directory', [{ folder, table: 'migrations' }]);
  engines = [openDatabase({ url, service: 'directory' }), openDatabase({ url, service: 'directory' })];
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await infrastructure.stop();
});

const now = Date.UTC(2026, 10, 21, 8);
const log = createLogger('test', { level: 'silent', file: '' });
const metrics = createMetrics('test');
const toolsOf = (database: Database): WorkTools => ({ database, now: () => now, log, metrics, wakeRelay: () => {} });

/** What a process that died leads to: the same again, on a sound engine. */
async function tellOn(database: Database, noticeId: string, limit: number, crash?: CrashPoint): Promise<void> {
  try {
    const on = crash === undefined ? database : crashingDatabase(database, crash);
    await doWork(toolsOf(on), '', (work) => tellNextFollowers(work, noticeId, limit));
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

const person = fc.string({ unit: fc.constantFrom('a', 'b', 'X', 'Z', '0', '9', '_', '-'), minLength: 1, maxLength: 4 });
const crash = fc.option(
  fc.record({ statement: fc.nat({ max: 8 }), when: fc.constantFrom('before' as const, 'after' as const) }),
  { nil: undefined },
);
const step = fc.record({ engine: fc.constantFrom(0 as const, 1 as const), crash, isBoth: fc.boolean() });

let notices = 0;
test('whoever follows a topic is told once, whichever engine dies or works at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(person, { maxLength: 25 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(step, { maxLength: 12 }),
      async (followers, limit, steps) => {
        const noticeId = `notice-${notices++}`;
        await engines[0].query('delete from topic_follower');
        await engines[0].query('delete from outbox');
        for (const each of followers) await insertFollower(engines[0], 'h1', 'lifts', each);
        await insertFollower(engines[0], 'h2', 'lifts', 'elsewhere');
        await insertFollower(engines[0], 'h1', 'other', 'uninterested');
        const said = { level: 'info' as const, title: 'Lift B', text: '', until: null };
        await insertNotice(
          engines[0],
          {
            noticeId,
            hospital: 'h1',
            topic: 'lifts',
            ...said,
            publishedBy: 'o1',
            publishedAt: now,
            toldUpTo: '',
            dueAt: now,
          },
          now + 1_000,
        );
        for (const { engine, crash, isBoth } of steps) {
          await Promise.all([
            tellOn(engines[engine], noticeId, limit, crash),
            isBoth ? tellOn(engines[engine === 0 ? 1 : 0], noticeId, limit) : undefined,
          ]);
        }
        for (let looks = 0; (await findNotice(engines[0], 'h1', noticeId))?.dueAt !== null; looks++) {
          expect(looks).toBeLessThan(100);
          await tellOn(engines[0], noticeId, limit);
        }
        const { rows: sent } = await engines[0].query<{ person: string; mid: string }>(
          `select split_part(subject, '.', 3) as person, headers ->> 'Nats-Msg-Id' as mid from outbox order by id`,
        );
        const { rows: recipients } = await engines[0].query<{ person: string; mid: string }>(
          'select person_id as person, mid from notice_recipient where notice_id = $1',
          [noticeId],
        );
        const list = (rows: readonly { person: string; mid: string }[]): string[] =>
          rows.map(({ person, mid }) => `${person} ${mid}`).toSorted();
        expect(sent.map(({ person }) => person).toSorted()).toEqual(followers.toSorted());
        expect(list(sent)).toEqual(list(recipients));
      },
    ),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60), interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true },
  );
}, 120_000);
