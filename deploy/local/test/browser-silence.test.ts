/** A nurse silences what is not urgent of a patient; his alarms stay on the board, and call again when she says so. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import { builtFile } from '@carillon/testkit/node-process';
import { startHouse, type House } from './house.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
/** A folder for pictures of the pages. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
let house: House;
let browser: Awaited<ReturnType<typeof startBrowser>> | undefined;
beforeAll(async () => {
  house = await startHouse({ CARILLON_CONSOLE_DIR: dirname(builtFile('services/console/dist/index.html')) });
});
afterAll(async () => {
  await browser?.close();
  await house.stop();
});

testInBrowser(
  `an alarm that is silenced stays on the board and calls nobody until the silence ends${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    browser = await startBrowser(executable!);
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${house.baseUrl}/#person=n1`);
    await page.getByTestId('bed-p1').locator('button').first().click();
    const silences = page.getByTestId('bed-detail').getByTestId('silences');
    await silences.getByText('Alarms call as usual.').waitFor();
    await silences.getByTestId('silence-open').click();
    await silences.getByLabel('For').selectOption('5');
    await silences.getByLabel('Reason').fill('turning him');
    await silences.getByTestId('silence-start').click();
    await silences.getByText(/medium and low priority call nobody until \d\d:\d\d: turning him/).waitFor();

    const alert = { kind: 'assistance', patientId: 'p1', priority: 'medium', message: 'Please come and help' };
    await call(house.baseUrl, 'POST', '/v1/alerts', { token: await house.token('n2'), body: alert });
    await page
      .getByText(/^Silenced until/)
      .first()
      .waitFor();
    expect(await page.getByTestId('page-banner').count()).toBe(0);
    if (pictures !== undefined) await writeFile(join(pictures, 'silence.png'), await page.screenshot());

    await silences.getByRole('button', { name: 'Call again' }).click();
    await silences.getByText('Alarms call as usual.').waitFor();
    await page.getByTestId('page-banner').filter({ hasText: 'Please come and help' }).waitFor();
    expect(complaints).toEqual([]);
  },
  60_000,
);
