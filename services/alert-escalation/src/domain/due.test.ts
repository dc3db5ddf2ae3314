import { expect, test } from '@jest/globals';
import {
  calls,
  everybody,
  ladderWith,
  logged,
  on,
  opened,
  seconds,
  staffed,
  statuses,
  told,
} from '../../test/builders.ts';
import { note, unchanged, type AlertState, type Hold } from './alert.ts';
import { acknowledge, clear, decline } from './answers.ts';
import { onDue, whatIsDue } from './due.ts';
import { move } from './move.ts';
import { raiseAgain } from './runs.ts';

const nothing = { holdEnds: false, handOver: false, undelivered: false, levels: false };
const withFields = (state: AlertState, fields: Partial<AlertState>): AlertState => note(unchanged(state), fields).state;

test('to be woken is no reason to page: only that is due whose own time has come', () => {
  const state = withFields(on(), { deliverBy: seconds(10), handOverAt: seconds(15) });
  expect(state.dueAt).toBe(seconds(10));
  expect(whatIsDue(state, seconds(9))).toEqual(nothing);
  expect(whatIsDue(state, seconds(10))).toEqual({ ...nothing, undelivered: true });
  expect(whatIsDue(state, seconds(15))).toEqual({ ...nothing, undelivered: true, handOver: true });
  expect(whatIsDue(state, seconds(20))).toEqual({ ...nothing, undelivered: true, handOver: true, levels: true });
  const held = withFields(state, { hold: { kind: 'silence', by: 's1', until: seconds(30) } });
  expect(held.dueAt).toBe(seconds(30));
  expect(whatIsDue(held, seconds(29))).toEqual(nothing);
  expect(whatIsDue(held, seconds(30))).toEqual({ ...nothing, holdEnds: true });
  expect(whatIsDue(acknowledge(on(), 'n1', 0).state, seconds(9_999))).toEqual(nothing);
});

test('a call that came to no device within its bound starts the next level, whose deadline stays', () => {
  const state = on({ policy: ladderWith({ deliverWithinSeconds: 10 }) });
  expect(state.dueAt).toBe(seconds(10));
  const change = onDue(state, seconds(10), { staffing: everybody });
  expect(logged(change)).toEqual(['level 2 undelivered']);
  expect(change.state.dueAt).toBe(seconds(40));
  const delivered = { ...state, pages: state.pages.map((page) => ({ ...page, receipts: { delivered: seconds(2) } })) };
  const waiting = onDue(delivered, seconds(10), { staffing: everybody });
  expect(waiting.state).toMatchObject({ level: 1, deliverBy: null, dueAt: seconds(20), version: state.version });
  expect(waiting.events).toEqual([]);
});

test('I17: that a page was displayed without being delivered stops nothing, and a bound on the last level starts nothing', () => {
  const state = on({ policy: ladderWith({ deliverWithinSeconds: 10 }) });
  const displayed = { ...state, pages: state.pages.map((page) => ({ ...page, receipts: { displayed: seconds(2) } })) };
  expect(onDue(displayed, seconds(10), { staffing: everybody }).state.level).toBe(2);
  const one = {
    levels: [{ afterSeconds: 0, deliverWithinSeconds: 5, targets: [{ kind: 'failsafe' as const }] }],
    repeatSeconds: 60,
  };
  expect(on({ policy: one })).toMatchObject({ level: 1, deliverBy: null, dueAt: seconds(60) });
});

const night = (from: number): ReturnType<typeof staffed> =>
  staffed({ bedNurses: ['n7'], onShift: new Set(['n2', 'n7', 'd1', 'o1']), changesAt: from });

test('I7: who takes over a post is called, who leaves is let go, and no deadline moves', () => {
  const state = opened({}, { staffing: staffed({ changesAt: seconds(12) }) }).state;
  expect(state.dueAt).toBe(seconds(12));
  const change = onDue(state, seconds(12), { staffing: night(seconds(99)) });
  expect(statuses(change.state)).toEqual(['n1 withdrawn', 'n7 paged']);
  expect(calls(change.state).at(-1)).toBe('1 n7 12s');
  expect(logged(change)).toEqual(['relieved', 'handover 1']);
  expect(change.state).toMatchObject({ level: 1, attempt: 2, levelStartedAt: 0, dueAt: seconds(20) });
});

test('a hand-over is for unanswered alerts of high priority, and nobody who is coming or has declined is called by it', () => {
  expect(opened({ priority: 'medium' }, { staffing: staffed({ changesAt: seconds(12) }) }).state.dueAt).toBe(
    seconds(20),
  );
  const two = staffed({ bedNurses: ['n1', 'n2'], changesAt: seconds(12) });
  const state = opened({ policy: ladderWith({ needs: 2 }) }, { staffing: two }).state;
  const coming = acknowledge(state, 'n1', seconds(1)).state;
  const change = onDue(coming, seconds(12), { staffing: { ...two, changesAt: seconds(22) } });
  expect(change.events).toEqual([]);
  expect(change.state.dueAt).toBe(seconds(20));
});

test('I7: an alert that becomes high calls at once who has taken over a post while it was not', () => {
  const medium = opened({ priority: 'medium' }).state;
  const given = { priority: 'high', source: 'condition', message: 'Worse' } as const;
  const high = raiseAgain(medium, given, seconds(9), { staffing: night(seconds(99)) }).state;
  expect(high.dueAt).toBe(seconds(9));
  const change = onDue(high, seconds(9), { staffing: night(seconds(99)) });
  expect(logged(change)).toEqual(['relieved', 'handover 1']);
  expect(change.state.dueAt).toBe(seconds(20));
});

test('when nobody holds the posts any more the next level starts, and who was called stays called', () => {
  const state = opened({}, { staffing: staffed({ changesAt: seconds(12) }) }).state;
  const change = onDue(state, seconds(12), {
    staffing: staffed({ bedNurses: [], onShift: new Set(['n2', 'd1', 'o1']) }),
  });
  expect(logged(change)).toEqual(['level 2 unreachable']);
  expect(statuses(change.state)[0]).toBe('n1 paged');
});

test('a moved alert calls the people of the new ward; one that is answered only moves', () => {
  const there = staffed({ bedNurses: ['n9'], ward: { nurse: ['n9'] } });
  const change = move(unchanged(on()), seconds(5), 'w2', there);
  expect(told(change)).toEqual(['entered', 'escalated']);
  expect(change.state).toMatchObject({ wardId: 'w2', level: 1, dueAt: seconds(20) });
  expect(statuses(change.state)).toEqual(['n1 withdrawn', 'n9 paged']);
  const answered = move(unchanged(acknowledge(on(), 'n1', seconds(2)).state), seconds(5), 'w2', there);
  expect(told(answered)).toEqual(['entered']);
  expect(answered.state).toMatchObject({ state: 'acknowledged', ackBy: 'n1', wardId: 'w2' });
});

const silence = (until: number): Hold => ({ kind: 'silence', by: 's1', until });

test('an alert that is held is told and calls nobody; when the hold ends it calls, and its levels count from then', () => {
  const change = opened({ priority: 'low' }, { hold: silence(seconds(300)) });
  expect(told(change)).toEqual(['raised']);
  expect(logged(change)).toEqual(['opened', 'held silence s1']);
  expect(change.state).toMatchObject({ state: 'open', level: 0, pages: [], dueAt: seconds(300) });
  const still = onDue(change.state, seconds(300), { staffing: everybody, hold: silence(seconds(400)) });
  expect(still).toMatchObject({ events: [], log: [], state: { dueAt: seconds(400) } });
  const released = onDue(still.state, seconds(400), { staffing: everybody });
  expect(told(released)).toEqual(['released']);
  expect(logged(released)).toEqual(['released', 'level 1 due']);
  expect(released.state).toMatchObject({ run: 2, baseAt: seconds(400), hold: null, dueAt: seconds(420) });
});

test('a silence that begins while an alert calls holds back its next level', () => {
  const change = onDue(on({ priority: 'low' }), seconds(20), { staffing: everybody, hold: silence(seconds(100)) });
  expect(change.state).toMatchObject({ level: 1, dueAt: seconds(100), hold: { by: 's1' } });
  expect(statuses(change.state)).toEqual(['n1 paged']);
});

test('what no longer is held when its priority rises calls at once, and to be raised again releases nothing', () => {
  const held = opened({ priority: 'low' }, { hold: silence(seconds(300)) }).state;
  const given = { source: 'condition', message: 'Worse' } as const;
  const again = { ...given, priority: 'low', actor: 'n1' } as const;
  const merged = raiseAgain(held, again, seconds(5), { staffing: everybody, hold: silence(seconds(300)) });
  expect(merged.state).toMatchObject({ pages: [], dueAt: seconds(300) });
  const higher = raiseAgain(held, { ...given, priority: 'high' }, seconds(5), { staffing: everybody });
  expect(higher.state).toMatchObject({ priority: 'high', message: 'Worse', run: 2, level: 1, hold: null });
});

test('a held alert can be answered, declined by nobody, and ends with its condition when it is answered', () => {
  const held = opened({ priority: 'low' }, { hold: silence(seconds(300)) }).state;
  const answered = acknowledge(held, 'n1', seconds(5)).state;
  expect(answered).toMatchObject({ state: 'acknowledged', hold: null });
  expect(told(clear(answered, seconds(6)))).toEqual(['cleared', 'resolved']);
  expect(() => decline(held, 'n1', seconds(5), { staffing: everybody, reason: undefined })).toThrow('not called');
});

test('a higher priority of another policy begins a run by that policy; of the same one the ladder goes on', () => {
  const urgent = ladderWith({ targets: [{ kind: 'wardRole', role: 'doctor' }] });
  const given = { priority: 'high', source: 'condition', message: 'Worse' } as const;
  const chosen = { policyId: 'urgent', policyVersion: 3, policy: urgent };
  const other = raiseAgain(on({ priority: 'low' }), given, seconds(5), { staffing: everybody, chosen });
  expect(other.state).toMatchObject({ run: 2, baseAt: seconds(5), policyId: 'urgent', policyVersion: 3 });
  expect(calls(other.state)).toEqual(['1 d1 5s']);
  const same = { policyId: 'default', policyVersion: 9, policy: urgent };
  const kept = raiseAgain(on({ priority: 'low' }), given, seconds(5), { staffing: everybody, chosen: same });
  expect(kept.state).toMatchObject({ run: 1, level: 1, policyVersion: 1 });
});

test('a step of the clock that makes a level due is named by the log', () => {
  const steps = [{ at: seconds(3_600), ms: seconds(3_600) }];
  const change = onDue(on(), seconds(3_605), { staffing: everybody, steps });
  expect(logged(change)[0]).toBe('level 2 due, the clock stepped by +3600 s');
  const backward = onDue(on(), seconds(20), { staffing: everybody, steps: [{ at: seconds(5), ms: -3_000 }] });
  expect(logged(backward)).toEqual(['level 2 due']);
});

test('a level calls no more people than the policy allows, and never fewer than it needs', () => {
  const crowd = staffed({ bedNurses: Array.from({ length: 150 }, (_, index) => `n${index}`) });
  const change = opened({}, { staffing: crowd });
  expect(change.state.pages).toHaveLength(100);
  expect(logged(change)).toEqual(['opened', 'reachLimited 1 150 are meant', 'level 1 due']);
  // Nor does a look at who holds the posts.
  const looked = onDue({ ...change.state, dueAt: 0, handOverAt: 0 }, seconds(10), { staffing: crowd });
  expect(looked.state.pages).toHaveLength(100);
  const few = { ...ladderWith({ needs: 5 }), maxReach: 2 };
  expect(opened({ policy: few }, { staffing: crowd }).state.pages).toHaveLength(5);
});
