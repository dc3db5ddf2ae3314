/** What `/docs` shows is what this gateway serves, and it shows in a browser. */
import { channel } from 'node:diagnostics_channel';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { validate } from '@carillon/contracts/schema';
import { serverFrames } from '@carillon/contracts/server-frames';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { call } from '@carillon/testkit/client';
import type { FastifyInstance } from 'fastify';
import { expectError } from './answers.ts';
import { alertOf, startDesk, type Desk } from './desk.ts';
import { jwtSecret } from './config.ts';

let desk: Desk;
const served = new Set<string>();
/** HEAD and the preflights of browsers follow from the other methods. */
const isDescribed = (method: string): boolean => method !== 'HEAD' && method !== 'OPTIONS';
/** Fastify tells of every instance that is made, so that a real gateway's routes are seen as they come. */
const seeRoutes = (message: unknown): void => {
  (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) if (isDescribed(each)) served.add(`${each} ${url}`);
  });
};

beforeAll(async () => {
  channel('fastify.initialization').subscribe(seeRoutes);
  desk = await startDesk({ CARILLON_TEST_PUBLISH: 'on' });
  channel('fastify.initialization').unsubscribe(seeRoutes);
});
afterAll(() => desk.stop());

type OpenApi = { openapi: string; paths: Record<string, Record<string, unknown>> };

test('the document has every path that the gateway serves, and the gateway serves every path of the document', async () => {
  const response = await fetch(`${desk.baseUrl}/docs/openapi.json`);
  expect(response.headers.get('content-type')).toContain('application/json');
  const { openapi, paths } = (await response.json()) as OpenApi;
  expect(openapi).toBe('3.1.0');
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
  expect([...served].sort()).toEqual(described.sort());
});

test('the documents need no token and hold no secret', async () => {
  for (const path of ['/docs/openapi.json', '/docs/asyncapi.json', '/docs/protocol.md', '/docs/errors.md', '/docs']) {
    const response = await fetch(desk.baseUrl + path);
    expect(`${path} ${response.status}`).toBe(`${path} 200`);
    expect(await response.text()).not.toContain(jwtSecret);
    expect(response.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test.each(['nothing.js', '..%2Fpackage.json', '__proto__', 'constructor'])('there is no asset %s', async (file) => {
  expectError(await call(desk.baseUrl, 'GET', `/docs/assets/${file}`), 404, 'not_found');
});

test('frames of the gateway are as the document says', async () => {
  const client = await desk.connect('n1');
  await client.expect(({ t }) => t === 'ready');
  await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
  await client.ask({ t: 'subscribe', room: 'ward:w9:alerts' });
  await client.ask({ t: 'call', op: 'alert:list', data: {} });
  await desk.emit(alertOf('p1'));
  await client.expect(({ t }) => t === 'msg');
  expect(new Set(client.frames.map(({ t }) => t))).toEqual(new Set(['ready', 'subscribed', 'err', 'ok', 'msg']));
  for (const frame of client.frames) {
    const schema = serverFrames[frame.t as keyof typeof serverFrames];
    expect({ frame, issues: validate(schema, frame) }).toEqual({ frame, issues: { ok: true, value: frame } });
  }
  client.close();
});

const chromium = findChromium();
(chromium === undefined ? test.skip : test)(
  'a browser shows the operations, and complains of nothing',
  async () => {
    const browser = await startBrowser(chromium ?? '');
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      const foreign: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(desk.baseUrl) && !url.startsWith('data:')) foreign.push(url);
      });
      await page.goto(`${desk.baseUrl}/docs`);
      const operation = page.locator('#operations-alert-escalation-alertAcknowledge');
      await operation.waitFor();
      await operation.locator('.opblock-summary').click();
      await operation.getByText('Says that the caller comes').waitFor();
      expect(await page.locator('.opblock').count()).toBe(served.size);
      expect(await page.locator('nav a').count()).toBe(4);
      expect(complaints).toEqual([]);
      expect(foreign).toEqual([]);
    } finally {
      await browser.close();
    }
  },
  60_000,
);
