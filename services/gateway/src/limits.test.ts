import { afterEach, expect, test } from '@jest/globals';
import type { Role } from '@carillon/contracts/define';
import { CodedError } from '@carillon/contracts/errors';
import * as fc from 'fast-check';
import { callsPerMinute, connectionsOf, createBuckets, type Buckets } from './limits.ts';
import { gatewayConfig } from '../test/config.ts';

let time = 0;
const made: Buckets[] = [];
const buckets = (): Buckets => {
  time = 1_000;
  const created = createBuckets(() => time);
  made.push(created);
  return created;
};
afterEach(() => {
  for (const each of made.splice(0)) each.stop();
});
const refusal = (take: () => void): CodedError => {
  try {
    take();
  } catch (error) {
    if (error instanceof CodedError) return error;
  }
  throw new Error('was not refused');
};

test('a minute’s worth may be taken at once, and then as many as come back', () => {
  const { take } = buckets();
  for (let count = 0; count < 30; count++) take('n1', 30);
  expect(refusal(() => take('n1', 30))).toMatchObject({ code: 'rate_limited', afterMs: 2_000 });
  time += 1_999;
  expect(refusal(() => take('n1', 30))).toMatchObject({ afterMs: 1 });
  time += 1;
  take('n1', 30);
  expect(refusal(() => take('n1', 30))).toMatchObject({ afterMs: 2_000 });
});

test('who waits as he was told is served', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6_000 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 20 }),
      (perMinute, pauses) => {
        const { take } = buckets();
        for (let count = 0; count < perMinute; count++) take('k', perMinute);
        for (const pause of pauses) {
          time += pause;
          try {
            take('k', perMinute);
          } catch (error) {
            time += (error as CodedError).afterMs ?? 0;
            take('k', perMinute);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('waiting longer than a minute fills no more than the minute’s worth', () => {
  const { take } = buckets();
  take('n1', 3);
  time += 3_600_000;
  for (let count = 0; count < 3; count++) take('n1', 3);
  expect(refusal(() => take('n1', 3)).code).toBe('rate_limited');
});

test('one key’s calls are not another’s', () => {
  const { take } = buckets();
  take('n1', 1);
  expect(refusal(() => take('n1', 1)).code).toBe('rate_limited');
  take('n2', 1);
});

test.each<[Role[], number, number]>([
  [['patient'], 30, 5],
  [['caregiver'], 30, 5],
  [['nurse'], 120, 20],
  [['patient', 'nurse'], 120, 20],
  [['operator'], 120, 20],
  [['device'], 600, 20],
])('%j has %i calls a minute and %i connections', (roles, calls, connections) => {
  const actor = { person: 'x', hospital: 'h1', roles };
  expect(callsPerMinute(actor, gatewayConfig())).toBe(calls);
  expect(connectionsOf(actor, gatewayConfig())).toBe(connections);
});
