import { afterEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import type { Sql } from '@carillon/database/database';
import { followDatabaseClock, type ClockStep } from '@carillon/runtime/clock';
import { createLogger } from '@carillon/runtime/log';

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const log = createLogger('test', { level: 'silent', file: '' });

/** Of the way to the database and back, ms; nothing when no answer comes. */
type Answer = { there: number; back: number } | undefined;
/** Its own clock has a beginning and a pace of its own; the database answers it as the list says, again and again. */
type Machine = { clockMs: number; driftPpm: number; answers: readonly Answer[] };
/** Somebody sets the clock of the database, so many seconds after the start. */
type Step = { second: number; ms: number };
/** Each second: the time of the database, that of the machine, and when the database was last seen; ms since the start. */
type Reading = { at: number; truth: number; now: number; seenAt: number };

const lasts = 120;

/** What one machine takes for the time, while the world around is as given. */
async function follow(machine: Machine, steps: readonly Step[]): Promise<{ readings: Reading[]; steps: ClockStep[] }> {
  jest.useFakeTimers({ now: 0, doNotFake: ['performance'] });
  const elapsed = (): number => Date.now();
  jest.spyOn(performance, 'now').mockImplementation(() => machine.clockMs + elapsed() * (1 + machine.driftPpm / 1e6));
  const truth = (): number =>
    1_000_000 +
    elapsed() +
    steps.filter(({ second }) => second * 1_000 <= elapsed()).reduce((sum, { ms }) => sum + ms, 0);
  let asked = 0;
  let seenAt = 0;
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const sql: Sql = {
    async query() {
      // Without a first answer nothing starts.
      const first = asked === 0 ? { there: 0, back: 0 } : undefined;
      const answer = machine.answers[asked++ % machine.answers.length] ?? first;
      if (answer === undefined) throw new Error('away');
      await wait(answer.there);
      const [ms, at] = [truth(), elapsed()];
      await wait(answer.back);
      seenAt = at;
      return { rows: [{ ms }] as never[], rowCount: 1 };
    },
  };
  const starting = followDatabaseClock(sql, log);
  await jest.advanceTimersByTimeAsync(1_000);
  const clock = await starting;
  const readings: Reading[] = [];
  for (let second = 1; second <= lasts; second++) {
    readings.push({ at: elapsed(), truth: truth(), now: clock.now(), seenAt });
    await jest.advanceTimersByTimeAsync(1_000);
  }
  clock.stop();
  return { readings, steps: [...clock.steps()] };
}

/** An answer tells the time to half of its way; what lies within that is not acted upon. */
const boundOf = ({ answers }: Machine): number =>
  2 * Math.max(0, ...answers.map((answer) => (answer === undefined ? 0 : (answer.there + answer.back) / 2))) +
  // How far the pace of a machine leads astray while nobody answers: 100 ppm, from the first answer to the last reading.
  (lasts + 10) * 0.1;

const answer = fc.record({ there: fc.nat({ max: 200 }), back: fc.nat({ max: 200 }) });
const machine = (answers: fc.Arbitrary<Answer>): fc.Arbitrary<Machine> =>
  fc.record({
    clockMs: fc.integer({ min: 0, max: 10_000_000 }),
    driftPpm: fc.integer({ min: -100, max: 100 }),
    answers: fc.array(answers, { minLength: 1, maxLength: 6 }),
  });
const mayBeAway = fc.option(answer, { nil: undefined, freq: 3 });
const apart = fc.tuple(machine(mayBeAway), machine(mayBeAway)).map(([one, other]): [Machine, Machine] => [
  one,
  // Five seconds behind, at least.
  { ...other, clockMs: one.clockMs + 5_000 + other.clockMs },
]);
const step = (earliest: number): fc.Arbitrary<Step> =>
  fc.record({
    second: fc.integer({ min: earliest, max: earliest + 20 }),
    ms: fc.oneof(fc.integer({ min: 5_000, max: 3_600_000 }), fc.integer({ min: -3_600_000, max: -5_000 })),
  });
const steps = fc
  .tuple(fc.option(step(20), { nil: undefined }), fc.option(step(70), { nil: undefined }))
  .map((some) => some.filter((each) => each !== undefined));

test('I8: two engines whose own clocks are five seconds apart and more agree, as well as the answers of the database tell', async () => {
  await fc.assert(
    fc.asyncProperty(apart, async ([one, other]) => {
      const { readings } = await follow(one, []);
      const { readings: others } = await follow(other, []);
      for (const [index, { truth, now }] of readings.entries()) {
        expect(Math.abs(now - truth)).toBeLessThanOrEqual(boundOf(one));
        expect(Math.abs(now - (others[index]?.now ?? Number.NaN))).toBeLessThanOrEqual(boundOf(one) + boundOf(other));
      }
    }),
    { numRuns: 60 },
  );
});

test('I8: a backward step of the time delays nothing, a forward one is taken as soon as it is seen, and both are remembered', async () => {
  await fc.assert(
    fc.asyncProperty(machine(mayBeAway), steps, async (machine, steps) => {
      const bound = boundOf(machine);
      const { readings, steps: seen } = await follow(machine, steps);
      const back = steps.reduce((sum, { ms }) => sum + Math.max(0, -ms), 0);
      for (const [index, { at, truth, now, seenAt }] of readings.entries()) {
        const isUnseen = ({ second, ms }: Step): boolean => ms > 0 && second * 1_000 <= at && second * 1_000 > seenAt;
        if (!steps.some(isUnseen)) expect(now).toBeGreaterThanOrEqual(truth - bound);
        const before = readings[index - 1]?.now;
        // 1 ms a second of a backward step is taken in, all of the 5 s between two looks at once.
        if (before !== undefined) expect(now - before).toBeGreaterThanOrEqual(1_000 - 5 - 1);
        expect(now).toBeLessThanOrEqual(truth + back + bound);
      }
      if (machine.answers.includes(undefined)) return;
      expect(seen.map(({ ms }) => Math.sign(ms))).toEqual(steps.map(({ ms }) => Math.sign(ms)));
      for (const [index, { ms }] of seen.entries()) {
        expect(Math.abs(ms - (steps[index]?.ms ?? 0))).toBeLessThanOrEqual(2 * bound);
      }
    }),
    { numRuns: 60 },
  );
});

test('I5: an answer that waited long before it was read puts nothing forward, whatever the pace of the machine', async () => {
  // As while all connections are taken. Half of the wait is as much as such an answer can be wrong by.
  const answers = [
    { there: 0, back: 1 },
    { there: 1_500, back: 0 },
  ];
  for (const driftPpm of [-100, 0, 100]) {
    const { readings } = await follow({ clockMs: 0, driftPpm, answers }, []);
    for (const { truth, now } of readings) expect(Math.abs(now - truth)).toBeLessThanOrEqual(15);
  }
});
