import { afterAll, expect, test } from '@jest/globals';
import { identityOf } from '../src/process-table.ts';
import { emptyFolder, removeFolders } from './folders.ts';
import { removePrograms, startProgram } from './program.ts';
import { untilGone } from './processes.ts';

afterAll(async () => {
  await removeFolders();
  await removePrograms();
});

const startBoth = (folder: string): string => `
  import { startNatsServer } from './src/nats-server.js';
  import { startPostgres } from './src/postgres.js';
  const servers = await Promise.all([
    startNatsServer({ folder: '${folder}/nats' }),
    startPostgres({ folder: '${folder}/postgres', settings: { fsync: 'off' } }),
  ]);
  console.log(JSON.stringify(servers.map((server) => server.pid)));
`;

test('both servers end when their program is killed', async () => {
  const { child, line } = await startProgram(`${startBoth(await emptyFolder())} setInterval(() => {}, 1_000);`);
  const pids = JSON.parse(await line('[')) as number[];
  expect(pids.map((pid) => identityOf(pid))).not.toContain(undefined);
  child.kill('SIGKILL');
  expect(await untilGone(pids, 8_000)).toEqual([]);
});

test('both servers end when their program ends without stopping them, which they do not keep it from', async () => {
  const { child, line } = await startProgram(startBoth(await emptyFolder()));
  const pids = JSON.parse(await line('[')) as number[];
  expect(await untilGone([child.pid ?? 0, ...pids], 8_000)).toEqual([]);
});

test('a server that does not listen to signals is killed by its guard', async () => {
  const program = `
    import { spawnServer } from './src/local-server.js';
    const server = await spawnServer({
      binary: '/bin/sh', args: ['-c', 'trap "" TERM; while :; do sleep 0.1; done'], cwd: '/', logFile: '/dev/null',
      endSteps: [{ signal: 'SIGTERM', waitMs: 200 }],
    });
    console.log('pid ' + server.pid);
    setInterval(() => {}, 1_000);
  `;
  const { child, line } = await startProgram(program);
  const pid = Number(/\d+/.exec(await line('pid '))?.[0]);
  child.kill('SIGKILL');
  expect(await untilGone([pid], 5_000)).toEqual([]);
});
