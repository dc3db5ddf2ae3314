/** What became of a page, over the whole house. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, openRealtime, tokenOf, type Frame, type RealtimeClient } from '@carillon/testkit/client';
import { startHouse, type House } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse();
});
afterAll(() => house.stop());

const connect = (token: string): Promise<RealtimeClient> => openRealtime(house.baseUrl, { token });
const isEvent =
  (event: string) =>
  (frame: Frame): boolean =>
    frame.t === 'msg' && frame['ev'] === event;

test('who got and saw a page is told to the ward, and stands with the alert', async () => {
  const ward = await connect(await house.token('d1'));
  await ward.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  const [n1, caller] = await Promise.all([connect(await house.token('n1')), house.token('p1')]);
  await n1.expect(({ t }) => t === 'ready');
  const raised = await call(house.baseUrl, 'POST', '/v1/alerts', {
    token: caller,
    body: { kind: 'sos', priority: 'high', message: 'Help' },
  });
  const alertId = String(raised.body['alertId']);
  const page = await n1.expect(isEvent('page:new'));
  expect(page['ack']).toBe(true);
  n1.send({ t: 'ack', mid: [page['mid']], level: 'delivered' });
  n1.send({ t: 'ack', mid: [page['mid']], level: 'displayed' });
  // One who was not paged says nothing about it.
  ward.send({ t: 'ack', mid: [page['mid']], level: 'read' });
  const displayed = await ward.expect(isEvent('alert:displayed'));
  expect(displayed['data']).toMatchObject({ alertId, pages: [{ person: 'n1', level: 1 }] });
  const alert = await call(house.baseUrl, 'GET', `/v1/alerts/${alertId}`, { token: await house.token('d1') });
  expect(alert.body['pages']).toContainEqual(
    expect.objectContaining({
      person: 'n1',
      deliveredAt: expect.stringMatching(/Z$/),
      displayedAt: expect.stringMatching(/Z$/),
    }),
  );
  expect(JSON.stringify(alert.body)).not.toContain('readAt');
  await call(house.baseUrl, 'POST', `/v1/alerts/${alertId}/resolve`, {
    token: await tokenOf(house.baseUrl, 'd1'),
    body: {},
  });
  for (const each of [ward, n1]) each.close();
});
