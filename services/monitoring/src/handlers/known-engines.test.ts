import { expect, test } from '@jest/globals';
import { emptyPatientState } from '../domain/patient-state.ts';
import { createKnownEngines } from './known-engines.ts';

const saved = (patientId: string, version: number) => ({ patientId, state: emptyPatientState, version, dueAtMs: null });

test('what was saved last is known, of each hospital for itself', () => {
  const engines = createKnownEngines();
  engines.keep('h1', [saved('p1', 3), saved('p2', 1)]);
  engines.keep('h1', [saved('p1', 4)]);
  expect(engines.find('h1', 'p1')).toEqual({ state: emptyPatientState, version: 4 });
  expect(engines.find('h1', 'p2')?.version).toBe(1);
  expect(engines.find('h2', 'p1')).toBeUndefined();
});

test('of more patients than are kept those are forgotten who were saved longest ago', () => {
  const engines = createKnownEngines(2);
  engines.keep('h1', [saved('p1', 1), saved('p2', 1)]);
  engines.keep('h1', [saved('p1', 2)]);
  engines.keep('h1', [saved('p3', 1)]);
  expect(['p1', 'p2', 'p3'].map((patient) => engines.find('h1', patient)?.version)).toEqual([2, undefined, 1]);
});

test('nothing is known after it was cleared', () => {
  const engines = createKnownEngines();
  engines.keep('h1', [saved('p1', 1)]);
  engines.clear();
  expect(engines.find('h1', 'p1')).toBeUndefined();
});
