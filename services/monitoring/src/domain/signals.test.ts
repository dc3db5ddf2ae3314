import { expect, test } from '@jest/globals';
import { absentAtMs, doubtSignal, findAbsent, hearOn, hearSignal, type Signal, type Signals } from './signals.ts';

const start = 1_000_000;
const hear = (receipts: readonly number[], before?: Signal): Signal | undefined =>
  receipts.reduce<Signal | undefined>((signal, seconds) => {
    const receivedMs = start + seconds * 1_000;
    return hearSignal(signal, { deviceId: 'd1', receivedMs, nowMs: receivedMs });
  }, before);
const seconds = (from: number, to: number, every = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, index) => from + index * every);
const streamUntil = (last: number, every = 1): Signals => {
  const spo2 = hear(seconds(0, last, every));
  if (spo2 === undefined) throw new Error('nothing was heard');
  return { spo2 };
};
const isAbsentAt = (signals: Signals, at: number, sinceMs = start): boolean =>
  findAbsent(signals, { sinceMs, untilMs: start + at * 1_000 }).spo2?.absentSinceMs !== undefined;

test('a sensor that falls off is absent after 15 s and not before', () => {
  const signals = streamUntil(20);
  expect(isAbsentAt(signals, 34.999)).toBe(false);
  expect(isAbsentAt(signals, 35)).toBe(true);
});

test('a signal of longer intervals is absent after five of them', () => {
  const signals = streamUntil(60, 10);
  expect(isAbsentAt(signals, 109)).toBe(false);
  expect(isAbsentAt(signals, 110)).toBe(true);
});

test('one lost sample makes nobody wait longer', () => {
  const spo2 = hear([...seconds(0, 20), 29, 30, 31]);
  if (spo2 === undefined) throw new Error('nothing was heard');
  expect(isAbsentAt({ spo2 }, 46)).toBe(true);
});

test('rounds are never missed, and neither is what was sent at once', () => {
  for (const receipts of [
    [0, 3_600, 7_200, 10_800],
    [0, 90, 180, 270],
    [0, 0.01, 0.02, 0.03],
    [0, 1, 2, 3, 4, 5],
  ]) {
    const spo2 = hear(receipts);
    expect(spo2 !== undefined && isAbsentAt({ spo2 }, 20_000)).toBe(false);
  }
});

test('our own outage makes no sensor silent: absence is counted from when we listened again', () => {
  const signals = streamUntil(20);
  const since = start + 300_000;
  expect(isAbsentAt(signals, 314.999, since)).toBe(false);
  expect(isAbsentAt(signals, 315, since)).toBe(true);
});

test('listening that broke off for more than 5 s begins anew', () => {
  const once = hearOn(hearOn(undefined, start), start + 5_000);
  expect(once).toEqual({ sinceMs: start, untilMs: start + 5_000 });
  expect(hearOn(once, start + 10_001)).toEqual({ sinceMs: start + 10_001, untilMs: start + 10_001 });
});

test('a device that says that its sensor is off is believed after 15 s, however long its intervals are', () => {
  const { spo2 } = streamUntil(60, 10);
  if (spo2 === undefined) throw new Error('nothing was heard');
  const off = doubtSignal(spo2, 'off', start + 62_000);
  expect(absentAtMs(off, start)).toBe(start + 77_000);
  expect(doubtSignal(off, 'suspect', start + 70_000)).toBe(off);
  const doubted = doubtSignal(spo2, 'suspect', start + 62_000);
  expect(absentAtMs(doubted, start)).toBe(start + 110_000);
  expect(doubtSignal(doubted, 'off', start + 70_000).doubt).toEqual({ reason: 'off', sinceMs: start + 70_000 });
});

test('a sensor that was off again and again is missed as soon as ever', () => {
  let { spo2 } = streamUntil(20);
  for (const back of [100, 200, 300]) {
    const absent = findAbsent(spo2 === undefined ? {} : { spo2 }, {
      sinceMs: start,
      untilMs: start + back * 1_000 - 1,
    });
    spo2 = hear([back], absent.spo2);
  }
  expect(spo2 !== undefined && isAbsentAt({ spo2 }, 315)).toBe(true);
});

test('one good sample is enough to be there again', () => {
  const absent = findAbsent(streamUntil(20), { sinceMs: start, untilMs: start + 60_000 });
  const back = hear([61], doubtSignal(absent.spo2 as Signal, 'off', start + 30_000));
  expect(back).not.toHaveProperty('absentSinceMs');
  expect(back).not.toHaveProperty('doubt');
  expect(back).toHaveProperty('isExpected', true);
});
