import { expect, test } from '@jest/globals';
import { closeCodes } from '@carillon/contracts/errors';
import { closeFamily, reconnectDelayMs, stopReason } from './reconnect.ts';

test('every close code of the protocol has its family', () => {
  const families = Object.entries(closeCodes).map(([name, code]) => [name, closeFamily(code)]);
  expect(Object.fromEntries(families)).toMatchObject({
    drain: 'resume',
    slowConsumer: 'resume',
    positionInvalid: 'resume',
    noPong: 'resume',
    internal: 'resume',
    tokenExpired: 'renew',
    tokenRevoked: 'renew',
    stateInvalidated: 'drop',
    overloaded: 'wait',
    rateLimited: 'wait',
  });
  for (const [name, code] of Object.entries(closeCodes))
    if (code >= 4400) expect([name, closeFamily(code)]).toEqual([name, 'stop']);
  expect([1001, 1006, 1011, 1012, 1013, 1014].map(closeFamily)).toEqual(Array(6).fill('resume'));
  expect([1002, 1003, 1007, 1009].map(closeFamily)).toEqual(Array(4).fill('stop'));
});

test('the delay is half a second and a random part that doubles up to its ceiling', () => {
  const longest = [0, 1, 2, 5, 6, 50].map((attempt) => reconnectDelayMs(attempt, () => 1, 20_000));
  expect(longest).toEqual([1_000, 1_500, 2_500, 16_500, 20_500, 20_500]);
  expect(reconnectDelayMs(50, () => 0, 20_000)).toBe(500);
  expect(reconnectDelayMs(50, () => 1, 1_500)).toBe(2_000);
});

test('whoever is stopped is told why in words', () => {
  for (const code of [4401, 4403, 4406, 4429, 4440, 4499, 1009]) expect(stopReason(code)).toMatch(/^[A-Z].+\.$/);
});
