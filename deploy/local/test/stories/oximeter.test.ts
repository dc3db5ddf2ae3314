/** The oximeter falls off the finger of a patient who desaturates: nobody may take that for a recovery. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { findChromium, startBrowser, type Browser } from '@carillon/testkit/browser';
import { call, openRealtime, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startHouse, type House } from '../house.ts';

/** The nurse looks at her board as well, where a Chromium is installed. */
const executable = findChromium();
const consoleFolder = fileURLToPath(new URL('../../../../services/console/dist', import.meta.url));

let house: House;
let browser: Browser | undefined;
beforeAll(async () => {
  house = await startHouse({ CARILLON_CONSOLE_DIR: consoleFolder });
  browser = executable === undefined ? undefined : await startBrowser(executable);
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await house.stop();
});

type Alert = { kind: string; priority: string; patientId: string };
const get = async (path: string): Promise<Record<string, unknown>> =>
  (await call(house.baseUrl, 'GET', path, { token: await house.token('n1') })).body;

/** The oximeter sends a value a second; what it buffered before comes with the first. */
async function wear(value: number, seconds: number, bufferedSeconds = 0): Promise<void> {
  const token = await house.token('dev1');
  for (let second = 0; second < seconds; second++) {
    const buffered = second === 0 ? bufferedSeconds : 0;
    const items = Array.from({ length: buffered + 1 }, (_, index) => ({
      patientId: 'p1',
      vital: 'spo2',
      value,
      measuredAt: new Date(Date.now() - (buffered - index) * 1_000).toISOString(),
      deviceId: 'oximeter-1',
    }));
    await call(house.baseUrl, 'POST', '/v1/vitals', { token, body: { items } });
    // The rate is what the house learns: this is the time that the story takes.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

test('the oximeter falls off: one technical page 15 s later, the desaturation stays, and ends by measurement only', async () => {
  const nurse = await openRealtime(house.baseUrl, { token: await house.token('n1') });
  await nurse.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  await nurse.ask({ t: 'subscribe', room: 'person:n1' });
  const alertOf = ({ data }: Frame): Alert => (data as { alert?: Alert }).alert ?? (data as Alert);
  const seen = (event: string): Alert[] =>
    nurse.frames
      .filter((frame) => frame['ev'] === event)
      .map(alertOf)
      .filter(({ patientId }) => patientId === 'p1');
  const until = (event: string, kind: string, withinMs: number): Promise<Alert> =>
    eventually(() => seen(event).find((alert) => alert.kind === kind), { what: `${event} ${kind}`, withinMs });
  const kindsOf = (event: string): string[] => seen(event).map(({ kind }) => kind);

  const page = await browser?.newPage();
  await page?.goto(`${house.baseUrl}/#person=n1`);
  const band = page?.getByTestId('bed-p1-signals');

  await wear(84, 12, 10);
  expect(await until('alert:raised', 'spo2-below', 15_000)).toMatchObject({ priority: 'high' });

  // It falls off, and the nurse is told of it once.
  const technical = await until('alert:raised', 'spo2-absent', 25_000);
  expect(technical).toMatchObject({ priority: 'medium', message: 'SpO2: nothing comes' });
  expect(await get('/v1/patients/p1/status')).toMatchObject({
    signals: [{ vital: 'spo2', state: 'absent', reason: 'silent' }],
    conditions: expect.arrayContaining([{ kind: 'spo2-below', priority: 'high' }]),
  });
  expect(kindsOf('alert:cleared')).toEqual([]);
  await until('page:new', 'spo2-absent', 15_000);
  expect(kindsOf('page:new').filter((kind) => kind === 'spo2-absent')).toHaveLength(1);

  await band?.waitFor();
  expect(await band?.textContent()).toBe(page === undefined ? undefined : 'Sensor offSpO₂');

  // She puts it back. It measures again, and that alone ends no desaturation.
  await wear(88, 2);
  await until('alert:cleared', 'spo2-absent', 15_000);
  expect(kindsOf('alert:cleared')).toEqual(['spo2-absent']);
  await band?.waitFor({ state: 'detached' });
  await wear(97, 12);
  await until('alert:cleared', 'spo2-below', 15_000);
  nurse.close();
}, 120_000);
