/** What a nurse says to an alert beside taking it, and what the others of her ward see of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dirname } from 'node:path';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import { builtFile } from '@carillon/testkit/node-process';
import { startHouse, type House } from './house.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
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

testInBrowser(
  `a nurse calls the next level, says that she comes and then that she is there, and her colleague sees each${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    browser = await startBrowser(executable!);
    const complaints: string[] = [];
    const open = async (person: string): Promise<Page> => {
      const page = await browser!.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${house.baseUrl}/#person=${person}`);
      await page
        .getByTestId('link-state')
        .filter({ hasText: /^live$/ })
        .waitFor();
      return page;
    };
    const token = await house.token('n1');
    const two = {
      levels: [
        { afterSeconds: 0, needs: 2, targets: [{ kind: 'wardRole', role: 'nurse' }] },
        { afterSeconds: 600, needs: 2, targets: [{ kind: 'wardRole', role: 'nurse' }] },
        { afterSeconds: 1_200, targets: [{ kind: 'failsafe' }] },
      ],
      repeatSeconds: 600,
    };
    const policy = await call(house.baseUrl, 'PUT', '/v1/policies/default', {
      token: await house.token('d1'),
      body: two,
    });
    expect(policy.status).toBe(200);
    const [nurse, colleague] = [await open('n1'), await open('n2')];
    const alert = { kind: 'fall', patientId: 'p1', priority: 'high', message: 'Found on the floor' };
    expect((await call(house.baseUrl, 'POST', '/v1/alerts', { token, body: alert })).status).toBe(201);
    const card = (page: Page) => page.locator('[data-kind="fall"]').first();
    await card(nurse).waitFor();
    await card(nurse).getByLabel('Details').click();
    await card(nurse).getByRole('button', { name: 'Call the next level' }).click();
    await card(colleague).locator('.level').filter({ hasText: 'Level 2' }).waitFor();

    await card(nurse).getByRole('button', { name: 'Acknowledge' }).click();
    await card(colleague).locator('[data-coming="1"]').filter({ hasText: '1 of 2' }).waitFor();
    await card(nurse).getByRole('button', { name: 'I am there' }).click();
    await card(colleague)
      .getByText(/^There /)
      .waitFor();
    await card(colleague).getByRole('button', { name: 'Acknowledge' }).click();
    await card(nurse).locator('.state-word').filter({ hasText: 'Acknowledged' }).waitFor();
    expect(await card(nurse).getByRole('button', { name: 'Call the next level' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  },
  120_000,
);
