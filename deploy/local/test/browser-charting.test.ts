/** A nurse charts at the bed what the score asks for, and a doctor decides on its scale; each sees what the other did. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import { builtFile } from '@carillon/testkit/node-process';
import { startHouse } from './house.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
/** A folder for pictures of the pages. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
const running: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of running.splice(0).toReversed()) await end();
});

async function takePicture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined) await writeFile(join(pictures, `charting-${name}.png`), await page.screenshot());
}

testInBrowser(
  `by keyboard a nurse charts what the score asks for, and a doctor decides on scale 2${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    const browser = await startBrowser(executable!);
    running.push(() => browser.close());
    const house = await startHouse({ CARILLON_CONSOLE_DIR: dirname(builtFile('services/console/dist/index.html')) });
    running.push(() => house.stop());
    const complaints: string[] = [];
    const open = async (person: string): Promise<Page> => {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
      page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${house.baseUrl}/#person=${person}`);
      await page.getByTestId('bed-p4').waitFor();
      return page;
    };
    const [nurse, doctor] = [await open('n1'), await open('d1')];
    const measuredAt = new Date().toISOString();
    const values = { spo2: 91, pulse: 84, respirationRate: 18 };
    const items = Object.entries(values).map(([vital, value]) => ({ patientId: 'p4', vital, value, measuredAt }));
    await call(house.baseUrl, 'POST', '/v1/vitals', { token: await house.token('dev1'), body: { items } });

    const badge = (page: Page) => page.getByTestId('bed-p4').locator('.score');
    await badge(nurse).filter({ hasText: 'ask O₂, Sys +2' }).waitFor();
    await nurse.keyboard.press('4');
    await nurse.getByTestId('bed-detail').waitFor();
    await nurse.keyboard.press('c');
    const chart = nurse.getByTestId('chart');
    await chart.waitFor();
    expect(await chart.getByText('asked for').count()).toBe(4);
    await chart.getByLabel('Alert', { exact: true }).check();
    await chart.getByLabel('Oxygen', { exact: true }).check();
    await chart.getByLabel('Flow in L/min').fill('2');
    await chart.getByLabel('Systolic pressure').fill('118');
    await chart.getByLabel('Temperature').fill('38.4');
    await takePicture(nurse, 'dialog');
    await nurse.getByTestId('chart-send').click();
    await chart.waitFor({ state: 'detached' });
    await nurse.getByTestId('bed-p4-news2').filter({ hasText: /^6$/ }).waitFor();
    await doctor.getByTestId('bed-p4-news2').filter({ hasText: /^6$/ }).waitFor();
    await nurse.getByTestId('bed-p4-charted').filter({ hasText: 'ACVPU A · O₂ 2.0 L/min' }).waitFor();
    const detail = nurse.getByTestId('bed-detail');
    await detail.getByText(/Consciousness charted by .+ at \d\d:\d\d, counts until \d\d:\d\d/).waitFor();
    await detail.getByTestId('mews').waitFor();
    await detail.getByText('Royal College of Physicians. National Early Warning Score').waitFor();
    expect(await detail.getByTestId('decide-score').count()).toBe(0);
    await detail.getByText('Keep a total from elsewhere').click();
    const stated = detail.getByTestId('state-score');
    await stated.getByLabel('Total').fill('4');
    await stated.getByLabel('Who or what computed it').fill('paper chart');
    await nurse.getByTestId('state-score-send').click();
    await detail.getByText(/NEWS2 4 stated by paper chart at \d\d:\d\d, differs: ours 6/).waitFor();

    await doctor.keyboard.press('4');
    await doctor.getByText('Decide on the scale').click();
    const decide = doctor.getByTestId('decide-score');
    await decide.getByLabel('Scored by').selectOption('scale2');
    await decide.getByLabel('Reason').fill('COPD, target 88 to 92 %');
    await doctor.getByTestId('decide-score-send').click();
    await nurse.getByTestId('bed-p4-news2').filter({ hasText: /^3$/ }).waitFor();
    await detail.getByTestId('score-decision').filter({ hasText: 'SpO₂ scale 2' }).waitFor();
    expect(await detail.getByTestId('score-decision').textContent()).toContain('COPD, target 88 to 92 %');
    await takePicture(nurse, 'detail');

    await decide.getByLabel('Scored by').selectOption('none');
    await decide.getByLabel('Reason').fill('She is pregnant');
    await doctor.getByTestId('decide-score-send').click();
    await badge(nurse).filter({ hasText: 'NEWS2 does not apply' }).waitFor();
    await detail.getByTestId('mews').waitFor({ state: 'detached' });
    await takePicture(nurse, 'withheld');
    await nurse.keyboard.press('Escape');
    await takePicture(nurse, 'board');
    expect(complaints).toEqual([]);
  },
  120_000,
);
