import { afterAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { serviceNames } from '@carillon/contracts/define';
import { natsPasswordsIn } from '../src/nats-passwords.ts';
import { probeNats } from '../src/nats-probe.ts';
import { locateNatsServer, startNatsServer } from '../src/nats-server.ts';
import { commandLineOf, identityOf } from '../src/process-table.ts';
import { emptyFolder, removeFolders } from './folders.ts';

afterAll(removeFolders);

test('a nats-server starts with JetStream, for those who know the password only', async () => {
  const server = await startNatsServer({ folder: await emptyFolder() });
  try {
    expect(await probeNats(server.url, 2_000)).toMatchObject({
      jetstream: 'on',
      serverName: `carillon-${server.port}`,
    });
    await expect(probeNats(`nats://carillon:guess@127.0.0.1:${server.port}`, 2_000)).rejects.toThrow(
      'authorization violation',
    );
  } finally {
    await server.stop();
  }
  expect(identityOf(server.pid)).toBeUndefined();
});

test('its files are for its owner only', async () => {
  const folder = await emptyFolder();
  const server = await startNatsServer({ folder });
  await server.stop();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'nats-server.conf')).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'passwords.conf')).mode & 0o777).toBe(0o600);
});

test('each user has a password of his own that stays; one who is gone loses his, one who is new gets one', async () => {
  const folder = await emptyFolder();
  const first = natsPasswordsIn(folder);
  expect(new Set(first.values()).size).toBe(serviceNames.length + 1);
  const file = join(folder, 'passwords.conf');
  const lines = readFileSync(file, 'utf8').split('\n');
  await writeFile(file, ['PASSWORD_FORMER: "x"', ...lines.slice(1)].join('\n'));
  const second = natsPasswordsIn(folder);
  expect(readFileSync(file, 'utf8')).not.toContain('FORMER');
  const kept = [...second].filter(([user, password]) => first.get(user) === password);
  expect(kept).toHaveLength(serviceNames.length);
  const server = await startNatsServer({ folder });
  for (const name of serviceNames) {
    expect(server.urlOf(name)).toBe(`nats://${name}:${second.get(name)}@127.0.0.1:${server.port}`);
    const wrong = server.urlOf(name).replace(/:\w+@/, ':guess@');
    await expect(probeNats(wrong, 2_000)).rejects.toThrow('authorization violation');
  }
  await server.stop();
});

test('after a kill it comes back on the same folder and port under the same address', async () => {
  const folder = await emptyFolder();
  const first = await startNatsServer({ folder });
  first.kill();
  await first.exited;
  const second = await startNatsServer({ folder, port: first.port });
  expect(second.url).toBe(first.url);
  await second.stop();
});

test('many start at once, each on a port of its own', async () => {
  const servers = await Promise.all(
    Array.from({ length: 6 }, async () => startNatsServer({ folder: await emptyFolder() })),
  );
  expect(new Set(servers.map((server) => server.port)).size).toBe(6);
  await Promise.all(servers.map((server) => server.stop()));
});

test('a start on a folder ends the server that is still at work on it', async () => {
  const folder = await emptyFolder();
  const first = await startNatsServer({ folder });
  const second = await startNatsServer({ folder });
  await first.exited;
  expect(commandLineOf(second.pid)).toContain(folder);
  await second.stop();
});

test('a taken port that was asked for is named', async () => {
  const first = await startNatsServer({ folder: await emptyFolder() });
  const second = startNatsServer({ folder: await emptyFolder(), port: first.port });
  await expect(second).rejects.toThrow(`Port ${first.port} is taken`);
  await first.stop();
});

test('a binary that is named but not there is an error that names it', async () => {
  await expect(locateNatsServer({ NATS_SERVER_BIN: '/nowhere/nats-server' })).rejects.toThrow(
    'NATS_SERVER_BIN is /nowhere/nats-server',
  );
});

test('a version that is too old is refused', async () => {
  const binary = join(await emptyFolder(), 'nats-server');
  await writeFile(binary, '#!/bin/sh\necho nats-server: v2.9.9\n', { mode: 0o755 });
  await expect(locateNatsServer({ NATS_SERVER_BIN: binary })).rejects.toThrow('version 2.9.9; Carillon needs 2.9.10');
});

test('it is found for a user whose PATH has no sbin', async () => {
  const { version } = await locateNatsServer({ PATH: '/usr/bin' });
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});

test('a server that cannot start says why, in one line', async () => {
  const folder = await emptyFolder();
  await writeFile(join(folder, 'jetstream'), 'a file where a folder should be');
  const error = await startNatsServer({ folder }).catch((error: Error) => error);
  expect(error).toHaveProperty(
    'message',
    expect.stringMatching(/^nats-server .* did not start: .*JetStream.*nats-server\.log$/),
  );
  expect(readFileSync(join(folder, 'nats-server.log'), 'utf8')).not.toBe('');
});
