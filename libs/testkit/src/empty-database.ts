/** An empty PostgreSQL is made once a worker and copied for each test file: to make one takes longer than many a file. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '@carillon/local/local-server';
import { startPostgres } from '@carillon/local/postgres';
import { databaseUser, placeForData } from '@carillon/local/postgres-user';

const made: { folder?: Promise<string> } = {};

/** It is removed with the folder of the run: see jest/teardown.cjs. */
async function makeEmptyDatabase(): Promise<string> {
  const folder = await mkdtemp(join(process.env['CARILLON_TEST_RUN'] ?? tmpdir(), 'empty-'));
  await (await startPostgres({ folder, settings: { fsync: 'off' } })).stop();
  return folder;
}

/** Prepares a folder, so that PostgreSQL finds its data there. */
export async function copyEmptyDatabase(folder: string): Promise<void> {
  made.folder ??= makeEmptyDatabase();
  const empty = await made.folder;
  const user = await databaseUser();
  makeFolder(folder);
  await copyFile(join(empty, 'password'), join(folder, 'password'));
  const [from, to] = [await placeForData(empty, user), await placeForData(folder, user)];
  await promisify(execFile)('cp', ['-a', join(from, 'data'), join(to, 'data')]);
}
