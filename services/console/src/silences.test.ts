import { expect, test } from '@jest/globals';
import type { Silence } from './shapes.ts';
import { saySilenced, silencesOn } from './silences.ts';

const silence = (given: Partial<Silence>): Silence => ({
  silenceId: 's1',
  priorities: ['medium', 'low'],
  from: '2026-11-21T08:00:00Z',
  until: '2026-11-21T09:00:00Z',
  reason: 'cleaning',
  setBy: 'n1',
  endedAt: null,
  ...given,
});

test('a patient is silenced by what names him and by what holds for his whole ward, as long as it lasts', () => {
  const items = [
    silence({ silenceId: 'his', patientId: 'p1' }),
    silence({ silenceId: 'ward', wardId: 'w1' }),
    silence({ silenceId: 'hisThere', patientId: 'p1', wardId: 'w2' }),
    silence({ silenceId: 'other', patientId: 'p2', wardId: 'w1' }),
    silence({ silenceId: 'otherWard', wardId: 'w2' }),
    silence({ silenceId: 'over', wardId: 'w1', endedAt: '2026-11-21T08:10:00Z' }),
  ];
  const on = (wardId: string | undefined) =>
    silencesOn(items, { patientId: 'p1', wardId }).map(({ silenceId }) => silenceId);
  expect(on('w1')).toEqual(['his', 'ward']);
  expect(on(undefined)).toEqual(['his']);
});

test('a silence says what it holds back, in words, and that it is of the whole ward', () => {
  expect(saySilenced(silence({ patientId: 'p1' }))).toBe('Alarms of medium and low priority');
  expect(saySilenced(silence({ wardId: 'w1', priorities: ['low'], kinds: ['spo2-below'] }))).toBe(
    'Alarms of the whole ward, of low priority (spo2 below)',
  );
});
