/** The engine of escalation as a process of its own, which is stopped, blocked and cut off; a nurse is told each time. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start as startDirectory } from '@carillon/directory/service';
import { start as startGateway } from '@carillon/gateway/service';
import type { TechnicalState } from '@carillon/contracts/technical';
import { openDatabase, type Database } from '@carillon/database/database';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { call, openRealtime, tokenOf, type Frame } from '@carillon/testkit/client';
import { eventually } from '@carillon/testkit/eventually';
import { startInfrastructure, type Infrastructure } from '@carillon/testkit/infrastructure';
import { builtFile, freePort, startNode, type NodeProcess } from '@carillon/testkit/node-process';
import { patience } from '@carillon/testkit/patience';

const pictures = process.env['CARILLON_TEST_PICTURES'];
const executable = findChromium();
const testInBrowser = executable === undefined ? test.skip : test;

/** Within which something else than the engine must say that it does not work. */
const toldWithinMs = 10_000;

let infrastructure: Infrastructure;
let engine: NodeProcess;
let database: Database;
let baseUrl = '';
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  infrastructure = await startInfrastructure();
  stops.push(() => infrastructure.stop());
  database = openDatabase({ url: infrastructure.postgres.url, service: 'alert-escalation' });
  stops.push(() => database.close());
  const seed = fileURLToPath(new URL('../demo-hospital.json', import.meta.url));
  const directory = await startDirectory({
    ...infrastructure.environmentOf('directory'),
    CARILLON_DIRECTORY_SEED: seed,
  });
  stops.push(() => directory.stop());
  const main = builtFile('services/alert-escalation/dist/main.js');
  const internal = { CARILLON_INTERNAL_PORT: String(await freePort()) };
  engine = startNode([main], { ...infrastructure.environmentOf('alert-escalation'), ...internal });
  stops.push(async () => {
    engine.signal('SIGKILL');
    await engine.exited;
  });
  await engine.line('alert-escalation ready');
  const gateway = await startGateway({
    ...infrastructure.environmentOf('gateway'),
    CARILLON_HTTP_PORT: '0',
    CARILLON_JWT_SECRET: 'a secret of the tests, of no worth anywhere',
    CARILLON_DEV_TOKENS: 'on',
    CARILLON_CONSOLE_DIR: join(builtFile('services/console/dist/index.html'), '..'),
  });
  stops.push(() => gateway.stop());
  baseUrl = `http://127.0.0.1:${gateway.port}`;
}, 120_000);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

/** What a nurse is told, change by change. */
async function listen() {
  const token = await eventually(() =>
    tokenOf(baseUrl, 'n1').then((given) => (given === 'undefined' ? undefined : given)),
  );
  const client = await openRealtime(baseUrl, { token });
  await client.ask({ t: 'subscribe', room: 'technical:h1' });
  let seen = 0;
  const next = async (fits: (state: TechnicalState) => boolean, what: string, withinMs: number) => {
    const isIt = (frame: Frame): boolean =>
      frame['ev'] === 'technical:changed' &&
      client.frames.indexOf(frame) >= seen &&
      fits(frame['data'] as TechnicalState);
    const frame = await client.expect(isIt, what, withinMs);
    seen = client.frames.indexOf(frame) + 1;
    return (frame['data'] as TechnicalState).alarms;
  };
  return {
    token,
    close: client.close,
    /** The alarm of this kind, told in time. */
    async alarm(kind: string) {
      const alarms = await next(
        (state) => state.alarms.some((alarm) => alarm.kind === kind),
        kind,
        patience(toldWithinMs),
      );
      return alarms.find((alarm) => alarm.kind === kind);
    },
    allClear: () => next(({ alarms }) => alarms.length === 0, 'the end of all alarms', patience(20_000)),
  };
}

test('I20: an engine that is stopped in the middle is told within 10 s, and that it goes on', async () => {
  const nurse = await listen();
  engine.signal('SIGSTOP');
  expect(await nurse.alarm('silent')).toMatchObject({ isStopped: true });
  engine.signal('SIGCONT');
  await nurse.allClear();
  nurse.close();
});

test('I20: an alarm that somebody holds locked past its deadline is seen, though no engine can claim it', async () => {
  const nurse = await listen();
  const raise = { patientId: 'p1', kind: 'fall', priority: 'high', message: 'On the floor' };
  const raised = await eventually(async () => {
    const answer = await call(baseUrl, 'POST', '/v1/alerts', { token: nurse.token, body: raise });
    return answer.status === 201 ? answer : undefined;
  });
  const alertId = String(raised.body['alertId']);
  await database.transaction(async (tx) => {
    // Else the engine would be quicker than the lock.
    engine.signal('SIGSTOP');
    await database.query('update alert set due_at = now() where alert_id = $1', [alertId]);
    await tx.query('select from alert where alert_id = $1 for update', [alertId]);
    engine.signal('SIGCONT');
    // The connection of the test is one of the service: idle for 3 s, it would be ended.
    const keepAlive = setInterval(() => void tx.query('select 1'), 1_000);
    const told = nurse.alarm('overdueHigh').finally(() => clearInterval(keepAlive));
    expect(await told).toMatchObject({ isStopped: true });
  });
  await nurse.allClear();
  nurse.close();
});

test('I20: an engine whose database is gone is told within 10 s', async () => {
  const nurse = await listen();
  infrastructure.postgres.kill();
  expect(await nurse.alarm('database')).toMatchObject({ isStopped: true });
  await infrastructure.restartPostgres();
  await nurse.allClear();
  nurse.close();
});

testInBrowser(
  'the console says above everything that people are to be called by phone, as long as that is so',
  async () => {
    const browser = await startBrowser(executable!);
    try {
      const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
      await page.goto(`${baseUrl}/#person=n1`);
      await page
        .getByTestId('link-state')
        .getByText(/^live$/i)
        .waitFor();
      engine.signal('SIGSTOP');
      const banner = page.getByTestId('technical-stopped');
      await banner.waitFor({ timeout: patience(15_000) });
      expect(await banner.innerText()).toMatch(/Escalation is not working since \d\d:\d\d: call by phone\./);
      if (pictures !== undefined) await writeFile(join(pictures, 'carillon-technical.png'), await page.screenshot());
      engine.signal('SIGCONT');
      await banner.waitFor({ state: 'detached', timeout: patience(15_000) });
    } finally {
      engine.signal('SIGCONT');
      await browser.close();
    }
  },
  150_000,
);
