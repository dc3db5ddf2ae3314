import { afterAll, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { emptyFolder, removeFolders } from './folders.ts';
import { untilGone } from './processes.ts';
import { removePrograms, startProgram } from './program.ts';
import type { Program } from './program.ts';

afterAll(async () => {
  await removeFolders();
  await removePrograms();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The program with its real servers, and in place of the services a line that says what they were given. */
async function carillon(home: string, services = '', options: Record<string, unknown> = {}): Promise<string> {
  const all = { httpPort: await freePort(), internalPort: await freePort(), home, isDemo: true, hasDevTokens: true };
  return `
    import { runProgram } from './src/program.js';
    const options = ${JSON.stringify({ ...all, natsUrl: '', databaseUrl: '', replayFiles: [], speed: 1, ...options })};
    await runProgram(options, process.env, {
      startServices: async (env, natsUrlOf) => {
        ${services}
        console.log('given', natsUrlOf('directory'), env.DATABASE_URL, env.CARILLON_JWT_SECRET, env.CARILLON_DEV_TOKENS);
        setInterval(() => {}, 1_000);
        return { stop: async () => console.log('services stopped') };
      },
      startDemo: ({ baseUrl }) => {
        console.log('playing to', baseUrl);
        return { stop: async () => console.log('player stopped') };
      },
    });
  `;
}

/** The process numbers of both servers, once everything runs. */
async function untilReady(program: Program, home: string): Promise<number[]> {
  await program.line('sign in:');
  const place = existsSync(join(home, 'postgres', 'data-is-in'))
    ? readFileSync(join(home, 'postgres', 'data-is-in'), 'utf8').trim()
    : join(home, 'postgres');
  const files = [join(home, 'nats', 'nats-server.pid'), join(place, 'data', 'postmaster.pid')];
  return files.map((file) => Number(readFileSync(file, 'utf8').split('\n')[0]));
}

test('it says that it is ready and how to sign in, ends in order at Ctrl-C, and keeps its secrets for the next start', async () => {
  const home = await emptyFolder();
  const first = await startProgram(await carillon(home));
  const pids = await untilReady(first, home);
  // npm forwards the key that the terminal has already sent: still one request.
  first.child.kill('SIGINT');
  first.child.kill('SIGINT');
  expect(await first.exited).toBe(0);
  expect(await untilGone(pids, 0)).toEqual([]);
  expect(first.lines).toEqual([
    expect.stringMatching(/^given nats:.* on$/),
    expect.stringContaining('playing to http://127.0.0.1:'),
    expect.stringMatching(/^carillon is ready on http:\/\/127\.0\.0\.1:\d+$/),
    expect.stringContaining('POST http://127.0.0.1:'),
    'player stopped',
    'services stopped',
  ]);

  const second = await startProgram(await carillon(home));
  await untilReady(second, home);
  const secret = (line: string): string => line.split(' ')[3]!;
  expect(secret(await second.line('given'))).toBe(secret(await first.line('given')));
  second.child.kill('SIGTERM');
  expect(await second.exited).toBe(0);
});

test('after a kill -9 it can be started at once, and nothing of the first run is left', async () => {
  const home = await emptyFolder();
  const first = await startProgram(await carillon(home));
  const pids = await untilReady(first, home);
  first.child.kill('SIGKILL');
  const second = await startProgram(await carillon(home));
  await untilReady(second, home);
  expect(await untilGone(pids, 0)).toEqual([]);
  second.child.kill('SIGINT');
  expect(await second.exited).toBe(0);
});

test('a server that dies is started again at its old address', async () => {
  const home = await emptyFolder();
  const program = await startProgram(await carillon(home));
  const before = await untilReady(program, home);
  for (const pid of before) process.kill(pid, 'SIGKILL');
  await program.line('nats-server ended unexpectedly and was started again');
  await program.line('PostgreSQL ended unexpectedly and was started again');
  const after = await untilReady(program, home);
  expect(after).not.toEqual(before);
  program.child.kill('SIGINT');
  expect(await program.exited).toBe(0);
  expect(await untilGone(after, 0)).toEqual([]);
});

test('a second Ctrl-C ends it at once, and the guards end the servers', async () => {
  const home = await emptyFolder();
  const text = (await carillon(home)).replace("console.log('services stopped')", 'new Promise(() => {})');
  const program = await startProgram(text);
  const pids = await untilReady(program, home);
  program.child.kill('SIGINT');
  await program.line('player stopped');
  await new Promise((resolve) => setTimeout(resolve, 600));
  program.child.kill('SIGINT');
  expect(await program.exited).toBe(130);
  expect(await untilGone(pids, 8_000)).toEqual([]);
});

test('a service that cannot start is one line and exit code 1, with nothing left running', async () => {
  const home = await emptyFolder();
  const program = await startProgram(await carillon(home, `throw new Error('the sky is falling\\nat once');`));
  expect(await program.exited).toBe(1);
  expect(program.lines).toEqual([`carillon: the sky is falling (the log is ${join(home, 'logs', 'carillon.log')})`]);
  expect(existsSync(join(home, 'lock'))).toBe(false);
});

test('a second program on the same home says so and leaves the first alone', async () => {
  const home = await emptyFolder();
  const first = await startProgram(await carillon(home));
  const pids = await untilReady(first, home);
  const second = await startProgram(await carillon(home));
  expect(await second.exited).toBe(1);
  expect(second.lines).toEqual([
    `carillon: Carillon runs already on ${home} (process ${first.child.pid}). End that one, or set CARILLON_HOME to another folder.`,
  ]);
  expect(await untilGone(pids, 0)).toEqual(pids);
  first.child.kill('SIGINT');
  expect(await first.exited).toBe(0);
});

test('a taken port, a database that is not there and a missing binary are each one line and exit code 1', async () => {
  const taken = createServer().listen(0);
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const fault = async (options: Record<string, unknown>, env = {}): Promise<string[]> => {
    const program = await startProgram(await carillon(await emptyFolder(), '', options), undefined, env);
    expect(await program.exited).toBe(1);
    return program.lines;
  };
  expect(await fault({ httpPort: port })).toEqual([expect.stringContaining(`Port ${port} is taken`)]);
  expect(await fault({ databaseUrl: `postgres://127.0.0.1:${await freePort()}/x` })).toEqual([
    expect.stringContaining('DATABASE_URL: no PostgreSQL'),
  ]);
  expect(await fault({}, { NATS_SERVER_BIN: '/nowhere' })).toEqual([
    expect.stringContaining('NATS_SERVER_BIN is /nowhere'),
  ]);
  taken.close();
});

test('it ends when npm is killed, though the shell between them lives on', async () => {
  const home = await emptyFolder();
  const npm = `require('node:child_process').spawn('sh', ['-c', '"${process.execPath}" program.mjs; true'], { stdio: 'inherit' })`;
  const program = await startProgram(await carillon(home), [process.execPath, '-e', npm], {
    npm_lifecycle_event: 'start',
  });
  const pids = await untilReady(program, home);
  program.child.kill('SIGKILL');
  expect(await untilGone(pids, 8_000)).toEqual([]);
  await program.line('services stopped');
});
