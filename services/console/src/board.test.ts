import { expect, test } from '@jest/globals';
import { createBoard } from './board.ts';
import type { Alert, Condition, ConditionEvent, PatientStatus, Reading } from './shapes.ts';

const anAlert = (change: Partial<Alert> = {}): Alert => ({
  alertId: 'a1',
  patientId: 'p1',
  wardId: 'w1',
  kind: 'spo2:below',
  priority: 'high',
  message: 'SpO2 below 90 %',
  state: 'open',
  presence: 'on',
  level: 1,
  openedAt: '2026-11-21T08:00:00.000Z',
  version: 1,
  pages: [],
  ...change,
});

const aReading = (second: number, value: number, vital: Reading['vital'] = 'spo2'): Reading => ({
  vital,
  value,
  unit: '%',
  measuredAt: `2026-11-21T08:00:${String(second).padStart(2, '0')}.000Z`,
  quality: 'good',
});

const everything = () => true;

test('only the cell of the reading that changed tells its listeners', () => {
  const board = createBoard();
  const heard: string[] = [];
  board.reading('p1', 'spo2').subscribe(() => heard.push('p1 spo2'));
  board.reading('p2', 'spo2').subscribe(() => heard.push('p2 spo2'));
  board.putReadings('p1', [aReading(1, 97)]);
  expect(heard).toEqual(['p1 spo2']);
});

test('a late reading joins the trend and never takes the place of a newer one', () => {
  const board = createBoard();
  board.putReadings('p1', [aReading(5, 97), aReading(3, 91)]);
  expect(board.reading('p1', 'spo2').get()?.value).toBe(97);
  expect(board.trends.points('p1', 'spo2').map(({ value }) => value)).toEqual([91, 97]);
  expect(board.newestAt('p1').get()).toBe(Date.parse('2026-11-21T08:00:05.000Z'));
});

test('an alert of a lower or equal version is ignored', () => {
  const board = createBoard();
  expect(board.putAlert(anAlert({ version: 3, state: 'acknowledged' }))).toBe(true);
  expect(board.putAlert(anAlert({ version: 2 }))).toBe(false);
  expect(board.putAlert(anAlert({ version: 3 }))).toBe(false);
  expect(board.activeAlerts.get()[0]?.state).toBe('acknowledged');
});

test('an older event does not bring a resolved alert back', () => {
  const board = createBoard();
  board.putAlert(anAlert({ version: 1 }));
  board.putAlert(anAlert({ version: 4, state: 'resolved', presence: 'off' }));
  board.putAlert(anAlert({ version: 3, state: 'acknowledged' }));
  expect(board.activeAlerts.get()).toEqual([]);
  expect(board.patientAlerts('p1').get()).toEqual([]);
});

test('a snapshot drops what it does not list, but not what came in while it was read', () => {
  const board = createBoard();
  board.putAlert(anAlert({ alertId: 'ended-unseen' }));
  const since = board.mark();
  board.putAlert(anAlert({ alertId: 'raised-meanwhile' }));
  board.putAlerts([anAlert({ alertId: 'listed' })], since, everything);
  expect(board.activeAlerts.get().map(({ alertId }) => alertId)).toEqual(['listed', 'raised-meanwhile']);
});

test('a snapshot of one ward leaves the alerts of another', () => {
  const board = createBoard();
  board.putAlert(anAlert({ alertId: 'elsewhere', wardId: 'w2' }));
  board.putAlerts([], board.mark(), (alert) => alert.wardId === 'w1');
  expect(board.activeAlerts.get()).toHaveLength(1);
});

const aStatus = (conditions: Condition[] = []): PatientStatus => ({
  patientId: 'p1',
  version: 1,
  vitals: [],
  score: null,
  conditions,
});

const aCondition = (second: number, change: Partial<ConditionEvent> = {}): ConditionEvent => ({
  patientId: 'p1',
  wardId: 'w1',
  kind: 'spo2-below',
  priority: 'high',
  message: '',
  at: `2026-11-21T08:00:${String(second).padStart(2, '0')}.000Z`,
  ...change,
});

const NEWS2: Condition = { kind: 'news2', priority: 'medium' };

test('a status replaces the active conditions; one without any means none', () => {
  const board = createBoard();
  const kinds = () =>
    board
      .conditions('p1')
      .get()
      .map(({ kind }) => kind);
  board.putStatus(aStatus([{ kind: 'spo2-below', priority: 'high' }, NEWS2]));
  expect(kinds()).toEqual(['news2', 'spo2-below']);
  const before = board.conditions('p1').get();
  board.putStatus(aStatus([NEWS2, { kind: 'spo2-below', priority: 'high' }]));
  expect(board.conditions('p1').get()).toBe(before);
  board.putStatus(aStatus([NEWS2]));
  expect(kinds()).toEqual(['news2']);
  board.putStatus(aStatus());
  expect(kinds()).toEqual([]);
});

test('events add, replace and remove a condition by its kind; an older one is ignored', () => {
  const board = createBoard();
  const held = () =>
    board
      .conditions('p1')
      .get()
      .map(({ kind, priority }) => `${kind} ${priority}`);
  board.putStatus(aStatus([NEWS2]));
  board.putCondition(aCondition(10), true);
  board.putCondition(aCondition(20, { priority: 'medium' }), true);
  expect(held()).toEqual(['news2 medium', 'spo2-below medium']);
  board.putCondition(aCondition(15), false);
  expect(held()).toEqual(['news2 medium', 'spo2-below medium']);
  board.putCondition(aCondition(30), false);
  board.putCondition(aCondition(25), true);
  expect(held()).toEqual(['news2 medium']);
});

test('a status that was asked for before an event does not undo it', () => {
  const board = createBoard();
  board.putStatus(aStatus([NEWS2]));
  const since = board.mark();
  board.putCondition(aCondition(10), true);
  board.putCondition(aCondition(10, NEWS2), false);
  board.putStatus(aStatus([NEWS2]), since);
  expect(board.conditions('p1').get()).toMatchObject([{ kind: 'spo2-below' }]);
});

test('a condition knows that its alert was resolved, until it is over or a new alert opens', () => {
  const board = createBoard();
  const isResolved = () => board.conditions('p1').get()[0]?.alertResolved;
  const kind = 'spo2-below';
  board.putCondition(aCondition(10), true);
  board.putAlert(anAlert({ kind }));
  expect(isResolved()).toBe(false);
  board.putAlert(anAlert({ kind, version: 2, state: 'resolved', presence: 'off' }));
  expect(isResolved()).toBe(true);
  board.putStatus(aStatus([{ kind, priority: 'medium' }]));
  expect(isResolved()).toBe(true);
  board.putAlert(anAlert({ kind, alertId: 'a2' }));
  expect(isResolved()).toBe(false);
  board.putAlerts([], board.mark(), everything);
  expect(isResolved()).toBe(true);
  board.putCondition(aCondition(20), false);
  board.putCondition(aCondition(30), true);
  expect(isResolved()).toBe(false);
});

test('an alert that left the ward is gone until a newer event brings it, and an older one does not', () => {
  const board = createBoard();
  board.putAlert(anAlert({ version: 3 }));
  board.dropAlert(anAlert({ version: 4 }));
  expect(board.activeAlerts.get()).toEqual([]);
  expect(board.patientAlerts('p1').get()).toEqual([]);
  board.putAlert(anAlert({ version: 2 }));
  expect(board.activeAlerts.get()).toEqual([]);
  // It enters the other ward with the version with which it left this one; somebody sees both, in any order.
  board.putAlert(anAlert({ version: 4, wardId: 'w2' }));
  board.dropAlert(anAlert({ version: 4 }));
  expect(board.activeAlerts.get()).toMatchObject([{ version: 4, wardId: 'w2' }]);
  board.dropAlert(anAlert({ version: 7, wardId: 'w2' }));
  board.putAlert(anAlert({ version: 9 }));
  expect(board.activeAlerts.get()).toMatchObject([{ version: 9, wardId: 'w1' }]);
});

test('whoever comes into a bed is seen, though the ward itself stays as it is', () => {
  const board = createBoard();
  const bed = { bedId: 'b1', label: 'Bed 1' };
  const ward = (patientId: string | null) => ({
    wardId: 'w1',
    name: 'Ward',
    version: 1,
    beds: [{ ...bed, patientId, patientName: patientId }],
  });
  board.putWard(ward('p1'));
  board.putWard(ward('p1'));
  expect(board.wardChanges.get()).toBe(1);
  board.putWard(ward(null));
  expect(board.ward('w1').get()?.beds[0]?.patientId).toBeNull();
});
