import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { VitalName } from '@carillon/contracts/vital-signs';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type KnownDevice, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules } from './rules.ts';

const start = Date.UTC(2026, 10, 21, 8);
const rules = compileRules({
  limits: [
    { vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 5, priority: 'high' },
    { vital: 'heartRate', above: 130, clearAt: 120, persistSeconds: 5, priority: 'high' },
    { vital: 'pulse', above: 130, persistSeconds: 0, priority: 'medium' },
    { vital: 'respirationRate', above: 30, persistSeconds: 0, priority: 'medium' },
  ],
});
const underTest: KnownDevice = {
  deviceId: 'd9',
  patientId: 'p1',
  isUnderTest: true,
  isConnected: false,
  heardAtMs: null,
  expectEverySeconds: null,
  battery: 1,
  batteryLowPercent: 20,
};

/** Whole histories: batches at their times, each with samples of a real device, of one in TEST and of one under test. */
const anySample = (second: number) =>
  fc
    .record({
      vital: fc.constantFrom<VitalName>('spo2', 'heartRate', 'pulse', 'respirationRate'),
      value: fc.constantFrom(5, 35, 60, 84, 97, 140),
      late: fc.constantFrom(0, 0, 0, 3, 1_000),
      device: fc.constantFrom<Partial<MonitorSample>>(
        { deviceId: 'd1' },
        { deviceId: 'd1', quality: 'suspect' },
        { deviceId: 'd1', mode: 'test' },
        { deviceId: 'd1', mode: 'demo' },
        { deviceId: 'd9' },
      ),
    })
    .map(({ vital, value, late, device }): MonitorSample => {
      const receivedAtMs = start + second * 1_000;
      return { vital, value, atMs: receivedAtMs - late * 1_000, receivedAtMs, quality: 'good', ...device };
    });
const history = fc.array(fc.constantFrom(1, 1, 1, 5, 20), { minLength: 1, maxLength: 60 }).chain((gaps) => {
  let second = 0;
  return fc.tuple(...gaps.map((gap) => fc.array(anySample((second += gap)), { maxLength: 4 })));
});

/** A look without samples follows each batch, as the due loop does it. */
function run(
  batches: readonly MonitorSample[][],
  isKept: (sample: MonitorSample) => boolean,
  times: readonly number[],
) {
  let state: PatientState = emptyPatientState;
  const told = batches.flatMap((batch, index) => {
    const nowMs = times[index] ?? start;
    const common = { rules, decisions: [], bindings: [], patientId: 'p1', devices: [underTest] };
    const heard = applySamples(state, batch.filter(isKept), { ...common, nowMs });
    const hearing = { sinceMs: start, untilMs: nowMs + 18_000 };
    const looked = applySamples(heard.state, [], { ...common, nowMs: hearing.untilMs, hearing });
    state = JSON.parse(JSON.stringify(looked.state)) as PatientState;
    return [heard, looked].map(({ conditions, score }) => ({ conditions, score }));
  });
  return { state, told };
}

test('M5 TEST and DEMO never page: a history with them mixed in is the history without them', () => {
  const isReal = ({ mode, deviceId }: MonitorSample): boolean => mode === undefined && deviceId !== 'd9';
  fc.assert(
    fc.property(history, (batches) => {
      const times = batches.map((batch) => Math.max(start, ...batch.map(({ receivedAtMs }) => receivedAtMs)));
      const real = run(batches, isReal, times);
      expect(run(batches, () => true, times)).toEqual(real);
      expect(run(batches, (sample) => !isReal(sample), times).told.flatMap(({ conditions }) => conditions)).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('M2 in whatever order a batch comes and however often it is repeated, the signals are the same', () => {
  const shuffled = fc.tuple(history, fc.infiniteStream(fc.nat()));
  fc.assert(
    fc.property(shuffled, ([batches, random]) => {
      const times = batches.map((batch) => Math.max(start, ...batch.map(({ receivedAtMs }) => receivedAtMs)));
      const mixed = batches.map((batch) =>
        [...batch, ...batch.slice(batch.length / 2)]
          .map((sample) => ({ sample, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ sample }) => sample),
      );
      expect(run(mixed, () => true, times)).toEqual(run(batches, () => true, times));
    }),
    { numRuns: 100 },
  );
});
