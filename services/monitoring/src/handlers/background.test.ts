import { expect, test } from '@jest/globals';
import { createLogger } from '@carillon/runtime/log';
import { createMetrics } from '@carillon/runtime/metrics';
import { isDoneInBackground } from './background.ts';

const tools = { log: createLogger('monitoring', { level: 'silent', file: '' }), metrics: createMetrics('monitoring') };
const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

test('a lock that is not free and a statement that takes too long put work off, and do not end the service’s reading', async () => {
  expect(await isDoneInBackground(tools, 'vitals:retain', () => Promise.resolve())).toBe(true);
  expect(await isDoneInBackground(tools, 'vitals:retain', failing('55P03'))).toBe(false);
  expect(await isDoneInBackground(tools, 'replay:stay', failing('57014'))).toBe(false);
  await expect(isDoneInBackground(tools, 'replay:stay', failing('42P01'))).rejects.toMatchObject({ code: '42P01' });
});
