import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus, type Bus } from '@carillon/bus/connection';
import { provisionStreams } from '@carillon/bus/provision';
import { publish } from '@carillon/bus/publish';
import { readPage, readRange } from '@carillon/bus/read-range';
import { startFaultProxy, type FaultProxy } from '@carillon/testkit/fault-proxy';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';

let infrastructure: Infrastructure;
let line: FaultProxy;
let bus: Bus;

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  const url = new URL(infrastructure.nats.url);
  line = await startFaultProxy({ port: Number(url.port) });
  url.port = String(line.port);
  bus = await connectBus({ url: url.href, name: 'reader' });
  await provisionStreams(bus, ['DEADLETTERS'], { replicas: 1 });
});
afterAll(async () => {
  await bus.close();
  await line.close();
  await infrastructure.stop();
});

test('what was sent and came too late for its batch is told, and not taken for the end', async () => {
  const count = 10;
  for (let index = 0; index < count; index++) {
    await publish(bus, { subject: 'dead.slow.x', body: new Uint8Array(100_000), headers: {} });
  }
  const range = { stream: 'DEADLETTERS', filter: 'dead.slow.>', afterSequence: 0, limit: 100 } as const;
  // The server sends all of it at once; a batch waits for little more than a second.
  line.inject('toClient', { bytesPerSecond: 400_000 });
  await expect(readRange(bus, { ...range, toSequence: count })).rejects.toThrow();
  await expect(readPage(bus, range)).rejects.toThrow();
  line.heal();
  expect(await readRange(bus, { ...range, toSequence: count })).toHaveLength(count);
  expect((await readPage(bus, range)).messages).toHaveLength(count);
});
