import { afterAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDatabase, checkNats } from '../src/given-servers.ts';
import { openHome } from '../src/home.ts';
import { readOptions } from '../src/options.ts';
import { checkPort } from '../src/port-check.ts';
import { identityOf } from '../src/process-table.ts';
import { emptyFolder, removeFolders } from './folders.ts';

afterAll(removeFolders);

async function listen(host: string): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test.each(['127.0.0.1', '0.0.0.0', '::'])(
  'a port that is taken on %s is named, with the variable to set',
  async (host) => {
    const taken = await listen(host);
    await expect(checkPort(taken.port, 'CARILLON_HTTP_PORT')).rejects.toThrow(
      `Port ${taken.port} is taken by another program. End that one, or set CARILLON_HTTP_PORT to a free port.`,
    );
    taken.close();
    await checkPort(taken.port, 'CARILLON_HTTP_PORT');
  },
);

test('an address at which no database listens is one line without the password', async () => {
  const gone = await listen('127.0.0.1');
  gone.close();
  const error = await checkDatabase(`postgres://nurse:secret@127.0.0.1:${gone.port}/ward`).catch(
    (error: Error) => error,
  );
  expect(error).toHaveProperty(
    'message',
    `DATABASE_URL: no PostgreSQL can be used at 127.0.0.1:${gone.port}/ward (nothing listens there). ` +
      'Start it or correct the address, or unset DATABASE_URL to have one started here.',
  );
});

test('a database or NATS server that never answers is given up at the deadline', async () => {
  const silent = await listen('127.0.0.1');
  await expect(checkDatabase(`postgres://127.0.0.1:${silent.port}/ward`, 200)).rejects.toThrow('(no answer)');
  await expect(checkNats(`nats://127.0.0.1:${silent.port}`, 200)).rejects.toThrow(
    `127.0.0.1:${silent.port}: no answer`,
  );
  silent.close();
});

test.each(['nonsense', 'postgres://', 'postgres://[::1', 'mysql://127.0.0.1:1/x'])(
  '%s is refused as a DATABASE_URL',
  async (url) => {
    await expect(checkDatabase(url, 500)).rejects.toThrow(/^DATABASE_URL: no PostgreSQL can be used at /);
  },
);

test('nonsense is refused as a NATS_URL', async () => {
  await expect(checkNats('nats://[::1', 500)).rejects.toThrow(/^NATS_URL: no NATS server with JetStream can be used/);
});

test('a home is for one program, and its secret stays', async () => {
  const folder = join(await emptyFolder(), 'home');
  const first = await openHome(folder);
  await expect(openHome(folder)).rejects.toThrow(`Carillon runs already on ${folder} (process ${process.pid})`);
  first.release();
  const second = await openHome(folder);
  expect(second.jwtSecret).toBe(first.jwtSecret);
  expect(statSync(join(folder, 'jwt-secret')).mode & 0o777).toBe(0o600);
  second.release();
});

test('a start waits for a program on its home that is ending', async () => {
  const folder = await emptyFolder();
  const first = await openHome(folder);
  first.markStopping();
  const second = openHome(folder);
  const isEarly = await Promise.race([
    second.then(() => true),
    new Promise((resolve) => setTimeout(() => resolve(false), 1_300)),
  ]);
  expect(isEarly).toBe(false);
  first.release();
  (await second).release();
});

test('of many starts on the home of a killed program one wins', async () => {
  const folder = await emptyFolder();
  for (let round = 0; round < 3; round += 1) {
    // The number is running, but it is another program now.
    writeFileSync(
      join(folder, 'lock'),
      JSON.stringify({ pid: process.pid, identity: 'another run', isStopping: false }),
    );
    const starts = await Promise.allSettled([openHome(folder), openHome(folder), openHome(folder)]);
    expect(starts.filter((start) => start.status === 'fulfilled')).toHaveLength(1);
    rmSync(join(folder, 'lock'));
  }
});

test('a process has one identity, and none when it has ended', () => {
  expect(identityOf(process.pid)).toBe(identityOf(process.pid));
  expect(identityOf(process.ppid)).not.toBe(identityOf(process.pid));
  expect(identityOf(2 ** 22 + 1)).toBeUndefined();
});

test('options have defaults', () => {
  expect(readOptions([], {})).toMatchObject({
    httpPort: 8080,
    internalPort: 9090,
    isDemo: true,
    hasDevTokens: true,
    replayFiles: [],
    speed: 1,
  });
});

test('recordings are found from the folder npm was called in', async () => {
  const folder = await emptyFolder();
  writeFileSync(join(folder, 'a.csv'), '');
  writeFileSync(join(folder, 'b.csv'), '');
  const options = readOptions(['--replay', 'a.csv', 'b.csv', '--speed', '4'], { INIT_CWD: folder });
  expect(options).toMatchObject({ replayFiles: [join(folder, 'a.csv'), join(folder, 'b.csv')], speed: 4 });
});

test.each([
  [['--replay'], {}, '--replay needs a file'],
  [['--replay', 'nowhere.csv'], {}, 'The recording nowhere.csv is not there'],
  [['--speed', '0'], {}, '--speed must be a number above 0'],
  [['--fast'], {}, "Unknown option '--fast'"],
  [['a.csv'], {}, 'a.csv is no option'],
  [[], { CARILLON_HTTP_PORT: '70000' }, 'CARILLON_HTTP_PORT must be a number from 1 to 65535'],
  [[], { CARILLON_HTTP_PORT: '80.5' }, 'CARILLON_HTTP_PORT must be a whole number'],
  [[], { CARILLON_HTTP_PORT: '9090' }, 'CARILLON_HTTP_PORT and CARILLON_INTERNAL_PORT are both 9090'],
])('%j with %j is refused', (argv, env, message) => {
  expect(() => readOptions(argv, env)).toThrow(message);
});
