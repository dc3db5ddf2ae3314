import { afterAll, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { figure } from '@carillon/testkit/figures';
import { findChromium, look, startBrowser, type Page } from '@carillon/testkit/browser';
import { call, openRealtime, tokenOf, type Frame } from '@carillon/testkit/client';
import { patience } from '@carillon/testkit/patience';
import { messagesOf } from '@carillon/testkit/room-history';
import { emptyFolder, removeFolders } from './folders.ts';
import { untilGone } from './processes.ts';
import { serversOf, startRealProgram } from './real-program.ts';

const shared =
  process.env['CARILLON_SHARED_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const recordings = ['32', '01', '02', '03', '04', '05'].map((name) =>
  join(shared, 'bidmc', `bidmc_${name}_Numerics.csv`),
);
const executable = findChromium();
const why = [
  ...(executable === undefined ? ['no Chromium is installed and CHROMIUM_BIN names none'] : []),
  ...(recordings.every((file) => existsSync(file)) ? [] : [`the recordings are not in ${join(shared, 'bidmc')}`]),
].join(', and ');
const testInBrowser = why === '' ? test : test.skip;

/** A folder for pictures of the board, as the README shows one. */
const pictures = process.env['CARILLON_TEST_PICTURES'];
const running: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of running.splice(0).toReversed()) await end();
  await removeFolders();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function takePicture(page: Page, name: string): Promise<Buffer> {
  const picture = await page.screenshot();
  if (pictures !== undefined) await writeFile(join(pictures, `carillon-${name}.png`), picture);
  return picture;
}

testInBrowser(
  `recordings become a live board in Chromium, a low SpO2 pages the bed nurse and then the next, and a click ends it${why && ` (skipped: ${why})`}`,
  async () => {
    // Before the program, so that nothing but the page is waited for after its line.
    const browser = await startBrowser(executable!);
    running.push(() => browser.close());
    const open = (): Promise<Page> =>
      browser.newPage({ viewport: { width: 1920, height: 1080 }, colorScheme: 'light' });
    const [n1, n2] = [await open(), await open()];
    const complaints: string[] = [];
    n1.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    n1.on('pageerror', (error) => complaints.push(error.message));

    const home = await emptyFolder();
    const program = await startRealProgram({ home, argv: ['--replay', ...recordings] });
    let servers: number[] = [];
    running.push(async () => {
      program.signal('SIGINT');
      await program.exited;
      await untilGone(servers, 10_000);
    });
    const { baseUrl } = program;
    await program.line('carillon is ready', 60_000);
    const readyAt = performance.now();
    servers = serversOf(home);
    await n1.goto(`${baseUrl}/#person=n1`);
    const patients = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'];
    for (const patient of patients)
      await n1.getByTestId(`bed-${patient}`).and(n1.locator('[data-live=true]')).waitFor();
    const liveMs = Math.round(performance.now() - readyAt);
    figure(`six live beds ${liveMs} ms after the ready line`);
    expect(liveMs).toBeLessThan(patience(3_000));
    expect(await n1.getByTestId('link-state').textContent()).toMatch(/live/i);

    const token = async (person: string): Promise<string> => tokenOf(baseUrl, person);
    const doctor = await openRealtime(baseUrl, { token: await token('d1') });
    const stranger = await openRealtime(baseUrl, { token: await token('n3') });
    await doctor.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
    await stranger.ask({ t: 'subscribe', room: 'ward:w2:alerts' });
    expect(await stranger.ask({ t: 'subscribe', room: 'ward:w1:alerts' })).toMatchObject({ code: 'forbidden' });
    await n2.goto(`${baseUrl}/#person=n2`);

    const isOf = (event: string, id?: string) => (frame: Frame) =>
      frame['room'] === 'ward:w1:alerts' &&
      frame['ev'] === event &&
      (id === undefined || (frame['data'] as { alertId: string }).alertId === id);
    const raised = await doctor.expect(isOf('alert:raised'), 'the alert of recording 32', 60_000);
    expect(raised['data']).toMatchObject({ kind: 'spo2-below', patientId: 'p1', level: 1 });
    const { alertId, openedAt } = raised['data'] as { alertId: string; openedAt: string };
    const card = n1.getByTestId(`alert-${alertId}`);
    // Other patients may have alerts too: each banner is asked for by its alert.
    const banner = (page: Page, id: string) =>
      page.getByTestId('page-banner').and(page.locator(`[data-page-alert="${id}"]`));
    await banner(n1, alertId).waitFor();
    expect(await card.getAttribute('data-kind')).toBe('spo2-below');
    expect(await n1.getByTestId('bed-p1').getAttribute('data-alarm')).toBe('on');
    expect(await n1.getByTestId('bed-p1-spo2').textContent()).toContain('84');
    // It is not her patient: she sees it, and is not called yet.
    await n2.getByTestId(`alert-${alertId}`).waitFor();
    expect(await banner(n2, alertId).count()).toBe(0);

    await banner(n2, alertId).waitFor({ timeout: 45_000 });
    const secondAfterMs = Date.now() - Date.parse(openedAt);
    expect(secondAfterMs).toBeGreaterThan(19_500);
    expect(secondAfterMs).toBeLessThan(20_000 + patience(5_000));
    expect(await n2.getByTestId(`alert-${alertId}`).getAttribute('data-level')).toBe('2');
    await takePicture(n1, 'board');

    await n1.getByTestId(`ack-${alertId}`).click();
    await card.and(n1.locator('[data-state=acknowledged]')).waitFor();
    await doctor.expect(isOf('alert:acknowledged', alertId), 'the acknowledgement');
    await banner(n2, alertId).waitFor({ state: 'detached' });
    expect(await banner(n1, alertId).count()).toBe(0);

    // What another sets is shown without a reload: the detail of a bed that is open follows.
    await n1.getByTestId('bed-p3').locator('button').first().click();
    const detail = n1.getByTestId('bed-detail');
    await detail.getByRole('cell', { name: '< 90' }).waitFor();
    const limits = [{ vital: 'spo2', below: 87, clearAt: 89, persistSeconds: 20, priority: 'high' }];
    const set = await call(baseUrl, 'PUT', '/v1/patients/p3/limits', { token: await token('d1'), body: { limits } });
    expect(set.status).toBe(200);
    await detail.getByRole('cell', { name: '< 87' }).waitFor();
    await detail.getByRole('button', { name: 'Close details' }).click();

    // By keyboard alone.
    const nurse = await token('n1');
    const fall = { patientId: 'p2', kind: 'fall', priority: 'medium', message: 'On the floor beside the bed' };
    const { body } = await call(baseUrl, 'POST', '/v1/alerts', { token: nurse, body: fall });
    const fallId = String(body['alertId']);
    await n1.getByTestId(`alert-${fallId}`).waitFor();
    for (let steps = 0; steps < 5; steps++) {
      if ((await n1.locator(`[data-alert-id="${fallId}"]:focus`).count()) === 1) break;
      await n1.keyboard.press('j');
    }
    await n1.keyboard.press('a');
    await doctor.expect(isOf('alert:acknowledged', fallId), 'the acknowledgement by key');

    await n1.emulateMedia({ colorScheme: 'dark' });
    // Colours that change slowly are still light at first.
    await pause(500);
    const dark = await takePicture(n1, 'board-dark');
    const blank = await open();
    const seen = await look(blank, dark);
    expect(seen.colours).toBeGreaterThan(100);
    expect(seen.brightness).toBeLessThan(0.35);

    // Level 3 would have come 40 s after the alert was opened.
    await pause(Date.parse(openedAt) + 42_000 - Date.now());
    const after = await call(baseUrl, 'GET', `/v1/alerts/${alertId}`, { token: nurse });
    expect(after.body).toMatchObject({ state: 'acknowledged', presence: 'ack', level: 2 });
    const callsOfDoctor = messagesOf(doctor.frames, 'person:d1').map((frame) => frame['data']);
    expect(callsOfDoctor).not.toContainEqual(expect.objectContaining({ alertId }));
    expect(stranger.frames.filter((frame) => frame.t === 'msg')).toEqual([]);
    expect(complaints).toEqual([]);
    doctor.close();
    stranger.close();
  },
  150_000,
);
