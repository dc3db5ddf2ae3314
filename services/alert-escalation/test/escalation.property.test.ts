import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Policy, Target } from '@carillon/contracts/alert-escalation';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import { maxReceipts, receiptLevels, type Receipt, type ReceiptLevel } from '@carillon/contracts/receipts';
import type { Database } from '@carillon/database/database';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import type { CrashPoint } from '@carillon/testkit/faults';
import { migrateService, openEngine } from './database.ts';
import { deliver, isSameAnswer, tick, type Answer, type Delivery } from './engine.ts';
import { findViolations } from './judge.ts';
import { actorOf, gatewayActor, nurses, people, storeWorld, ward, type Duty, type World } from './world.ts';

let infrastructure: Infrastructure;
let engines: readonly [Database, Database];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  await migrateService(infrastructure.postgres.url);
  engines = [openEngine(infrastructure.postgres.url), openEngine(infrastructure.postgres.url)];
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()));
  await infrastructure.stop();
});

const startAt = Date.UTC(2026, 10, 21, 8);
const patients = ['p1', 'p2'];

// What may be asked of the service.

type Intent = { patient: string; engine: 0 | 1; crash: CrashPoint | undefined; isRepeatedAtOnce: boolean } & (
  | { kind: 'raise'; person: string; priority: Priority }
  | { kind: 'acknowledge' | 'decline' | 'resolve'; person: string }
  | { kind: 'active'; priority: Priority }
  | { kind: 'cleared' }
  /** Whoever is called declines, all at once. */
  | { kind: 'declineAll' }
  /** Whoever was ever called got it, has it on his screen, or read it. */
  | { kind: 'receipts'; level: ReceiptLevel }
  /** An earlier delivery comes again. */
  | { kind: 'again'; which: number }
);
type Tick = { engine: 0 | 1; crash: CrashPoint | undefined };
type Step = { advanceMs: number; intents: readonly Intent[]; ticks: readonly Tick[] };

// Arbitraries.

const person = fc.constantFrom(...people);
const engine = fc.constantFrom(0 as const, 1 as const);
const crash: fc.Arbitrary<CrashPoint | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      statement: fc.nat({ max: 20 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    }),
  },
);

const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Target>({ kind: 'bedNurse' }) },
  fc.record({ kind: fc.constant('wardRole' as const), role: fc.constantFrom('nurse', 'doctor', 'responder') }),
  fc.record({ kind: fc.constant('person' as const), person }),
);
const failsafe: fc.Arbitrary<Target> = fc.constantFrom<Target>(
  { kind: 'failsafe' },
  { kind: 'failsafe', role: 'doctor' },
  { kind: 'failsafe', role: 'admin' },
);
const policy: fc.Arbitrary<Policy> = fc
  .record({
    levels: fc.array(
      fc.record({ waits: fc.integer({ min: 1, max: 12 }), targets: fc.array(target, { minLength: 1, maxLength: 2 }) }),
      { minLength: 1, maxLength: 4 },
    ),
    first: fc.constantFrom(0, 0, 4),
    failsafe,
    repeatSeconds: fc.integer({ min: 5, max: 20 }),
  })
  .map(({ levels, first, failsafe, repeatSeconds }) => {
    let afterSeconds = first;
    return {
      levels: levels.map(({ waits, targets }, index) => {
        if (index > 0) afterSeconds += waits;
        return { afterSeconds, targets: index === levels.length - 1 ? [...targets, failsafe] : targets };
      }),
      repeatSeconds,
    };
  });

const duty: fc.Arbitrary<Duty | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ from: 0, until: startAt * 2 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc
      .record({ from: fc.nat({ max: 20_000 }), lasts: fc.integer({ min: 1, max: 60_000 }) })
      .map(({ from, lasts }): Duty => ({ from: startAt + from, until: startAt + from + lasts })),
  },
);
const world: fc.Arbitrary<World> = fc.record({
  policy,
  duties: fc
    .tuple(...people.map(() => duty))
    .map((duties) =>
      Object.fromEntries(people.flatMap((name, index) => (duties[index] === undefined ? [] : [[name, duties[index]]]))),
    ),
  bedNurses: fc.record({ p1: fc.subarray(nurses), p2: fc.subarray(nurses) }),
});

const intent: fc.Arbitrary<Intent> = fc
  .tuple(
    fc.record({ patient: fc.constantFrom(...patients), engine, crash, isRepeatedAtOnce: fc.boolean() }),
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('raise' as const), person, priority: fc.constantFrom(...priorities) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('active' as const), priority: fc.constantFrom(...priorities) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('cleared' as const) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), person }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('decline' as const), person }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('declineAll' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('receipts' as const), level: fc.constantFrom(...receiptLevels) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('resolve' as const), person }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat() }) },
    ),
  )
  .map(([common, special]) => ({ ...common, ...special }));
const advance = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 6_000, max: 60_000 }) },
  // Beyond the time of an answer.
  { weight: 1, arbitrary: fc.constantFrom(599_999, 600_000, 620_000, 1_800_000, 3_700_000) },
);
const step: fc.Arbitrary<Step> = fc.record({
  advanceMs: advance,
  intents: fc.array(intent, { maxLength: 3 }),
  ticks: fc.array(fc.record({ engine, crash }), { maxLength: 2 }),
});

// Doing it.

/** The newest alert of a patient, with whom it calls. */
async function newestAlert(sql: Database, patient: string): Promise<{ alertId: string; called: string[] } | undefined> {
  const { rows } = await sql.query<{ alertId: string; called: string[] }>(
    `select alert_id as "alertId",
       array(select distinct person from page
             where page.alert_id = alert.alert_id and page.run = alert.run and status = 'paged') as called
     from alert where patient_id = $1 order by opened_at desc, resolved_at desc nulls first limit 1`,
    [patient],
  );
  return rows[0];
}

/** Of every call about the patient, whenever it was. */
async function receiptsOf(sql: Database, patient: string, level: ReceiptLevel): Promise<Receipt[]> {
  const { rows } = await sql.query<{ mid: string; person: string }>(
    `select mid, person from page join alert using (alert_id) where patient_id = $1 order by mid limit $2`,
    [patient, maxReceipts],
  );
  return rows.map((row) => ({ ...row, level, at: new Date(startAt).toISOString() }));
}

async function toDeliveries(intent: Intent, number: number, sent: readonly Delivery[]): Promise<readonly Delivery[]> {
  const { patient } = intent;
  const key = `key${number}`;
  switch (intent.kind) {
    case 'again':
      return sent.slice(intent.which % Math.max(1, sent.length)).slice(0, 1);
    case 'raise': {
      const input = { patientId: patient, kind: 'fall', priority: intent.priority, message: 'Fall' };
      return [{ key, kind: 'raise', actor: actorOf(intent.person), input }];
    }
    case 'active':
    case 'cleared': {
      const priority = intent.kind === 'active' ? intent.priority : 'low';
      const at = new Date(startAt).toISOString();
      const condition = { patientId: patient, wardId: ward, kind: 'fall', priority, message: 'Fall', at };
      return [{ key, kind: intent.kind, version: number, condition }];
    }
    case 'receipts': {
      const items = await receiptsOf(engines[0], patient, intent.level);
      return items.length === 0 ? [] : [{ key, kind: 'receipts', actor: gatewayActor, items }];
    }
    case 'acknowledge':
    case 'decline':
    case 'resolve':
    case 'declineAll': {
      const alert = await newestAlert(engines[0], patient);
      if (alert === undefined) return [];
      const input = { alertId: alert.alertId };
      if (intent.kind !== 'declineAll') return [{ key, kind: intent.kind, actor: actorOf(intent.person), input }];
      return alert.called.map((name) => ({ key: `${key}${name}`, kind: 'decline', actor: actorOf(name), input }));
    }
  }
}

/** @returns what was wrong */
async function play(world: World, steps: readonly Step[]): Promise<string[]> {
  await storeWorld(engines[0], world);
  const ticks: number[] = [];
  const sent: Delivery[] = [];
  const answers = new Map<string, Answer>();
  const wrong: string[] = [];
  let now = startAt;
  for (const { advanceMs, intents, ticks: wanted } of steps) {
    now += advanceMs;
    const deliveries: { delivery: Delivery; intent: Intent }[] = [];
    for (const intent of intents) {
      const made = await toDeliveries(intent, sent.length + deliveries.length + 1, sent);
      deliveries.push(...made.map((delivery) => ({ delivery, intent })));
    }
    sent.push(...deliveries.map(({ delivery }) => delivery));
    const check = (delivery: Delivery, answer: Answer): void => {
      const first = answers.get(delivery.key);
      if (first?.ok !== true) answers.set(delivery.key, answer);
      else if (!isSameAnswer(first, answer)) wrong.push(`${delivery.kind} with the same key has another answer`);
    };
    await Promise.all([
      ...deliveries.flatMap(({ delivery, intent: { engine, crash, isRepeatedAtOnce } }) => [
        deliver(engines[engine], now, delivery, crash).then((answer) => check(delivery, answer)),
        isRepeatedAtOnce && deliver(engines[1 - engine]!, now, delivery).then((answer) => check(delivery, answer)),
      ]),
      ...wanted.map(({ engine, crash }) => tick(engines[engine], now, crash)),
    ]);
    if (wanted.length === 0) continue;
    // A commit wakes the loops: what was changed beside the tick is looked at once more.
    await tick(engines[0], now);
    ticks.push(now);
  }
  await tick(engines[0], now);
  ticks.push(now);
  return [...wrong, ...(await findViolations(engines[0], world, ticks))];
}

const begin: Step = {
  advanceMs: 0,
  intents: [
    { kind: 'active', patient: 'p1', priority: 'high', engine: 0, crash: undefined, isRepeatedAtOnce: false },
    {
      kind: 'raise',
      patient: 'p2',
      person: 'n1',
      priority: 'medium',
      engine: 1,
      crash: undefined,
      isRepeatedAtOnce: true,
    },
  ],
  ticks: [],
};

test('two engines, random crashes, redelivery and receipts keep I1, I2, I3, I5, I12, I13 and I17: deadlines are met, never early, each call is made once, an answer stops the ladder and nothing else does, an episode has one open alert and never loses its deadline', async () => {
  await fc.assert(
    fc.asyncProperty(world, fc.array(step, { minLength: 3, maxLength: 16 }), async (world, steps) => {
      expect(await play(world, [begin, ...steps])).toEqual([]);
    }),
    // A failure is made smaller for as long as there is time, and then shown.
    { numRuns: Number(process.env['FC_RUNS'] ?? 100), interruptAfterTimeLimit: 540_000, markInterruptAsFailure: true },
  );
}, 600_000);
