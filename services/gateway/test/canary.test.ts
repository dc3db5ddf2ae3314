import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { canary } from '@carillon/contracts/canary';
import type { RealtimeStats } from '@carillon/contracts/gateway-stats';
import { call } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startDesk, type Desk, type RunningGateway } from './desk.ts';

let desk: Desk;
let gateway: RunningGateway;
beforeAll(async () => {
  desk = await startDesk();
  gateway = await desk.startGateway({ CARILLON_CANARY_SECONDS: '300' });
});
afterAll(() => desk.stop());

const page = (alertId: string, kind: string): Promise<void> =>
  desk.emit({
    subject: `person.${canary.hospital}.${canary.nurse}.critical.page.new`,
    event: 'page:new',
    data: { alertId, level: 1, alert: { kind } },
  });
const lastAt = async (): Promise<number> => {
  const { body } = await call(gateway.baseUrl, 'GET', '/realtime/stats', { token: await desk.tokenOf('o1') });
  return Date.parse(String((body['canary'] as RealtimeStats['canary'])?.lastAt));
};

test('an alarm of the canary that is stuck and paged again, or one of another kind, is no sign that new ones come through', async () => {
  await page('a1', 'spo2-below');
  const first = await eventually(async () => (await lastAt()) || undefined);
  const later = first + 200;
  await eventually(() => Promise.resolve(Date.now() > later || undefined));
  await page('a1', 'spo2-below');
  await page('a2', 'another');
  // Of the same stream, in order: what came before it has been heard.
  const nurse = await desk.connect('n1', { baseUrl: gateway.baseUrl });
  await nurse.expect(({ t }) => t === 'ready');
  await desk.emit({ subject: 'person.h1.n1.critical.page.new', event: 'page:new' });
  await nurse.expect((frame) => frame['ev'] === 'page:new');
  expect(Math.abs((await lastAt()) - first)).toBeLessThan(100);
  await page('a3', 'spo2-below');
  await eventually(async () => (await lastAt()) >= later || undefined);
  nurse.close();
});

test('production refuses a canary that would be quicker than another engine takes over', async () => {
  const started = (seconds: string) =>
    desk.startGateway({ NODE_ENV: 'production', CARILLON_DEV_TOKENS: 'off', CARILLON_CANARY_SECONDS: seconds });
  await expect(started('4')).rejects.toThrow('CARILLON_CANARY_SECONDS must be 0 or at least 5 in production');
  await started('5');
});
