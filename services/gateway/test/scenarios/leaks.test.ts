/** What a gateway leaves in its process when it has stopped: nothing, or the process would not end by itself. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { builtFile, startNode } from '@carillon/testkit/node-process';
import { openRealtime } from '@carillon/testkit/client';
import { jwtSecret } from '../config.ts';
import { alertOf, startDesk, type Desk } from '../desk.ts';
import { openEvents } from '../events.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.stop());

/** Starts a gateway and stops it at SIGTERM. Then it ends by itself, unless something keeps it, which it names. */
const program = (service: string): string => `
  const { start } = await import(${JSON.stringify(service)});
  const keepAlive = setInterval(() => {}, 1_000);
  const gateway = await start(process.env);
  console.log('port ' + gateway.port);
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await gateway.stop();
  clearInterval(keepAlive);
  setTimeout(() => {
    console.log('left ' + JSON.stringify(process.getActiveResourcesInfo()));
    process.exit(1);
  }, 5_000).unref();
`;

test('after clients of every kind came and went, a gateway that stops leaves no socket and no timer behind', async () => {
  const child = startNode(['--input-type=module', '-e', program(builtFile('services/gateway/dist/service.js'))], {
    ...desk.infrastructure.environmentOf('gateway'),
    CARILLON_HTTP_PORT: '0',
    CARILLON_JWT_SECRET: jwtSecret,
  });
  const port = Number((await child.line('port ')).slice(5));
  const baseUrl = `http://127.0.0.1:${port}`;
  const token = await desk.tokenOf('n1');
  const clients = await Promise.all(Array.from({ length: 10 }, () => openRealtime(baseUrl, { token })));
  for (const client of clients) {
    const { pos } = await client.ask({ t: 'subscribe', room: 'ward:w1:alerts' });
    await client.ask({ t: 'subscribe', room: 'patient:p1', from: String(pos) });
    await client.ask({ t: 'subscribe', room: 'ward:w1:vitals' });
    client.send({ t: 'rx', n: 0 });
  }
  const events = await openEvents(`${baseUrl}/realtime/events?room=patient:p1`, { token });
  const silent = await openRealtime(baseUrl);
  await desk.emit(alertOf('p1'));
  await Promise.all(clients.map((client) => client.expect(({ t }) => t === 'msg')));
  // Some go in order, some without a word, and some are there still at the end.
  clients.slice(0, 3).forEach((client) => client.close());
  clients.slice(3, 6).forEach((client) => client.terminate());
  child.signal('SIGTERM');
  await Promise.all([...clients, silent].map(({ closed }) => closed));
  events.close();
  const code = await child.exited;
  expect([code, ...child.lines.filter((line) => line.startsWith('left '))]).toEqual([0]);
});
