/** A patient is moved on one page, and what becomes of it on the pages of the two wards. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { builtFile } from '@carillon/testkit/node-process';
import { startHouse, type House } from './house.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
/** A folder for pictures of the pages. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
const builtConsole = dirname(builtFile('services/console/dist/index.html'));
let house: House;
let browser: Awaited<ReturnType<typeof startBrowser>> | undefined;
beforeAll(async () => {
  house = await startHouse({ CARILLON_CONSOLE_DIR: builtConsole });
});
afterAll(async () => {
  await browser?.close();
  await house.stop();
});

const desktop = { width: 1440, height: 900 };
const phone = { width: 400, height: 800 };

async function takePictures(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    if (pictures !== undefined) await writeFile(join(pictures, `${name}-${size}.png`), await page.screenshot());
    const beyond = await page.evaluate(`[...document.querySelectorAll('button, select, input, h1, h2, h3, table')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
      .map((element) => element.outerHTML.slice(0, 120))`);
    expect({ name, size, beyond }).toEqual({ name, size, beyond: [] });
  }
  await page.setViewportSize(desktop);
}

/** Says yes to what is asked. */
async function confirm(page: Page, form: string, question: RegExp, answer: RegExp): Promise<void> {
  await page.getByTestId(`${form}-ask`).click();
  expect(await page.getByTestId(`${form}-question`).textContent()).toMatch(question);
  await page.getByTestId(`${form}-confirm`).click();
  const said = page.getByTestId(`${form}-answer`).filter({ hasText: /./ });
  await said.waitFor();
  expect(await said.textContent()).toMatch(answer);
}

testInBrowser(
  `a patient who is transferred leaves one board with his alert and comes to the other${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    browser = await startBrowser(executable!);
    const complaints: string[] = [];
    const open = async (person: string): Promise<Page> => {
      const page = await browser!.newPage({ viewport: desktop, colorScheme: 'light' });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${house.baseUrl}/#person=${person}`);
      await page
        .getByTestId('link-state')
        .filter({ hasText: /^live$/ })
        .waitFor();
      return page;
    };
    const [operator, oldWard, newWard] = [await open('o1'), await open('n2'), await open('n3')];
    const alert = { kind: 'fall', patientId: 'p1', priority: 'medium', message: 'Found on the floor' };
    await call(house.baseUrl, 'POST', '/v1/alerts', { token: await house.token('n1'), body: alert });
    const card = (page: Page) => page.locator('[data-kind="fall"]');
    await card(oldWard).waitFor();
    expect(await card(newWard).count()).toBe(0);

    await operator.getByRole('button', { name: 'Admissions' }).click();
    expect(await operator.getByTestId('beds-w1').textContent()).toContain('Aminah Salleh');
    const transfer = operator.getByTestId('transfer');
    await transfer.locator('select[name=patient]').selectOption('p1');
    await transfer.locator('select[name=bed]').selectOption('w2 w2-b3');
    await transfer.locator('select[name=nurse]').selectOption('n3');
    await takePictures(operator, 'admissions');
    await confirm(operator, 'transfer', /moves to Medical ward, Bed 3\. 1 open alert goes along/, /was moved/);
    await operator.getByTestId('beds-w2').getByText('Aminah Salleh').waitFor();

    await card(newWard).waitFor();
    await card(oldWard).waitFor({ state: 'detached' });
    await oldWard.getByRole('listitem').filter({ hasText: 'Aminah Salleh is on your ward no more.' }).waitFor();
    await newWard.getByTestId('bed-p1').waitFor({ timeout: 30_000 });
    await oldWard.getByTestId('bed-p1').waitFor({ state: 'detached', timeout: 30_000 });
    await newWard.getByTestId('ward-line').filter({ hasText: '3 of 4 beds taken' }).waitFor({ timeout: 30_000 });
    await takePictures(newWard, 'ward');

    // A nurse discharges who lies on her ward; the alert stays until somebody answers it.
    await newWard.getByRole('button', { name: 'Admissions' }).click();
    expect(await newWard.getByTestId('beds-w1').textContent()).not.toContain('Lim Boon Keat');
    const discharge = newWard.getByTestId('discharge');
    await discharge.locator('select[name=patient]').selectOption('p1');
    await confirm(newWard, 'discharge', /Aminah Salleh leaves\. 1 open alert stays with the ward/, /was discharged/);
    await newWard.getByRole('button', { name: 'Board' }).click();
    await newWard.getByTestId('bed-p1').waitFor({ state: 'detached' });
    await card(newWard).waitFor();

    // Who has a long list finds her by her name, and gives her a bed again.
    const admit = operator.getByTestId('admit');
    await admit.getByRole('searchbox').fill('aminah');
    await admit.locator('select[name=patient] option').nth(2).waitFor({ state: 'detached' });
    await admit.locator('select[name=patient]').selectOption({ label: 'Aminah Salleh' });
    await admit.locator('select[name=bed]').selectOption('w1 w1-b1');
    await confirm(operator, 'admit', /Aminah Salleh lies in Intensive care, Bed 1/, /was admitted/);
    await oldWard.getByTestId('bed-p1').waitFor({ timeout: 30_000 });

    await operator.getByRole('button', { name: 'Operations' }).click();
    const hospital = operator.getByTestId('figures-hospital');
    await eventually(async () => ((await hospital.textContent())?.startsWith('Hospital102') ? true : undefined), {
      withinMs: 30_000,
    });
    await takePictures(operator, 'operations');
    expect(complaints).toEqual([]);
  },
  120_000,
);
