import { expect, test } from '@jest/globals';
import { alarmState, byUrgency, isPaged, latestPages, leadingAlert, permittedActions } from './alerts.ts';
import { sayScore, viewScore, writeCharted, type Charted } from './early-warning.ts';
import { bytesInWords, runningTime, words } from './format.ts';
import { LIVE, NO_DATA, staleSince, viewLink } from './freshness.ts';
import { planGrid } from './grid.ts';
import { draftOf, limitOf } from './limit-draft.ts';
import { mergePoints, pointsOfSummary, toColumns } from './trends.ts';
import type { Alert, Me, Score } from './shapes.ts';
import { vitalOfAlert, writeValue } from './vital-signs.ts';

const anAlert = (change: Partial<Alert> = {}): Alert => ({
  alertId: 'a1',
  patientId: 'p1',
  wardId: 'w1',
  kind: 'spo2:below',
  priority: 'high',
  message: '',
  state: 'open',
  presence: 'on',
  level: 1,
  openedAt: '2026-11-21T08:00:00.000Z',
  version: 1,
  pages: [],
  ...change,
});

const aScore = (change: Partial<Score>): Score => ({
  score: null,
  lower: 0,
  upper: 0,
  missing: [],
  risk: 'low',
  parts: {},
  at: '2026-11-21T08:00:00.000Z',
  ...change,
});

const aNurse: Me = {
  person: 'n1',
  name: 'Nina',
  hospital: 'h1',
  roles: ['nurse'],
  wards: [{ wardId: 'w1', name: 'Ward' }],
  patients: [],
};

test('alerts are in order of priority, and then the one that has waited longest', () => {
  const low = anAlert({ alertId: 'low', priority: 'low', openedAt: '2026-11-21T07:00:00.000Z' });
  const young = anAlert({ alertId: 'young', openedAt: '2026-11-21T08:01:00.000Z' });
  const old = anAlert({ alertId: 'old' });
  expect([low, young, old].sort(byUrgency).map(({ alertId }) => alertId)).toEqual(['old', 'young', 'low']);
});

test('a tile shows what nobody has answered before what somebody has', () => {
  const answered = anAlert({ alertId: 'answered', state: 'acknowledged', presence: 'ack' });
  const waiting = anAlert({ alertId: 'waiting', priority: 'low' });
  expect(leadingAlert([answered, waiting])?.alertId).toBe('waiting');
  expect(alarmState(anAlert({ presence: 'latched' }))).toBe('latched');
  expect(alarmState(anAlert({ state: 'resolved', presence: 'off' }))).toBe('none');
});

test('a page waits for me until it is declined, withdrawn, or the alert is answered', () => {
  const page = { person: 'n1', level: 1, at: '', status: 'paged' } as const;
  expect(isPaged(anAlert({ pages: [page] }), 'n1')).toBe(true);
  expect(isPaged(anAlert({ pages: [page] }), 'n2')).toBe(false);
  expect(isPaged(anAlert({ pages: [{ ...page, status: 'declined' }] }), 'n1')).toBe(false);
  expect(isPaged(anAlert({ pages: [page], state: 'acknowledged' }), 'n1')).toBe(false);
  expect(
    isPaged(
      anAlert({
        pages: [
          { ...page, status: 'declined' },
          { ...page, level: 4 },
        ],
      }),
      'n1',
    ),
  ).toBe(true);
});

test('actions are offered to those who may: the ward, those who were paged, and for resolving nurses and doctors', () => {
  const elsewhere = anAlert({ wardId: 'w2' });
  expect(permittedActions(anAlert(), aNurse)).toEqual({
    canAcknowledge: true,
    canDecline: false,
    canResolve: true,
    canSnooze: true,
    canEscalate: true,
    canArrive: false,
  });
  expect(permittedActions(elsewhere, aNurse).canAcknowledge).toBe(false);
  const responder = { ...aNurse, person: 'r1', roles: ['responder'] } satisfies Me;
  expect(permittedActions(anAlert(), responder)).toMatchObject({ canAcknowledge: true, canResolve: false });
  const operator = { ...aNurse, person: 'o1', roles: ['operator'], wards: [] } satisfies Me;
  const paged = anAlert({ pages: [{ person: 'o1', level: 4, at: '', status: 'paged' }] });
  expect(permittedActions(paged, operator)).toMatchObject({
    canAcknowledge: true,
    canDecline: true,
    canResolve: false,
  });
});

test('who said that he comes says next that he is there, and is not asked again', () => {
  const page = { person: aNurse.person, level: 1, at: '', status: 'accepted' as const };
  const coming = anAlert({ pages: [page], answers: { needed: 2, accepted: [aNurse.person], arrived: [] } });
  expect(isPaged(coming, aNurse.person)).toBe(false);
  expect(permittedActions(coming, aNurse)).toMatchObject({ canAcknowledge: false, canArrive: true, canEscalate: true });
  const there = { ...coming, answers: { needed: 2, accepted: [aNurse.person], arrived: [aNurse.person] } };
  expect(permittedActions(there, aNurse).canArrive).toBe(false);
});

test('a held alert has nothing to escalate, and one whose condition is over nothing to put off', () => {
  const held = anAlert({ held: { kind: 'silence', by: 's1', until: '2026-11-21T08:02:00.000Z' } });
  expect(permittedActions(held, aNurse).canEscalate).toBe(false);
  expect(permittedActions(anAlert({ presence: 'latched' }), aNurse).canSnooze).toBe(false);
});

test('a person who was paged at several levels is named once, with the last', () => {
  const pages = [1, 4].map((level) => ({ person: 'n1', level, at: '', status: 'paged' as const }));
  expect(latestPages(anAlert({ pages })).map(({ level }) => level)).toEqual([4]);
});

test('a partial score shows its bounds and what is missing, and warns by the lower bound only', () => {
  const view = viewScore(aScore({ lower: 3, upper: 9, missing: ['onOxygen', 'temperature'] }));
  expect(view).toMatchObject({ text: '3–9', isComplete: false, priority: undefined });
  expect(sayScore(view)).toBe('NEWS2 between 3 and 9, incomplete. Ask for: air or oxygen, temperature');
  expect(viewScore(aScore({ lower: 5, upper: 7 }))?.priority).toBe('medium');
  expect(viewScore(aScore({ score: 7, lower: 7, upper: 7 }))).toMatchObject({ text: '7', threshold: 'emergency' });
  expect(viewScore(aScore({ lower: 3, upper: 3, parts: { consciousness: 3 } }))?.threshold).toBe('review');
});

test('a partial score promises no rest: what is missing may ask for more', () => {
  expect(viewScore(aScore({ lower: 0, upper: 20, parts: {} }))?.response).toBe('What is missing may ask for more.');
  expect(viewScore(aScore({ score: 0, lower: 0, upper: 0 }))?.response).toContain('Routine monitoring');
  expect(viewScore(aScore({ lower: 7, upper: 9 }))?.response).toContain('Emergency assessment');
});

test('what people charted stands on the tile for as long as it counts', () => {
  const at = (time: string) => `2026-11-21T${time}:00.000Z`;
  const reading = (vital: keyof Charted, value: string | number, time = '08:00') =>
    ({ vital, value, unit: null, measuredAt: at(time), quality: 'good' }) as const;
  const charted = (given: Partial<Charted>): Charted => ({
    consciousness: reading('consciousness', 'A'),
    oxygenFlow: undefined,
    oxygenConcentration: undefined,
    ...given,
  });
  const onFlow = charted({ oxygenFlow: reading('oxygenFlow', 2) });
  expect(writeCharted(onFlow, [])).toBe('ACVPU A · O₂ 2.0 L/min');
  expect(writeCharted(charted({ oxygenFlow: reading('oxygenFlow', 0) }), ['temperature'])).toBe('ACVPU A · on air');
  expect(writeCharted(onFlow, ['consciousness'])).toBe('O₂ 2.0 L/min');
  expect(writeCharted(charted({ consciousness: undefined }), [])).toBe('');
});

test('of flow and concentration of oxygen the newer stands on the tile, as it counts in the score', () => {
  const reading = (vital: keyof Charted, value: number, time: string) =>
    ({ vital, value, unit: null, measuredAt: `2026-11-21T${time}:00.000Z`, quality: 'good' }) as const;
  const both = (flowAt: string, concentrationAt: string): Charted => ({
    consciousness: undefined,
    oxygenFlow: reading('oxygenFlow', 0, flowAt),
    oxygenConcentration: reading('oxygenConcentration', 40, concentrationAt),
  });
  expect(writeCharted(both('08:00', '09:00'), [])).toBe('FiO₂ 40 %');
  expect(writeCharted(both('09:00', '08:00'), [])).toBe('on air');
  expect(writeCharted({ ...both('09:00', '08:00'), oxygenFlow: undefined }, [])).toBe('FiO₂ 40 %');
});

test('where no score tells what has expired, what was charted stands with its time', () => {
  const measuredAt = new Date(2026, 10, 19, 8, 5).toISOString();
  const consciousness = { vital: 'consciousness', value: 'A', unit: null, measuredAt, quality: 'good' } as const;
  const charted: Charted = { consciousness, oxygenFlow: undefined, oxygenConcentration: undefined };
  expect(writeCharted(charted, undefined)).toBe('ACVPU A since Thu 19 Nov 08:05');
});

test('a bed is live for five seconds after its newest sample, and never while the link is not', () => {
  expect(staleSince(1000, 'live', 6000)).toBe(LIVE);
  expect(staleSince(1000, 'live', 6001)).toBe(1000);
  expect(staleSince(1000, 'not live', 1001)).toBe(1000);
  expect(staleSince(0, 'live', 1000)).toBe(NO_DATA);
});

test('a link that is being mended counts as not live after five seconds, a stopped one at once', () => {
  expect(viewLink({ state: 'reconnecting', heardAt: 0 }, 5000)).toBe('reconnecting');
  expect(viewLink({ state: 'reconnecting', heardAt: 0 }, 5001)).toBe('not live');
  expect(viewLink({ state: 'stopped', heardAt: 0, reason: '' }, 1)).toBe('not live');
});

test('a silence in a trend is a gap and not a line', () => {
  const points = [0, 1000, 2000, 40_000].map((at) => ({ at, value: 97 }));
  expect(toColumns(points)).toEqual([
    [0, 1, 2, 3, 40],
    [97, 97, 97, null, 97],
  ]);
  expect(mergePoints(points, [{ at: 1000, value: 95 }]).map(({ value }) => value)).toEqual([97, 95, 97, 97]);
});

test('a single sample of 40 % in a week is on the screen', () => {
  const at = (second: number): string => new Date(second * 1000).toISOString();
  const calm = {
    count: 1000,
    suspect: 0,
    mean: 97,
    lowest: { value: 96, at: at(5) },
    highest: { value: 98, at: at(2) },
  };
  const worst = { ...calm, lowest: { value: 40, at: at(8000) }, highest: { value: 98, at: at(9000) } };
  const suspect = { count: 0, suspect: 3, mean: null, lowest: null, highest: null };
  const parts = [calm, worst, suspect].map((part, index) => ({ ...part, at: at(index * 6000) }));
  expect(toColumns(pointsOfSummary(parts), 12_015)).toEqual([
    [2, 5, 8000, 9000],
    [98, 96, 40, 98],
  ]);
});

test('the end of an alarm moves with its limit, and what was not touched stays as it was', () => {
  const limit = {
    vital: 'spo2',
    below: 90,
    clearAt: 92,
    persistSeconds: 15,
    priority: 'high',
    isLatching: true,
  } as const;
  expect(limitOf(draftOf(limit, 0))).toEqual(limit);
  expect(limitOf({ ...draftOf(limit, 0), threshold: '88.5', seconds: '5' })).toEqual({
    ...limit,
    below: 88.5,
    clearAt: 90.5,
    persistSeconds: 5,
  });
  const above = { vital: 'pulse', above: 120, persistSeconds: 0, priority: 'low' } as const;
  expect(limitOf({ ...draftOf(above, 1), threshold: '110' })).toEqual({ ...above, above: 110 });
});

test('the grid fills the board, and scrolls only when beds would be unreadable', () => {
  expect(planGrid(6, 1460, 900)).toMatchObject({ columns: 3 });
  const forty = planGrid(40, 1460, 900);
  expect(forty.rowHeight * Math.ceil(40 / forty.columns)).toBeLessThanOrEqual(900);
  expect(planGrid(6, 390, 700).columns).toBe(1);
});

test('values are written with the decimals of their kind', () => {
  const reading = { unit: '', measuredAt: '', quality: 'good' } as const;
  expect(writeValue({ ...reading, vital: 'temperature', value: 38 })).toBe('38.0');
  expect(writeValue({ ...reading, vital: 'spo2', value: 96.6 })).toBe('97');
  expect(writeValue({ ...reading, vital: 'consciousness', value: 'V' })).toBe('V');
});

test('the vital sign of an alert follows from its kind', () => {
  expect(vitalOfAlert({ kind: 'spo2:below' })).toBe('spo2');
  expect(vitalOfAlert({ kind: 'high-respirationRate' })).toBe('respirationRate');
  expect(vitalOfAlert({ kind: 'sos' })).toBeUndefined();
});

test('running clocks count up and never below zero', () => {
  expect([-5000, 133_000, 3_733_000, 97_200_000].map(runningTime)).toEqual(['00:00', '02:13', '1:02:13', '1 d 03 h']);
  expect(words('lowMedium')).toBe('low medium');
});

test('an amount of bytes is written short', () => {
  expect([812, 3_400, 999_499, 12_300_000].map(bytesInWords)).toEqual(['812 B', '3.4 kB', '999 kB', '12 MB']);
});
