import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { watchUnread } from './unread.ts';

const MiB = 1024 * 1024;
beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const watched = () => {
  const state = { bytes: 0, slow: 0 };
  const unread = watchUnread(
    () => state.bytes,
    () => state.slow++,
  );
  return { state, unread };
};

test('more than 8 MiB for 10 s is slow, less than that or for less long is not', () => {
  const { state, unread } = watched();
  for (const [bytes, ms] of [
    [8 * MiB, 20_000],
    [8 * MiB + 1, 9_999],
    [8 * MiB, 1],
    [9 * MiB, 9_999],
  ] as const) {
    state.bytes = bytes;
    expect(unread.mayWrite()).toBe(true);
    expect(unread.isFull()).toBe(bytes > 8 * MiB);
    jest.advanceTimersByTime(ms);
    expect(state.slow).toBe(0);
  }
  jest.advanceTimersByTime(1);
  expect(state.slow).toBe(1);
});

test('who has read by the time that it is looked at goes on', () => {
  const { state, unread } = watched();
  state.bytes = 9 * MiB;
  unread.mayWrite();
  state.bytes = 0;
  jest.advanceTimersByTime(10_000);
  expect([state.slow, unread.isFull()]).toEqual([0, false]);
});

test('more than 32 MiB is slow at once, and nothing more is to be written', () => {
  const { state, unread } = watched();
  state.bytes = 32 * MiB;
  expect(unread.mayWrite()).toBe(true);
  state.bytes++;
  expect(unread.mayWrite()).toBe(false);
  expect(state.slow).toBe(1);
  unread.stop();
  expect(jest.getTimerCount()).toBe(0);
});
