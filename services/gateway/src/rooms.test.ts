import { expect, test } from '@jest/globals';
import type { Actor } from '@carillon/contracts/define';
import type { Relations } from '@carillon/contracts/permission';
import { matchRooms, mayEnter, parseRoom, roomFilter } from './rooms.ts';

const nowhere: Relations = {
  wardsOf: () => new Set(),
  wardOfPatient: () => undefined,
  patientsCaredForBy: () => new Set(),
  brokenGlassOf: () => new Set(),
};
const relations: Relations = {
  wardsOf: (person) => new Set(person === 'n1' ? ['w1'] : []),
  wardOfPatient: (patientId) => ({ p1: 'w1', p7: 'w2' })[patientId],
  patientsCaredForBy: (person) => new Set(person === 'c1' ? ['p1'] : []),
  brokenGlassOf: () => new Set(),
};
const actor = (person: string, ...roles: Actor['roles']): Actor => ({ person, hospital: 'h1', roles });
const may = (name: string, who: Actor): boolean => {
  const room = parseRoom(name, who.hospital);
  return room !== undefined && mayEnter(room, who, relations);
};

test('a room name gives its definition, its id and a key over all hospitals', () => {
  expect(parseRoom('patient:p1:vitals', 'h1')).toMatchObject({
    name: 'patient:p1:vitals',
    tokens: { id: 'p1' },
    hospital: 'h1',
    key: 'h1/patient:p1:vitals',
    definition: { stream: 'VITALS', lane: 'bulk' },
  });
  expect(parseRoom('patient:p1', 'h1')?.definition.stream).toBe('CARE');
  expect(parseRoom('patient:p1', 'h2')?.key).not.toBe(parseRoom('patient:p1', 'h1')?.key);
});

test('system is another name of the own hospital', () => {
  expect(parseRoom('system', 'h1')).toEqual(parseRoom('hospital:h1', 'h1'));
  expect(may('system', actor('n1', 'nurse'))).toBe(true);
  expect(may('system', actor('p1', 'patient'))).toBe(false);
});

test.each([
  'patient:>',
  'patient:*',
  'patient:a.b',
  'patient:p1.>',
  'patient:',
  'patient',
  '',
  ':',
  ':p1',
  'patient:p1:',
  ':patient:p1',
  'patient:p1:vitals:',
  'patient:p1:vitals:x',
  'patient::vitals',
  'patient:*:vitals',
  `patient:${'p'.repeat(65)}`,
  'patient:größe',
  'patient:p\u0131',
  'patient:p1\n',
  'patient:p1 ',
  ' patient:p1',
  'PATIENT:p1',
  'patient:<id>',
  'patient:p1:alerts',
  'ward:w1',
  'systems',
  'system:h1',
  '__proto__',
  'constructor:p1',
])('%j is no room', (name) => {
  expect(parseRoom(name, 'h1')).toBeUndefined();
});

test('an id of 64 characters, with _ and -, names a room', () => {
  expect(parseRoom(`patient:${'p'.repeat(64)}`, 'h1')?.tokens['id']).toHaveLength(64);
  expect(parseRoom('patient:a_b-C9', 'h1')?.tokens['id']).toBe('a_b-C9');
});

test('the filter of a room stays within its hospital and its id', () => {
  const filterOf = (name: string): string | undefined => {
    const room = parseRoom(name, 'h1');
    return room && roomFilter(room);
  };
  expect(filterOf('patient:p1')).toBe('care.h1.*.p1.>');
  expect(filterOf('ward:w1:vitals')).toBe('vitals.h1.w1.*');
  expect(filterOf('person:n1')).toBe('person.h1.n1.>');
  expect(filterOf('hospital:h1:alerts')).toBe('care.h1.*.*.*.alert.*');
});

test('a subject belongs to every room that shows it, and to no other', () => {
  const care = matchRooms('CARE');
  expect(care('care.h1.w1.p1.critical.alert.raised')).toEqual([
    'h1/hospital:h1:alerts',
    'h1/patient:p1',
    'h1/ward:w1:alerts',
  ]);
  expect(care('care.h1.w1.p1.normal.score.updated')).toEqual(['h1/patient:p1']);
  expect(matchRooms('VITALS')('vitals.h1.w1.p1')).toEqual(['h1/patient:p1:vitals', 'h1/ward:w1:vitals']);
  expect(matchRooms('PERSON')('person.h1.n1.critical.page.new')).toEqual(['h1/person:n1']);
});

test('a token that does not apply makes no room', () => {
  const care = matchRooms('CARE');
  expect(care('care.h1.w1._.critical.alert.raised')).toEqual(['h1/hospital:h1:alerts', 'h1/ward:w1:alerts']);
  expect(care('care.h1._.p1.critical.alert.raised')).toEqual(['h1/hospital:h1:alerts', 'h1/patient:p1']);
  expect(matchRooms('VITALS')('vitals.h1._.p1')).toEqual(['h1/patient:p1:vitals']);
});

test('the same subject in another hospital belongs to other rooms', () => {
  const ofOne = matchRooms('CARE')('care.h1.w1.p1.critical.alert.raised');
  const ofOther = matchRooms('CARE')('care.h2.w1.p1.critical.alert.raised');
  expect(ofOther).toHaveLength(ofOne.length);
  expect(ofOther.filter((key) => ofOne.includes(key))).toEqual([]);
});

test('subjects that are too short, too long or of another tree belong to no room', () => {
  const care = matchRooms('CARE');
  for (const subject of ['', 'care', 'care.h1', 'care.h1.w1.p1', 'other.h1.w1.p1.critical.alert.raised']) {
    expect(care(subject)).toEqual([]);
  }
  expect(care('care.h1.w1.p1.critical.alert.raised.more')).toEqual(['h1/patient:p1']);
  expect(matchRooms('VITALS')('vitals.h1.w1.p1.more')).toEqual([]);
  expect(matchRooms('VITALS')('vitals.h1.w1')).toEqual([]);
});

test('staff enter the rooms of their ward and of those who lie in it, and no others', () => {
  const nurse = actor('n1', 'nurse');
  expect(
    ['patient:p1', 'patient:p1:vitals', 'ward:w1:vitals', 'ward:w1:alerts'].filter((room) => !may(room, nurse)),
  ).toEqual([]);
  expect(
    ['patient:p7', 'ward:w2:alerts', 'ward:w2:vitals', 'patient:unknown', 'hospital:h1:alerts'].filter((room) =>
      may(room, nurse),
    ),
  ).toEqual([]);
});

test('a patient enters his own rooms, a caregiver those of his patient', () => {
  expect(may('patient:p1', actor('p1', 'patient'))).toBe(true);
  expect(may('patient:p7', actor('p1', 'patient'))).toBe(false);
  expect(may('patient:p1:vitals', actor('c1', 'caregiver'))).toBe(true);
  expect(may('patient:p7:vitals', actor('c1', 'caregiver'))).toBe(false);
  expect(may('ward:w1:alerts', actor('p1', 'patient'))).toBe(false);
  // The role decides how a relation counts: a nurse who is nobody's caregiver, a caregiver who is no patient.
  expect(may('patient:p1', actor('p1', 'nurse'))).toBe(false);
});

test('only the person himself enters his room, whatever he is', () => {
  expect(may('person:n1', actor('n1', 'nurse'))).toBe(true);
  for (const role of ['operator', 'admin', 'nurse', 'service'] as const) {
    expect(may('person:n1', actor('o1', role))).toBe(false);
  }
});

test('the alerts of a hospital are for its operators and admins, and not for those of another', () => {
  expect(may('hospital:h1:alerts', actor('o1', 'operator'))).toBe(true);
  expect(may('hospital:h2:alerts', actor('o1', 'operator'))).toBe(false);
});

test('whom the directory does not know enters no room of a ward or patient', () => {
  const room = parseRoom('patient:p1', 'h1');
  expect(room && mayEnter(room, actor('n1', 'nurse'), nowhere)).toBe(false);
});
