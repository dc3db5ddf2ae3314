import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decisionAt, scaleAt } from './decisions.ts';
import { emptyPatientState, type Decision, type PatientState } from './patient-state.ts';
import { applyScore } from './score-part.ts';

type Step = { afterMs: number } & (
  | { type: 'sample'; vital: 'spo2' | 'pulse' | 'respirationRate' | 'temperature'; value: number; lateMs: number }
  | { type: 'decision'; scale: 1 | 2; isApplicable: boolean }
  | { type: 'tick' }
);

const afterMs = fc.integer({ min: 1, max: 20 * 60_000 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ type: fc.constant('tick' as const), afterMs }), weight: 1 },
  {
    arbitrary: fc.record({
      type: fc.constant('decision' as const),
      afterMs,
      scale: fc.constantFrom(1 as const, 2 as const),
      isApplicable: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      type: fc.constant('sample' as const),
      afterMs,
      vital: fc.constantFrom('spo2' as const, 'pulse' as const, 'respirationRate' as const, 'temperature' as const),
      value: fc.integer({ min: 30, max: 140 }),
      lateMs: fc.integer({ min: 0, max: 10 * 60_000 }),
    }),
    weight: 4,
  },
);

test('M10 every score is on the scale of its own time, scores go forward, and time alone moves no alarm', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      let state: PatientState = emptyPatientState;
      let nowMs = Date.UTC(2026, 10, 21);
      const decisions: Decision[] = [];
      for (const step of steps) {
        nowMs += step.afterMs;
        const before = state;
        let taken: { isLive: boolean; takenAtMs?: number } = { isLive: false };
        if (step.type === 'decision') {
          const { scale, isApplicable } = step;
          decisions.push({ scale, isApplicable, decidedAtMs: nowMs, endedAtMs: null });
        }
        if (step.type === 'sample') {
          const atMs = nowMs - step.lateMs;
          const known = state.newest[step.vital];
          if (known !== undefined && known.atMs >= atMs) continue;
          state = { ...state, newest: { ...state.newest, [step.vital]: { atMs, value: step.value } } };
          taken = { isLive: true, takenAtMs: atMs };
        }
        const result = applyScore(state, taken, { nowMs, decisions });
        state = JSON.parse(JSON.stringify(result.state)) as PatientState;
        if (result.score !== undefined) {
          expect(result.score.scale).toBe(scaleAt(decisions, result.score.atMs));
          expect(decisionAt(decisions, result.score.atMs)?.isApplicable).not.toBe(false);
          expect(result.score.atMs).toBeGreaterThanOrEqual(before.score?.atMs ?? 0);
        }
        if (step.type === 'tick') expect(result.transition).toBeUndefined();
        if (decisionAt(decisions, nowMs)?.isApplicable === false) expect(state).not.toHaveProperty('score');
        if (state.score === undefined) expect(state.active).toEqual({});
      }
    }),
    { numRuns: 500 },
  );
});
