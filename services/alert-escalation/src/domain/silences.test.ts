import { expect, test } from '@jest/globals';
import { findSilenceIssues, inhibitorsOf, silenceOf, sourcesOf, type Inhibiting, type Silencing } from './silences.ts';

const alert: Inhibiting = { alertId: 'a1', patientId: 'p1', wardId: 'w1', kind: 'spo2-below', priority: 'medium' };
const silence = (given: Partial<Silencing> = {}): Silencing => ({
  silenceId: 's1',
  wardId: 'w1',
  patientId: null,
  kinds: null,
  priorities: ['medium', 'low'],
  from: 1_000,
  until: 61_000,
  ...given,
});
const pathsOf = (given: Partial<Silencing>): string[] => findSilenceIssues(silence(given)).map(({ path }) => path);

test('a silence holds back what all that it names says, from its start until its end and not at it', () => {
  expect(silenceOf([silence()], alert, 1_000)?.silenceId).toBe('s1');
  expect(silenceOf([silence()], alert, 60_999)?.silenceId).toBe('s1');
  expect(silenceOf([silence()], alert, 61_000)).toBeUndefined();
  expect(silenceOf([silence()], alert, 999)).toBeUndefined();
  expect(silenceOf([silence({ wardId: 'w2' })], alert, 2_000)).toBeUndefined();
  expect(silenceOf([silence({ patientId: 'p2' })], alert, 2_000)).toBeUndefined();
  expect(silenceOf([silence({ kinds: ['fall'] })], alert, 2_000)).toBeUndefined();
  expect(silenceOf([silence({ kinds: ['spo2-below'] })], alert, 2_000)).toBeDefined();
  expect(silenceOf([silence()], { ...alert, priority: 'high' }, 2_000)).toBeUndefined();
});

test('of several silences the one that ends last is named', () => {
  const longer = silence({ silenceId: 's2', until: 90_000 });
  for (const order of [
    [silence(), longer],
    [longer, silence()],
  ]) {
    expect(silenceOf(order, alert, 2_000)?.silenceId).toBe('s2');
  }
});

test('a silence needs a place and ends within 12 hours, and one of high priority a patient, kinds and 2 minutes', () => {
  expect(pathsOf({})).toEqual([]);
  expect(pathsOf({ wardId: null })).toEqual(['wardId']);
  expect(pathsOf({ until: 1_000 })).toEqual(['until']);
  expect(pathsOf({ until: 1_001 + 12 * 3_600_000 })).toEqual(['until']);
  expect(pathsOf({ priorities: ['high'] })).toEqual(['patientId', 'kinds']);
  expect(pathsOf({ priorities: ['high'], patientId: 'p1', kinds: ['sos'], until: 121_001 })).toEqual(['until']);
  expect(pathsOf({ priorities: ['high'], patientId: 'p1', kinds: ['sos'], until: 121_000 })).toEqual([]);
});

test('I16: what holds an alert back is of its patient or ward, of a source kind, and not of lower priority', () => {
  const rules = [
    { source: ['leads-off'], target: ['spo2-below'], same: 'patient' },
    { source: ['code-blue'], target: ['spo2-below', 'fall'], same: 'ward' },
  ] as const;
  const other = (given: Partial<Inhibiting>): Inhibiting => ({ ...alert, alertId: 'a2', kind: 'leads-off', ...given });
  const holding = (given: Partial<Inhibiting>): boolean => inhibitorsOf(rules, alert, [other(given)]).length > 0;
  expect(sourcesOf(rules, alert)).toEqual({ patient: ['leads-off'], ward: ['code-blue'] });
  expect(holding({})).toBe(true);
  expect(holding({ priority: 'low' })).toBe(false);
  expect(holding({ priority: 'high' })).toBe(true);
  expect(holding({ patientId: 'p2' })).toBe(false);
  expect(holding({ patientId: 'p2', kind: 'code-blue' })).toBe(true);
  expect(holding({ wardId: 'w2', kind: 'code-blue' })).toBe(false);
  expect(inhibitorsOf(rules, alert, [alert])).toEqual([]);
  // Two without a ward are not of the same ward.
  const nowhere = { ...alert, wardId: null };
  expect(inhibitorsOf(rules, nowhere, [other({ wardId: null, kind: 'code-blue' })])).toEqual([]);
});

test('high priority is held back by an alert of its own patient, and never by what goes on in the next bed', () => {
  const rules = [{ source: ['code-blue'], target: ['spo2-below'], same: 'ward' }] as const;
  const ofPatient = [{ ...rules[0], same: 'patient' }] as const;
  const high: Inhibiting = { ...alert, priority: 'high' };
  const code: Inhibiting = { ...high, alertId: 'a2', kind: 'code-blue' };
  expect(inhibitorsOf(rules, high, [code, { ...code, patientId: 'p2' }])).toEqual([]);
  expect(inhibitorsOf(ofPatient, high, [code])).toEqual([code]);
});
