import { expect, test } from '@jest/globals';
import type { Policy } from '@carillon/contracts/escalation-policies';
import { calls, everybody, logged, on, opened, seconds, staffed, statuses, told } from '../../test/builders.ts';
import { ackMs, episodeKey, presenceOf, type AlertState, type Change } from './alert.ts';
import { acknowledge, clear, decline } from './answers.ts';
import { onDue } from './due.ts';
import { raiseAgain, resolve } from './runs.ts';

const acknowledged = (by = 'n1', now = seconds(5)): AlertState => acknowledge(on(), by, now).state;
const declineBy = (state: AlertState, person: string, now: number, staffing = everybody): Change =>
  decline(state, person, now, { facts: { staffing }, reason: undefined });

test('a raised alert pages its first level at once and waits for the second', () => {
  const change = opened();
  expect(calls(change.state)).toEqual(['1 n1 0s']);
  expect(change.state).toMatchObject({ state: 'open', run: 1, level: 1, attempt: 1, dueAt: seconds(20), version: 1 });
  expect(told(change)).toEqual(['raised']);
  expect(logged(change)).toEqual(['opened', 'level 1 due']);
});

test('a first level with a delay pages nobody yet', () => {
  const policy: Policy = { levels: [{ afterSeconds: 10, targets: [{ kind: 'failsafe' }] }], repeatSeconds: 60 };
  const { state } = opened({ policy });
  expect(state).toMatchObject({ level: 0, pages: [], dueAt: seconds(10) });
  expect(calls(onDue(state, seconds(10), { staffing: everybody }).state)).toEqual(['1 o1 10s']);
});

test('nothing happens before a deadline', () => {
  const state = on();
  expect(onDue(state, seconds(20) - 1, { staffing: everybody })).toEqual({ state, events: [], log: [] });
});

test('each level starts at its deadline, and the last repeats', () => {
  let state = on();
  const versions = [state.version];
  for (const at of [20, 40, 60, 120, 180]) {
    expect(state.dueAt).toBe(seconds(at));
    state = onDue(state, seconds(at), { staffing: everybody }).state;
    versions.push(state.version);
  }
  expect(calls(state)).toEqual(['1 n1 0s', '2 n1 20s', '2 n2 20s', '3 d1 40s', '4 o1 60s', '4 o1 120s', '4 o1 180s']);
  expect(state).toMatchObject({ level: 4, attempt: 3, dueAt: seconds(240) });
  expect(versions).toEqual([1, 2, 3, 4, 5, 6]);
});

test('an engine that wakes late starts all overdue levels with one page a person, and keeps the absolute deadlines', () => {
  const change = onDue(on(), seconds(45), { staffing: everybody });
  // n1 and n2 both by level 2, d1 by level 3.
  expect(calls(change.state)).toEqual(['1 n1 0s', '2 n1 45s', '2 n2 45s', '3 d1 45s']);
  expect(change.state.dueAt).toBe(seconds(60));
  expect(told(change)).toEqual(['escalated']);
  expect(logged(change)).toEqual(['level 2 due', 'level 3 due']);
});

test('a person whom several overdue levels name is paged by the lowest of them', () => {
  const policy: Policy = {
    levels: [
      { afterSeconds: 5, targets: [{ kind: 'bedNurse' }] },
      { afterSeconds: 10, targets: [{ kind: 'wardRole', role: 'nurse' }, { kind: 'failsafe' }] },
    ],
    repeatSeconds: 5,
  };
  const { state } = onDue(on({ policy }), seconds(300), { staffing: everybody });
  expect(calls(state)).toEqual(['1 n1 300s', '2 n2 300s', '2 o1 300s']);
  expect(state.dueAt).toBe(seconds(305));
});

test('people are resolved when their level starts', () => {
  const { state } = onDue(on(), seconds(20), { staffing: staffed({ ward: { nurse: ['n7'] } }) });
  expect(calls(state)).toEqual(['1 n1 0s', '2 n7 20s']);
});

test('a level that reaches nobody hands over to the next at once, and the log says so', () => {
  const change = opened({}, { staffing: staffed({ bedNurses: [], ward: { doctor: ['d1'] } }) });
  expect(calls(change.state)).toEqual(['3 d1 0s']);
  expect(logged(change)).toEqual(['opened', 'level 1 due', 'level 2 unreachable', 'level 3 unreachable']);
  expect(change.state.dueAt).toBe(seconds(60));
  expect(told(change)).toEqual(['raised']);
});

test('with nobody in the whole hospital the alert still has a next deadline', () => {
  const { state } = opened({}, { staffing: staffed({ bedNurses: [], ward: {}, hospital: {}, onShift: new Set() }) });
  expect(state).toMatchObject({ level: 4, pages: [], dueAt: seconds(60) });
});

test('the next level waits while somebody who was paged has not declined', () => {
  const two = staffed({ bedNurses: ['n1', 'n2'] });
  const change = declineBy(on({}, two), 'n1', seconds(3), two);
  expect(statuses(change.state)).toEqual(['n1 declined', 'n2 paged']);
  expect(change.state).toMatchObject({ level: 1, dueAt: seconds(20) });
  expect(told(change)).toEqual(['declined']);
});

test('when all who were paged have declined the next level starts now, without those who declined', () => {
  const change = declineBy(on(), 'n1', seconds(3));
  expect(calls(change.state)).toEqual(['1 n1 0s', '2 n2 3s']);
  expect(logged(change)).toEqual(['declined', 'level 2 declined']);
  expect(told(change)).toEqual(['declined', 'escalated']);
  // The deadline of the level after that has not moved.
  expect(change.state.dueAt).toBe(seconds(40));
});

test('a level whose people have all declined before is passed over', () => {
  const onlyOne = staffed({ ward: { nurse: ['n1'], doctor: ['d1'] } });
  const change = declineBy(on({}, onlyOne), 'n1', seconds(3), onlyOne);
  expect(logged(change)).toEqual(['declined', 'level 2 declined', 'level 3 unreachable']);
  expect(calls(change.state)).toEqual(['1 n1 0s', '3 d1 3s']);
});

test('a decline does not excuse from the failsafe', () => {
  const onlyOperator = staffed({ bedNurses: ['o1'], ward: {} });
  const change = declineBy(on({}, onlyOperator), 'o1', seconds(3), onlyOperator);
  expect(calls(change.state)).toEqual(['1 o1 0s', '4 o1 3s']);
});

test('when all decline at the last level the next repeat comes at its time', () => {
  const atLast = onDue(on(), seconds(60), { staffing: everybody }).state;
  const declined = ['n1', 'n2', 'd1', 'o1'].reduce(
    (state, person) => declineBy(state, person, seconds(70)).state,
    atLast,
  );
  expect(declined.dueAt).toBe(seconds(120));
  expect(calls(onDue(declined, seconds(120), { staffing: everybody }).state).at(-1)).toBe('4 o1 120s');
});

test('who is not called cannot decline; to decline twice is to decline once', () => {
  expect(() => declineBy(on(), 'd1', seconds(3))).toThrow(expect.objectContaining({ code: 'conflict' }));
  const { state } = declineBy(on(), 'n1', seconds(3));
  expect(declineBy(state, 'n1', seconds(4)).state).toBe(state);
});

test('an acknowledgement stops the ladder, withdraws the other calls and expires by priority', () => {
  const paged = onDue(on(), seconds(20), { staffing: everybody }).state;
  const change = acknowledge(paged, 'n2', seconds(25));
  expect(statuses(change.state)).toEqual(['n1 withdrawn', 'n1 withdrawn', 'n2 acknowledged']);
  expect(change.state).toMatchObject({ state: 'acknowledged', ackBy: 'n2', dueAt: seconds(25) + ackMs.high });
  expect(told(change)).toEqual(['acknowledged']);
  for (const priority of ['high', 'medium', 'low'] as const) {
    expect(acknowledge(on({ priority }), 'n1', 0).state.dueAt).toBe(ackMs[priority]);
  }
});

test('an acknowledgement is idempotent for its person and a conflict for another', () => {
  const state = acknowledged('n1');
  expect(acknowledge(state, 'n1', seconds(9))).toEqual({ state, events: [], log: [] });
  expect(() => acknowledge(state, 'n2', seconds(9))).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(() => declineBy(state, 'n2', seconds(9))).toThrow(expect.objectContaining({ code: 'conflict' }));
});

test('an acknowledgement that expires begins a new run, counted from the expiry', () => {
  const state = acknowledged('n1', seconds(5));
  const expiry = seconds(5) + ackMs.high;
  expect(onDue(state, expiry - 1, { staffing: everybody }).state).toBe(state);
  const change = onDue(state, expiry + seconds(2), { staffing: everybody });
  expect(change.state).toMatchObject({ state: 'open', run: 2, baseAt: expiry, level: 1, attempt: 1, ackBy: null });
  expect(change.state.pages).toEqual([
    { run: 2, level: 1, attempt: 1, person: 'n1', at: expiry + seconds(2), status: 'paged' },
  ]);
  expect(change.state.dueAt).toBe(expiry + seconds(20));
  expect(told(change)).toEqual(['raised']);
  expect(logged(change)).toEqual(['ackExpired', 'level 1 due']);
});

test('a condition that clears leaves an unanswered alert latched, and the ladder goes on to its last level once', () => {
  const change = clear(on(), seconds(10));
  expect(told(change)).toEqual(['cleared']);
  expect(presenceOf(change.state)).toBe('latched');
  let { state } = change;
  for (const at of [20, 40, 60]) {
    expect(state.dueAt).toBe(seconds(at));
    state = onDue(state, seconds(at), { staffing: everybody }).state;
  }
  expect(state).toMatchObject({ level: 4, dueAt: null });
  expect(clear(state, seconds(99)).state).toBe(state);
});

test('acknowledging a latched alert resolves it', () => {
  const change = acknowledge(clear(on(), seconds(10)).state, 'n1', seconds(12));
  expect(told(change)).toEqual(['acknowledged', 'resolved']);
  expect(change.state).toMatchObject({ state: 'resolved', resolvedAt: seconds(12), dueAt: null });
});

test('a condition that clears resolves an acknowledged alert', () => {
  const change = clear(acknowledged(), seconds(10));
  expect(told(change)).toEqual(['cleared', 'resolved']);
  expect(change.state).toMatchObject({ state: 'resolved', condition: 'cleared', dueAt: null });
});

test('resolving withdraws the open calls, and is a conflict the second time', () => {
  const change = resolve(on(), 'n1', seconds(8), { reason: 'artefact' });
  expect(statuses(change.state)).toEqual(['n1 withdrawn']);
  expect(change.log).toEqual([{ at: seconds(8), kind: 'resolved', actor: 'n1', reason: 'artefact' }]);
  expect(() => resolve(change.state, 'n1', seconds(9))).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(() => acknowledge(change.state, 'n1', seconds(9))).toThrow(expect.objectContaining({ code: 'conflict' }));
});

test('an alert that was resolved while its condition is active asks for a new one when the time of an answer is over', () => {
  const { state } = resolve(on(), 'n1', seconds(8));
  expect(state.dueAt).toBe(seconds(8) + ackMs.high);
  const change = onDue(state, seconds(8) + ackMs.high, { staffing: everybody });
  expect(change).toMatchObject({ reopen: true, events: [] });
  expect(change.state.dueAt).toBeNull();
});

test('a condition that clears after the resolution asks for nothing, and neither does the alert of a person', () => {
  const { state } = resolve(on(), 'n1', seconds(8));
  expect(clear(state, seconds(20))).toMatchObject({ events: [], state: { state: 'resolved', dueAt: null } });
  expect(resolve(on({ source: 'person' }), 'n1', seconds(8)).state.dueAt).toBeNull();
});

test('an alert of a person that a condition has joined comes back like one of the condition', () => {
  const change = raiseAgain(
    on({ source: 'person' }),
    { priority: 'high', source: 'condition', message: 'Again' },
    seconds(3),
    { staffing: everybody },
  );
  expect(logged(change)).toEqual(['merged high']);
  expect(resolve(change.state, 'n1', seconds(8)).state.dueAt).toBe(seconds(8) + ackMs.high);
});

test('a condition that is raised again at no higher priority changes nothing', () => {
  for (const state of [on(), acknowledged()]) {
    expect(
      raiseAgain(state, { priority: 'medium', source: 'condition', message: 'Again' }, seconds(6), {
        staffing: everybody,
      }).state,
    ).toBe(state);
  }
});

test('a higher priority is taken over and told; a lower one never is', () => {
  const low = on({ priority: 'low' });
  const change = raiseAgain(low, { priority: 'high', source: 'condition', message: 'Again' }, seconds(3), {
    staffing: everybody,
  });
  expect(change.state).toMatchObject({ priority: 'high', message: 'Again', run: 1, level: 1, dueAt: seconds(3) });
  expect(told(change)).toEqual(['raised']);
  expect(logged(change)).toEqual(['priority high']);
  const again = raiseAgain(
    change.state,
    { priority: 'low', source: 'person', message: 'Again', actor: 'n1' },
    seconds(4),
    { staffing: everybody },
  );
  expect(again.state.priority).toBe('high');
});

test('a person who raises again joins an open alert, and begins a new run of an acknowledged one', () => {
  const joined = raiseAgain(on(), { priority: 'high', source: 'person', message: 'Again', actor: 'n2' }, seconds(3), {
    staffing: everybody,
  });
  expect(joined.state).toMatchObject({ run: 1, level: 1 });
  expect(joined.log).toEqual([{ at: seconds(3), kind: 'merged', reason: 'high', actor: 'n2' }]);
  const anew = raiseAgain(
    acknowledged(),
    { priority: 'high', source: 'person', message: 'Again', actor: 'n2' },
    seconds(9),
    { staffing: everybody },
  );
  expect(anew.state).toMatchObject({ state: 'open', run: 2, baseAt: seconds(9), level: 1 });
  expect(told(anew)).toEqual(['raised']);
});

test('a higher priority begins a new run of an acknowledged alert', () => {
  const low = acknowledge(on({ priority: 'low' }), 'n1', seconds(5)).state;
  const change = raiseAgain(low, { priority: 'high', source: 'condition', message: 'Again' }, seconds(9), {
    staffing: everybody,
  });
  expect(change.state).toMatchObject({ state: 'open', run: 2, baseAt: seconds(9), priority: 'high' });
});

test('a condition that comes back makes a latched alert on again, with its repeats', () => {
  const latched = onDue(clear(on(), seconds(10)).state, seconds(60), { staffing: everybody }).state;
  const change = raiseAgain(latched, { priority: 'high', source: 'condition', message: 'Again' }, seconds(200), {
    staffing: everybody,
  });
  expect(logged(change)).toEqual(['reactivated high']);
  expect(presenceOf(change.state)).toBe('on');
  expect(change.state.dueAt).toBe(seconds(120));
});

test('what is shown follows from condition and answer', () => {
  expect(presenceOf({ state: 'open', condition: 'active' })).toBe('on');
  expect(presenceOf({ state: 'acknowledged', condition: 'active' })).toBe('ack');
  expect(presenceOf({ state: 'open', condition: 'cleared' })).toBe('latched');
  expect(presenceOf({ state: 'acknowledged', condition: 'cleared' })).toBe('off');
  expect(presenceOf({ state: 'resolved', condition: 'active' })).toBe('off');
  expect(presenceOf({ state: 'resolved', condition: 'cleared' })).toBe('off');
});

test('the version grows by one with each event, and each event carries its own', () => {
  const open = on({ priority: 'low' });
  const expired = acknowledge(open, 'n1', 0).state;
  const changes: [AlertState, Change][] = [
    [{ ...open, version: 0 }, opened()],
    [{ ...open, version: 0 }, opened({}, { staffing: staffed({ bedNurses: [] }) })],
    [open, onDue(open, seconds(70), { staffing: everybody })],
    [open, declineBy(open, 'n1', seconds(3))],
    [open, clear(open, seconds(3))],
    [open, acknowledge(open, 'n1', seconds(3))],
    [expired, clear(expired, seconds(3))],
    [expired, onDue(expired, ackMs.low, { staffing: everybody })],
    [
      expired,
      raiseAgain(expired, { priority: 'high', source: 'condition', message: 'Again' }, seconds(3), {
        staffing: everybody,
      }),
    ],
    [open, resolve(open, 'n1', seconds(3))],
  ];
  for (const [before, change] of changes) {
    expect(change.events.map(({ alert }) => alert.version)).toEqual(
      change.events.map((_, i) => before.version + i + 1),
    );
    expect(change.state).toEqual(change.events.at(-1)?.alert);
  }
});

test('an episode is the patient, or the ward where there is none, and the kind', () => {
  expect(episodeKey('p1', 'w1', 'sos')).toBe(episodeKey('p1', 'w2', 'sos'));
  const keys = [episodeKey('p1', 'w1', 'sos'), episodeKey('p1', 'w1', 'fall'), episodeKey(null, 'p1', 'sos')];
  expect(new Set(keys).size).toBe(3);
});
