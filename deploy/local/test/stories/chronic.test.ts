/** A patient whose oxygen saturation is 86 % on his good days: the house learns it from his doctor, and for a time only. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, openRealtime, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startHouse, type House } from '../house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse();
}, 90_000);
afterAll(() => house.stop());

const patient = '/v1/patients/p4';
type Answer = Awaited<ReturnType<typeof call>>;
const as = async (person: string, method: string, path: string, body?: unknown): Promise<Answer['body']> => {
  const answer = await call(house.baseUrl, method, path, {
    token: await house.token(person),
    ...(body === undefined ? {} : { body }),
  });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};
/** The oximeter, one value a second, in one post. @returns the time of the last one */
async function measure(spo2: number, seconds: number, fromMs: number): Promise<number> {
  const items = Array.from({ length: seconds }, (_, second) => ({
    patientId: 'p4',
    vital: 'spo2',
    value: spo2,
    measuredAt: new Date(fromMs + second * 1_000).toISOString(),
    deviceId: 'oximeter-4',
  }));
  await as('dev1', 'POST', '/v1/vitals', { items });
  return fromMs + seconds * 1_000;
}

test('chronic 86 % pages until a doctor decides on scale 2 and on limits of his own, and pages again when those end', async () => {
  const nurse = await openRealtime(house.baseUrl, { token: await house.token('n1') });
  await nurse.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  await nurse.ask({ t: 'subscribe', room: 'patient:p4' });
  const isOf = (event: string, id?: string) => (frame: Frame) => {
    const data = (frame['data'] ?? {}) as { patientId?: string; alertId?: string };
    return frame['ev'] === event && data.patientId === 'p4' && (id === undefined || data.alertId === id);
  };
  const alertsRaised = (): Frame[] =>
    nurse.frames.filter((frame) => frame['room'] === 'ward:w1:alerts' && isOf('alert:raised')(frame));
  const nextAlert = async (count: number): Promise<string> => {
    const frame = await eventually(() => alertsRaised()[count - 1], { what: `alert ${count}`, withinMs: 15_000 });
    return (frame['data'] as { alertId: string }).alertId;
  };
  const untilCleared = (alertId: string): Promise<Frame> =>
    nurse.expect(isOf('alert:cleared', alertId), 'the end of the condition', 15_000);

  // By the defaults of adults he desaturates.
  const startMs = Date.now() - 30_000;
  const round = { consciousness: 'A', onOxygen: false, systolic: 128, diastolic: 74, pulse: 82, respirationRate: 20, temperature: 36.8 }; // prettier-ignore
  await as('n1', 'POST', `${patient}/chart`, round);
  let nowMs = await measure(86, 18, startMs);
  const first = await nextAlert(1);
  expect(await as('n1', 'GET', `/v1/alerts/${first}`)).toMatchObject({ kind: 'spo2-below', priority: 'high' });
  expect(await as('n1', 'GET', `${patient}/status`)).toMatchObject({ score: { score: 3, scale: 1 } });

  // The doctor knows him: scale 2 from now on, and an alarm below 83 %.
  const decision = await as('d1', 'POST', `${patient}/score-decisions`, { scale: 2, reason: 'COPD, target 88–92 %' });
  expect(decision).toMatchObject({ scale: 2, decidedBy: 'd1' });
  expect(await as('n1', 'GET', `${patient}/status`)).toMatchObject({ score: { score: 1, scale: 2 } });
  const before = new Date(Date.parse(String(decision['decidedAt'])) - 1).toISOString();
  expect(await as('n1', 'GET', `${patient}/scores?at=${before}`)).toMatchObject({ news2: { score: 3, scale: 1 } });
  const limits = [{ vital: 'spo2', below: 83, clearAt: 84, persistSeconds: 15, priority: 'high' }];
  // As long as the rest of the story takes, and no longer than a test may wait.
  const expiresAt = new Date(Date.now() + 12_000).toISOString();
  await as('d1', 'PUT', `${patient}/limits`, { limits, expiresAt });
  nowMs = await measure(86, 20, Math.max(nowMs, Date.now()));
  await untilCleared(first);
  await as('n1', 'POST', `/v1/alerts/${first}/resolve`, {});
  expect(alertsRaised()).toHaveLength(1);

  // 82 % is too little for him as well.
  nowMs = await measure(82, 17, nowMs);
  const second = await nextAlert(2);
  nowMs = await measure(86, 20, nowMs);
  await untilCleared(second);
  await as('n1', 'POST', `/v1/alerts/${second}/resolve`, {});

  // What was allowed for a time ends by itself: the defaults are back, and 86 % pages.
  await eventually(async () => ((await as('n1', 'GET', `${patient}/limits`))['origin'] === 'own' ? undefined : true), {
    what: 'the end of the limits',
    withinMs: 15_000,
  });
  await measure(86, 18, nowMs);
  const third = await nextAlert(3);
  expect(await as('n1', 'GET', `/v1/alerts/${third}`)).toMatchObject({ kind: 'spo2-below', priority: 'high' });
  expect(await as('n1', 'GET', `${patient}/status`)).toMatchObject({ score: { score: 1, scale: 2 } });
  nurse.close();
}, 90_000);
