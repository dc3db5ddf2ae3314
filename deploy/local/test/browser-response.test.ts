import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import { builtFile } from '@carillon/testkit/node-process';
import { startHouse, type House } from './house.ts';

const pictures = process.env['CARILLON_TEST_PICTURES'];
const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;

let house: House;
beforeAll(async () => {
  const consoleFolder = join(builtFile('services/console/dist/index.html'), '..');
  house = await startHouse({ CARILLON_CONSOLE_DIR: consoleFolder, CARILLON_CANARY_SECONDS: '2' });
}, 120_000);
afterAll(async () => {
  await house.stop();
});

testInBrowser(
  'operators see how quickly alarms are answered, and that the test alarm comes through',
  async () => {
    const token = await house.token('n1');
    const body = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'On the floor' };
    const raised = await call(house.baseUrl, 'POST', '/v1/alerts', { token, body });
    const path = `/v1/alerts/${String(raised.body['alertId'])}/acknowledge`;
    expect((await call(house.baseUrl, 'POST', path, { token })).status).toBe(200);

    const browser = await startBrowser(executable!);
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 1200 } });
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${house.baseUrl}/#person=o1`);
      await page.getByRole('button', { name: 'Operations' }).click();
      const panel = page.getByTestId('response');
      // The canary answers alarms all the time: none of them is counted.
      await panel.getByText('all alerts (1)').waitFor({ state: 'attached' });
      expect(await panel.getByRole('row', { name: /Opened to acknowledged/ }).innerText()).toMatch(/\d+ ms|\d\.\d s/);
      await panel.getByRole('button', { name: 'by priority' }).click();
      await panel.getByText('high (1)').waitFor({ state: 'attached' });
      await panel.getByRole('combobox').selectOption({ label: 'high (1)' });
      expect(await panel.innerText()).toContain('Answered at the first level');

      const figures = page.getByTestId('gateway-figures');
      await figures
        .getByText(/^\d+ ms$/)
        .first()
        .waitFor({ timeout: 30_000 });
      if (pictures !== undefined) await writeFile(join(pictures, 'carillon-response.png'), await page.screenshot());
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  90_000,
);
