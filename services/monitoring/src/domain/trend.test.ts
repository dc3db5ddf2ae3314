import { expect, test } from '@jest/globals';
import type { VitalName } from '@carillon/contracts/vital-signs';
import type { Combination } from './combination.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type Decision, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules, type Rules } from './rules.ts';
import type { Trend } from './trend.ts';

const start = Date.UTC(2026, 10, 21, 8);
const sample = (minute: number, vital: VitalName, value: number | string): MonitorSample => {
  const atMs = start + minute * 60_000;
  return { vital, value, atMs, receivedAtMs: atMs, quality: 'good' };
};
/** Each sample alone, as it happens at the bedside; what was told, as `type kind minute`. */
function live(rules: Partial<Rules>, samples: readonly MonitorSample[], decisions: readonly Decision[] = []) {
  const compiled = compileRules({ limits: [], ...rules });
  const told: string[] = [];
  let state = emptyPatientState;
  for (const one of samples) {
    const options = { rules: compiled, nowMs: one.atMs, decisions, bindings: [] };
    const result = applySamples(state, [one], options);
    // As another engine would take over after each of them.
    state = JSON.parse(JSON.stringify(result.state)) as PatientState;
    told.push(...result.conditions.filter(({ kind }) => kind !== 'news2').map(({ type, kind, atMs }) => `${type} ${kind} ${(atMs - start) / 60_000}`)); // prettier-ignore
  }
  return { state, told };
}
const every = (minutes: number, step: number, vital: VitalName, valueAt: (minute: number) => number): MonitorSample[] =>
  Array.from({ length: Math.floor(minutes / step) }, (_, i) => sample(i * step, vital, valueAt(i * step)));

const falling: Trend = { name: 'spo2-falls', vital: 'spo2', direction: 'falling', change: 4, windowMinutes: 60, priority: 'medium' }; // prettier-ignore

test('a slow fall raises where no limit does, and ends when less than half of it is left', () => {
  const samples = every(180, 1, 'spo2', (minute) => (minute < 60 ? 97 : minute < 120 ? 97 - (minute - 60) / 10 : 91));
  const { told } = live({ trends: [falling] }, samples);
  expect(told.map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual(['raised trend-spo2-falls', 'cleared trend-spo2-falls']); // prettier-ignore
  const [raisedAt = 0, clearedAt = 0] = told.map((one) => Number(one.split(' ')[2]));
  expect(raisedAt).toBeGreaterThan(90);
  expect(raisedAt).toBeLessThan(125);
  expect(clearedAt).toBeGreaterThan(140);
});

test('a rise is no fall, and too few buckets prove nothing', () => {
  expect(
    live(
      { trends: [falling] },
      every(120, 1, 'spo2', (minute) => 88 + minute / 12),
    ).told,
  ).toEqual([]);
  const sparse = [0, 5, 10, 15, 20, 55].map((minute) => sample(minute, 'spo2', 97 - minute / 5));
  expect(live({ trends: [falling] }, sparse).told).toEqual([]);
});

test('a single artefact is no trend', () => {
  const samples = every(180, 1, 'spo2', (minute) => (minute === 100 ? 50 : 97));
  expect(live({ trends: [falling] }, samples).told).toEqual([]);
});

test('noise around a constant raises nothing in two hundred hours', () => {
  // A fixed sequence, near enough to normal with a deviation of 1 %.
  let seed = 42;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  const noise = (): number => Array.from({ length: 12 }, random).reduce((sum, one) => sum + one, -6);
  const samples = every(200 * 60, 2, 'spo2', () => 95 + noise());
  expect(live({ trends: [falling] }, samples).told).toEqual([]);
});

const rise: Trend = { name: 'news2', vital: 'news2', direction: 'rising', change: 3, windowMinutes: 60, priority: 'high' }; // prettier-ignore

test('a rise of NEWS2 raises, though the score itself calls nobody yet', () => {
  const samples = every(120, 5, 'respirationRate', (minute) => (minute < 40 ? 14 : 22)).flatMap((one, index) => [
    one,
    sample(index * 5 + 1, 'spo2', index * 5 < 40 ? 97 : 93),
  ]);
  expect(live({ trends: [rise] }, samples).told).toEqual(['raised trend-news2 41', 'cleared trend-news2 105']);
});

test('a parameter that is charted for the first time is no rise', () => {
  const samples = [sample(0, 'spo2', 97), sample(5, 'spo2', 97), sample(6, 'consciousness', 'V'), sample(7, 'temperature', 34)]; // prettier-ignore
  expect(live({ trends: [rise] }, samples).told).toEqual([]);
});

test('another scale of SpO2 is no rise', () => {
  const decisions = [{ decidedAtMs: start + 10 * 60_000, endedAtMs: null, scale: 1 as const, isApplicable: true }];
  const scale2 = { decidedAtMs: start - 1, endedAtMs: null, scale: 2 as const, isApplicable: true };
  const samples = [sample(0, 'spo2', 89), sample(5, 'spo2', 89), sample(11, 'spo2', 89), sample(12, 'spo2', 89)];
  const { state, told } = live({ trends: [rise] }, samples, [scale2, ...decisions]);
  expect(state.score).toMatchObject({ scale: 1, parts: { spo2: 3 } });
  expect(told).toEqual([]);
});

test('a rise of NEWS2 ends with the score: where NEWS2 does not apply, nothing would ever end it', () => {
  const samples = [sample(0, 'respirationRate', 14), sample(5, 'respirationRate', 26)];
  const { state, told } = live({ trends: [rise] }, samples);
  expect(told).toEqual(['raised trend-news2 5']);
  const nowMs = start + 6 * 60_000;
  const decisions = [{ decidedAtMs: nowMs, endedAtMs: null, scale: 1 as const, isApplicable: false }];
  const options = { rules: compileRules({ limits: [], trends: [rise] }), nowMs, decisions, bindings: [] };
  const result = applySamples(state, [], options);
  expect(result.conditions).toMatchObject([{ type: 'cleared', kind: 'trend-news2', priority: 'high' }]);
  expect(result.state.active).toEqual({});
});

const shock: Combination = {
  name: 'shock',
  all: [
    { vital: 'pulse', above: 110 },
    { vital: 'systolic', below: 100 },
  ],
  persistSeconds: 0,
  maxAgeSeconds: 600,
  priority: 'high',
};

test('several vital signs raise together what none raises alone, and end when one of them is back', () => {
  const samples = [sample(0, 'pulse', 120), sample(1, 'systolic', 95), sample(2, 'systolic', 90), sample(3, 'pulse', 100)]; // prettier-ignore
  expect(live({ combinations: [shock] }, samples).told).toEqual(['raised multi-shock 1', 'cleared multi-shock 3']);
});

/** Batches as they come, and what was told by the end. */
function inBatches(rules: Partial<Rules>, batches: readonly (readonly MonitorSample[])[], from = emptyPatientState) {
  const compiled = compileRules({ limits: [], ...rules });
  const told: string[] = [];
  let state = from;
  for (const samples of batches) {
    const nowMs = Math.max(...samples.map(({ atMs }) => atMs));
    const result = applySamples(state, samples, { rules: compiled, nowMs, decisions: [], bindings: [] });
    state = result.state;
    told.push(...result.conditions.filter(({ kind }) => kind !== 'news2').map(({ type, kind }) => `${type} ${kind}`));
  }
  return { state, told };
}

test('a combination is judged by all values of an instant, in one batch or in two', () => {
  const rounds = { combinations: [{ ...shock, maxAgeSeconds: 14_400 }] };
  const well = [sample(0, 'pulse', 80), sample(0, 'systolic', 120)];
  const ill = [sample(60, 'pulse', 130), sample(60, 'systolic', 85)];
  expect(inBatches(rounds, [well, ill]).told).toEqual(['raised multi-shock']);
  for (const [first, second] of [ill, ill.toReversed()]) {
    expect(inBatches(rounds, [well, [first!], [second!]]).told).toEqual(['raised multi-shock']);
  }
  // What is over at once with the other value of the same instant was never there.
  const [fast, low] = [sample(60, 'pulse', 130), sample(60, 'systolic', 120)];
  expect(
    inBatches(rounds, [
      [sample(0, 'pulse', 80), sample(0, 'systolic', 85)],
      [fast, low],
    ]).told,
  ).toEqual([]);
});

test('a part of a combination that comes a little late counts, and none that is as old as a stale one', () => {
  const late = [[sample(0, 'systolic', 120)], [sample(8, 'pulse', 130)], [sample(7, 'systolic', 85)]];
  expect(inBatches({ combinations: [shock] }, late).told).toEqual(['raised multi-shock']);
  const apart = [[sample(14, 'pulse', 130)], [sample(1, 'systolic', 85)]];
  expect(inBatches({ combinations: [shock] }, apart).told).toEqual([]);
});

test('a trend of another vital sign or length that has the name of one before begins anew', () => {
  const before = every(60, 1, 'spo2', (minute) => 97 - minute / 20);
  const { state } = live({ trends: [{ ...falling, windowMinutes: 5 }] }, before);
  const after = every(120, 1, 'spo2', (minute) => 97 - minute / 12).map((one) => ({
    ...one,
    atMs: one.atMs + 3_600_000,
    receivedAtMs: one.atMs + 3_600_000,
  }));
  const longer = { ...falling, windowMinutes: 60 };
  expect(inBatches({ trends: [longer] }, after.map((one) => [one]), state).told).toEqual(['raised trend-spo2-falls']); // prettier-ignore
  const slow = { ...falling, vital: 'heartRate' as const, windowMinutes: 5 };
  const steady = after.map((one) => [{ ...one, vital: 'heartRate' as const, value: 70 }]);
  expect(inBatches({ trends: [slow] }, steady, state).told).toEqual([]);
});

test('M4 a stale part of a combination neither raises nor clears', () => {
  const stale = [sample(0, 'systolic', 95), sample(11, 'pulse', 120)];
  expect(live({ combinations: [shock] }, stale).told).toEqual([]);
  const on = [sample(0, 'systolic', 95), sample(1, 'pulse', 120)];
  expect(live({ combinations: [shock] }, [...on, sample(30, 'pulse', 120)]).state.active).toEqual({
    'multi-shock': 'high',
  });
  expect(live({ combinations: [shock] }, [...on, sample(30, 'systolic', 120)]).told.at(-1)).toBe(
    'cleared multi-shock 30',
  );
});

test('a removed trend or combination ends its alarm and leaves nothing behind', () => {
  const { state } = live({ combinations: [shock], trends: [falling] }, [
    sample(0, 'systolic', 95),
    sample(1, 'pulse', 120),
    sample(2, 'spo2', 97),
  ]);
  const options = { rules: compileRules({ limits: [] }), nowMs: start + 180_000, decisions: [], bindings: [] };
  const result = applySamples(state, [], options);
  expect(result.conditions).toMatchObject([{ type: 'cleared', kind: 'multi-shock' }]);
  expect(result.state).toMatchObject({ limits: {}, active: {} });
  expect(result.state.trends).toBeUndefined();
});
