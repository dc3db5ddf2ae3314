import { expect, test } from '@jest/globals';
import { everybody, ladder, ladderWith, logged, on, seconds, staffed, statuses, told } from '../../test/builders.ts';
import type { AlertState, Change, Hold } from './alert.ts';
import { acknowledge, arrive, clear, decline, escalateByHand, snooze } from './answers.ts';
import { onDue } from './due.ts';
import { needed } from './quorum.ts';
import { resolve } from './runs.ts';

const conflict = expect.objectContaining({ code: 'conflict' });
const badInput = expect.objectContaining({ code: 'bad_input' });
const three = staffed({ bedNurses: ['n1', 'n2', 'n3'] });
const needing = (needs: 'any' | 'all' | number): AlertState => on({ policy: ladderWith({ needs }) }, three);
const declineBy = (state: AlertState, person: string, now: number): Change =>
  decline(state, person, now, { facts: { staffing: three }, reason: undefined });

test('where two are needed the first who comes stops nothing, and the second stops the ladder for both', () => {
  const first = acknowledge(needing(2), 'n2', seconds(3));
  expect(first.state).toMatchObject({ state: 'open', accepted: ['n2'], dueAt: seconds(20) });
  expect(told(first)).toEqual(['accepted']);
  expect(statuses(first.state)).toEqual(['n1 paged', 'n2 accepted', 'n3 paged']);
  const second = acknowledge(first.state, 'n1', seconds(5));
  expect(second.state).toMatchObject({ state: 'acknowledged', ackBy: 'n2', accepted: ['n2', 'n1'] });
  expect(logged(second)).toEqual(['accepted', 'acknowledged']);
  expect(statuses(second.state)).toEqual(['n1 acknowledged', 'n2 acknowledged', 'n3 withdrawn']);
  for (const person of ['n1', 'n2']) expect(acknowledge(second.state, person, seconds(6)).state).toBe(second.state);
  expect(() => acknowledge(second.state, 'n3', seconds(6))).toThrow(conflict);
});

test('to say twice that one comes is to say it once', () => {
  const { state } = acknowledge(needing(2), 'n2', seconds(3));
  expect(acknowledge(state, 'n2', seconds(4)).state).toBe(state);
});

test('all of a level are those who have not declined', () => {
  expect(needed(needing('all'))).toBe(3);
  const one = acknowledge(needing('all'), 'n1', seconds(1)).state;
  const two = acknowledge(one, 'n2', seconds(2)).state;
  expect(two.state).toBe('open');
  expect(declineBy(two, 'n3', seconds(3)).state).toMatchObject({ state: 'acknowledged', ackBy: 'n1' });
});

test('who comes and then cannot is not counted, and the next level starts when too few are left', () => {
  const coming = acknowledge(needing(3), 'n1', seconds(1)).state;
  const change = declineBy(coming, 'n1', seconds(2));
  expect(change.state).toMatchObject({ accepted: [], level: 2 });
  expect(logged(change)).toEqual(['declined', 'level 2 declined']);
});

test('a level that calls fewer than it needs calls the next at once, and the last needs no more than it calls', () => {
  const state = on({ policy: ladderWith({ needs: 2 }) });
  expect(state.level).toBe(2);
  const lastNeeds = { ...ladder, levels: ladder.levels.map((level) => ({ ...level, needs: 2 })) };
  const last = onDue(on({ policy: lastNeeds }), seconds(60), { staffing: everybody }).state;
  expect(last).toMatchObject({ level: 4 });
  expect(acknowledge(last, 'o1', seconds(61)).state.state).toBe('acknowledged');
});

test('a level that starts since too few come does not do with those few, nor does one who declines it', () => {
  const coming = acknowledge(needing(2), 'n1', seconds(3)).state;
  const called = onDue(onDue(coming, seconds(20), { staffing: three }).state, seconds(40), { staffing: three }).state;
  // One more of those who were called, whoever it is: the doctor of this level, or a nurse of those before.
  expect(called).toMatchObject({ state: 'open', level: 3, accepted: ['n1'] });
  expect(needed(called)).toBe(2);
  expect(acknowledge(called, 'n1', seconds(41)).state).toBe(called);
  for (const person of ['d1', 'n3']) {
    expect(acknowledge(called, person, seconds(41)).state).toMatchObject({ state: 'acknowledged', ackBy: 'n1' });
  }
  expect(declineBy(called, 'd1', seconds(41)).state).toMatchObject({ state: 'open', accepted: ['n1'] });
});

test('who alone answers a level is enough for it, however many those below wanted', () => {
  const called = [20, 40].reduce((state, at) => onDue(state, seconds(at), { staffing: three }).state, needing(3));
  expect(needed(called)).toBe(1);
  expect(acknowledge(called, 'd1', seconds(41)).state).toMatchObject({ state: 'acknowledged', ackBy: 'd1' });
});

test('all of a higher level are all whom it called, and who came before answers for none of them', () => {
  const levels = ladder.levels.map((level, index) => ({ ...level, needs: index === 1 ? ('all' as const) : 2 }));
  const nurses = staffed({ bedNurses: ['n1', 'n2'], ward: { nurse: ['n3', 'n4'], doctor: ['d1'] } });
  const coming = acknowledge(on({ policy: { ...ladder, levels } }, nurses), 'n1', seconds(3)).state;
  const called = onDue(coming, seconds(20), { staffing: nurses }).state;
  expect(needed(called)).toBe(3);
  const one = acknowledge(called, 'n3', seconds(21)).state;
  expect(one.state).toBe('open');
  expect(acknowledge(one, 'n4', seconds(22)).state).toMatchObject({ state: 'acknowledged', ackBy: 'n1' });
});

test('a last level that finds nobody but who comes already takes it: nobody is left who could come', () => {
  const alone = staffed({ bedNurses: ['o1'], ward: {}, onShift: new Set(['o1']) });
  const coming = acknowledge(on({ policy: ladderWith({ needs: 2 }) }, staffed({ bedNurses: ['o1', 'n9'] })), 'o1', 1);
  const change = decline(coming.state, 'n9', seconds(2), { facts: { staffing: alone }, reason: undefined });
  expect(change.state).toMatchObject({ state: 'acknowledged', ackBy: 'o1', level: 4 });
  expect(told(change)).toEqual(['declined', 'escalated', 'acknowledged']);
});

test('when the last who has not answered goes home, all who are left are coming', () => {
  const coming = acknowledge(acknowledge(needing('all'), 'n1', seconds(1)).state, 'n2', seconds(2)).state;
  const rest = staffed({ bedNurses: ['n1', 'n2'], onShift: new Set(['n1', 'n2']) });
  const change = onDue({ ...coming, dueAt: seconds(9), handOverAt: seconds(9) }, seconds(9), { staffing: rest });
  expect(logged(change)).toEqual(['relieved', 'handover 1', 'acknowledged']);
  expect(change.state).toMatchObject({ state: 'acknowledged', ackBy: 'n1' });
});

test('I7: who came on shift a moment before the others declined is called by the look that was due', () => {
  const declined = declineBy({ ...on(), handOverAt: seconds(2) }, 'n1', seconds(3));
  expect(logged(declined)).toEqual(['declined', 'level 2 declined']);
  expect(declined.state.dueAt).toBe(seconds(2));
  const joined = staffed({ bedNurses: ['n1', 'n4'], onShift: new Set(['n1', 'n2', 'n4', 'd1', 'o1']) });
  expect(logged(onDue(declined.state, seconds(3), { staffing: joined }))).toEqual(['handover 2']);
});

test('who comes is not called by later levels', () => {
  const coming = acknowledge(needing(2), 'n1', seconds(3)).state;
  const { state } = onDue(coming, seconds(20), { staffing: three });
  expect(state.pages.filter(({ level }) => level === 2).map(({ person }) => person)).toEqual(['n2']);
});

test('a condition that ends while somebody comes needs nobody else', () => {
  const coming = acknowledge(needing(2), 'n1', seconds(3)).state;
  const change = clear(coming, seconds(9));
  expect(told(change)).toEqual(['cleared', 'acknowledged', 'resolved']);
});

test('an alert is put off for a bounded time, as often as its priority allows, and then calls from its first level', () => {
  const put = (state: AlertState, at: number, length: number): Change =>
    snooze(state, 'n1', at, { seconds: length, reason: undefined });
  expect(() => put(on(), 0, 121)).toThrow(badInput);
  const off = put(on(), seconds(5), 120);
  expect(off.state).toMatchObject({ state: 'acknowledged', ackBy: 'n1', ackUntil: seconds(125), snoozes: 1 });
  expect(off.log).toEqual([{ at: seconds(5), kind: 'snoozed', actor: 'n1', until: seconds(125) }]);
  const back = onDue(off.state, seconds(125), { staffing: everybody }).state;
  expect(back).toMatchObject({ state: 'open', run: 2, level: 1, baseAt: seconds(125) });
  expect(() => put(back, seconds(126), 10)).toThrow(conflict);
  // Once somebody has taken it in earnest, it may be put off again.
  const taken = acknowledge(back, 'n1', seconds(130)).state;
  const again = onDue(taken, seconds(730), { staffing: everybody }).state;
  expect(put(again, seconds(731), 10).state.state).toBe('acknowledged');
  expect(() => put(clear(on(), seconds(1)).state, seconds(2), 10)).toThrow(conflict);
});

test('I11: an escalation by hand starts the next level, or all up to one, unless the alert is not what its caller saw', () => {
  const byHand = (state: AlertState, level?: number, seenVersion = state.version): Change =>
    escalateByHand(state, 'n1', seconds(3), { seenVersion, level, reason: 'worse', facts: { staffing: everybody } });
  expect(logged(byHand(on()))).toEqual(['escalated 2 worse', 'level 2 manual']);
  const all = byHand(on(), 3);
  expect(logged(all)).toEqual(['escalated 3 worse', 'level 2 manual', 'level 3 manual']);
  // The deadlines of what follows stay.
  expect(all.state.dueAt).toBe(seconds(60));
  expect(() => byHand(on(), undefined, 2)).toThrow(conflict);
  expect(() => byHand(all.state, 3)).toThrow(badInput);
  expect(() => byHand(on(), 5)).toThrow(badInput);
  const last = onDue(on(), seconds(60), { staffing: everybody }).state;
  const repeated = escalateByHand(last, 'n1', seconds(65), {
    seenVersion: last.version,
    level: undefined,
    reason: undefined,
    facts: { staffing: everybody },
  });
  expect(logged(repeated)).toEqual(['escalated 4', 'level 4 manual']);
  // Whether an engine has noticed yet what holds it makes no difference.
  const hold: Hold = { kind: 'silence', by: 'silence1', until: seconds(60) };
  for (const state of [on(), { ...on(), hold }]) {
    const facts = { staffing: everybody, hold: state.hold === null ? hold : undefined };
    const given = { seenVersion: state.version, level: undefined, reason: undefined, facts };
    expect(() => escalateByHand(state, 'n1', seconds(3), given)).toThrow('It is held by silence silence1');
  }
});

test('that somebody is there is a fact of its own, told once a run', () => {
  const change = arrive(on(), 'n1', seconds(30));
  expect(told(change)).toEqual(['arrived']);
  expect(change.state).toMatchObject({ state: 'open', arrived: ['n1'], dueAt: seconds(20) });
  expect(arrive(change.state, 'n1', seconds(31)).state).toBe(change.state);
  expect(() => arrive(resolve(on(), 'n1', seconds(1)).state, 'n1', seconds(2))).toThrow(conflict);
});
