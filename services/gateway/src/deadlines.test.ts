import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { DeadlineWheel, Deadlines } from './deadlines.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const open = (wheel = new DeadlineWheel()) => {
  const startedAt = performance.now();
  const happened: [string, number][] = [];
  const deadlines = new Deadlines(wheel, {
    onDue: (due) => happened.push([due, Math.round(performance.now() - startedAt)]),
  });
  return { deadlines, happened, names: () => happened.map(([due]) => due) };
};

test('what is due happens once, not before its time and within two ticks after it', () => {
  const { deadlines, happened } = open();
  deadlines.setLink('ping', 1_234);
  deadlines.setToken('reauth', 5_678);
  jest.advanceTimersByTime(20_000);
  expect(happened.map(([due]) => due)).toEqual(['ping', 'reauth']);
  for (const [index, at] of [1_234, 5_678].entries()) {
    expect(happened[index]?.[1]).toBeGreaterThanOrEqual(at);
    expect(happened[index]?.[1]).toBeLessThanOrEqual(at + 200);
  }
});

test('a deadline takes the place of the one before, whether it is sooner or later', () => {
  const { deadlines, names } = open();
  deadlines.setLink('ping', 5_000);
  deadlines.setLink('pong', 1_000);
  jest.advanceTimersByTime(1_300);
  expect(names()).toEqual(['pong']);
  deadlines.setLink('ping', 1_000);
  deadlines.setLink('ping', 60_000);
  jest.advanceTimersByTime(59_000);
  expect(names()).toEqual(['pong']);
  jest.advanceTimersByTime(1_300);
  expect(names()).toEqual(['pong', 'ping']);
});

test('what is due in an hour waits for an hour, and one that is due at once does not', () => {
  const { deadlines, happened, names } = open();
  deadlines.setToken('reauth', 3_600_000);
  deadlines.setLink('connect', -5);
  jest.advanceTimersByTime(300);
  expect(names()).toEqual(['connect']);
  jest.advanceTimersByTime(3_599_000);
  expect(names()).toEqual(['connect']);
  jest.advanceTimersByTime(1_000);
  expect(happened[1]?.[1]).toBeGreaterThanOrEqual(3_600_000);
});

test('nothing happens to who has stopped, and with the last of them the timer is gone', () => {
  const wheel = new DeadlineWheel();
  const [one, other] = [open(wheel), open(wheel)];
  one.deadlines.setLink('ping', 1_000);
  other.deadlines.setLink('ping', 1_000);
  one.deadlines.stop();
  one.deadlines.setLink('ping', 10);
  jest.advanceTimersByTime(1_300);
  expect(one.names()).toEqual([]);
  expect(other.names()).toEqual(['ping']);
  expect(jest.getTimerCount()).toBe(0);
});

test('who is stopped by what another of the same moment does hears nothing any more', () => {
  const wheel = new DeadlineWheel();
  const second = open(wheel);
  const first = new Deadlines(wheel, { onDue: () => second.deadlines.stop() });
  first.setLink('ping', 500);
  second.deadlines.setLink('ping', 500);
  second.deadlines.setToken('reauth', 500);
  jest.advanceTimersByTime(2_000);
  expect(second.names()).toEqual([]);
});
