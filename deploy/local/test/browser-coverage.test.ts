/** When nobody would come is seen, and mended: for a day by an operator, for good by an administrator. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findChromium, startBrowser, type Page } from '@carillon/testkit/browser';
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

const put = async (person: string, path: string, body: unknown): Promise<void> => {
  const answer = await call(house.baseUrl, 'PUT', path, { token: await house.token(person), body });
  expect([path, answer.status]).toEqual([path, 200]);
};

const skipped = executable === undefined ? ' (skipped: there is no Chromium)' : '';
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };
const complaints: string[] = [];

async function openPlans(person: string): Promise<Page> {
  browser ??= await startBrowser(executable!);
  const page = await browser.newPage({ viewport: desktop, colorScheme: 'light' });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${house.baseUrl}/#person=${person}`);
  await page.getByRole('button', { name: 'On call', exact: true }).click();
  return page;
}

/** Nothing of it lies beyond the edge, on a screen and on a phone. */
async function takePictures(page: Page, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    if (pictures !== undefined) await writeFile(join(pictures, `${name}-${size}.png`), await page.screenshot());
    const beyond =
      await page.evaluate(`[...document.querySelectorAll('main :is(button, select, input, h3, fieldset, p)')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
      .map((element) => element.outerHTML.slice(0, 120))`);
    expect({ name, size, beyond }).toEqual({ name, size, beyond: [] });
  }
  await page.setViewportSize(desktop);
}

/** @param name a part of it that nobody else has */
async function addPerson(page: Page, label: string, name: string): Promise<void> {
  const search = page.getByRole('group', { name: label }).getByRole('searchbox');
  await search.fill(name);
  await page.getByRole('button', { name: 'Add', exact: false }).filter({ hasText: name }).waitFor();
  await search.press('Enter');
  await page.getByRole('group', { name: label }).getByRole('button', { name: 'Take', exact: false }).first().waitFor();
}

testInBrowser(
  `the page names the ward that nobody would come to, and who steps in is on call${skipped}`,
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
    const page = await openPlans('o1');
    await page
      .getByTestId('coverage-summary')
      .filter({ hasText: /^1 of 2 wards would call nobody but the failsafe/ })
      .waitFor();
    const ward = page.getByTestId('coverage-w1');
    await ward.locator('summary').click();
    expect(await ward.textContent()).toMatch(/high, medium, low, only the failsafe/);
    // Whoever may not write policies is offered no way to.
    expect(await page.getByTestId('mend-of-w1').count()).toBe(0);
    const policy = page.getByTestId('policy-of-w1');
    expect(await policy.locator('summary').textContent()).toBe('of-w1 for wards w1');
    await policy.locator('summary').click();
    await policy.getByText('At once: who is on call for stroke, the failsafe (operators)').waitFor();
    const stroke = page.getByTestId('on-call-stroke');
    expect(await stroke.locator('summary').textContent()).toMatch(/^Stroke doctor: nobody/);

    const form = page.getByTestId('step-in');
    await addPerson(page, 'Who steps in', 'Farid');
    await form.locator('select[name=hours]').selectOption('24');
    await page.getByTestId('step-in-ask').click();
    expect(await page.getByTestId('step-in-question').textContent()).toMatch(
      /^Dr Farid Hakim is called for “Stroke doctor” for the next 24 hours/,
    );
    await page.getByTestId('step-in-confirm').click();
    await page
      .getByTestId('step-in-answer')
      .filter({ hasText: /^Dr Farid Hakim is on call from/ })
      .waitFor();
    await stroke
      .locator('summary')
      .filter({ hasText: /^Stroke doctor: Dr Farid Hakim/ })
      .waitFor();
    // Covered for a day: what is left of the gap begins tomorrow.
    const tomorrow = new Date(Date.now() + 86_400_000).toLocaleDateString('en', { weekday: 'short' });
    await ward
      .locator('li')
      .filter({ hasText: new RegExp(`^${tomorrow} `) })
      .waitFor({ state: 'attached' });
    await stroke.locator('summary').click();
    await page.getByTestId('turns-stroke').getByText('Dr Farid Hakim').waitFor();
    // A nurse sees who is on call, and can change nothing.
    const nurse = await openPlans('n1');
    await nurse.getByTestId('on-call-stroke').locator('summary').click();
    await nurse.getByTestId('turns-stroke').getByText('Dr Farid Hakim').waitFor();
    expect(await nurse.getByRole('button', { name: /^(Edit|New|Take back|Put on call)/ }).count()).toBe(0);
    await nurse.close();
    const calls = page.getByTestId('would-call');
    await calls.getByText('At once: Dr Farid Hakim, Olivia Tan').waitFor();
    await takePictures(page, 'plans');

    await stroke.getByRole('button', { name: 'Take back' }).click();
    await stroke.getByRole('group', { name: 'Take back' }).getByRole('button', { name: 'Take back' }).click();
    await stroke
      .locator('summary')
      .filter({ hasText: /^Stroke doctor: nobody/ })
      .waitFor();
    // A turn to come can be taken as well, from its beginning to its end.
    await form.locator('select[name=when]').selectOption({ index: 1 });
    await addPerson(page, 'Who steps in', 'Elena');
    await page.getByTestId('step-in-ask').click();
    expect(await page.getByTestId('step-in-question').textContent()).toMatch(
      /^Dr Elena Costa is called for “Stroke doctor” from .+ to /,
    );
    await page.close();
    expect(complaints).toEqual([]);
  },
  120_000,
);

testInBrowser(
  `an administrator writes a group, a schedule and a policy, and is told what somebody else has saved meanwhile${skipped}`,
  async () => {
    const page = await openPlans('a1');
    const said = (text: string) => page.getByTestId('plans-said').filter({ hasText: text }).waitFor();
    const field = (path: string, of: Page = page) => of.locator(`[data-path="${path}"]`);

    await page.getByTestId('new-group').click();
    await field('groupId').locator('input').fill('code-team');
    await field('name').locator('input').fill('Code team');
    await addPerson(page, 'Members', 'Kumar');
    await page.getByTestId('editor-save').click();
    await said('The group code-team was saved.');
    await page.getByTestId('group-code-team').getByText('1 member').waitFor();

    await page.getByTestId('new-schedule').click();
    await field('scheduleId').locator('input').fill('ward-doctor');
    await field('name').locator('input').fill('Ward doctor');
    await field('timeZone').locator('input').fill('Mars/Base');
    await addPerson(page, 'Who takes turns, in this order', 'Farid');
    await field('layers.0.startsOn').locator('input').fill('2026-01-05');
    // By the keyboard alone.
    await field('timeZone').locator('input').press('Enter');
    await field('timeZone').locator('input[aria-invalid=true]').waitFor();
    expect(await page.getByTestId('editor-failure').textContent()).toContain('Time zone: No time zone');
    await field('timeZone').locator('input').fill('Asia/Kuala_Lumpur');
    // What it comes to is seen before it is saved.
    await page
      .getByTestId('draft-turns')
      .getByText(/: Dr Farid Hakim$/)
      .waitFor();
    await takePictures(page, 'schedule');
    await page.getByTestId('editor-save').click();
    await said('The schedule ward-doctor was saved.');
    await page
      .getByTestId('on-call-ward-doctor')
      .locator('summary')
      .filter({ hasText: /^Ward doctor: Dr Farid Hakim/ })
      .waitFor();

    // From the gap to the policy that leaves it; meanwhile somebody else gives that policy a name.
    await page.getByTestId('coverage-w1').locator('summary').click();
    await page.getByTestId('mend-of-w1').click();
    await field('levels.0.targets.0.schedule').locator('select').selectOption('ward-doctor');
    await page.getByTestId('level-add').click();
    await field('levels.1.afterSeconds').locator('input').fill('3');
    await page.getByTestId('editor-save').click();
    await field('levels.1.afterSeconds').getByText('at least 5 s later').waitFor();
    await field('levels.1.afterSeconds').locator('input').fill('30');
    const other = await openPlans('d1');
    await other.getByTestId('policy-of-w1').locator('summary').click();
    await other.getByRole('button', { name: 'Edit of-w1' }).last().click();
    await field('name', other).locator('input').fill('Intensive care');
    await other.getByTestId('editor-save').click();
    await other.getByTestId('plans-said').filter({ hasText: 'The policy of-w1 was saved.' }).waitFor();
    await other.close();

    // The board is looked at in between, and what was written is still there.
    await page.getByRole('button', { name: 'Board' }).click();
    await page.getByRole('button', { name: 'On call', exact: true }).click();
    expect(await field('levels.1.afterSeconds').locator('input').inputValue()).toBe('30');
    await page.getByTestId('editor-save').click();
    const overtaken = page.getByTestId('editor-overtaken');
    await overtaken.getByText('there is a version 2 of it, and this began with version 1').waitFor();
    await overtaken.getByText('Intensive care, for wards w1').waitFor();
    await takePictures(page, 'policy');
    await page.getByTestId('editor-take').click();
    expect(await field('name').locator('input').inputValue()).toBe('Intensive care');
    await field('levels.0.targets.0.schedule').locator('select').selectOption('ward-doctor');
    await page.getByTestId('editor-cancel').click();
    await page.getByRole('group', { name: 'Cancel' }).getByRole('button', { name: 'Go on' }).click();
    await page.getByTestId('editor-save').click();
    await said('The policy of-w1 was saved.');
    await page
      .getByTestId('coverage-summary')
      .filter({ hasText: /^Somebody is there in each of 2 wards/ })
      .waitFor();

    // What a policy names stays; what none names may go.
    await page.getByRole('button', { name: 'Edit Code team' }).click();
    await page.getByTestId('editor-remove').click();
    await page.getByTestId('editor-remove-confirm').click();
    await said('The group code-team was removed.');
    await page.getByTestId('on-call-ward-doctor').locator('summary').click();
    await page.getByRole('button', { name: 'Edit Ward doctor' }).click();
    await page.getByTestId('editor-remove').click();
    await page.getByTestId('editor-remove-confirm').click();
    await page.getByTestId('editor-failure').getByText('The policy of-w1 names it').waitFor();

    // Nothing that is not saved goes with the tab without a question.
    const asksBeforeItCloses = () => page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))");
    expect(await asksBeforeItCloses()).toBe(false);
    await field('name').locator('input').fill('Doctor of the ward');
    expect(await asksBeforeItCloses()).toBe(true);
    page.once('dialog', (asked) => void asked.dismiss());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByTestId('editor-cancel').click();
    await page.getByTestId('editor-cancel-confirm').click();
    expect(await asksBeforeItCloses()).toBe(false);
    expect(complaints).toEqual([]);
  },
  120_000,
);
