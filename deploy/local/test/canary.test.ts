import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { canary } from '@carillon/contracts/canary';
import type { RealtimeStats } from '@carillon/contracts/gateway-stats';
import type { TechnicalState } from '@carillon/contracts/technical';
import { openDatabase } from '@carillon/database/database';
import { start as startGateway } from '@carillon/gateway/service';
import { call, openRealtime, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { figure } from '@carillon/testkit/figures';
import { startHouse, type House } from './house.ts';

const everySeconds = 2;
let house: House;
beforeAll(async () => {
  house = await startHouse({ CARILLON_CANARY_SECONDS: String(everySeconds) });
}, 140_000);
afterAll(async () => {
  await house.stop();
});

const figures = async (): Promise<RealtimeStats['canary']> => {
  const { body } = await call(house.baseUrl, 'GET', '/realtime/stats', { token: await house.token('o1') });
  return body['canary'] as RealtimeStats['canary'];
};

test('an alarm walks the whole way again and again, is timed hop by hop, and is seen by nobody in a hospital', async () => {
  const timed = await eventually(async () => ((await figures())?.p99Ms === null ? undefined : figures()), {
    withinMs: 40_000,
    what: 'a round of the canary',
  });
  expect(timed).toMatchObject({ lastAt: expect.any(String), failed: 0 });
  figure(`the alarm of the canary was paged ${timed?.wholeMs} ms after its reading`);
  await eventually(
    async () => (/canary_total\{.*outcome="ok".*\} [3-9]/.test(await house.gatewayMetrics()) ? true : undefined),
    { withinMs: 40_000, what: 'three rounds' },
  );
  const metrics = await house.gatewayMetrics();
  for (const hop of ['condition', 'alert', 'page', 'acknowledged', 'resolved', 'whole'])
    expect(metrics).toMatch(new RegExp(`canary_seconds_count\\{.*hop="${hop}".*\\} [1-9]`));
  const { body } = await call(house.baseUrl, 'GET', '/v1/alerts', { token: await house.token('o1') });
  expect(body['items']).toEqual([]);
  const people = await call(house.baseUrl, 'GET', '/v1/dev/people');
  expect(JSON.stringify(people.body)).not.toContain(canary.hospital);
});

test('of several gateways one sends it each time, and all of them see its page', async () => {
  const other = await startGateway({
    ...house.environment,
    NATS_URL: house.infrastructure.nats.urlOf('gateway'),
    CARILLON_HTTP_PORT: '0',
  });
  const { postgres } = house.infrastructure;
  const database = openDatabase({ url: postgres.url, service: 'alert-escalation' });
  const turns = async (): Promise<{ alerts: number; turns: number }> => {
    const { rows } = await database.query<{ alerts: number; turns: number }>(
      `select count(*) as alerts, count(distinct floor(extract(epoch from opened_at) / $2)) as turns
       from alert where hospital = $1`,
      [canary.hospital, everySeconds],
    );
    return rows[0] ?? { alerts: 0, turns: 0 };
  };
  const before = await turns();
  const after = await eventually(async () => ((await turns()).turns >= before.turns + 5 ? turns() : undefined), {
    withinMs: 60_000,
    what: 'five alarms',
  });
  expect(after.alerts).toBe(after.turns);
  expect(await other.metrics.registry.metrics()).toMatch(/technical_alarms\{.*kind="canary".*\} 0/);
  await Promise.all([database.close(), other.stop()]);
});

test('when alarms get stuck on the way, those at the beds are told, until they come through again', async () => {
  const nurse = await openRealtime(house.baseUrl, { token: await house.token('n1') });
  await nurse.ask({ t: 'subscribe', room: 'technical:h1' });
  const says = (isThere: boolean, after: number) => (frame: Frame) =>
    frame['ev'] === 'technical:changed' &&
    nurse.frames.indexOf(frame) >= after &&
    (frame['data'] as TechnicalState).alarms.some(({ kind, isStopped }) => kind === 'canary' && isStopped) === isThere;
  const { postgres } = house.infrastructure;
  const database = openDatabase({ url: postgres.url, service: 'alert-escalation' });
  await database.transaction(async (tx) => {
    // Conditions still come, and nobody can store what an alert is looked for by.
    await tx.query('lock table condition_seen in access exclusive mode');
    // Idle for 3 s, the transaction would be ended.
    const keepAlive = setInterval(() => void tx.query('select 1'), 1_000);
    const isTold = nurse.expect(says(true, 0), 'the alarm', 40_000);
    const hasFailed = eventually(async () => ((await figures())?.failed ?? 0) > 0 || undefined, { withinMs: 40_000 });
    await Promise.all([isTold, hasFailed]).finally(() => clearInterval(keepAlive));
  });
  await database.close();
  await nurse.expect(says(false, nurse.frames.length), 'the end of it', 60_000);
  nurse.close();
}, 150_000);
