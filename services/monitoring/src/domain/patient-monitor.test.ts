import { expect, test } from '@jest/globals';
import type { VitalName } from '@carillon/contracts/vital-signs';
import fc from 'fast-check';
import { historyAfterMs } from './history.ts';
import type { Limit } from './limit.ts';
import { defaultSets } from './default-sets.ts';
import { applySamples } from './patient-monitor.ts';
import {
  activeConditions,
  emptyPatientState,
  type ApplyOptions,
  type MonitorSample,
  type PatientState,
} from './patient-state.ts';
import { compileRules } from './rules.ts';

const start = Date.UTC(2026, 10, 21, 8);
const defaultLimits = defaultSets.find(({ setId }) => setId === 'adult')?.limits ?? [];
const minute = 60;
const hour = 60 * minute;

/** A good sample of a second, received as it was measured. */
function sample(vital: VitalName, second: number, value: number | string, other: Partial<MonitorSample> = {}) {
  const atMs = start + second * 1000;
  return { vital, value, atMs, receivedAtMs: atMs, quality: 'good', ...other } satisfies MonitorSample;
}
const stretch = (vital: VitalName, from: number, to: number, value: number): MonitorSample[] =>
  Array.from({ length: to - from + 1 }, (_, i) => sample(vital, from + i, value));

const optionsAt = (nowMs: number, limits: readonly Limit[] = defaultLimits): ApplyOptions => ({
  rules: compileRules({ limits }),
  nowMs,
  decisions: [],
  bindings: [],
});

/** A patient on whom batches arrive as they are measured; tells what was reported, as `type kind priority second`. */
function patient(limits: readonly Limit[] = defaultLimits) {
  let state: PatientState = emptyPatientState;
  let inForce = limits;
  const apply = (samples: readonly MonitorSample[], nowSecond?: number, options: Partial<ApplyOptions> = {}) => {
    const newest = Math.max(start, ...samples.map(({ atMs }) => atMs));
    const nowMs = nowSecond === undefined ? newest : start + nowSecond * 1000;
    const result = applySamples(state, samples, { ...optionsAt(nowMs, inForce), ...options });
    state = JSON.parse(JSON.stringify(result.state)) as PatientState;
    return { ...result, reports: result.conditions.map(asText) };
  };
  return {
    apply,
    /** One call a second, as it happens at the bedside. */
    live: (samples: readonly MonitorSample[]) => samples.flatMap((one) => apply([one]).reports),
    setLimits: (next: readonly Limit[]) => (inForce = next),
    state: () => state,
  };
}
const asText = ({
  type,
  kind,
  priority,
  atMs,
}: {
  type: string;
  kind: string;
  priority: string;
  atMs: number;
}): string => `${type} ${kind} ${priority} ${(atMs - start) / 1000}`;

test('a limit raises after its persistence and clears with hysteresis', () => {
  const p = patient();
  expect(p.live(stretch('spo2', 0, 30, 88))).toEqual(['raised spo2-below high 15']);
  expect(activeConditions(p.state())).toEqual([{ kind: 'spo2-below', priority: 'high' }]);
  expect(p.live([sample('spo2', 31, 91), sample('spo2', 32, 92)])).toEqual(['cleared spo2-below high 32']);
  expect(activeConditions(p.state())).toEqual([]);
});

test('a transition carries the limit and the value that decided', () => {
  const { conditions } = patient().apply(stretch('heartRate', 0, 15, 140));
  expect(conditions).toEqual([
    { type: 'raised', kind: 'heartRate-above', vital: 'heartRate', limit: defaultLimits[1], value: 140, priority: 'high', atMs: start + 15_000 },
  ]); // prettier-ignore
});

test('the order of measurement counts, not that of receipt', () => {
  const receivedBackwards = stretch('spo2', 0, 20, 85).map((one, i) => ({ ...one, receivedAtMs: start + 60_000 - i }));
  expect(patient().apply(receivedBackwards, 60).reports).toEqual(['raised spo2-below high 15']);
});

test('suspect samples are not seen, neither as a breach nor as recovery', () => {
  const p = patient();
  expect(p.live(stretch('heartRate', 0, 30, 0).map((one) => ({ ...one, quality: 'suspect' as const })))).toEqual([]);
  expect(p.state()).toEqual(emptyPatientState);
});

test('the state is the same object where nothing changed', () => {
  const p = patient();
  p.apply(stretch('spo2', 0, 5, 88));
  const before = p.state();
  const options = optionsAt(start + 5000);
  expect(applySamples(before, stretch('spo2', 0, 5, 88), options).state).toBe(before);
  expect(applySamples(before, [], options)).toEqual({ state: before, conditions: [] });
});

test('M3 late and repeated samples never page', () => {
  const p = patient();
  p.live(stretch('spo2', 20, 40, 97));
  expect(p.apply(stretch('spo2', 0, 19, 70)).reports).toEqual([]);
  expect(p.apply(stretch('spo2', 20, 40, 70)).reports).toEqual([]);
  expect(p.state().limits['spo2:below:critical']).toEqual({ phase: 'normal', lastAtMs: start + 40_000 });
});

test('M3 late history never pages', () => {
  const anyVital = fc.constantFrom<VitalName>('spo2', 'heartRate', 'respirationRate', 'systolic', 'temperature');
  const any = fc.array(fc.tuple(anyVital, fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 250 })), { maxLength: 60 }); // prettier-ignore
  const lateness = fc.integer({ min: 1, max: 24 * hour });
  fc.assert(
    fc.property(any, lateness, fc.boolean(), (samples, seconds, isLateOfOurs) => {
      const receivedAtMs = start + 600_000 + historyAfterMs + seconds * 1000;
      const batch = samples.map(([vital, second, value]) =>
        sample(vital, second, value, isLateOfOurs ? {} : { receivedAtMs }),
      );
      const result = applySamples(emptyPatientState, batch, optionsAt(receivedAtMs));
      expect(result.conditions).toEqual([]);
      expect(result.state.limits).toEqual({});
    }),
  );
});

test('history that is still valid fills the score, and the next live sample may page', () => {
  const p = patient();
  p.live([sample('respirationRate', 0, 26), sample('pulse', 1, 80)]);
  const charted = sample('consciousness', -20 * minute, 'V', { receivedAtMs: start + 2000 });
  const late = p.apply([charted], 2);
  expect(late.score).toMatchObject({ lower: 6 });
  expect(late.reports).toEqual([]);
  expect(p.apply([sample('pulse', 3, 80)]).reports).toEqual(['raised news2 medium 3']);
});

test('what ended within a backlog pages nobody, what is still active does', () => {
  const backlog = [...stretch('spo2', 0, 30, 85), ...stretch('spo2', 31, 40, 97)];
  expect(patient().apply([...backlog, ...stretch('heartRate', 0, 40, 140)]).reports).toEqual([
    'raised heartRate-above high 15',
  ]);
  const p = patient();
  p.live(stretch('spo2', -30, -1, 85));
  expect(p.apply([...stretch('spo2', 0, 5, 97), ...stretch('spo2', 6, 30, 85)]).reports).toEqual([
    'cleared spo2-below high 0',
    'raised spo2-below high 21',
  ]);
});

test('M4 a gap neither clears nor counts', () => {
  const gapped = patient();
  expect(gapped.live([...stretch('spo2', 0, 10, 85), ...stretch('spo2', 40, 50, 85)])).toEqual([]);
  expect(gapped.live(stretch('spo2', 51, 55, 85))).toEqual(['raised spo2-below high 55']);
  expect(gapped.live([sample('spo2', 10 * minute, 91), sample('spo2', 3 * hour, 85)])).toEqual([]);
  expect(gapped.live([sample('spo2', 3 * hour + 1, 92)])).toEqual([`cleared spo2-below high ${3 * hour + 1}`]);
});

test('M4 a gap does not clear the score either: a lost sensor keeps the points it had', () => {
  const p = patient([]);
  p.live([sample('respirationRate', 0, 26), sample('systolic', 1, 105), sample('pulse', 2, 120)]);
  expect(activeConditions(p.state())).toEqual([{ kind: 'news2', priority: 'medium' }]);
  // Half an hour later the respiration has expired: by what is left the score would be 3.
  const lost = p.apply([sample('pulse', 30 * minute, 120)]);
  expect(lost.score).toMatchObject({ lower: 3 });
  expect(lost.reports).toEqual([]);
  expect(p.live([sample('respirationRate', 31 * minute, 18)])).toEqual([`cleared news2 medium ${31 * minute}`]);
});

test('M2 permuted and repeated input gives the same history', () => {
  const anySample = fc
    .tuple(
      fc.constantFrom<VitalName>('spo2', 'heartRate', 'respirationRate', 'systolic', 'pulse'),
      fc.integer({ min: 0, max: 90 }),
      fc.constantFrom(5, 35, 85, 91, 97, 135),
      fc.constantFrom(0, 20 * minute),
    )
    .map(([vital, second, value, late]) =>
      sample(vital, second, value, { receivedAtMs: start + (second + late) * 1000 }),
    );
  fc.assert(
    fc.property(fc.array(anySample, { maxLength: 120 }), fc.infiniteStream(fc.nat()), (batch, random) => {
      const shuffled = [...batch, ...batch.slice(batch.length / 2)]
        .map((one) => ({ one, key: random.next().value as number }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ one }) => one);
      const options = optionsAt(start + 90_000);
      const earlier = applySamples(emptyPatientState, stretch('spo2', -20, -1, 80), options).state;
      expect(applySamples(earlier, shuffled, options)).toEqual(applySamples(earlier, batch, options));
      const { state } = applySamples(earlier, batch, options);
      expect(applySamples(state, shuffled, options)).toEqual({ state, conditions: [] });
    }),
  );
});

test('a score is told only when it changed', () => {
  const p = patient();
  expect(p.apply([sample('weight', 0, 70)]).score).toBeUndefined();
  expect(p.apply([sample('spo2', 1, 97)]).score).toMatchObject({ lower: 0, upper: 17, atMs: start + 1000 });
  expect(p.apply([sample('spo2', 2, 98)]).score).toBeUndefined();
  expect(p.apply([sample('spo2', 3, 95)]).score).toMatchObject({ lower: 1, upper: 18, atMs: start + 3000 });
});

test('a complete score comes of people and devices together', () => {
  const { score } = patient().apply([
    sample('respirationRate', 0, 21),
    sample('spo2', 0, 95),
    sample('systolic', 0, 108),
    sample('heartRate', 0, 200),
    sample('pulse', 0, 95),
    sample('temperature', 0, 38.5),
    sample('consciousness', 0, 'A'),
    sample('oxygenFlow', 0, 2),
  ]);
  const parts = { respirationRate: 2, spo2: 1, onOxygen: 2, systolic: 1, pulse: 1, consciousness: 0, temperature: 1 };
  expect(score).toMatchObject({ score: 8, missing: [], parts });
});

test('the heart rate stands in where no pulse is measured', () => {
  expect(patient().apply([sample('heartRate', 0, 95)]).score).toMatchObject({ parts: { pulse: 1 } });
});

test('values expire: monitors after 15 minutes, rounds after 4 hours, what is charted after 12', () => {
  const p = patient();
  p.apply([
    sample('spo2', 0, 95),
    sample('temperature', 0, 38.5),
    sample('systolic', 0, 105),
    sample('consciousness', 0, 'A'),
    sample('oxygenFlow', 0, 1),
  ]);
  const partsAt = (second: number) => Object.keys(p.apply([], second).score?.parts ?? {});
  expect(p.apply([], 15 * minute).score).toBeUndefined();
  expect(partsAt(15 * minute + 1)).toEqual(['onOxygen', 'systolic', 'consciousness', 'temperature']);
  expect(partsAt(4 * hour + 1)).toEqual(['onOxygen', 'consciousness']);
  expect(p.apply([], 12 * hour).score).toBeUndefined();
  expect(p.apply([], 12 * hour + 1).score).toMatchObject({ parts: {}, atMs: start + (12 * hour + 1) * 1000 });
});

test('scale 2 of SpO2 is used where a clinician decided so', () => {
  expect(
    patient().apply([sample('spo2', 0, 89)], 0, {
      decisions: [{ decidedAtMs: start, endedAtMs: null, scale: 2, isApplicable: true }],
    }).score,
  ).toMatchObject({ parts: { spo2: 0 } });
});

test('news2 pages again when it becomes more urgent, and only says so when less', () => {
  const p = patient([]);
  expect(p.live([sample('respirationRate', 0, 26), sample('pulse', 1, 120)])).toEqual(['raised news2 medium 1']);
  expect(p.live([sample('systolic', 2, 95)])).toEqual(['raised news2 high 2']);
  expect(p.live([sample('systolic', 3, 85)])).toEqual([]);
  expect(p.live([sample('systolic', 4, 105), sample('pulse', 62, 120)])).toEqual([]);
  expect(p.live([sample('pulse', 63, 120)])).toEqual(['changed news2 medium 63']);
  expect(p.live([sample('respirationRate', 64, 18), sample('pulse', 122, 120)])).toEqual([]);
  expect(p.live([sample('pulse', 123, 120)])).toEqual(['cleared news2 medium 123']);
  expect(p.state().news2).toBeUndefined();
});

test('a score that wavers about a threshold pages once', () => {
  const p = patient([]);
  p.live([sample('respirationRate', 0, 26), sample('spo2', 0, 95), sample('systolic', 0, 105)]);
  const wavering = Array.from({ length: 300 }, (_, i) => sample('pulse', i + 1, [88, 95, 115][i % 3] ?? 0));
  expect(p.live(wavering)).toEqual(['raised news2 high 3']);
});

test('the score of a round goes down at once', () => {
  const p = patient([]);
  p.live([sample('respirationRate', 0, 26), sample('systolic', 0, 85), sample('pulse', 0, 100)]);
  const round = [sample('respirationRate', 4 * hour, 18), sample('systolic', 4 * hour, 120), sample('pulse', 4 * hour, 80)]; // prettier-ignore
  expect(p.apply(round).reports).toEqual([`cleared news2 high ${4 * hour}`]);
});

test('a limit that is removed ends its alarm without waiting for a sample', () => {
  const p = patient();
  p.live(stretch('spo2', 0, 20, 85));
  p.setLimits([]);
  expect(p.apply([]).reports).toEqual(['cleared spo2-below high 20']);
  expect(p.state()).toMatchObject({ limits: {}, active: {} });
});

test('an active alarm takes over a changed priority of its limit', () => {
  const p = patient();
  p.live(stretch('spo2', 0, 20, 85));
  p.setLimits([{ vital: 'spo2', below: 90, persistSeconds: 15, priority: 'low' }]);
  expect(p.apply([]).reports).toEqual(['changed spo2-below low 20']);
  p.setLimits(defaultLimits);
  expect(p.live(stretch('spo2', 21, 22, 85))).toEqual(['raised spo2-below high 21']);
});

test('the state of a patient stays small, since it is written every second', () => {
  const p = patient();
  for (let second = 0; second < 120; second += 1) {
    p.apply([
      sample('heartRate', second, 140),
      sample('pulse', second, 140),
      sample('respirationRate', second, 35),
      sample('spo2', second, 80),
      sample('temperature', second, 38.5),
      sample('systolic', second, 85),
      sample('consciousness', second, 'V'),
    ]);
  }
  expect(JSON.stringify(p.state()).length).toBeLessThan(2000);
});
