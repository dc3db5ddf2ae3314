/** A nurse puts a warning limit for some hours, a doctor sets all; each sees whose limits hold and until when. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
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
  if (pictures !== undefined) await writeFile(join(pictures, `limits-${name}.png`), await page.screenshot());
}

testInBrowser(
  `a nurse puts a warning limit for some hours and is told where a doctor must, who then sets it${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
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
      await page.keyboard.press('4');
      await page.getByTestId('bed-detail').waitFor();
      return page;
    };
    const [nurse, doctor] = [await open('n1'), await open('d1')];
    const origin = (page: Page) => page.getByTestId('limits-origin');
    const cell = (page: Page, name: string) => page.getByTestId('bed-detail').getByRole('cell', { name, exact: true });
    await origin(nurse).filter({ hasText: 'Default set “adult”, not signed off' }).waitFor();

    // Only warnings are hers; beyond the range of the set the server says who may.
    await nurse.getByTestId('limits-open').click();
    const form = nurse.getByTestId('limits-form');
    expect(await form.getByLabel('Oxygen saturation below, high').count()).toBe(0);
    await form.getByLabel('Respiration rate above, medium').fill('40');
    await nurse.getByTestId('limits-send').click();
    await nurse.getByTestId('limits-failure').filter({ hasText: 'beyond that a doctor sets it' }).waitFor();
    await takePicture(nurse, 'refused');
    await form.getByLabel('Respiration rate above, medium').fill('25');
    await nurse.getByTestId('limits-send').click();
    await form.waitFor({ state: 'detached' });
    await cell(doctor, '> 25').waitFor();
    await origin(doctor)
      .filter({ hasText: /Set for this patient by .+, until / })
      .waitFor();

    await doctor.getByTestId('limits-open').click();
    const whole = doctor.getByTestId('limits-form');
    await whole.getByLabel('Oxygen saturation below, high').fill('85');
    await whole.getByLabel('Heart rate below, high').fill('');
    await whole.getByLabel('Another limit: vital sign').selectOption('temperature');
    await whole.getByLabel('Another limit: value').fill('38.5');
    await whole.getByText('More').first().click();
    await whole.getByLabel('Stays clear for, s').first().fill('20');
    await whole.getByLabel('Stays until answered').first().check();
    const added = whole.getByRole('row').filter({ has: doctor.getByLabel('Another limit: value') });
    await added.getByText('More').click();
    await added.getByLabel('From').fill('22:00');
    await added.getByLabel('To', { exact: true }).fill('06:00');
    await added.getByLabel('Sat').check();
    await whole.getByText('Another slow change').click();
    const trend = whole.getByRole('group', { name: 'Another slow change' });
    await trend.getByRole('combobox').first().selectOption('news2');
    await trend.getByLabel('By', { exact: true }).fill('3');
    await whole.getByText('Another combination').click();
    const both = whole.getByRole('group', { name: 'Another combination' });
    await both.getByLabel('Name').fill('shock');
    await both.getByLabel('Part 1: vital sign').selectOption('pulse');
    await both.getByLabel('Part 1: value').fill('110');
    await both.getByLabel('Part 2: vital sign').selectOption('systolic');
    await both.getByLabel('Part 2: side').selectOption('below');
    await both.getByLabel('Part 2: value').fill('100');
    await takePicture(doctor, 'doctor');
    await doctor.getByTestId('limits-send').click();
    await whole.waitFor({ state: 'detached' });
    await cell(nurse, '< 85').waitFor();
    await cell(nurse, '15 s, clear for 20 s, until answered').waitFor();
    await cell(nurse, '> 38.5').waitFor();
    await cell(nurse, '15 s, 22:00–06:00 Sat').waitFor();
    await cell(nurse, 'NEWS2 rising by 3 points in 60 min').waitFor();
    await cell(nurse, 'Pulse > 110 and Systolic pressure < 100').waitFor();
    expect(await cell(nurse, '< 40').count()).toBe(0);
    await nurse.getByText('Earlier limits').click();
    const history = nurse.getByTestId('limits-history').locator('li');
    await history.filter({ hasText: 'Dr Farid Hakim' }).filter({ hasText: 'Temp > 38.5' }).waitFor();
    await history
      .filter({ hasText: /\d to \w/ })
      .filter({ hasText: 'Resp > 25' })
      .waitFor();
    await takePicture(nurse, 'detail');
    // The default set is the product's until a doctor has looked at it and signed.
    await doctor.getByRole('button', { name: 'Close details' }).click();
    await doctor.getByRole('button', { name: 'Alarms', exact: true }).click();
    const adult = doctor.getByTestId('limit-set-adult');
    await adult.filter({ hasText: 'not signed off' }).waitFor();
    await takePicture(doctor, 'sets');
    await adult.getByRole('button').click();
    await doctor.getByTestId('limit-set-sign').click();
    await adult.filter({ hasText: 'Dr Farid Hakim' }).waitFor();

    // Another set begins with one that is there; it waits for a doctor who did not write it.
    await adult.getByRole('button').click();
    await doctor.getByTestId('limit-set-change').click();
    const set = doctor.getByTestId('limit-set-form');
    await set.getByLabel('Name', { exact: true }).first().fill('adult-ward');
    await set.getByLabel('In words').fill('Adults of the ward');
    await set.getByLabel('Ward').selectOption({ index: 1 });
    await set.getByLabel('Oxygen saturation below, high').fill('88');
    await takePicture(doctor, 'set');
    await doctor.getByTestId('limit-set-send').click();
    const draft = doctor.getByTestId('limit-set-adult-ward');
    await draft.filter({ hasText: 'draft' }).waitFor();
    await draft.getByRole('button').click();
    await doctor.getByRole('cell', { name: '< 88', exact: true }).waitFor();
    // The refusal is one of the fetch itself.
    expect(complaints.filter((text) => !text.includes('400'))).toEqual([]);
  },
  120_000,
);
