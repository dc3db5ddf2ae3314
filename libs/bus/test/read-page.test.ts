import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { readPage } from '@carillon/bus/read-range';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

let infrastructure: Infrastructure;
let bus: Bus;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  bus = await connectBus({ url: infrastructure.nats.url, name: 'reader' });
  await provisionStreams(bus, ['DEADLETTERS'], { replicas: 1 });
});
afterAll(async () => {
  await bus.close();
  await infrastructure.stop();
});

const put = (subject: string, bytes: number): Promise<void> =>
  publish(bus, { subject, body: new Uint8Array(bytes), headers: {} });
const page = (filter: string, afterSequence: number, limit: number) =>
  readPage(bus, { stream: 'DEADLETTERS', filter, afterSequence, limit });

test('a page ends at its limit, of what passes the filter only, and says that there is more', async () => {
  for (let count = 0; count < 60; count++) await put(`dead.${count % 2 === 0 ? 'even' : 'odd'}.x`, 10);
  const first = await page('dead.odd.>', 0, 28);
  expect(first.messages.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 28 }, (_, n) => 2 * n + 2));
  expect(first.hasMore).toBe(true);
  const last = await page('dead.odd.>', 56, 28);
  expect(last.messages.map(({ sequence }) => sequence)).toEqual([58, 60]);
  expect(last.hasMore).toBe(false);
  expect(Math.abs((last.messages[0]?.storedAt ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(await page('dead.nobody.>', 0, 5)).toEqual({ messages: [], hasMore: false });
});

test('a page of large messages ends before its limit, so that no reader holds hundreds of megabytes', async () => {
  for (let count = 0; count < 60; count++) await put('dead.large.x', 500_000);
  const found = await page('dead.large.>', 0, 100);
  expect(found.messages.length).toBeLessThan(60);
  expect(found.messages.length).toBeGreaterThan(10);
  expect(found.hasMore).toBe(true);
});
