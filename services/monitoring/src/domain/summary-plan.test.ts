import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planSummary } from './summary-plan.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const now = Date.parse('2026-11-21T12:34:56Z');
const kept = { points: 400, readingsFrom: now - 35 * dayMs };

test('hours are summed up from readings, days and months from minutes', () => {
  expect(planSummary({ from: now - 8 * hourMs, to: now }, kept)).toEqual({
    resolution: 'readings',
    from: now - 8 * hourMs,
    to: now,
    everySeconds: 72,
  });
  expect(planSummary({ from: now - dayMs, to: now }, kept)).toMatchObject({ resolution: 'minutes', everySeconds: 240 });
  expect(planSummary({ from: now - 30 * dayMs, to: now }, kept)).toMatchObject({
    resolution: 'minutes',
    everySeconds: 6_540,
  });
});

test('an hour whose readings are gone is summed up from minutes', () => {
  const from = now - 90 * dayMs;
  expect(planSummary({ from, to: from + hourMs }, kept)).toEqual({
    resolution: 'minutes',
    from: from - 56_000,
    to: from + hourMs + 4_000,
    everySeconds: 60,
  });
});

test('there are never more parts than were asked for, and none of the time is left out', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 500 * dayMs }),
      fc.integer({ min: 1, max: 400 * dayMs }),
      fc.integer({ min: 10, max: 1_000 }),
      (ago, length, points) => {
        const [from, to] = [now - ago, now - ago + length];
        const plan = planSummary({ from, to }, { ...kept, points });
        expect(Math.ceil((plan.to - plan.from) / 1_000 / plan.everySeconds)).toBeLessThanOrEqual(points);
        expect(plan.from).toBeLessThanOrEqual(from);
        expect(plan.to).toBeGreaterThanOrEqual(to);
      },
    ),
  );
});
