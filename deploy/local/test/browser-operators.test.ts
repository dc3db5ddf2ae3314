/** What operators do in the console, and what becomes of it on the pages of others. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { figure } from '@carillon/testkit/figures';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
import { call, tokenOf } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { patience } from '@carillon/testkit/patience';
import { emptyFolder, removeFolders } from './folders.ts';
import { untilGone } from './processes.ts';
import { serversOf, startRealProgram } from './real-program.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
/** A folder for pictures of the pages. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
const running: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of running.splice(0).toReversed()) await end();
  await removeFolders();
});

const phone = { width: 400, height: 800 };
const desktop = { width: 1440, height: 900 };

/** Of both sizes; and nothing may lie beyond the edge of a phone. */
async function takePictures(page: Page, name: string, shown?: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    if (shown !== undefined) await page.getByTestId(shown).scrollIntoViewIfNeeded();
    if (pictures !== undefined) {
      await writeFile(join(pictures, `operators-${name}-${size}.png`), await page.screenshot());
    }
    const beyond = await page.evaluate(`[...document.querySelectorAll('button, input, h1, h2, h3, .notice')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
      .map((element) => element.outerHTML.slice(0, 120))`);
    expect({ name, size, beyond }).toEqual({ name, size, beyond: [] });
  }
  await page.setViewportSize(desktop);
}

/** As a field for a local time wants it. */
function fromNow(hours: number): string {
  const at = Date.now() + hours * 3_600_000;
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Fills nothing in: says yes to what is asked. */
async function confirm(page: Page, form: string, question: RegExp, answer: RegExp): Promise<void> {
  await page.getByTestId(`${form}-ask`).click();
  expect(await page.getByTestId(`${form}-question`).textContent()).toMatch(question);
  await page.getByTestId(`${form}-confirm`).click();
  const said = page.getByTestId(`${form}-answer`).filter({ hasText: /./ });
  await said.waitFor();
  expect(await said.textContent()).toMatch(answer);
}

testInBrowser(
  `an operator tells the hospital something and disconnects a nurse, and her page shows both${executable === undefined ? ' (skipped: there is no Chromium)' : ''}`,
  async () => {
    const browser = await startBrowser(executable!);
    running.push(() => browser.close());
    const complaints: string[] = [];
    const open = async (): Promise<Page> => {
      const page = await browser.newPage({ viewport: desktop, colorScheme: 'light' });
      page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
      page.on('pageerror', (error) => complaints.push(error.message));
      return page;
    };
    const [operator, nurse] = [await open(), await open()];

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
    const isLive = (page: Page) =>
      page
        .getByTestId('link-state')
        .filter({ hasText: /^live$/ })
        .waitFor();
    await nurse.goto(`${program.baseUrl}/#person=n1`);
    await operator.goto(`${program.baseUrl}/#person=o1`);
    await Promise.all([isLive(nurse), isLive(operator)]);

    // Who is there: the operator has no ward, and is not of this one.
    const presence = nurse.getByTestId('ward-presence');
    await presence.filter({ hasText: /^On the ward now: 1(?!\d| \()/ }).waitFor();
    expect(await operator.getByTestId('ward-presence').count()).toBe(0);

    const views = operator.getByRole('navigation', { name: 'Views' });
    await views.getByRole('button', { name: 'Operations' }).click();
    const figures = operator.getByTestId('gateway-figures');
    await figures.getByText('of role nurse').waitFor();
    await takePictures(operator, 'page');

    const form = operator.getByTestId('publish-notice');
    await form.getByRole('textbox', { name: 'Title' }).fill('Lift B is out of order');
    await form.getByRole('textbox', { name: 'Text' }).fill('Until noon, use lift A.');
    await form.getByRole('radio', { name: 'Warning' }).check();
    await operator.getByTestId('publish-notice-ask').click();
    await takePictures(operator, 'question', 'publish-notice-question');
    await operator.getByTestId('publish-notice').getByRole('button', { name: 'Cancel' }).click();
    const publishedAt = performance.now();
    await confirm(
      operator,
      'publish-notice',
      /All staff of the hospital will see “Lift B is out of order”/,
      /^Published/,
    );
    const notice = nurse.getByRole('article').filter({ hasText: 'Lift B is out of order' });
    await notice.waitFor({ timeout: patience(2_000) });
    figure(`a notice was on another page ${Math.round(performance.now() - publishedAt)} ms after the click`);
    expect(await notice.textContent()).toMatch(/Warning.*use lift A.*since \d\d:\d\d.*from Olivia Tan/);
    await operator.getByRole('article').filter({ hasText: 'Lift B' }).waitFor();

    // An emergency goes above it, is said at once, and cannot be put away.
    await form.getByRole('radio', { name: 'Emergency' }).check();
    await form.getByRole('textbox', { name: 'Title' }).fill('Fire alarm in building 2');
    await form.getByRole('textbox', { name: 'Text' }).fill('Close all doors. '.repeat(20));
    await operator.getByTestId('publish-notice-ask').click();
    // Without an end it would stay: the form asks for one.
    expect(await operator.getByTestId('publish-notice-question').count()).toBe(0);
    await form.getByLabel('Until').fill(fromNow(1));
    await confirm(operator, 'publish-notice', /Nobody can put it away/, /^Published/);
    const emergency = nurse.locator('[aria-live=assertive] article').filter({ hasText: 'Fire alarm in building 2' });
    await emergency.waitFor();
    expect(await emergency.getByRole('button', { name: 'Put away' }).count()).toBe(0);
    await takePictures(nurse, 'notices');
    await nurse.emulateMedia({ colorScheme: 'dark' });
    await takePictures(nurse, 'notices-dark');
    await nurse.emulateMedia({ colorScheme: 'light' });
    await notice.getByRole('button', { name: 'Put away' }).click();
    await notice.waitFor({ state: 'detached' });
    await nurse.reload();
    await emergency.waitFor();
    expect(await notice.count()).toBe(0);
    await isLive(nurse);

    // A device is made known, bound at the bed, and then it is in the list of the operator.
    const device = operator.getByTestId('register-device');
    await device.getByLabel('Id, as the device gives it').fill('monitor-9');
    await device.getByLabel('Kind').fill('monitor');
    await device.getByLabel('Name').fill('Monitor nine');
    await confirm(operator, 'register-device', /^Monitor nine \(monitor-9\) is known/, /^Monitor nine is registered/);
    await nurse.locator('[data-bed-index="0"]').click();
    await nurse.getByTestId('bed-devices').getByText('Devices').click();
    await nurse.getByTestId('bind-device').getByLabel('Id on the label of the device').fill('monitor-9');
    await confirm(
      nurse,
      'bind-device',
      /^monitor-9 measures on Aminah Salleh from now on/,
      /^Monitor nine measures on/,
    );
    await operator.getByTestId('device-monitor-9').filter({ hasText: 'p1' }).waitFor({ timeout: 30_000 });
    await nurse.getByRole('button', { name: 'Close details' }).click();

    // Many are called: it is on every page until it is over.
    const ofAdmin = { token: await tokenOf(program.baseUrl, 'a1') };
    const team = { name: 'Code team', people: ['d1', 'd2'], isCalledOffShift: true };
    await call(program.baseUrl, 'PUT', '/v1/groups/code-team', { ...ofAdmin, body: team });
    await nurse.getByRole('button', { name: 'Raise' }).click();
    await nurse.getByRole('radio', { name: 'Cardiac arrest' }).check();
    await nurse.getByTestId('raise-group').selectOption('code-team');
    await nurse.getByRole('textbox', { name: 'Message' }).fill('Aminah has no pulse');
    await takePictures(nurse, 'raise');
    await nurse.getByTestId('raise-send').click();
    const inWard = (page: Page) => page.getByRole('article').filter({ hasText: 'Cardiac arrest: Intensive care' });
    await Promise.all([inWard(nurse).waitFor(), inWard(operator).waitFor()]);
    await takePictures(nurse, 'emergency');
    await nurse.reload();
    await inWard(nurse).waitFor();
    expect(await inWard(nurse).textContent()).toMatch(/Code team is called/);
    expect(await inWard(nurse).textContent()).not.toContain('Aminah');
    await operator.getByTestId('emergency-end').click();
    await operator.getByTestId('emergency-end-confirm').click();
    await Promise.all([nurse, operator].map((page) => inWard(page).waitFor({ state: 'detached' })));
    await isLive(nurse);

    // To a topic: only those who follow it, and its sender hears that it was on a screen.
    const token = await tokenOf(program.baseUrl, 'n1');
    await call(program.baseUrl, 'PUT', '/v1/topics/lifts', { token });
    await form.getByRole('radio', { name: 'Topic' }).check();
    await form.getByRole('textbox', { name: 'Topic' }).fill('lifts');
    await form.getByRole('textbox', { name: 'Title' }).fill('Lift B runs again');
    await confirm(operator, 'publish-notice', /Everybody who follows lifts will see/, /^Published/);
    const ofTopic = nurse.getByRole('article').filter({ hasText: 'Lift B runs again' });
    await ofTopic.getByText('Topic lifts').waitFor();
    const noticeId = (await ofTopic.getAttribute('data-testid'))?.replace('notice-', '');
    await eventually(
      async () => {
        // Another than the operator: asking often would use up the calls of the page.
        const { body } = await call(program.baseUrl, 'GET', `/v1/notices/${noticeId}`, ofAdmin);
        return body['displayed'] === 1 ? body : undefined;
      },
      { what: 'the receipt of the notice' },
    );
    expect(await operator.getByRole('article').filter({ hasText: 'Lift B runs again' }).count()).toBe(0);

    const subscription = operator.getByTestId('end-subscription');
    await subscription.getByLabel('Person').fill('n1');
    await subscription.getByLabel('Room').fill('ward:w1:alerts');
    await confirm(operator, 'end-subscription', /gets nothing more of ward:w1:alerts/, /^ward:w1:alerts was ended for/);
    await nurse.getByRole('listitem').filter({ hasText: 'An operator has ended ward:w1:alerts' }).waitFor();

    const disconnect = operator.getByTestId('disconnect');
    await disconnect.getByLabel('Person').fill('n1');
    await disconnect.getByLabel('Reason').fill('The device was left unattended');
    await confirm(operator, 'disconnect', /All pages and devices of Siti Rahman \(n1\)/, /was disconnected at/);
    const banner = nurse.getByTestId('link-banner');
    await banner.waitFor({ timeout: patience(2_000) });
    expect(await banner.textContent()).toMatch(/Not live.*disconnected by an operator/);
    expect(await presence.textContent()).toMatch(/^Not live\. On the ward at/);
    await takePictures(nurse, 'disconnected');

    // What is refused has the words of the server.
    await form.getByLabel('Title').fill('Too long ahead');
    await form.getByLabel('Until').fill(fromNow(40 * 24));
    await confirm(operator, 'publish-notice', /Too long ahead/, /^Not done\. until: .+ 30 days \(bad_input\)$/);
    await takePictures(operator, 'refused', 'publish-notice-answer');

    await nurse.getByRole('button', { name: 'Reload' }).click();
    await isLive(nurse);
    // The refusal above is told by the browser, too.
    expect(complaints.filter((text) => !text.includes('the server responded with a status of'))).toEqual([]);
  },
  120_000,
);
