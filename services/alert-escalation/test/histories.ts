/** Worlds and histories for the model-based runs. */
import fc from 'fast-check';
import type { Policy, Target } from '@carillon/contracts/escalation-policies';
import { priorities, type Priority } from '@carillon/contracts/monitoring';
import { receiptLevels, type ReceiptLevel } from '@carillon/contracts/receipts';
import type { CrashPoint } from '@carillon/testkit/faults';
import { nurses, otherWard, people, peopleOfOtherWard, ward, type Duty, type World } from './world.ts';

export const startAt = Date.UTC(2026, 10, 21, 8);
const everybody = [...people, ...peopleOfOtherWard];

/** What may be asked of the service, about an alert of a kind; by the rule of a world the second holds back the first. */
export type Intent = {
  patient: string;
  alarm: 'fall' | 'leads-off';
  engine: 0 | 1;
  crash: CrashPoint | undefined;
  isRepeatedAtOnce: boolean;
} & (
  | { kind: 'raise'; person: string; priority: Priority }
  | { kind: 'acknowledge' | 'decline' | 'resolve' | 'arrive'; person: string }
  | { kind: 'snooze'; person: string; seconds: number }
  /** By what he saw, or by an older version. */
  | { kind: 'escalate'; person: string; isStale: boolean }
  | { kind: 'active'; priority: Priority }
  | { kind: 'cleared' }
  /** Whoever is called declines, all at once. */
  | { kind: 'declineAll' }
  /** Whoever was ever called got it, has it on his screen, or read it. */
  | { kind: 'receipts'; level: ReceiptLevel }
  /** To a ward, or home. */
  | { kind: 'move'; wardId: string | null }
  | { kind: 'silence'; person: string; isOfWard: boolean; priorities: Priority[]; seconds: number }
  | { kind: 'endSilence'; person: string; which: number }
  | { kind: 'editPolicy'; policyId: 'default' | 'urgent'; policy: Policy }
  | { kind: 'removePolicy' }
  /** An earlier delivery comes again. */
  | { kind: 'again'; which: number }
);
type Tick = { engine: 0 | 1; crash: CrashPoint | undefined };
/** An engine stands still at a statement of the step, for so many steps after it. */
export type Stop = { engine: 0 | 1; point: CrashPoint; steps: number };
export type Step = { advanceMs: number; intents: readonly Intent[]; ticks: readonly Tick[]; stop?: Stop | undefined };

const person = fc.constantFrom(...everybody);
const nurse = fc.constantFrom(...nurses, ...peopleOfOtherWard);
const engine = fc.constantFrom(0 as const, 1 as const);
const when = fc.constantFrom('before' as const, 'after' as const);
const crash: fc.Arbitrary<CrashPoint | undefined> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.record({ statement: fc.nat({ max: 20 }), when }) },
);
const stop: fc.Arbitrary<Stop | undefined> = fc.oneof(
  { weight: 7, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      engine,
      point: fc.record({ statement: fc.nat({ max: 20 }), when }),
      steps: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Target>({ kind: 'bedNurse' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('group' as const), group: fc.constantFrom('g1', 'g2') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wardRole' as const),
      role: fc.constantFrom('nurse', 'nurse', 'doctor', 'responder'),
    }),
  },
  fc.record({ kind: fc.constant('hospitalRole' as const), role: fc.constantFrom('nurse', 'doctor') }),
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
      fc.record({
        waits: fc.integer({ min: 5, max: 12 }),
        targets: fc.array(target, { minLength: 1, maxLength: 2 }),
        needs: fc.constantFrom<NonNullable<Policy['levels'][number]['needs']>>('any', 'any', 'any', 'all', 2),
        deliverWithinSeconds: fc.constantFrom(undefined, 3, 10),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    first: fc.constantFrom(0, 0, 4),
    failsafe,
    repeatSeconds: fc.integer({ min: 5, max: 20 }),
  })
  .map(({ levels, first, failsafe, repeatSeconds }) => {
    let afterSeconds = first;
    return {
      levels: levels.map(({ waits, targets, needs, deliverWithinSeconds }, index) => {
        if (index > 0) afterSeconds += waits;
        return {
          afterSeconds,
          needs,
          ...(deliverWithinSeconds === undefined ? {} : { deliverWithinSeconds }),
          targets: index === levels.length - 1 ? [...targets, failsafe] : targets,
        };
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
const group = fc.record({
  people: fc.subarray(everybody, { minLength: 1, maxLength: 3 }),
  isCalledOffShift: fc.boolean(),
});
const bedNurses = fc.subarray([...nurses, ...peopleOfOtherWard.slice(0, 1)]);
export const world: fc.Arbitrary<World> = fc.record({
  policy,
  urgent: fc.option(policy, { nil: undefined }),
  duties: fc
    .tuple(...everybody.map(() => duty))
    .map((duties) =>
      Object.fromEntries(
        everybody.flatMap((name, index) => (duties[index] === undefined ? [] : [[name, duties[index]]])),
      ),
    ),
  bedNurses: fc.record({ p1: bedNurses, p2: bedNurses }),
  groups: fc.record({ g1: group, g2: group }),
  isInhibited: fc.boolean(),
});

const common = fc.record({
  patient: fc.constantFrom('p1', 'p1', 'p2'),
  alarm: fc.constantFrom('fall' as const, 'fall' as const, 'fall' as const, 'leads-off' as const, 'leads-off' as const),
  engine,
  crash,
  isRepeatedAtOnce: fc.constantFrom(true, false, false, false),
});
const priority = fc.constantFrom(...priorities);
const intent: fc.Arbitrary<Intent> = fc
  .tuple(
    common,
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('raise' as const), person, priority }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('active' as const), priority }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('cleared' as const) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), person }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('decline' as const), person }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('declineAll' as const) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('arrive' as const), person }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('snooze' as const), person, seconds: fc.constantFrom(10, 60, 300) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('escalate' as const), person, isStale: fc.boolean() }),
      },
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('receipts' as const), level: fc.constantFrom(...receiptLevels) }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('move' as const),
          wardId: fc.constantFrom(otherWard, otherWard, ward, null),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('silence' as const),
          person: nurse,
          isOfWard: fc.boolean(),
          priorities: fc.constantFrom<Priority[]>(['medium', 'low'], ['medium', 'low'], ['high'], ['low']),
          seconds: fc.constantFrom(5, 30, 120, 120),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('endSilence' as const), person: nurse, which: fc.nat() }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('editPolicy' as const),
          policyId: fc.constantFrom('default' as const, 'urgent' as const),
          policy,
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('removePolicy' as const) }) },
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
export const step: fc.Arbitrary<Step> = fc.record({
  advanceMs: advance,
  intents: fc.array(intent, { maxLength: 3 }),
  ticks: fc.array(fc.record({ engine, crash }), { maxLength: 2 }),
  stop,
});

const calmly = { engine: 0, crash: undefined, isRepeatedAtOnce: false } as const;
/** What may hold back one of the alerts with which a history begins. */
const holding: readonly Intent[] = [
  { ...calmly, kind: 'active', patient: 'p1', alarm: 'leads-off', priority: 'high' },
  {
    ...calmly,
    kind: 'silence',
    patient: 'p2',
    alarm: 'fall',
    person: 'n2',
    isOfWard: true,
    priorities: ['medium'],
    seconds: 120,
  },
];
/** Every history begins with two alerts. */
export const begin: fc.Arbitrary<Step> = fc.subarray([...holding]).map((held) => ({
  advanceMs: 0,
  intents: [
    { ...calmly, kind: 'active', patient: 'p1', alarm: 'fall', priority: 'high' },
    {
      kind: 'raise',
      patient: 'p2',
      alarm: 'fall',
      person: 'n1',
      priority: 'medium',
      engine: 1,
      crash: undefined,
      isRepeatedAtOnce: true,
    },
    ...held,
  ],
  ticks: [],
}));
