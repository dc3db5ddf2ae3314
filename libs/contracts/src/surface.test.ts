import { expect, test } from '@jest/globals';
import { commandAgesMs } from './command-ages.ts';
import { closeCodes, errors } from './errors.ts';
import { commandSubject, eventSubject, partitionCount, partitionOf, querySubject } from './streams.ts';
import { commands, consumers, events, operations, queries, rooms, routes } from './surface.ts';
import { isPermitted, type Relations } from './permission.ts';

const all = [...commands, ...queries, ...events, ...rooms, ...consumers, ...routes];

test('every name, subject and HTTP route stands for one thing only', () => {
  const served = [...routes, ...[...operations.values()].flatMap(({ http }) => (http === undefined ? [] : [http]))].map(
    ({ method, path }) => `${method} ${path}`,
  );
  const subjects = [
    ...commands.map((command) => commandSubject(command, 'monitoring')),
    ...queries.map((query) => querySubject(query, 'monitoring')),
    ...events.map((event) => event.subject),
  ];
  for (const values of [all.map(({ kind, name }) => `${kind === 'room' ? 'room ' : ''}${name}`), served, subjects]) {
    expect(new Set(values).size).toBe(values.length);
  }
});

test('names are <entity>:<verb>, events in the past tense', () => {
  for (const { name } of [...commands, ...queries, ...events])
    expect(name).toMatch(/^[a-z][a-zA-Z0-9]*:[a-z][a-zA-Z0-9]*$/);
  for (const { name } of events) expect(name).toMatch(/(ed|new|withdrawn|Broken|left)$/);
});

test('the :parameters of a route are fields of the input, and rules name fields that exist', () => {
  for (const { name, http, input, allow } of operations.values()) {
    const fields = Object.keys(input.properties);
    for (const [, parameter] of (http?.path ?? '').matchAll(/:(\w+)/g)) {
      expect(`${name} ${parameter}`).toBe(`${name} ${fields.find((field) => field === parameter)}`);
    }
    for (const { field } of allow) if (field !== undefined) expect(fields).toContain(field);
    expect(allow.length).toBeGreaterThan(0);
  }
});

test('the rules of a room name tokens of its name', () => {
  for (const { name, allow } of rooms) {
    for (const { field } of allow) if (field !== undefined) expect(name).toContain(`<${field}>`);
  }
});

test('a consumer reads the stream in which its events are', () => {
  for (const { stream, events: handled } of consumers) for (const event of handled) expect(event.stream).toBe(stream);
});

test('an event without one of its subject tokens is refused, and one that does not apply becomes _', () => {
  const raised = events.find(({ name }) => name === 'alert:raised');
  if (raised === undefined) throw new Error('no alert:raised');
  const tokens = { hospital: 'h1', ward: null, patient: 'p1', lane: 'critical' };
  expect(eventSubject(raised, tokens)).toBe('care.h1._.p1.critical.alert.raised');
  expect(() => eventSubject(raised, { hospital: 'h1' })).toThrow('ward');
});

test('a client knows the age of every command and of nothing else', () => {
  const called = commands.filter(({ internal }) => internal !== true);
  const ages = Object.fromEntries(called.map(({ name, maxAgeMs }) => [name, maxAgeMs]));
  expect(commandAgesMs).toEqual(ages);
});

test('partitions are spread over patients', () => {
  const counts = new Map<string, number>();
  for (let patient = 0; patient < 16_000; patient++) {
    const partition = partitionOf(`p${patient}`);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  expect(counts.size).toBe(partitionCount);
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(200);
});

test('every error has an HTTP status of its kind, and no close code stands twice', () => {
  for (const { status } of Object.values(errors)) expect(status).toBeGreaterThanOrEqual(400);
  const codes = Object.values(closeCodes);
  expect(new Set(codes).size).toBe(codes.length);
});

test('a relation is judged by what the input names, and by nothing that is missing or of another type', () => {
  const relations: Relations = {
    wardsOf: (person) => new Set(person === 'n1' ? ['w1'] : []),
    wardOfPatient: (patient) => (patient === 'p1' ? 'w1' : undefined),
    patientsCaredForBy: (person) => new Set(person === 'c1' ? ['p1'] : []),
    brokenGlassOf: (person) => new Set(person === 'n2' ? ['p7'] : []),
  };
  const rules = [
    { roles: ['nurse'], relation: 'wardOfPatient', field: 'patientId' },
    { roles: ['patient'], relation: 'self', field: 'patientId' },
    { roles: ['caregiver'], relation: 'caregiver', field: 'patientId' },
  ] as const;
  const may = (person: string, role: 'nurse' | 'patient' | 'caregiver', patientId: unknown): boolean =>
    isPermitted(rules, { person, hospital: 'h1', roles: [role] }, { patientId }, relations);
  expect(may('n1', 'nurse', 'p1')).toBe(true);
  expect(may('n2', 'nurse', 'p1')).toBe(false);
  expect(may('n1', 'nurse', 'p2')).toBe(false);
  expect(may('p1', 'patient', 'p1')).toBe(true);
  expect(may('p2', 'patient', 'p1')).toBe(false);
  expect(may('c1', 'caregiver', 'p1')).toBe(true);
  expect(may('c1', 'patient', 'p1')).toBe(false);
  expect(may('n1', 'nurse', undefined)).toBe(false);
  expect(may('n1', 'nurse', ['p1'])).toBe(false);
  expect(may('n2', 'nurse', 'p7')).toBe(true);
  expect(may('n2', 'patient', 'p7')).toBe(false);
  expect(may('n1', 'nurse', 'p7')).toBe(false);
});
