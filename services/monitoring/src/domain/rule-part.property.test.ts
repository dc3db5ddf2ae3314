/** Trends, combinations and limits that take turns, over histories of several vital signs. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numericVitals, vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import type { Limit } from './limit.ts';
import { applySamples } from './patient-monitor.ts';
import { emptyPatientState, type MonitorSample, type PatientState } from './patient-state.ts';
import { compileRules, type Rules } from './rules.ts';

const start = Date.UTC(2026, 10, 21, 8);
/** Of no score: its own rules are tried elsewhere. */
const vitals = ['glucose', 'diastolic'] as const;
const sample = (second: number, vital: NumericVital, value: number): MonitorSample => {
  const atMs = start + second * 1_000;
  return { vital, value, atMs, receivedAtMs: atMs, quality: 'good' };
};

/** For five minutes another limit holds, of glucose one that holds at no other time. */
const turns = { from: '08:03', to: '08:08', timeZone: 'UTC' };
const rules: Rules = {
  limits: [
    { vital: 'diastolic', above: 60, persistSeconds: 20, clearForSeconds: 10, priority: 'medium' },
    { vital: 'diastolic', above: 50, persistSeconds: 0, breaches: { k: 2, of: 4 }, priority: 'low', schedule: turns },
    { vital: 'glucose', above: 55, persistSeconds: 0, priority: 'medium', schedule: turns },
  ],
  trends: [
    { name: 'up', vital: 'glucose', direction: 'rising', change: 4, windowMinutes: 5, priority: 'low' },
    { name: 'down', vital: 'diastolic', direction: 'falling', change: 4, windowMinutes: 6, priority: 'low' },
  ],
  combinations: [
    {
      name: 'both',
      all: [
        { vital: 'glucose', above: 55 },
        { vital: 'diastolic', above: 45 },
      ],
      persistSeconds: 5,
      clearForSeconds: 12,
      maxAgeSeconds: 30,
      priority: 'high',
    },
  ],
};
const compiled = compileRules(rules);

function apply(state: PatientState, samples: readonly MonitorSample[]) {
  const nowMs = Math.max(start, ...samples.map(({ atMs }) => atMs));
  return applySamples(state, samples, { rules: compiled, nowMs, decisions: [], bindings: [] });
}

/** Within 15 minutes, so that none of it is history; about half of the instants have values of both. */
const anyHistory = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 14 }),
      vital: fc.constantFrom(...vitals),
      value: fc.integer({ min: 40, max: 69 }),
    }),
    { minLength: 20, maxLength: 80 },
  )
  .map((steps) => {
    let second = 0;
    return steps.map(({ gap, vital, value }) => sample((second += gap % 8), vital, value));
  });
/** One batch an instant, as a monitor sends its values. */
const instantsOf = (history: readonly MonitorSample[]): MonitorSample[][] =>
  [...new Set(history.map(({ atMs }) => atMs))].map((instant) => history.filter(({ atMs }) => atMs === instant));
const kept = ({ limits, trends, active }: PatientState) => ({ limits, trends, active });

test('M11 trends, combinations and limits that take turns go on from JSON, whatever the size of the batches', () => {
  fc.assert(
    fc.property(anyHistory, fc.nat(80), (history, cut) => {
      let [whole, taken] = [emptyPatientState, emptyPatientState];
      for (const instant of instantsOf(history)) {
        const [a, b] = [apply(whole, instant), apply(taken, instant)];
        expect(b).toEqual(a);
        whole = a.state;
        taken = JSON.parse(JSON.stringify(b.state)) as PatientState;
      }
      const instants = instantsOf(history);
      const first = apply(emptyPatientState, instants.slice(0, cut).flat());
      const second = apply(JSON.parse(JSON.stringify(first.state)) as PatientState, instants.slice(cut).flat());
      expect(kept(second.state)).toEqual(kept(whole));
    }),
    { numRuns: 50 },
  );
});

test('M2 permuted and repeated samples give the same trends and combinations', () => {
  fc.assert(
    fc.property(anyHistory, fc.infiniteStream(fc.nat()), (history, random) => {
      const shuffled = [...history, ...history.slice(history.length / 2)]
        .map((one) => ({ one, key: random.next().value as number }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ one }) => one);
      const once = apply(emptyPatientState, history);
      expect(apply(emptyPatientState, shuffled)).toEqual(once);
      expect(apply(once.state, shuffled)).toEqual({ state: once.state, conditions: [] });
    }),
  );
});

test('M3 late history moves no trend and no combination, and pages nobody', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const nowMs = start + 3_600_000;
      const late = history.map((one) => ({ ...one, receivedAtMs: nowMs }));
      const options = { rules: compiled, nowMs, decisions: [], bindings: [] };
      const { state, conditions } = applySamples(emptyPatientState, late, options);
      expect(conditions).toEqual([]);
      expect(kept(state)).toEqual({ limits: {}, trends: undefined, active: {} });
    }),
  );
});

test('what is kept of a patient does not grow with what was measured, under the most rules that there may be', () => {
  const limits = numericVitals.flatMap((vital): Limit[] => {
    const [low, high] = vitalSigns[vital].plausible;
    const middle = (low + high) / 2;
    const common = { vital, persistSeconds: 0, breaches: { k: 30, of: 30 }, isLatching: true } as const;
    return (['warning', 'critical'] as const).flatMap((tier): Limit[] => [
      { ...common, above: middle, tier, priority: 'low' },
      { ...common, below: middle, tier, priority: 'low' },
    ]);
  });
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const all = [
    { vital: 'glucose' as const, above: 1 },
    { vital: 'diastolic' as const, above: 20 },
  ];
  const most = compileRules({
    limits,
    trends: names.map((name) => ({ name, vital: 'glucose', direction: 'rising', change: 50, windowMinutes: 5, priority: 'low' })), // prettier-ignore
    combinations: names.map((name) => ({ name, all, persistSeconds: 60, maxAgeSeconds: 60, priority: 'low' })),
  });
  const options = { rules: most, decisions: [], bindings: [] };
  let state = emptyPatientState;
  let seed = 7;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  for (let second = 0; second < 400; second++) {
    const samples = numericVitals.map((vital) => {
      const [low, high] = vitalSigns[vital].plausible;
      return sample(second, vital, Number((low + random() * (high - low)).toFixed(4)));
    });
    state = applySamples(state, samples, { ...options, nowMs: start + second * 1_000 }).state;
    expect(JSON.stringify(state).length).toBeLessThan(16_000);
  }
});
