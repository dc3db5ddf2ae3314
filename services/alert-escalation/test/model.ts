/** Plays histories against two engines on a real PostgreSQL, and judges what they leave. */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { maxReceipts, type Receipt, type ReceiptLevel } from '@carillon/contracts/receipts';
import type { Database, Sql } from '@carillon/database/database';
import { followDatabaseClock } from '@carillon/runtime/clock';
import { createLogger } from '@carillon/runtime/log';
import { openEngine, startHistoryDatabase } from './database.ts';
import { deliver, isSameAnswer, tick, type Answer, type Delivery } from './engine.ts';
import { begin, startAt, step, world, type Intent, type Step } from './histories.ts';
import { findViolations } from './judge.ts';
import { createPair, otherThan, type Engines, type Task } from './pair.ts';
import { actorOf, gatewayActor, storeWorld, ward, wardOf, type World } from './world.ts';

/** `skewMs`: how far the second engine is ahead; what correction leaves of two clocks that are 5 s apart. */
type History = { steps: readonly Step[]; skewMs: number };

/** The newest alert of a patient, with whom it calls. */
async function newestAlert(
  sql: Database,
  { patient, alarm }: Pick<Intent, 'patient' | 'alarm'>,
): Promise<{ alertId: string; version: number; called: string[] } | undefined> {
  const { rows } = await sql.query<{ alertId: string; version: number; called: string[] }>(
    `select alert_id as "alertId", version,
       array(select distinct person from page
             where page.alert_id = alert.alert_id and page.run = alert.run and status = 'paged') as called
     from alert where patient_id = $1 and kind = $2 order by opened_at desc, resolved_at desc nulls first limit 1`,
    [patient, alarm],
  );
  return rows[0];
}

/** Of every call about the patient, whenever it was. */
async function receiptsOf(
  sql: Database,
  { patient, level, now }: { patient: string; level: ReceiptLevel; now: number },
): Promise<Receipt[]> {
  const { rows } = await sql.query<{ mid: string; person: string }>(
    `select mid, person from page join alert using (alert_id) where patient_id = $1 order by mid limit $2`,
    [patient, maxReceipts],
  );
  return rows.map((row) => ({ ...row, level, at: new Date(now).toISOString() }));
}

async function silencesOf(sql: Database): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>('select silence_id as id from silence order by starts_at, id');
  return rows.map(({ id }) => id);
}

async function toDeliveries(
  sql: Database,
  intent: Intent,
  { number, sent, now }: { number: number; sent: readonly Delivery[]; now: number },
): Promise<readonly Delivery[]> {
  const { patient, alarm } = intent;
  const key = `key${number}`;
  switch (intent.kind) {
    case 'again':
      return sent.slice(intent.which % Math.max(1, sent.length)).slice(0, 1);
    case 'raise': {
      const input = { patientId: patient, kind: alarm, priority: intent.priority, message: alarm };
      return [{ key, kind: 'raise', actor: actorOf(intent.person), input }];
    }
    case 'active':
    case 'cleared': {
      const priority = intent.kind === 'active' ? intent.priority : 'low';
      const at = new Date(startAt).toISOString();
      const condition = { patientId: patient, wardId: ward, kind: alarm, priority, message: alarm, at };
      return [{ key, kind: intent.kind, version: number, condition }];
    }
    case 'receipts': {
      const items = await receiptsOf(sql, { patient, level: intent.level, now });
      return items.length === 0 ? [] : [{ key, kind: 'receipts', actor: gatewayActor, items }];
    }
    case 'move':
      return [{ key, kind: 'moved', version: number + 1, patientId: patient, wardId: intent.wardId }];
    case 'silence': {
      const { person, priorities, seconds } = intent;
      const place = intent.isOfWard ? { wardId: wardOf(person) ?? ward } : { patientId: patient, kinds: [alarm] };
      const until = new Date(now + seconds * 1_000).toISOString();
      const input = { ...place, priorities, until, reason: 'Cleaning' };
      return [{ key, kind: 'silence', actor: actorOf(person), input }];
    }
    case 'endSilence': {
      const silences = await silencesOf(sql);
      const silenceId = silences[intent.which % Math.max(1, silences.length)];
      return silenceId === undefined
        ? []
        : [{ key, kind: 'endSilence', actor: actorOf(intent.person), input: { silenceId } }];
    }
    case 'editPolicy': {
      const { policyId } = intent;
      const applies = policyId === 'urgent' ? { applies: { priorities: ['high' as const] } } : {};
      return [{ key, kind: 'setPolicy', actor: actorOf('d1'), input: { policyId, ...intent.policy, ...applies } }];
    }
    case 'removePolicy':
      return [{ key, kind: 'removePolicy', actor: actorOf('d1'), input: { policyId: 'urgent' } }];
    case 'acknowledge':
    case 'decline':
    case 'resolve':
    case 'arrive':
    case 'snooze':
    case 'escalate':
    case 'declineAll': {
      const alert = await newestAlert(sql, intent);
      if (alert === undefined) return [];
      const input = { alertId: alert.alertId };
      if (intent.kind !== 'declineAll') {
        const actor = actorOf(intent.person);
        if (intent.kind === 'snooze')
          return [{ key, kind: 'snooze', actor, input: { ...input, seconds: intent.seconds } }];
        if (intent.kind === 'escalate') {
          const seenVersion = alert.version - (intent.isStale ? 1 : 0);
          return [{ key, kind: 'escalate', actor, input: { ...input, seenVersion } }];
        }
        return [{ key, kind: intent.kind, actor, input }];
      }
      return alert.called.map((name) => ({ key: `${key}${name}`, kind: 'decline', actor: actorOf(name), input }));
    }
  }
}

const apartMs = 5_000;
const log = createLogger('test', { level: 'silent', file: '' });

/**
 * The corrected clock of an engine whose process clock is `aheadMs` ahead. It comes out `skewMs` ahead of the database's,
 * since the one way of its question took longer than the other.
 */
async function startClock(now: () => number, { aheadMs, skewMs }: { aheadMs: number; skewMs: number }) {
  const [there, back] = [Math.max(0, 2 * skewMs), Math.max(0, -2 * skewMs)];
  let onTheWayMs = -there;
  const sql: Sql = {
    query() {
      onTheWayMs = back;
      return Promise.resolve({ rows: [{ ms: now() }] as never[], rowCount: 1 });
    },
  };
  const clock = await followDatabaseClock(sql, log, () => now() + aheadMs + onTheWayMs);
  // The time of a history is its own: nothing is measured beside it.
  clock.stop();
  onTheWayMs = 0;
  return clock;
}

/** `server`: what the test itself looks at the database by. */
type Played = { engines: Engines; server: Database };

/** @returns what was wrong */
async function play({ engines, server }: Played, world: World, { steps, skewMs }: History): Promise<string[]> {
  await storeWorld(server, world);
  const ticks: number[] = [];
  const sent: Delivery[] = [];
  const answers = new Map<string, Answer>();
  const wrong: string[] = [];
  const stale = new Set<string>();
  const removals: number[] = [];
  let now = startAt;
  const clocks = await Promise.all([
    startClock(() => now, { aheadMs: 0, skewMs: 0 }),
    startClock(() => now, { aheadMs: skewMs < 0 ? -apartMs : apartMs, skewMs }),
  ]);
  const pair = createPair(engines, [clocks[0].now, clocks[1].now], server);
  const check = (delivery: Delivery, answer: Answer): void => {
    if (stale.has(delivery.key) && answer.ok) wrong.push('I11: an escalation by an older version was done');
    const first = answers.get(delivery.key);
    if (first?.ok !== true) {
      answers.set(delivery.key, answer);
      if (delivery.kind === 'removePolicy' && answer.ok) removals.push(now);
    } else if (!isSameAnswer(first, answer)) wrong.push(`${delivery.kind} with the same key has another answer`);
  };
  try {
    for (const { advanceMs, intents, ticks: wanted, stop } of steps) {
      now += advanceMs;
      const deliveries: { delivery: Delivery; intent: Intent }[] = [];
      for (const intent of intents) {
        const number = sent.length + deliveries.length + 1;
        const made = await toDeliveries(server, intent, { number, sent, now });
        if (intent.kind === 'escalate' && intent.isStale) for (const { key } of made) stale.add(key);
        deliveries.push(...made.map((delivery) => ({ delivery, intent })));
      }
      sent.push(...deliveries.map(({ delivery }) => delivery));
      const tasks = deliveries.flatMap(({ delivery, intent: { engine, crash, isRepeatedAtOnce } }) => {
        const run: Task['run'] = async (database, clock, faulty) =>
          check(delivery, await deliver(database, clock, delivery, faulty));
        return [{ engine, crash, run }, ...(isRepeatedAtOnce ? [{ engine: otherThan(engine), run }] : [])];
      });
      await pair.run([...tasks, ...wanted.map(({ engine, crash }) => ({ engine, crash, run: tick }))], stop);
      if (wanted.length === 0) continue;
      // A commit wakes the loops: what was changed beside the tick is looked at once more.
      await tick(pair.sound(), now);
      ticks.push(now);
    }
  } finally {
    await pair.finish();
  }
  await tick(engines[0], now);
  ticks.push(now);
  return [...wrong, ...(await findViolations(server, { world, ticks, removals }))];
}

/** Longer than a suite may take; a soak says how long it wants to go on. */
const minutes = Number(process.env['FC_MINUTES'] ?? 9);
const isSoak = process.env['FC_MINUTES'] !== undefined;
const seeds = [20261121, 5] as const;
const runs = 500;

/** Plays one half of the histories; `FC_RUNS`, `FC_SEED` and `FC_MINUTES` say otherwise, and the halves still differ. */
export async function checkHistories(half: 0 | 1): Promise<void> {
  const database = await startHistoryDatabase();
  const engines: Engines = [openEngine(database.url), openEngine(database.url)];
  const server = openEngine(database.url);
  const history = fc.record({
    steps: fc.tuple(begin, fc.array(step, { minLength: 3, maxLength: 11 })).map(([first, rest]) => [first, ...rest]),
    skewMs: fc.constantFrom(0, 40, -40),
  });
  try {
    await fc.assert(
      fc.asyncProperty(world, history, async (given, played) => {
        expect(await play({ engines, server }, given, played)).toEqual([]);
      }),
      {
        seed: process.env['FC_SEED'] === undefined ? seeds[half] : Number(process.env['FC_SEED']) + half,
        numRuns: Number(process.env['FC_RUNS'] ?? (isSoak ? 1_000_000 : runs)),
        // A failure is made smaller for as long as there is time, and then shown.
        interruptAfterTimeLimit: minutes * 60_000,
        markInterruptAsFailure: !isSoak,
      },
    );
  } finally {
    await Promise.all([...engines, server].map((engine) => engine.close()));
    await database.stop();
  }
}
