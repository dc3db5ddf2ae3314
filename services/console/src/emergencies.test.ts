import { expect, test } from '@jest/globals';
import { createEmergencies, nameOfEmergency, type Emergency } from './emergencies.ts';

const emergency = (alertId: string, version = 1): Emergency => ({
  alertId,
  kind: 'cardiac-arrest',
  wardId: 'w1',
  wardName: 'Ward 1',
  bedId: null,
  called: 'Code team',
  declaredBy: 'n1',
  declaredAt: '2026-11-21T08:00:00.000Z',
  version,
});
const over = (alertId: string, version: number) => ({
  ...emergency(alertId, version),
  endedAt: '2026-11-21T08:10:00.000Z',
  endedBy: 'd1',
  outcome: null,
});
const idsOf = ({ running }: ReturnType<typeof createEmergencies>): string[] =>
  running.get().map(({ alertId }) => alertId);

test('an emergency is shown from when it is declared until it is over, whatever comes twice or late', () => {
  const emergencies = createEmergencies();
  emergencies.put(emergency('e1'));
  emergencies.put(emergency('e1'));
  emergencies.put({ ...emergency('e1', 3), wardId: 'w2' });
  expect(emergencies.running.get()).toEqual([{ ...emergency('e1', 3), wardId: 'w2' }]);
  emergencies.put(over('e1', 4));
  expect(idsOf(emergencies)).toEqual([]);
  emergencies.put(emergency('e1', 3));
  emergencies.putAll([emergency('e1', 3)], emergencies.mark());
  expect(idsOf(emergencies)).toEqual([]);
});

test('a board that opens in the middle, or missed the end, goes by the list', () => {
  const emergencies = createEmergencies();
  emergencies.putAll([emergency('e2'), emergency('e1')], emergencies.mark());
  expect(idsOf(emergencies)).toEqual(['e2', 'e1']);
  emergencies.putAll([{ ...emergency('e2'), bedId: 'b7' }], emergencies.mark());
  expect(emergencies.running.get()).toEqual([{ ...emergency('e2'), bedId: 'b7' }]);
});

test('what was declared while the list was read is not taken for over', () => {
  const emergencies = createEmergencies();
  const since = emergencies.mark();
  emergencies.put(emergency('e1'));
  emergencies.putAll([], since);
  expect(idsOf(emergencies)).toEqual(['e1']);
});

test('a kind is written for people', () => {
  expect(['cardiac-arrest', 'sos'].map(nameOfEmergency)).toEqual(['Cardiac arrest', 'SOS']);
});
