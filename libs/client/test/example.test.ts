import { afterEach, expect, jest, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { eventually } from '@carillon/testkit/eventually';
import { watchWard } from './example.ts';
import { tokenFor } from './person.ts';
import { createHistory, startSmallGateway } from './small-gateway.ts';

const globals = globalThis as { WebSocket?: unknown; document?: unknown };
afterEach(() => {
  delete globals.WebSocket;
  delete globals.document;
});

test('the README shows the example as it is compiled and run here', async () => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
  const [readme, example] = await Promise.all([read('../README.md'), read('example.ts')]);
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
});

test('the example follows a ward and takes an alert', async () => {
  const gateway = await startSmallGateway(createHistory());
  gateway.files.set('/realtime/command', {
    type: 'application/json',
    body: JSON.stringify({ t: 'ok', id: 1, data: { items: [{ alertId: 'a1', version: 1, message: 'of the list' }] } }),
  });
  globals.WebSocket = WebSocket;
  globals.document = { visibilityState: 'visible', body: { classList: { toggle: jest.fn() } } };
  const ward = watchWard(gateway.url, () => Promise.resolve(tokenFor('n1')), 'w1');
  await eventually(() => ward.open.get('a1'));
  gateway.history.publish('ward:w1:alerts', { alertId: 'a2', version: 1, message: 'live' });
  await eventually(() => ward.open.get('a2'));
  gateway.history.publish('ward:w1:alerts', { alertId: 'a1', version: 2 }, { ev: 'alert:acknowledged' });
  await eventually(() => (ward.open.has('a1') ? undefined : true));
  expect(await ward.acknowledge('a2')).toMatchObject({ op: 'alert:acknowledge' });
  ward.stop();
  await gateway.stop();
});
