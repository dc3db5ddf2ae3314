/** What a doctor sees of the alarms that there were, and of those that there would have been. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { eventually } from '@carillon/testkit/eventually';
import { emptyFolder, removeFolders } from './folders.ts';
import { untilGone } from './processes.ts';
import { serversOf, startRealProgram } from './real-program.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
/** A folder for pictures of the pages. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 400, height: 800 } };
const running: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of running.splice(0).toReversed()) await end();
  await removeFolders();
});

testInBrowser(
  `a doctor tries other limits on what was measured, and sees how many alarms they would have raised${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    const browser = await startBrowser(executable!);
    running.push(() => browser.close());
    const home = await emptyFolder();
    const program = await startRealProgram({ home });
    let servers: number[] = [];
    running.push(async () => {
      program.signal('SIGINT');
      await program.exited;
      await untilGone(servers, 10_000);
    });
    await program.line('carillon is ready', 60_000);
    servers = serversOf(home);
    const page = await browser.newPage({ viewport: sizes.desktop, colorScheme: 'light' });
    const complaints: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${program.baseUrl}/#person=d1`);
    await page.getByTestId('bed-p1').and(page.locator('[data-live=true]')).waitFor();

    // Long times are drawn too.
    await page.getByTestId('bed-p1').locator('button').first().click();
    const detail = page.getByTestId('bed-detail');
    for (const name of ['8 h', '24 h', '90 days']) await detail.getByRole('button', { name, exact: true }).click();
    await detail.locator('.trend-chart canvas').first().waitFor();
    await detail.getByRole('button', { name: 'Close details' }).click();

    await page.getByRole('button', { name: 'Alarms', exact: true }).click();
    const load = page.getByTestId('alarm-load');
    await load.locator('[data-figure=alarms]').waitFor();
    await load.getByRole('button', { name: '31 days' }).click();
    await load.locator('[data-figure=alarms]').waitFor();

    const replay = page.getByTestId('limits-replay');
    const low = replay.locator('[data-limit=spo2-below]').first();
    await eventually(async () => ((await low.inputValue()) === '90' ? true : undefined));
    // Nobody breathes so well: each patient has this alarm after a second.
    await low.fill('100');
    await replay.getByLabel('Oxygen saturation below, high: seconds').fill('1');
    await page.getByTestId('limits-replay-start').click();
    const outcome = page.getByTestId('limits-replay-outcome');
    await outcome.and(page.locator('[data-state=done]')).waitFor({ timeout: 60_000 });
    expect(Number(await outcome.locator('[data-figure=would]').textContent())).toBeGreaterThanOrEqual(6);
    expect(Number(await outcome.locator('[data-figure=would-per-bed-day]').textContent())).toBeGreaterThan(1);
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await outcome.scrollIntoViewIfNeeded();
      if (pictures !== undefined) await writeFile(join(pictures, `alarms-${size}.png`), await page.screenshot());
      const beyond = await page.evaluate(`[...document.querySelectorAll('button, input, select, h2, h3')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 120))`);
      expect({ size, beyond }).toEqual({ size, beyond: [] });
    }
    expect(complaints).toEqual([]);
  },
  150_000,
);
