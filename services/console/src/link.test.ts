import { expect, test } from '@jest/globals';
import { toBoardLink } from './link.ts';

test('the first connection is being made, every later one mends something, and a draining gateway is live', () => {
  const heardAt = 7;
  const waiting = { state: 'waiting', heardAt, nextAttemptAt: 9, reason: 'lost' } as const;
  expect(toBoardLink({ state: 'connecting', heardAt }, false)).toEqual({ state: 'connecting', heardAt });
  expect(toBoardLink({ state: 'connecting', heardAt }, true)).toEqual({ state: 'reconnecting', heardAt });
  expect(toBoardLink(waiting, true)).toEqual({ state: 'reconnecting', heardAt });
  expect(toBoardLink({ state: 'stale', heardAt }, true)).toEqual({ state: 'reconnecting', heardAt });
  expect(toBoardLink({ state: 'draining', heardAt, transport: 'webSocket' }, true)).toEqual({ state: 'live', heardAt });
  expect(toBoardLink({ state: 'stopped', heardAt, code: 4440, reason: 'You have been signed out.' }, true)).toEqual({
    state: 'stopped',
    heardAt,
    reason: 'You have been signed out.',
  });
});
