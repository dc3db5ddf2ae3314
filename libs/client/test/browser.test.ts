/** The client in a real Chromium: its database, its page that is seen or hidden, its streams. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findChromium, startBrowser, type Browser, type Page } from '@carillon/testkit/browser';
import { eventually } from '@carillon/testkit/eventually';
import { alertOf, startDesk } from '../../../services/gateway/test/desk.ts';
import { bundleClient } from './bundle.ts';
import { tokenFor } from './person.ts';
import { createHistory, startSmallGateway, type Peer } from './small-gateway.ts';

const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;
const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;
let bundle: string;

beforeAll(async () => {
  bundle = await bundleClient();
  if (executable === undefined) return;
  browser = await startBrowser(executable);
  ends.push(() => browser.close());
});
afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A page that has made `client` and started it. */
const pageWith = (options: string): string => `<!doctype html><title>client</title>
<div style="height: 3000px">far above</div><p id="below">below</p>
<script type="module">
  import { createClient } from './client.js';
  window.client = createClient(${options});
  window.messages = [];
  window.links = [];
  window.settled = [];
  client.on('link', ({ state }) => links.push(state));
  client.on('command', ({ key }) => settled.push(key));
  client.start();
</script>`;

async function startSite(options: string) {
  const gateway = await startSmallGateway(createHistory());
  ends.push(() => gateway.stop());
  gateway.files.set('/', { type: 'text/html', body: pageWith(options) });
  gateway.files.set('/client.js', { type: 'text/javascript', body: bundle });
  const page = await (await browser.newContext()).newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${gateway.url}/`);
  return { gateway, page, complaints };
}
const isLive = (page: Page) => page.waitForFunction('client.link().state === "live"');
const told = (peer: Peer | undefined, level: string): unknown[] =>
  (peer?.ofType('ack') ?? []).filter((frame) => frame['level'] === level).flatMap((frame) => frame['mid']);

testInBrowser('a command without an answer goes on after a reload, under the same key, until it has one', async () => {
  const { gateway, page, complaints } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
  gateway.intercept = (_, frame) => frame.t === 'call';
  await isLive(page);
  await page.evaluate(`void client.call('alert:acknowledge', { alertId: 'a1' }).catch(() => {})`);
  const first = await (await gateway.peer(0)).expect('call');
  await page.reload();
  const again = await eventually(() => gateway.peers[1]?.ofType('call')[0]);
  expect(again).toMatchObject({ key: first['key'], op: 'alert:acknowledge', data: { alertId: 'a1' } });
  gateway.peers[1]?.say({ t: 'ok', id: again['id'], data: {} });
  await page.waitForFunction('settled.length === 1');
  gateway.intercept = () => false;
  await page.reload();
  await isLive(page);
  await page.evaluate(`client.call('alert:list', {})`);
  expect(gateway.peers[2]?.ofType('call').map(({ op }) => op)).toEqual(['alert:list']);
  expect(complaints).toEqual([]);
});

/** Runs in the page; opens no database that is not there, since that would make an empty one. */
const countKept = `indexedDB.databases().then((databases) => !databases.some(({ name }) => name === 'carillon') ? 0 :
  new Promise((resolve) => {
    indexedDB.open('carillon').onsuccess = ({ target }) => {
      const counting = target.result.transaction('commands').objectStore('commands').count();
      counting.onsuccess = () => {
        target.result.close();
        resolve(counting.result);
      };
    };
  }))`;

testInBrowser('commands that were called in one go keep their order over a reload', async () => {
  const { gateway, page } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
  gateway.intercept = (_, frame) => frame.t === 'call';
  await isLive(page);
  const alertIds = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'];
  await page.evaluate(`void ${JSON.stringify(alertIds)}.forEach((alertId) => {
    client.call('alert:acknowledge', { alertId }).catch(() => {});
  })`);
  await (await gateway.peer(0)).expect('call', 6);
  await eventually(async () => ((await page.evaluate(countKept)) === 6 ? true : undefined));
  await page.reload();
  const peer = await gateway.peer(1);
  await peer.expect('call', 6);
  expect(peer.ofType('call').map(({ data }) => (data as { alertId: string }).alertId)).toEqual(alertIds);
});

testInBrowser('a database that is deleted by somebody else is made anew, and nobody waits for it', async () => {
  const { gateway, page, complaints } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
  await isLive(page);
  await page.evaluate(`window.problems = []; client.on('problem', (problem) => problems.push(String(problem)));
    client.call('alert:acknowledge', { alertId: 'a1' })`);
  await page.evaluate(`new Promise((resolve, reject) => {
    const deleting = indexedDB.deleteDatabase('carillon');
    deleting.onsuccess = resolve;
    deleting.onblocked = () => reject(new Error('The client keeps it open'));
  })`);
  gateway.intercept = (_, frame) => frame.t === 'call';
  await page.evaluate(`void client.call('alert:acknowledge', { alertId: 'a2' }).catch(() => {})`);
  const call = await (await gateway.peer(0)).expect('call', 2);
  expect(await page.evaluate('problems')).toEqual([]);
  // It is sent before it is kept; what is closed in between keeps nothing.
  await eventually(async () => ((await page.evaluate(countKept)) === 1 ? true : undefined));
  await page.reload();
  expect(await (await gateway.peer(1)).expect('call')).toMatchObject({ key: call['key'] });
  expect(complaints).toEqual([]);
});

testInBrowser(
  'where the browser keeps nothing, commands are answered all the same, and that is told once',
  async () => {
    const { page, complaints } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
    await page.addInitScript(
      `IDBFactory.prototype.open = () => { throw new DOMException('Not here', 'SecurityError'); }`,
    );
    const told: string[] = [];
    page.on('console', (message) => message.type() === 'error' && told.push(message.text()));
    await page.reload();
    await isLive(page);
    await page.evaluate(`client.call('alert:acknowledge', { alertId: 'a1' })`);
    await page.evaluate(`client.call('alert:acknowledge', { alertId: 'a2' })`);
    expect(told.filter((text) => text.includes('Not here'))).toHaveLength(1);
    expect(complaints).toEqual([]);
  },
);

testInBrowser('displayed waits until the element is in view and the page is visible', async () => {
  const { gateway, page } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
  await isLive(page);
  await page.evaluate(`void client.subscribe('person:n1', {
    onMessage: (message) => { messages.push(message); message.observe(document.querySelector('#below')); },
  })`);
  const peer = await gateway.peer(0);
  await peer.expect('subscribe');
  gateway.history.publish('person:n1', {}, { ack: true });
  await eventually(() => told(peer, 'delivered')[0]);
  const hide = (state: string): Promise<unknown> =>
    page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
  await hide('hidden');
  await page.locator('#below').scrollIntoViewIfNeeded();
  await page.evaluate(`client.call('alert:list', {})`);
  expect(told(peer, 'displayed')).toEqual([]);
  await hide('visible');
  await eventually(() => told(peer, 'displayed')[0]);
  expect(told(peer, 'displayed')).toEqual(['m1']);
});

testInBrowser('a browser without a network says so, and has another connection when it is back', async () => {
  const { gateway, page } = await startSite(`{ token: async () => '${tokenFor('n1')}' }`);
  await isLive(page);
  await page.context().setOffline(true);
  await page.waitForFunction('client.link().state === "offline"');
  await page.context().setOffline(false);
  await gateway.peer(1);
  await isLive(page);
});

testInBrowser(
  'event streams of the real gateway are read by fetch, with the token in a header',
  async () => {
    const desk = await startDesk({ CARILLON_ORIGINS: 'http://127.0.0.1:1' });
    ends.push(() => desk.stop());
    const { gateway, page } = await startSite('{ token: () => new Promise(() => {}) }');
    const other = await desk.startGateway({ CARILLON_ORIGINS: gateway.url });
    const options = `{ url: '${other.baseUrl}', transports: ['sse'], token: async () => '${await desk.tokenOf('n1')}' }`;
    gateway.files.set('/', { type: 'text/html', body: pageWith(options) });
    await page.reload();
    await page.evaluate(`window.loads = []; void client.subscribe('ward:w1:alerts', {
    loadState: (reason) => void loads.push(reason),
    onMessage: ({ data }) => void messages.push(data),
  })`);
    await page.waitForFunction('loads.length === 1');
    await desk.emit(alertOf('p1', { number: 7 }));
    await page.waitForFunction('messages.length === 1');
    expect(await page.evaluate('messages')).toEqual([{ number: 7 }]);
    expect(await page.evaluate(`client.call('alert:acknowledge', { alertId: 'a1' })`)).toMatchObject({
      operation: 'alert:acknowledge',
    });
  },
  60_000,
);
