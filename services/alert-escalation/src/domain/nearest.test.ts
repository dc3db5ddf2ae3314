import { expect, test } from '@jest/globals';
import { metresBetween, nearestOf, type Around } from './nearest.ts';

const around = (given: Partial<Around> = {}): Around => ({
  ward: { responder: ['r5'] },
  hospital: { responder: ['r1', 'r2', 'r3', 'r5', 'r6'], nurse: ['n1'] },
  nearby: [
    { person: 'r3', metres: 400 },
    { person: 'r1', metres: 50 },
    { person: 'r2', metres: 20 },
    { person: 'n1', metres: 1 },
  ],
  busy: new Set(),
  ...given,
});
const called = (count: number, given?: Partial<Around>, withinMetres = 100): string[] =>
  nearestOf({ kind: 'nearest', role: 'responder', count, withinMetres }, around(given));

test('the nearest of the role come first, then those of the ward, then who is farther, then anybody of the role', () => {
  expect(called(1)).toEqual(['r2']);
  expect(called(10)).toEqual(['r2', 'r1', 'r5', 'r3', 'r6']);
});

test('at the same distance the lower id is called, whatever the order of the positions', () => {
  const [a, b] = [
    { person: 'r1', metres: 9 },
    { person: 'r2', metres: 9 },
  ];
  expect([called(1, { nearby: [a, b] }), called(1, { nearby: [b, a] })]).toEqual([['r1'], ['r1']]);
});

test('without a fresh position the role is called, and never nobody while it is on shift', () => {
  expect(called(1, { nearby: [] })).toEqual(['r5']);
  expect(called(1, { nearby: [], ward: {} })).toEqual(['r1']);
  expect(called(2, { busy: new Set(['r1', 'r2', 'r3', 'r5', 'r6']) })).toEqual(['r1', 'r2']);
  expect(called(1, { hospital: {}, ward: {} })).toEqual([]);
});

test('who has taken an alert of at least this priority is passed over while others are there', () => {
  expect(called(2, { busy: new Set(['r2']) })).toEqual(['r1', 'r5']);
});

test('who has answered this alert takes nobody’s place, not even of one who is busy', () => {
  expect(called(2, { answered: new Set(['r2']) })).toEqual(['r1', 'r5']);
  expect(called(5, { answered: new Set(['r2']), busy: new Set(['r3']) })).toEqual(['r1', 'r5', 'r6', 'r3', 'r2']);
});

test('distance is that of the globe, and each floor between is 30 m more', () => {
  const place = { latitude: 51.5, longitude: 0, floor: 2 };
  expect(metresBetween(place, { ...place, latitude: 51.501 })).toBeCloseTo(111.2, 0);
  expect(metresBetween(place, { ...place, floor: 5 })).toBe(90);
  expect(metresBetween(place, { ...place, floor: null })).toBe(0);
  // Over the date line.
  expect(metresBetween({ ...place, longitude: 179.9999 }, { ...place, longitude: -179.9999 })).toBeLessThan(20);
});
