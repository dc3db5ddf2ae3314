/** An operator sees when nobody would come, and closes the gap. */
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
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await house.stop();
}, 30_000);

const put = async (person: string, path: string, body: unknown): Promise<void> => {
  const answer = await call(house.baseUrl, 'PUT', path, { token: await house.token(person), body });
  expect([path, answer.status]).toEqual([path, 200]);
};

testInBrowser(
  `the page names the ward that nobody would come to, and who steps in is on call${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    // On call in a year only: until then the policy of the ward reaches nobody but the failsafe.
    const startsOn = new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 10);
    await put('o1', '/v1/schedules/stroke', {
      name: 'Stroke doctor',
      timeZone: 'Asia/Kuala_Lumpur',
      layers: [{ people: ['d1'], startsOn, handOverAt: '08:00', everyDays: 7 }],
    });
    await put('d1', '/v1/policies/of-w1', {
      applies: { wards: ['w1'] },
      levels: [{ afterSeconds: 0, targets: [{ kind: 'schedule', schedule: 'stroke' }, { kind: 'failsafe' }] }],
      repeatSeconds: 60,
    });
    browser = await startBrowser(executable!);
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${house.baseUrl}/#person=o1`);
    await page.getByRole('button', { name: 'Operations' }).click();

    const summary = page.getByTestId('coverage-summary');
    await summary.filter({ hasText: /^1 of 2 wards would call nobody but the failsafe/ }).waitFor();
    const ward = page.getByTestId('coverage-w1');
    await ward.locator('summary').click();
    expect(await ward.textContent()).toMatch(/high, medium, low, only the failsafe/);
    if (pictures !== undefined) await writeFile(join(pictures, 'coverage.png'), await page.screenshot());
    const policy = page.getByTestId('policy-of-w1');
    expect(await policy.locator('summary').textContent()).toBe('of-w1 for wards w1');
    await policy.locator('summary').click();
    await policy.getByText('At once: who is on call for stroke, the failsafe (operators)').waitFor();
    const stroke = page.getByTestId('on-call-stroke');
    expect(await stroke.textContent()).toMatch(/nobody/);

    const form = page.getByTestId('step-in');
    await form.locator('input[name=person]').fill('d1');
    await form.locator('select[name=hours]').selectOption('24');
    await page.getByTestId('step-in-ask').click();
    expect(await page.getByTestId('step-in-question').textContent()).toMatch(/“Stroke doctor” for the next 24 hours/);
    await page.getByTestId('step-in-confirm').click();
    await page
      .getByTestId('step-in-answer')
      .filter({ hasText: /^On call until/ })
      .waitFor();
    await stroke.filter({ hasText: /^Stroke doctor(?!nobody)/ }).waitFor();
    // Covered for a day: what is left of the gap begins tomorrow.
    const tomorrow = new Date(Date.now() + 86_400_000).toLocaleDateString('en', { weekday: 'short' });
    await ward
      .locator('li')
      .filter({ hasText: new RegExp(`^${tomorrow} `) })
      .waitFor({ state: 'attached' });
    await page.setViewportSize({ width: 400, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    if (pictures !== undefined) await writeFile(join(pictures, 'coverage-phone.png'), await page.screenshot());
    expect(complaints).toEqual([]);
  },
  60_000,
);
