import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { startDemoPlans } from './demo-plans.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A gateway over a real wire; `status` says how it answers what is asked of it, call by call. */
async function gateway(status: (call: string) => number): Promise<{ baseUrl: string; calls: string[] }> {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    calls.push(call);
    const isSignIn = request.url === '/v1/dev/token';
    response.writeHead(isSignIn ? 200 : status(call)).end(JSON.stringify({ token: 't' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}

/** @returns once it has said, or done, `isMet` */
async function planned(baseUrl: string, isMet: () => boolean): Promise<string[]> {
  const said: string[] = [];
  const plans = startDemoPlans({ baseUrl, log: (message) => said.push(message) });
  cleanups.push(() => plans.stop());
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
  return said;
}

test('plans are written in the order in which they need one another, and again from the start after a refusal', async () => {
  let refusals = 1;
  const { baseUrl, calls } = await gateway((call) => {
    if (call.startsWith('GET')) return 404;
    // The hospital is not known yet, and then there is a group of this id already.
    if (call.includes('schedules') && refusals-- > 0) return 400;
    return call.includes('groups') ? 409 : 200;
  });
  expect(await planned(baseUrl, () => calls.includes('PUT /v1/policies/resuscitation'))).toEqual([]);
  const puts = calls.filter((call) => call.startsWith('PUT')).map((call) => call.split('/')[3]);
  expect(puts).toEqual(['w1', 'w2', 'doctor-on-call', 'w1', 'w2', 'doctor-on-call', 'code-team', 'resuscitation']);
});

test('what was planned once is left to those who have changed it since', async () => {
  const { baseUrl, calls } = await gateway(() => 200);
  await planned(baseUrl, () => calls.some((call) => call.startsWith('GET')));
  await cleanups.pop()?.();
  expect(calls).toEqual(['POST /v1/dev/token', 'GET /v1/policies/resuscitation?atVersion=1']);
});
