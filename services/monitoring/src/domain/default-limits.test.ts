import { expect, test } from '@jest/globals';
import { limitSchema } from '@carillon/contracts/monitoring';
import { Type, validate } from '@carillon/contracts/schema';
import { limitIssues } from './alarm-engine.ts';
import { defaultLimits } from './default-limits.ts';

test('the default limits are limits that a doctor could have set', () => {
  expect(validate(Type.Array(limitSchema), defaultLimits).ok).toBe(true);
  expect(limitIssues(defaultLimits)).toEqual([]);
});
