/** Where people are: told on as a signal, of themselves only, and kept nowhere. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decode } from '@carillon/bus/request';
import { positionsPerMinute, type PositionSignal } from '@carillon/contracts/positions';
import { call, type Answer } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { expectError } from './answers.ts';
import { startDesk, type Desk } from './desk.ts';

let desk: Desk;
const signals: { subject: string; position: PositionSignal }[] = [];
beforeAll(async () => {
  desk = await startDesk();
  desk.bus.nc.subscribe('sig.position.*.*', {
    queue: 'alert-escalation',
    callback: (_, { subject, data }) => void signals.push({ subject, position: decode(data) as PositionSignal }),
  });
  await desk.bus.nc.flush();
});
afterAll(() => desk.stop());

const post = async (person: string, items: readonly unknown[]): Promise<Answer> =>
  call(desk.baseUrl, 'POST', '/v1/positions', { token: await desk.tokenOf(person), body: { items } });
const at = (secondsAgo: number, latitude = 51.5) => ({
  latitude,
  longitude: -0.1,
  measuredAt: new Date(Date.now() - secondsAgo * 1000).toISOString(),
});

test('the newest position of a member of staff is told on as his own', async () => {
  const answer = await post('d1', [at(2, 51.1), at(0, 51.2), at(600, 51.3)]);
  expect([answer.status, answer.body]).toEqual([202, { accepted: 2 }]);
  const signal = await eventually(() => signals[0], { what: 'the signal' });
  expect(signal).toMatchObject({ subject: 'sig.position.h1.d1', position: { latitude: 51.2, floor: null } });
});

test('who is no member of staff tells nobody where he is, and what is no place is named', async () => {
  expectError(await post('p1', [at(0)]), 403, 'forbidden');
  expectError(await post('d1', [at(0, 91)]), 400, 'bad_input');
  expectError(await post('d1', [{ ...at(0), person: 'n1' }]), 400, 'bad_input');
  expect((await post('d1', [at(600)])).body).toEqual({ accepted: 0 });
});

test('one who tells it too often is asked to wait, and may call nevertheless', async () => {
  const answers = await Promise.all(Array.from({ length: positionsPerMinute + 5 }, () => post('n1', [at(0)])));
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  desk.answerQuery = () => ({ ok: true, data: { items: [] } });
  expect((await call(desk.baseUrl, 'GET', '/v1/alerts', { token: await desk.tokenOf('n1') })).status).toBe(200);
});
