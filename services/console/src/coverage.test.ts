import { expect, test } from '@jest/globals';
import { gapsByWard } from './coverage.ts';

const gap = (wardId: string, priority: 'high' | 'low', from: string, policyId = 'default') => ({
  wardId,
  priority,
  policyId,
  from,
  until: '2026-11-22T00:00:00.000Z',
  reaches: 'failsafeOnly' as const,
});

test('gaps of the same time are one line of their ward, and wards without gaps have none', () => {
  const wards = ['w1', 'w2', 'w3'].map((wardId) => ({ wardId, name: `Ward ${wardId}` }));
  const gaps = [
    gap('w1', 'low', '2026-11-21T20:00:00.000Z'),
    gap('w1', 'low', '2026-11-21T18:00:00.000Z'),
    gap('w1', 'high', '2026-11-21T20:00:00.000Z'),
    gap('w1', 'high', '2026-11-21T20:00:00.000Z', 'falls'),
    gap('w3', 'high', '2026-11-21T20:00:00.000Z'),
  ];
  const shown = gapsByWard({ wards, gaps }).map(({ wardId, policies, lines }) => [
    `${wardId} by ${policies.join(', ')}`,
    lines.map(({ from, priorities }) => `${from.slice(11, 13)} ${priorities.join('+')}`),
  ]);
  expect(shown).toEqual([
    ['w1 by default, falls', ['18 low', '20 high+low']],
    ['w3 by default', ['20 high']],
  ]);
});
