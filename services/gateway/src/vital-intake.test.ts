import { expect, test } from '@jest/globals';
import type { Actor } from '@carillon/contracts/define';
import type { PersonEntry } from '@carillon/contracts/directory';
import { CodedError } from '@carillon/contracts/errors';
import type { People } from './people.ts';
import { isReading, judgeItem, readItems } from './vital-intake.ts';

const receivedAt = Date.parse('2026-11-21T08:00:00Z');
const device: Actor = { person: 'dev1', hospital: 'h1', roles: ['device'] };
const nurse: Actor = { person: 'n1', hospital: 'h1', roles: ['nurse'] };

const entry = (person: string, more: Partial<PersonEntry>): PersonEntry => ({
  person,
  hospital: 'h1',
  name: person,
  roles: ['patient'],
  wards: [],
  caregiverOf: [],
  placement: null,
  version: 1,
  ...more,
});
const entries = [
  entry('p1', { placement: { wardId: 'w1', bedId: 'b1' } }),
  entry('p7', { placement: { wardId: 'w2', bedId: 'b2' } }),
  entry('n1', { roles: ['nurse'], wards: ['w1'] }),
];
const find: People['find'] = (hospital, person) =>
  entries.find((each) => each.hospital === hospital && each.person === person);
const people: People = {
  find,
  all: () => entries,
  placementOf: () => undefined,
  relations: (hospital) => ({
    wardsOf: (person) => new Set(find(hospital, person)?.wards),
    wardOfPatient: (patientId) => find(hospital, patientId)?.placement?.wardId,
    patientsCaredForBy: () => new Set(),
    brokenGlassOf: () => new Set(),
  }),
  onChange: () => () => {},
  isCaughtUp: () => true,
  onCaughtUp: () => () => {},
  stop: () => {},
};
const item = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  patientId: 'p1',
  vital: 'heartRate',
  value: 72,
  unit: '/min',
  measuredAt: '2026-11-21T07:59:58Z',
  deviceId: 'dev9',
  ...more,
});
const without = (field: string) => Object.fromEntries(Object.entries(item()).filter(([name]) => name !== field));
const judge = (value: unknown, actor = device) => judgeItem(value, { actor, people, receivedAt });
const codeOf = (value: unknown, actor = device): string => {
  const judged = judge(value, actor);
  return 'code' in judged ? judged.code : 'good';
};
const readingOf = (value: unknown, actor = device) => {
  const judged = judge(value, actor);
  if ('code' in judged) throw new Error(`${judged.code}: ${judged.message ?? ''}`);
  if (!isReading(judged.taken)) throw new Error('an absence');
  return judged.taken;
};

test('a good item becomes a reading, with what was received beside what was derived', () => {
  expect(readingOf(item())).toEqual({
    patientId: 'p1',
    vital: 'heartRate',
    value: 72,
    receivedValue: 72,
    receivedUnit: '/min',
    measuredAt: receivedAt - 2_000,
    statedAt: null,
    quality: 'good',
    deviceId: 'dev9',
  });
});

test('without a unit the canonical one is meant, and a device that names none is the device itself', () => {
  expect(readingOf(without('unit'))).toMatchObject({ value: 72, receivedUnit: null });
  expect(readingOf(without('deviceId')).deviceId).toBe('dev1');
  expect(readingOf(without('deviceId'), nurse).deviceId).toBeNull();
});

test.each<[string, number, string, number]>([
  ['temperature', 98.6, '[degF]', 37],
  ['systolic', 16, 'kPa', 120.0099],
  ['glucose', 90, 'mg/dL', 4.9957],
  ['weight', 70_500, 'g', 70.5],
  ['weight', 150, '[lb_av]', 68.0389],
  ['spo2', 97, '%', 97],
  ['oxygenFlow', 2, 'L/min', 2],
])('%s %d %s is kept as %d of its canonical unit', (vital, value, unit, canonical) => {
  expect(readingOf(item({ vital, value, unit }))).toMatchObject({
    value: canonical,
    receivedValue: value,
    receivedUnit: unit,
  });
});

test('consciousness is a letter without a unit', () => {
  const said = { ...without('unit'), vital: 'consciousness' };
  expect(readingOf({ ...said, value: 'V' })).toMatchObject({ value: 'V', quality: 'good' });
  expect(codeOf({ ...said, value: 'X' })).toBe('impossible_value');
  expect(codeOf({ ...said, value: 'a' })).toBe('impossible_value');
  expect(codeOf({ ...said, value: 1 })).toBe('bad_input');
  expect(codeOf({ ...said, value: 'A', unit: '/min' })).toBe('bad_unit');
});

test('a patient who is unknown, no patient, of another hospital or not to be posted for answers alike', () => {
  expect(codeOf(item({ patientId: 'p99' }))).toBe('unknown_patient');
  expect(codeOf(item({ patientId: 'n1' }))).toBe('unknown_patient');
  expect(codeOf(item(), { ...device, hospital: 'h2' })).toBe('unknown_patient');
  expect(codeOf(item({ patientId: 'p7' }), nurse)).toBe('unknown_patient');
  expect(codeOf(item({ patientId: 'p7' }))).toBe('good');
  expect(codeOf(item(), nurse)).toBe('good');
  expect(codeOf(item(), { ...device, roles: ['patient'], person: 'p1' })).toBe('unknown_patient');
});

test.each(['heartrate', 'HEARTRATE', 'bloodPressure', '__proto__', 'toString', ' heartRate'])(
  '%j is an unknown vital',
  (vital) => {
    expect(codeOf(item({ vital }))).toBe('unknown_vital');
  },
);

test.each([
  ['heartRate', 'bpm'],
  ['heartRate', ''],
  ['heartRate', 'Cel'],
  ['temperature', '°C'],
  ['temperature', 'cel'],
  ['systolic', 'mmHg'],
])('%s has no unit %j', (vital, unit) => {
  expect(codeOf(item({ vital, unit, value: 30 }))).toBe('bad_unit');
});

test.each<[string, number]>([
  ['heartRate', -1],
  ['heartRate', 401],
  ['spo2', 100.1],
  ['temperature', 9.9],
  ['temperature', 51],
  ['weight', 0],
])('%s %d is impossible', (vital, value) => {
  expect(codeOf({ ...without('unit'), vital, value })).toBe('impossible_value');
});

test('the range is judged after the conversion', () => {
  expect(codeOf(item({ vital: 'temperature', value: 98.6, unit: 'Cel' }))).toBe('impossible_value');
  expect(codeOf(item({ vital: 'temperature', value: 37, unit: '[degF]' }))).toBe('impossible_value');
});

test.each<[string, number]>([
  ['heartRate', 0],
  ['heartRate', 19],
  ['heartRate', 301],
  ['spo2', 39],
  ['respirationRate', 0],
])('%s %d is possible and suspect', (vital, value) => {
  expect(readingOf({ ...without('unit'), vital, value }).quality).toBe('suspect');
});

test.each([
  '2026-11-21T08:00:00',
  '2026-02-30T08:00:00Z',
  '2026-02-29T08:00:00Z',
  '2026-13-01T08:00:00Z',
  '2026-11-21T25:00:00Z',
  '2026-11-21T08:60:00Z',
  '2026-11-21 08:00:00Z',
  '2026-11-21T08:00Z',
  '2026-11-21',
  '20261121T080000Z',
  'yesterday',
  '',
  '1795248000000',
  '2026-11-21T08:00:00+0100',
  '2026-11-21T08:00:00+99:00',
])('%j is a bad time', (measuredAt) => {
  expect(codeOf(item({ measuredAt }))).toBe('bad_time');
});

test('an offset, fractions and the 29th of February of a leap year are good times', () => {
  expect(readingOf(item({ measuredAt: '2026-11-21T09:59:58+02:00' })).measuredAt).toBe(receivedAt - 2_000);
  expect(readingOf(item({ measuredAt: '2026-11-21T07:59:58.123456789Z' })).measuredAt).toBe(receivedAt - 1_877);
  expect(codeOf(item({ measuredAt: '2024-02-29T08:00:00Z' }))).toBe('good');
});

test('M8 a device time outside the last 24 hours and the next 2 minutes is replaced by the receipt, and kept beside', () => {
  const at = (offsetMs: number) => readingOf(item({ measuredAt: new Date(receivedAt + offsetMs).toISOString() }));
  const day = 24 * 3_600_000;
  expect(at(-day)).toMatchObject({ measuredAt: receivedAt - day, statedAt: null });
  expect(at(-day - 1)).toMatchObject({ measuredAt: receivedAt, statedAt: receivedAt - day - 1 });
  expect(at(120_000)).toMatchObject({ measuredAt: receivedAt + 120_000, statedAt: null });
  expect(at(120_001)).toMatchObject({ measuredAt: receivedAt, statedAt: receivedAt + 120_001 });
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'heartRate'],
  ['a list', []],
  ['an empty object', {}],
  ['an unknown field', item({ note: 'x' })],
  [
    'a field named __proto__',
    JSON.parse('{"__proto__":{},"patientId":"p1","vital":"heartRate","value":1,"measuredAt":"x"}'),
  ],
  ['a value that is null', item({ value: null })],
  ['a value that is not a number', item({ value: Number.NaN })],
  ['a value beyond all numbers', item({ value: Infinity })],
  ['a number that came as text', item({ value: '72' })],
  ['a truth', item({ value: true })],
  ['no value', without('value')],
  ['no vital', without('vital')],
  ['no time', without('measuredAt')],
  ['a time that is a number', item({ measuredAt: receivedAt })],
  ['a unit that is null', item({ unit: null })],
  ['a patient that is a wildcard', item({ patientId: '*' })],
  ['a patient that is two tokens', item({ patientId: 'p1.p2' })],
  ['a patient that is a number', item({ patientId: 1 })],
  ['a device with a slash', item({ deviceId: 'a/b' })],
])('%s is bad input', (_, value) => {
  expect(codeOf(value)).toBe('bad_input');
});

test('the message of a bad item names the field', () => {
  expect(judge(item({ note: 'x' }))).toMatchObject({ message: 'note: Unknown field' });
  expect(judge(without('value'))).toMatchObject({ message: 'value: Required field is missing' });
});

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'bad_input'],
  ['null', null, 'bad_input'],
  ['a list', [item()], 'bad_input'],
  ['no items', {}, 'bad_input'],
  ['an empty list', { items: [] }, 'bad_input'],
  ['items that are no list', { items: item() }, 'bad_input'],
  ['another field', { items: [item()], force: true }, 'bad_input'],
  ['1,001 items', { items: Array.from({ length: 1_001 }, () => item()) }, 'too_large'],
])('a body of %s is refused whole', (_, body, code) => {
  expect(() => readItems(body)).toThrow(CodedError);
  expect(() => readItems(body)).toThrow(expect.objectContaining({ code }));
});

test('1,000 items are taken', () => {
  expect(readItems({ items: Array.from({ length: 1_000 }, () => item()) })).toHaveLength(1_000);
});

test('M5 what a device under test measures is marked, whatever its value', () => {
  expect(readingOf(item({ status: 'test', vital: 'spo2', value: 60, unit: '%' }))).toMatchObject({
    mode: 'test',
    quality: 'good',
  });
  expect(readingOf(item({ status: 'demo' }))).toMatchObject({ mode: 'demo', value: 72 });
  expect(readingOf(item())).not.toHaveProperty('mode');
});

test.each(['questionable', 'calibrating'])('a %s value is suspect', (status) => {
  expect(readingOf(item({ status }))).toMatchObject({ quality: 'suspect', value: 72 });
});

test.each(['invalid', 'unavailable', 'off'])('what is %s is an absence, with a value beside it or none', (status) => {
  const absence = { taken: { patientId: 'p1', vital: 'heartRate', measuredAt: receivedAt - 2_000, deviceId: 'dev9' } };
  expect(judge(item({ status }))).toEqual({ taken: { ...absence.taken, reason: status } });
  expect(judge(item({ status, value: -1 }))).toEqual({ taken: { ...absence.taken, reason: status } });
  expect(judge({ ...without('value'), status })).toEqual({ taken: { ...absence.taken, reason: status } });
  expect(codeOf(item({ status, patientId: 'p99' }))).toBe('unknown_patient');
});

test('without a value and without a reason for it an item is bad, and so is a status that nobody knows', () => {
  expect(codeOf({ ...without('value'), status: 'test' })).toBe('bad_input');
  expect(codeOf(item({ status: 'broken' }))).toBe('bad_input');
});
