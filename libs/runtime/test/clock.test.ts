import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Sql } from '@carillon/database/database';
import { followDatabaseClock } from '@carillon/runtime/clock';
import { createLogger } from '@carillon/runtime/log';

/** The one thing that a real database cannot do for a test: step its clock. */
const offsetOf = { ms: 0 };
let answerTakesMs = 0;
let isAway = false;
const sql: Sql = {
  async query() {
    if (isAway) throw new Error('away');
    if (answerTakesMs > 0) await new Promise((resolve) => setTimeout(resolve, answerTakesMs));
    return { rows: [{ ms: performance.now() + offsetOf.ms }] as never[], rowCount: 1 };
  },
};
const log = createLogger('test', { level: 'silent', file: '' });
const alarms = jest.spyOn(log, 'error');

beforeEach(() => {
  jest.useFakeTimers();
  [offsetOf.ms, answerTakesMs, isAway] = [1_000_000, 0, false];
  alarms.mockClear();
});
afterEach(() => {
  jest.useRealTimers();
});

async function follow() {
  const clock = await followDatabaseClock(sql, log);
  return { clock, ahead: () => Math.round(clock.now() - performance.now() - offsetOf.ms) };
}

test('time is the time of the database, whatever the clock of this machine says', async () => {
  const { clock, ahead } = await follow();
  jest.setSystemTime(0);
  expect(ahead()).toBe(0);
  offsetOf.ms += 300;
  await jest.advanceTimersByTimeAsync(5_000);
  expect(ahead()).toBe(0);
  expect(alarms).not.toHaveBeenCalled();
  clock.stop();
});

test('a forward step is taken at once, with an alarm, and is remembered', async () => {
  const { clock, ahead } = await follow();
  offsetOf.ms += 60_000;
  await jest.advanceTimersByTimeAsync(5_000);
  expect(ahead()).toBe(0);
  expect(alarms).toHaveBeenCalledTimes(1);
  expect(alarms.mock.calls[0]?.[0]).toEqual({ stepMs: 60_000 });
  expect(clock.steps()).toEqual([{ at: clock.now(), ms: 60_000 }]);
  clock.stop();
});

test('a backward step delays no deadline: it is taken in by 1 ms a second, with one alarm', async () => {
  const { clock, ahead } = await follow();
  offsetOf.ms -= 10_000;
  let before = clock.now();
  for (let measurement = 1; measurement <= 100; measurement++) {
    await jest.advanceTimersByTimeAsync(5_000);
    expect(clock.now() - before).toBeGreaterThanOrEqual(4_995);
    before = clock.now();
  }
  expect(ahead()).toBe(10_000 - 100 * 5);
  expect(alarms).toHaveBeenCalledTimes(1);
  clock.stop();
});

test('a slow answer moves nothing, and while there is none the time goes on', async () => {
  const { clock, ahead } = await follow();
  answerTakesMs = 800;
  await jest.advanceTimersByTimeAsync(10_800);
  expect(ahead()).toBe(0);
  isAway = true;
  const before = clock.now();
  await jest.advanceTimersByTimeAsync(60_000);
  expect(Math.round(clock.now() - before)).toBe(60_000);
  expect(alarms).not.toHaveBeenCalled();
  clock.stop();
});

test('a first answer that was slow is made good by the next, without an alarm', async () => {
  answerTakesMs = 6_000;
  const following = follow();
  await jest.advanceTimersByTimeAsync(6_000);
  const { clock, ahead } = await following;
  answerTakesMs = 0;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(alarms).not.toHaveBeenCalled();
  expect(clock.steps()).toEqual([]);
  expect(ahead()).toBeGreaterThan(2_900);
  clock.stop();
});
