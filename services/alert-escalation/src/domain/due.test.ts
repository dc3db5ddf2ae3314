import { expect, test } from '@jest/globals';
import type { Policy } from '@carillon/contracts/escalation-policies';
import {
  calls,
  everybody,
  ladder,
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

test('an earlier level that came to a device is no excuse for one that came to none', () => {
  const policy = { ...ladder, levels: ladder.levels.map((level) => ({ ...level, deliverWithinSeconds: 10 })) };
  const state = on({ policy });
  const delivered = { ...state, pages: state.pages.map((page) => ({ ...page, receipts: { delivered: seconds(1) } })) };
  const second = onDue(onDue(delivered, seconds(10), { staffing: everybody }).state, seconds(20), {
    staffing: everybody,
  }).state;
  expect(second).toMatchObject({ level: 2, deliverBy: seconds(30) });
  expect(logged(onDue(second, seconds(30), { staffing: everybody }))).toEqual(['level 3 undelivered']);
});

test('a hand-over that starts the next level gives its calls the time that they have to come to a device', () => {
  const policy = { ...ladder, levels: ladder.levels.map((level) => ({ ...level, deliverWithinSeconds: 10 })) };
  const state = opened({ policy }, { staffing: staffed({ changesAt: seconds(10) }) }).state;
  const left = staffed({ bedNurses: [], onShift: new Set(['n2', 'd1', 'o1']) });
  const change = onDue(state, seconds(10), { staffing: left });
  expect(logged(change)).toEqual(['level 2 unreachable']);
  expect(change.state).toMatchObject({ level: 2, deliverBy: seconds(20) });
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

test('when too few are left who may answer, since one has gone home, the next level starts', () => {
  const two = staffed({ bedNurses: ['n1', 'n2'] });
  const state = opened({ policy: ladderWith({ needs: 2 }) }, { staffing: two }).state;
  const coming = acknowledge(state, 'n1', seconds(1)).state;
  const alone = staffed({ ward: { nurse: ['n3'], doctor: ['d1'] }, onShift: new Set(['n1', 'n3', 'd1', 'o1']) });
  const change = onDue({ ...coming, dueAt: seconds(9), handOverAt: seconds(9) }, seconds(9), { staffing: alone });
  expect(logged(change)).toEqual(['relieved', 'handover 1', 'level 2 unreachable']);
  expect(change.state).toMatchObject({ accepted: ['n1'], level: 2, dueAt: seconds(40) });
});

test('a moved alert calls the people of the new ward; one that is answered only moves', () => {
  const there = staffed({ bedNurses: ['n9'], ward: { nurse: ['n9'] } });
  const change = move(unchanged(on()), seconds(5), 'w2', { staffing: there });
  expect(told(change)).toEqual(['entered', 'escalated']);
  expect(change.state).toMatchObject({ wardId: 'w2', level: 1, dueAt: seconds(20) });
  expect(statuses(change.state)).toEqual(['n1 withdrawn', 'n9 paged']);
  const answered = move(unchanged(acknowledge(on(), 'n1', seconds(2)).state), seconds(5), 'w2', { staffing: there });
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
  expect(told(released)).toEqual(['released', 'escalated']);
  expect(logged(released)).toEqual(['released', 'level 1 due']);
  expect(released.state).toMatchObject({ run: 1, baseAt: seconds(400), hold: null, dueAt: seconds(420) });
});

test('a first level that waits does not wait anew each time when what holds it goes', () => {
  const later = ladder.levels.map((level) => ({ ...level, afterSeconds: level.afterSeconds + 30 }));
  const { state } = opened({ priority: 'low', policy: { ...ladder, levels: later } }, { hold: silence(seconds(10)) });
  const waiting = onDue(state, seconds(10), { staffing: everybody }).state;
  expect(waiting).toMatchObject({ level: 0, baseAt: 0, dueAt: seconds(30) });
  const held = onDue(waiting, seconds(30), { staffing: everybody, hold: silence(seconds(35)) }).state;
  expect(calls(onDue(held, seconds(35), { staffing: everybody }).state)).toEqual(['1 n1 35s']);
});

test('a silence that begins while an alert calls holds back its next level', () => {
  const change = onDue(on({ priority: 'low' }), seconds(20), { staffing: everybody, hold: silence(seconds(100)) });
  expect(change.state).toMatchObject({ level: 1, dueAt: seconds(100), hold: { by: 's1' } });
  expect(statuses(change.state)).toEqual(['n1 paged']);
});

test('what comes and goes cannot keep an alert from climbing: each time it goes, the level that it held back starts', () => {
  const source = (until: number): Hold => ({ kind: 'inhibition', by: 'a2', until: seconds(until) });
  let { state } = opened({ priority: 'low' });
  const log: string[] = [];
  const look = (at: number, by?: Hold): void => {
    const change = onDue({ ...state, dueAt: Math.min(state.dueAt ?? Infinity, seconds(at)) }, seconds(at), {
      staffing: everybody,
      hold: by,
    });
    ({ state } = change);
    log.push(...logged(change));
  };
  const wake = (at: number): void => {
    state = withFields(state, { hold: state.hold === null ? null : { ...state.hold, until: seconds(at) } });
    look(at);
  };
  look(20, source(50));
  wake(25);
  expect(state).toMatchObject({ run: 1, level: 2, baseAt: seconds(5), dueAt: seconds(45) });
  look(45, source(75));
  wake(60);
  expect(state).toMatchObject({ run: 1, level: 3, hold: null, dueAt: seconds(80) });
  expect(log).toEqual([
    'held inhibition a2',
    'released',
    'level 2 due',
    'held inhibition a2',
    'released',
    'level 3 due',
  ]);
  expect(calls(state)).toEqual(['1 n1 0s', '2 n1 25s', '2 n2 25s', '3 d1 60s']);
});

test('who came before it was held is still coming when it is released, and who took over a post meanwhile is called', () => {
  const two = staffed({ bedNurses: ['n1', 'n2'] });
  const coming = acknowledge(opened({ policy: ladderWith({ needs: 2 }) }, { staffing: two }).state, 'n1', 1).state;
  const held = onDue(coming, seconds(20), { staffing: two, hold: silence(seconds(100)) }).state;
  const later = staffed({
    bedNurses: ['n1', 'n7'],
    ward: { nurse: [], doctor: ['d1'] },
    onShift: new Set(['n1', 'n7']),
  });
  const change = onDue(held, seconds(100), { staffing: later });
  expect(change.state).toMatchObject({ run: 1, accepted: ['n1'], level: 3 });
  expect(logged(change)).toEqual(['released', 'relieved', 'handover 1', 'level 2 due', 'level 3 unreachable']);
});

test('I15: nobody is called while a silence lasts, because of an answer, a move or a shift that ends either', () => {
  const facts = { staffing: everybody, hold: silence(seconds(9)) };
  const declined = decline(on(), 'n1', seconds(3), { facts, reason: undefined });
  expect(logged(declined)).toEqual(['declined', 'held silence s1']);
  const moved = move(unchanged(on()), seconds(3), 'w2', facts);
  expect(logged(moved)).toEqual(['entered w2', 'held silence s1']);
  const handed = onDue({ ...on(), dueAt: 0, handOverAt: 0 }, seconds(3), { ...facts, staffing: night(seconds(99)) });
  expect(logged(handed)).toEqual(['held silence s1']);
  for (const { state } of [declined, moved, handed]) {
    expect(state).toMatchObject({ level: 1, dueAt: seconds(9), hold: { by: 's1' } });
  }
  // At its end: those who are left are too few, and the level after that keeps its time.
  const released = onDue(declined.state, seconds(9), { staffing: everybody });
  expect(logged(released)).toEqual(['released', 'level 2 unreachable']);
  expect(released.state.dueAt).toBe(seconds(40));
});

test('too few who may still come, since others declined while it was held, call the next level when it is released', () => {
  const two = staffed({ bedNurses: ['n1', 'n2'] });
  const facts = { staffing: two, hold: silence(seconds(9)) };
  const coming = acknowledge(opened({ policy: ladderWith({ needs: 2 }) }, { staffing: two }).state, 'n1', 1).state;
  const held = decline(coming, 'n2', seconds(3), { facts, reason: undefined }).state;
  expect(logged(onDue(held, seconds(9), { staffing: two }))).toEqual([
    'released',
    'level 2 unreachable',
    'level 3 unreachable',
  ]);
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
  expect(() => decline(held, 'n1', seconds(5), { facts: { staffing: everybody }, reason: undefined })).toThrow(
    'not called',
  );
});

test('a higher priority of another policy begins a run by that policy; of the same one the ladder goes on', () => {
  const urgent = ladderWith({ targets: [{ kind: 'wardRole', role: 'doctor' }] });
  const given = { priority: 'high', source: 'condition', message: 'Worse' } as const;
  const chosen = { policyId: 'urgent', policyVersion: 3, policy: urgent };
  const other = raiseAgain(on({ priority: 'low' }), given, seconds(5), { staffing: everybody, chosen });
  expect(other.state).toMatchObject({ run: 2, baseAt: seconds(5), policyId: 'urgent', policyVersion: 3 });
  expect(calls(other.state)).toEqual(['1 d1 5s']);
  const held = opened({ priority: 'low' }, { hold: silence(seconds(300)) }).state;
  const facts = { staffing: everybody, chosen, hold: silence(seconds(100)) };
  const stillHeld = raiseAgain(held, given, seconds(5), facts).state;
  expect(stillHeld).toMatchObject({ run: 2, level: 0, policyId: 'urgent', pages: [], dueAt: seconds(100) });
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

test('I7: whoever leaves by a hand-over or a move leaves his place to who comes, however few may be called', () => {
  const crew = (bedNurses: string[], doctor = 'd1'): ReturnType<typeof staffed> =>
    staffed({
      bedNurses,
      ward: { nurse: [doctor], doctor: [] },
      onShift: new Set([...bedNurses, doctor]),
      changesAt: seconds(12),
    });
  const state = opened({ policy: { ...ladder, maxReach: 2 } }, { staffing: crew(['n1', 'n2']) }).state;
  const change = onDue(state, seconds(12), { staffing: crew(['n3', 'n4']) });
  expect(statuses(change.state)).toEqual(['n1 withdrawn', 'n2 withdrawn', 'n3 paged', 'n4 paged']);
  expect(logged(change)).toEqual(['relieved', 'handover 1']);
  const moved = move(unchanged(state), seconds(5), 'w2', { staffing: crew(['n3', 'n4', 'n5']) });
  expect(statuses(moved.state)).toEqual(['n1 withdrawn', 'n2 withdrawn', 'n3 paged', 'n4 paged']);
  expect(logged(moved)).toEqual(['entered w2', 'relieved', 'reachLimited 1 3 are meant', 'moved 1']);
  const crowded = onDue(state, seconds(12), { staffing: crew(['n1', 'n2', 'n3']) });
  expect(logged(crowded)).toEqual(['reachLimited 1 3 are meant']);
  expect(statuses(crowded.state)).toEqual(['n1 paged', 'n2 paged']);
  // Two levels have called three: one more than either may, and none may be lost for that.
  const second = onDue({ ...state, handOverAt: null }, seconds(20), { staffing: crew(['n1', 'n2'], 'n6') }).state;
  const later = onDue({ ...second, dueAt: 0, handOverAt: 0 }, seconds(25), { staffing: crew(['n1', 'n7'], 'n6') });
  expect(calls(later.state).at(-1)).toBe('2 n7 25s');
});

const near = (count: number, withinMetres?: number) => ({
  targets: [
    {
      kind: 'nearest' as const,
      role: 'nurse' as const,
      count,
      ...(withinMetres === undefined ? {} : { withinMetres }),
    },
  ],
});
const walking = staffed({
  hospital: { nurse: ['n1', 'n2', 'n3'], operator: ['o1'] },
  onShift: new Set(['n1', 'n2', 'n3', 'o1']),
  nearby: [
    { person: 'n1', metres: 900 },
    { person: 'n2', metres: 300 },
    { person: 'n3', metres: 20 },
  ],
});
const nearestFirst = (first: Partial<Policy['levels'][number]>, count: number): Policy => ({
  levels: [
    { afterSeconds: 0, ...near(1, 500), ...first },
    { afterSeconds: 20, ...near(count) },
    { afterSeconds: 40, targets: [{ kind: 'failsafe' }] },
  ],
  repeatSeconds: 60,
});

test('where the nearest has declined the next nearest is called, before the failsafe is', () => {
  const state = opened({ policy: nearestFirst({}, 1) }, { staffing: walking }).state;
  expect(calls(state)).toEqual(['1 n3 0s']);
  const change = decline(state, 'n3', seconds(3), { facts: { staffing: walking }, reason: undefined });
  expect(calls(change.state)).toEqual(['1 n3 0s', '2 n2 3s']);
  expect(logged(change)).toEqual(['declined', 'level 2 declined']);
});

test('where the nearest is coming already and more are needed, as many others are called as the level wants', () => {
  const policy = nearestFirst({ ...near(2), needs: 2 }, 2);
  const coming = acknowledge(opened({ policy }, { staffing: walking }).state, 'n3', seconds(1)).state;
  const change = onDue(coming, seconds(20), { staffing: walking });
  expect(calls(change.state)).toEqual(['1 n3 0s', '1 n2 0s', '2 n2 20s', '2 n1 20s']);
});
