import { expect, test } from '@jest/globals';
import type { Layer } from '@carillon/contracts/plans';
import fc from 'fast-check';
import { findScheduleIssues, turnAt, turnsBetween, type Plan, type Replacement, type Turn } from './schedule.ts';

const utc = (text: string): number => Date.parse(text);
const hour = 3_600_000;
const day = 24 * hour;
const layer = (given: Partial<Layer> = {}): Layer => ({
  people: ['a', 'b'],
  startsOn: '2026-03-23',
  handOverAt: '07:00',
  everyDays: 1,
  ...given,
});
const london = (...layers: Layer[]): Plan => ({ timeZone: 'Europe/London', layers });
const shown = (turns: readonly Turn[]): string[] =>
  turns.map(
    ({ from, until, person }) => `${new Date(from).toISOString().slice(5, 16)} ${(until - from) / hour} ${person}`,
  );

test('turns begin at the same time of the wall, and the night of the change is an hour shorter', () => {
  const turns = turnsBetween(london(layer()), [], utc('2026-03-28T00:00Z'), utc('2026-03-31T00:00Z'));
  expect(shown(turns)).toEqual(['03-28T00:00 7 a', '03-28T07:00 23 b', '03-29T06:00 24 a', '03-30T06:00 18 b']);
});

test('before a layer begins nobody is on call, and weeks go by seven days', () => {
  const weekly = london(layer({ everyDays: 7 }));
  expect(shown(turnsBetween(weekly, [], utc('2026-03-22T00:00Z'), utc('2026-04-08T00:00Z')))).toEqual([
    '03-22T00:00 31 null',
    '03-23T07:00 167 a',
    '03-30T06:00 168 b',
    '04-06T06:00 42 a',
  ]);
});

test('a later layer wins where it is on, also over midnight, and leaves the rest to the earlier ones', () => {
  const weekend = layer({
    people: ['w'],
    everyDays: 7,
    hours: [{ weekdays: [5, 6], from: '20:00', until: '08:00' }],
  });
  const plan = london(layer({ people: ['a'] }), weekend);
  // Friday and Saturday nights; on Sunday the 29th the clock is put forward.
  expect(shown(turnsBetween(plan, [], utc('2026-03-27T12:00Z'), utc('2026-03-29T12:00Z')))).toEqual([
    '03-27T12:00 8 a',
    '03-27T20:00 12 w',
    '03-28T08:00 12 a',
    '03-28T20:00 11 w',
    '03-29T07:00 5 a',
  ]);
});

test('an override wins over all layers, and the later made one over the earlier', () => {
  const from = utc('2026-05-01T10:00Z');
  const early: Replacement = { from, until: from + 4 * hour, person: 'x' };
  const late: Replacement = { from: from + 2 * hour, until: from + 6 * hour, person: 'y' };
  const plan = london(layer({ people: ['a'] }));
  expect(shown(turnsBetween(plan, [early, late], from - hour, from + 7 * hour))).toEqual([
    '05-01T09:00 1 a',
    '05-01T10:00 2 x',
    '05-01T12:00 4 y',
    '05-01T16:00 1 a',
  ]);
  expect(turnAt(plan, [early, late], from + 5 * hour, day)).toMatchObject({ person: 'y', until: from + 6 * hour });
});

const layers = fc.record({
  people: fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 }),
  startsOn: fc.constantFrom('2026-03-01', '2026-10-20', '2020-02-29'),
  handOverAt: fc.constantFrom('00:00', '01:30', '02:30', '07:00', '23:59'),
  everyDays: fc.integer({ min: 1, max: 9 }),
});
const windows = fc.record({
  weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  from: fc.constantFrom('00:00', '01:30', '08:00', '22:00'),
  until: fc.constantFrom('00:00', '02:30', '08:00', '16:00'),
});
const plans = fc.record({
  timeZone: fc.constantFrom('Europe/London', 'America/New_York', 'Asia/Kuala_Lumpur', 'Australia/Lord_Howe'),
  layers: fc.array(
    fc
      .tuple(layers, fc.option(fc.array(windows, { minLength: 1, maxLength: 3 })))
      .map(([fixed, hours]): Layer => (hours === null ? fixed : { ...fixed, hours })),
    { minLength: 1, maxLength: 3 },
  ),
});
const instants = fc
  .integer({ min: utc('2026-01-01T00:00Z') / 60_000, max: utc('2028-01-01T00:00Z') / 60_000 })
  .map((minute) => minute * 60_000);
const overridesOf = (start: number) =>
  fc.array(
    fc
      .tuple(fc.integer({ min: -48, max: 48 }), fc.integer({ min: 1, max: 72 }), fc.constantFrom('x', 'y'))
      .map(([after, hours, person]): Replacement => {
        const from = start + after * hour;
        return { from, until: from + hours * hour, person };
      }),
    { maxLength: 3 },
  );
const cases = fc.tuple(plans, instants, fc.integer({ min: 1, max: 24 * 10 })).chain(([plan, from, hours]) =>
  fc.record({
    plan: fc.constant(plan),
    from: fc.constant(from),
    until: fc.constant(from + hours * hour),
    overrides: overridesOf(from),
  }),
);

test('turns are gapless, in order, and each differs from the one before', () => {
  fc.assert(
    fc.property(cases, ({ plan, overrides, from, until }) => {
      const turns = turnsBetween(plan, overrides, from, until);
      expect(turns[0]?.from).toBe(from);
      expect(turns.at(-1)?.until).toBe(until);
      for (const [index, turn] of turns.entries()) {
        expect(turn.until).toBeGreaterThan(turn.from);
        const next = turns[index + 1];
        if (next === undefined) continue;
        expect(next.from).toBe(turn.until);
        expect(next.person).not.toBe(turn.person);
      }
    }),
    { numRuns: 300 },
  );
});

test('who is on call at an instant does not depend on the window through which one looks', () => {
  fc.assert(
    fc.property(cases, fc.double({ min: 0, max: 0.999, noNaN: true }), ({ plan, overrides, from, until }, share) => {
      const at = Math.floor(from + (until - from) * share);
      const turn = turnsBetween(plan, overrides, from, until).find((one) => one.from <= at && at < one.until);
      expect(turnAt(plan, overrides, at, 1).person).toBe(turn?.person);
    }),
    { numRuns: 300 },
  );
});

test('an unknown zone and a day that no calendar has are named', () => {
  expect(findScheduleIssues(london(layer()))).toEqual([]);
  const paths = findScheduleIssues({ timeZone: 'Mars/Base', layers: [layer({ startsOn: '2026-02-30' })] });
  expect(paths.map(({ path }) => path)).toEqual(['timeZone', 'layers.0.startsOn']);
});

test('the largest plan is looked through in less time than an alarm may wait', () => {
  const two = (hour: number): string => String(hour).padStart(2, '0');
  const hours = Array.from({ length: 14 }, (_, hour) => ({
    weekdays: [1, 2, 3, 4, 5, 6, 7],
    from: `${two(hour)}:00`,
    until: `${two(hour)}:30`,
  }));
  const layer = { people: ['a', 'b'], startsOn: '2020-01-01', handOverAt: '07:00', everyDays: 1, hours };
  const plan = { timeZone: 'Europe/London', layers: Array.from({ length: 10 }, () => layer) };
  const start = Date.UTC(2026, 10, 21);
  turnsBetween(plan, [], start, start + 31 * 86_400_000);
  const began = process.cpuUsage();
  for (let look = 0; look < 5; look += 1) turnsBetween(plan, [], start + look * 60_000, start + 60_000 * (look + 1));
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 5_000).toBeLessThan(10);
});

test('a time zone that is not known here has no turns, but those who stand in', () => {
  const plan: Plan = { timeZone: 'Mars/Base', layers: [layer()] };
  const from = utc('2026-03-28T00:00Z');
  expect(turnsBetween(plan, [], from, from + 9 * hour)).toEqual([{ from, until: from + 9 * hour, person: null }]);
  const override = { from: from + hour, until: from + 2 * hour, person: 'n2' };
  expect(turnAt(plan, [override], from + hour, hour)).toMatchObject({ person: 'n2' });
});
