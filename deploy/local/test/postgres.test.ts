import { afterAll, expect, test } from '@jest/globals';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { LocalServer } from '../src/local-server.ts';
import { locateEmbeddedPostgres } from '../src/postgres-binaries.ts';
import { startPostgres } from '../src/postgres.ts';
import { identityOf } from '../src/process-table.ts';
import { emptyFolder, removeFolders } from './folders.ts';

const settings = { fsync: 'off', synchronous_commit: 'off' };
afterAll(removeFolders);

async function ask(server: LocalServer, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('a stop and a start on the same folder keep the data, and the address where the port is asked for', async () => {
  const folder = await emptyFolder();
  const first = await startPostgres({ folder, settings });
  await ask(first, 'create table bed (id text)');
  await ask(first, "insert into bed values ('b1')");
  await first.stop();
  expect(identityOf(first.pid)).toBeUndefined();
  const second = await startPostgres({ folder, settings, port: first.port });
  expect(second.url).toBe(first.url);
  expect(await ask(second, 'select id from bed')).toEqual(['b1']);
  await second.stop();
});

test('a kill loses nothing that was committed', async () => {
  const folder = await emptyFolder();
  const first = await startPostgres({ folder });
  await ask(first, 'create table bed (id text)');
  await ask(first, "insert into bed values ('b1')");
  const open = new pg.Client({ connectionString: first.url });
  open.on('error', () => undefined);
  await open.connect();
  first.kill();
  const second = await startPostgres({ folder });
  expect(await ask(second, 'select id from bed')).toEqual(['b1']);
  await second.stop();
});

test('it speaks UTF-8 and UTC, takes the given settings, and asks for the password', async () => {
  const server = await startPostgres({ folder: await emptyFolder(), settings: { ...settings, work_mem: '5MB' } });
  expect(
    await ask(
      server,
      "select current_setting('server_encoding'), current_setting('timezone'), current_setting('work_mem')",
    ),
  ).toEqual(['UTF8', 'UTC', '5MB']);
  const url = server.url.replace(/:[0-9a-f]+@/, ':guess@');
  await expect(ask({ ...server, url }, 'select 1')).rejects.toThrow('password authentication failed');
  await server.stop();
});

test('two start at once, and a third on the folder of the first ends that one', async () => {
  const folders = [await emptyFolder(), await emptyFolder()] as const;
  const [first, other] = await Promise.all([
    startPostgres({ folder: folders[0], settings }),
    startPostgres({ folder: folders[1], settings }),
  ]);
  const third = await startPostgres({ folder: folders[0], settings });
  await first.exited;
  expect(await ask(other, 'select 1')).toEqual([1]);
  expect(await ask(third, 'select 1')).toEqual([1]);
  await Promise.all([other.stop(), third.stop()]);
});

test('a pid file whose number now belongs to another program does not hinder a start, nor end that program', async () => {
  const folder = await emptyFolder();
  const first = await startPostgres({ folder, settings });
  await first.stop();
  await writeFile(
    join(folder, 'data', 'postmaster.pid'),
    `${process.ppid}\n${join(folder, 'data')}\n0\n${first.port}\n\n127.0.0.1\n`,
  );
  const second = await startPostgres({ folder, settings });
  expect(identityOf(process.ppid)).toBeDefined();
  await second.stop();
});

test('data of another version is refused in one line, and left alone', async () => {
  const folder = await emptyFolder();
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'data', 'PG_VERSION'), '9\n');
  const error = await startPostgres({ folder }).catch((error: Error) => error);
  expect(error).toHaveProperty(
    'message',
    expect.stringMatching(/^The data in .* belongs to PostgreSQL 9, but .*Put the binaries.*$/),
  );
});

test('the binaries that npm brings work too', async () => {
  const binaries = await locateEmbeddedPostgres();
  expect(binaries).toBeDefined();
  const server = await startPostgres({ folder: await emptyFolder(), binaries, settings });
  expect(await ask(server, "select current_setting('server_version_num')::int / 10000")).toEqual([binaries?.major]);
  await server.stop();
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('below a folder that its user may not enter, the data goes where it may, and is found again', async () => {
  const home = await emptyFolder();
  await chmod(home, 0o700);
  const folder = join(home, 'postgres');
  const first = await startPostgres({ folder, settings });
  await ask(first, 'create table bed (id text)');
  await first.stop();
  expect(existsSync(join(folder, 'data'))).toBe(false);
  expect(await readFile(join(folder, 'data-is-in'), 'utf8')).toMatch(/^\/var\/lib\/carillon\/[0-9a-f]{12}\n$/);
  const second = await startPostgres({ folder, settings });
  expect(await ask(second, 'select count(*)::int from bed')).toEqual([0]);
  await second.stop();
});
