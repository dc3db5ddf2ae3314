/** The black-box suite against a real gateway with real services behind it, and all that it can be given. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { start as startAlertEscalation } from '@carillon/alert-escalation/service';
import { openClient } from '@carillon/conformance/client';
import { createRecorder } from '@carillon/conformance/recorder';
import { outcomeLine, summary } from '@carillon/conformance/report';
import { runConformance } from '@carillon/conformance/suite';
import { targetOf } from '@carillon/conformance/target';
import type { ServiceName } from '@carillon/contracts/define';
import type { RealtimeStats } from '@carillon/contracts/gateway-stats';
import { start as startDirectory } from '@carillon/directory/service';
import type { Environment } from '@carillon/runtime/config';
import { call } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { patience } from '@carillon/testkit/patience';
import { start as startGateway } from '../src/service.ts';
import { jwtSecret } from './config.ts';
import { claimsOf, signed, type Claims } from './tokens.ts';

const demo = fileURLToPath(new URL('../../../deploy/local/demo-hospital.json', import.meta.url));
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

let infrastructure: Infrastructure;
const running: { stop(): Promise<void> }[] = [];
let baseUrl: string;
let environmentOf: (service: ServiceName, more?: Environment) => Environment;

const nurse = (more: Claims = {}): Promise<string> =>
  signed(claimsOf('n1', ['nurse'], { iat: inSeconds(0), jti: crypto.randomUUID(), ...more }));

beforeAll(async () => {
  infrastructure = await startInfrastructure({ hasTestEvents: true });
  environmentOf = (service, more = {}) => ({
    ...infrastructure.environmentOf(service),
    CARILLON_DIRECTORY_SEED: demo,
    CARILLON_HTTP_PORT: '0',
    CARILLON_JWT_SECRET: jwtSecret,
    CARILLON_TEST_PUBLISH: 'on',
    // The suite is quicker than people, and waits out what it is told to.
    CARILLON_PING_MS: '1000',
    CARILLON_LIMIT_HANDSHAKES: '10000',
    CARILLON_LIMIT_CALLS_STAFF: '6000',
    CARILLON_LIMIT_CONNECTIONS_STAFF: '50',
    CARILLON_LIMIT_ROOMS: '40',
    ...more,
  });
  running.push(await startDirectory(environmentOf('directory')));
  running.push(await startAlertEscalation(environmentOf('alert-escalation')));
  const gateway = await startGateway(environmentOf('gateway'));
  running.push(gateway);
  baseUrl = `http://127.0.0.1:${gateway.port}`;
  const token = await nurse();
  await eventually(
    async () => {
      const answers = [
        await call(baseUrl, 'GET', '/v1/wards/w1', { token }),
        await call(baseUrl, 'GET', '/v1/alerts?wardId=w1', { token }),
      ];
      return answers.every(({ status }) => status === 200) ? true : undefined;
    },
    { what: 'the services', withinMs: 30_000 },
  );
}, 120_000);
afterAll(async () => {
  for (const each of running.toReversed()) await each.stop();
  await infrastructure.stop();
});

test('the gateway conforms to its contracts, and no code of them is left out without a reason', async () => {
  const target = targetOf(new URL(baseUrl), await nurse(), {
    otherToken: await signed(claimsOf('p2', ['patient'])),
    operatorToken: await signed(claimsOf('o1', ['operator'])),
    expiredToken: await nurse({ exp: inSeconds(-60) }),
    expiringToken: await nurse({ exp: inSeconds(20) }),
    revocableToken: await nurse(),
    mfaToken: await nurse({ amr: ['pwd', 'otp', 'mfa'], auth_time: inSeconds(0) }),
    ward: 'w1',
    patient: 'p1',
    foreignPatient: 'p7',
    // Monitoring does not run here.
    absentQuery: 'news2:calculate',
  });
  const report = await runConformance(target, { neighbourMs: patience(2_000) });
  const lines = report.outcomes.filter(({ result }) => result !== 'passed').map(outcomeLine);
  expect([...lines, ...(report.isGood ? [] : [summary(report)])].join('\n')).toBe('');
  // Whatever was done to it, nothing of it is left.
  await eventually(
    async () => {
      const { body } = await call(baseUrl, 'GET', '/realtime/stats', { token: target.given.operatorToken ?? '' });
      const { connections, rooms, subscriptions } = body as RealtimeStats;
      return connections.total + rooms + subscriptions === 0 ? true : undefined;
    },
    { what: 'an empty gateway' },
  );
}, 300_000);

test('a gateway that stops says goaway, then closes with 4000 within the time that it gave', async () => {
  const spreadMs = 800;
  const gateway = await startGateway(environmentOf('gateway', { CARILLON_DRAIN_MS: String(spreadMs) }));
  const recorder = createRecorder();
  const token = await nurse();
  const url = new URL(`http://127.0.0.1:${gateway.port}`);
  const opened = await Promise.all(
    Array.from({ length: 4 }, () => openClient(url, { token }, { recorder, withinMs: 10_000 })),
  );
  const clients = opened.flatMap(({ client }) => client ?? []);
  for (const client of clients) await client.expect((frame) => frame.t === 'ready', 'ready');
  const startedAt = performance.now();
  const stopped = gateway.stop();
  const endings = await Promise.all(
    clients.map(async (client) => {
      const told = await client.expect((frame) => frame.t === 'goaway', 'goaway');
      const { code } = await client.closed;
      return { told, code, afterMs: performance.now() - startedAt };
    }),
  );
  await stopped;
  expect(endings.map(({ told, code }) => [told, code])).toEqual(
    clients.map(() => [{ t: 'goaway', reason: 'drain', spreadMs }, 4000]),
  );
  const times = endings.map(({ afterMs }) => afterMs);
  expect(Math.max(...times)).toBeLessThan(patience(spreadMs + 1_000));
  // Not all at once: who comes again meets no crowd.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(spreadMs / 5);
  expect(recorder.faults).toEqual([]);
});
