/** Readings at the edge: what is taken, what is refused, and what reaches INTAKE. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { edgeBeatSubject } from '@carillon/contracts/devices';
import { intakeSchema, type Intake } from '@carillon/contracts/monitoring';
import { validate } from '@carillon/contracts/schema';
import { partitionOf } from '@carillon/contracts/streams';
import { consumeDurable, type Consumption } from '@carillon/bus/consume';
import { decode } from '@carillon/bus/request';
import { call, type Answer } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { errorOf, expectError, item } from './answers.ts';
import { startDesk, type Desk } from './desk.ts';

let desk: Desk;
let monitoring: Consumption;
/** What reached INTAKE. */
const intake: { subject: string; message: Intake }[] = [];
beforeAll(async () => {
  desk = await startDesk();
  monitoring = await consumeDurable(desk.bus, {
    stream: 'INTAKE',
    durable: 'test',
    filter: 'intake.>',
    ackWaitMs: 10_000,
    maxInFlight: 64,
    onDelivery(delivery) {
      intake.push({ subject: delivery.subject, message: decode(delivery.body) as Intake });
      delivery.ack();
    },
  });
});
afterAll(async () => {
  await monitoring.stop(0);
  await desk.stop();
});

const postBody = async (body: unknown): Promise<Answer> =>
  call(desk.baseUrl, 'POST', '/v1/vitals', { token: await desk.tokenOf('dev1'), body });
const post = (items: readonly unknown[]): Promise<Answer> => postBody({ items });

test('good readings are accepted, bad neighbours named by index and code', async () => {
  const answer = await post([
    item({ value: 71, deviceId: 'bed-4' }),
    item({ patientId: 'nobody' }),
    item({ vital: 'mood' }),
    item({ unit: 'Cel' }),
    item({ value: 900 }),
    item({ measuredAt: '2026-02-30T08:00:00Z' }),
    item({ value: '72' }),
    null,
    item({ patientId: 'p7', vital: 'temperature', value: 98.6, unit: '[degF]' }),
  ]);
  expect(answer.status).toBe(202);
  expect(answer.body['accepted']).toBe(2);
  const rejected = answer.body['rejected'] as { index: number; code: string; message: string }[];
  expect(rejected.map(({ index, code }) => [index, code])).toEqual([
    [1, 'unknown_patient'],
    [2, 'unknown_vital'],
    [3, 'bad_unit'],
    [4, 'impossible_value'],
    [5, 'bad_time'],
    [6, 'bad_input'],
    [7, 'bad_input'],
  ]);
  expect(rejected.every(({ message }) => message.length > 0)).toBe(true);

  const readings = () => intake.flatMap(({ message }) => message.readings);
  await eventually(() => (readings().some(({ value }) => value === 37) ? true : undefined));
  expect(intake.every(({ message }) => validate(intakeSchema, message).ok)).toBe(true);
  const [first] = intake.filter(({ message }) => message.readings.some(({ value }) => value === 71));
  expect(first).toMatchObject({
    subject: `intake.h1.${partitionOf('p1')}.device`,
    message: { hospital: 'h1', by: 'dev1', readings: [{ patientId: 'p1', deviceId: 'bed-4', quality: 'good' }] },
  });
});

test('when no item is good the answer is 400, with the list in issues', async () => {
  const answer = await post([item({ vital: 'mood' }), item({ value: null })]);
  expectError(answer, 400, 'bad_input');
  expect(errorOf(answer).issues).toEqual([
    { index: 0, code: 'unknown_vital', message: expect.any(String) },
    { index: 1, code: 'bad_input', message: expect.any(String) },
  ]);
});

test.each([['{}'], ['{"items":[]}'], ['{"items":{}}'], ['[]'], ['null'], ['{"items":[],"force":true}'], ['']])(
  'vitals of %s are bad input',
  async (body) => {
    expectError(await postBody(body), 400, 'bad_input');
  },
);

test('1,000 items are taken, 1,001 and a body of more than 2 MB are too large', async () => {
  const many = (count: number) => Array.from({ length: count }, () => item());
  expect((await post(many(1_000))).body).toEqual({ accepted: 1_000, rejected: [] });
  expectError(await post(many(1_001)), 413, 'too_large');
  expectError(await postBody(`{"items":[${' '.repeat(2 * 1024 * 1024)}]}`), 413, 'too_large');
});

test('a gateway that takes readings in says so again and again', async () => {
  let beats = 0;
  const listening = desk.bus.nc.subscribe(edgeBeatSubject, { callback: () => void beats++ });
  await eventually(() => (beats >= 2 ? true : undefined), { what: 'two beats' });
  listening.unsubscribe();
});
