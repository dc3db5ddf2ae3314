import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decideBinding, decideRelease, isMeasuredOn } from './bindings.ts';
import type { Binding } from './patient-state.ts';

const patients = ['p1', 'p2', 'p3'];
const hour = 3_600_000;

type Step = { patientId: string; isBinding: boolean; backMs: number; laterMs: number };
const steps = fc.array(
  fc.record({
    patientId: fc.constantFrom(...patients),
    isBinding: fc.boolean(),
    backMs: fc.constantFrom(0, 1, 5, 50),
    laterMs: fc.constantFrom(0, 1, 10, 100),
  }),
  { maxLength: 20 },
);

/** What commands leave behind, as the store does. */
function historyOf(all: readonly Step[]): { bindings: Binding[]; endMs: number } {
  let bindings: Binding[] = [];
  let nowMs = 100 * hour;
  for (const { patientId, isBinding, backMs, laterMs } of all) {
    nowMs += laterMs;
    const atMs = nowMs - backMs;
    if (isBinding && decideBinding(bindings, { patientId, fromMs: atMs, nowMs }) === undefined) {
      bindings = [...bindings, { deviceId: 'd1', patientId, fromMs: atMs, untilMs: null }];
    }
    if (!isBinding && decideRelease(bindings, { patientId, untilMs: atMs, nowMs }) === undefined) {
      bindings = bindings.map((binding) => (binding.untilMs === null ? { ...binding, untilMs: atMs } : binding));
    }
  }
  return { bindings, endMs: nowMs };
}

test('M9 at every instant a device measures on one patient at most, the one of the interval that holds it', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { bindings, endMs } = historyOf(all);
      if (bindings.length === 0) return;
      for (let atMs = 100 * hour - 60; atMs <= endMs; atMs++) {
        const holders = patients.filter((patientId) => isMeasuredOn(bindings, { deviceId: 'd1', patientId, atMs }));
        const own = bindings.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < (untilMs ?? Infinity));
        expect(holders).toEqual(own === undefined ? [] : [own.patientId]);
      }
    }),
    { numRuns: 300 },
  );
});

const bound: Binding = { deviceId: 'd1', patientId: 'p1', fromMs: 1_000, untilMs: 2_000 };
const isOf = (patientId: string, atMs: number, bindings: readonly Binding[] = [bound]): boolean =>
  isMeasuredOn(bindings, { deviceId: 'd1', patientId, atMs });

test('M9 an interval holds its beginning and not its end, and the next one begins there', () => {
  expect([999, 1_000, 1_999, 2_000].map((atMs) => isOf('p1', atMs))).toEqual([false, true, true, false]);
  const next = [bound, { ...bound, patientId: 'p2', fromMs: 2_000, untilMs: null }];
  expect([1_999, 2_000].map((atMs) => isOf('p2', atMs, next))).toEqual([false, true]);
});

test('a device that was never bound is believed, one that was released is not', () => {
  expect(isOf('p1', 1_500, [])).toBe(true);
  expect(isOf('p1', 1_500, [{ ...bound, deviceId: 'd2' }])).toBe(true);
  expect(isOf('p1', 5_000)).toBe(false);
});

test('nobody takes a device from another patient, and binding it to the same one again changes nothing', () => {
  const open = [{ ...bound, untilMs: null }];
  const nowMs = 5_000;
  expect(decideBinding(open, { patientId: 'p2', fromMs: nowMs, nowMs })).toMatchObject({ code: 'conflict' });
  expect(decideBinding(open, { patientId: 'p1', fromMs: nowMs, nowMs })).toBe('bound');
  expect(decideRelease(open, { patientId: 'p2', untilMs: nowMs, nowMs })).toMatchObject({ code: 'conflict' });
});

test('a binding begins within the last day, not ahead, and not while another lasted', () => {
  const nowMs = 100 * hour;
  const at = (fromMs: number) =>
    decideBinding([{ ...bound, untilMs: nowMs - hour }], { patientId: 'p2', fromMs, nowMs });
  expect(at(nowMs)).toBeUndefined();
  expect(at(nowMs - hour)).toBeUndefined();
  expect(at(nowMs - hour - 1)).toMatchObject({ code: 'conflict' });
  expect(at(nowMs + 1)).toMatchObject({ code: 'bad_input' });
  expect(decideBinding([], { patientId: 'p2', fromMs: nowMs - 24 * hour - 1, nowMs })).toMatchObject({
    code: 'bad_input',
  });
});
