import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { patience } from '@carillon/testkit/patience';
import { startDemoPlayer, type DemoPlayer, type DemoPlayerOptions } from './demo-player.ts';
import type { DemoItem } from './simulator.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-player-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Call = { path: string; token: string | undefined; items: DemoItem[]; at: number };
type Answer = { status: number; headers?: Record<string, string>; body?: unknown } | 'hang';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A gateway over a real wire: answers as `answer` says, and tells of each call. */
async function gateway(answer: (call: Call, index: number) => Answer = () => accepted(), port = 0) {
  const calls: Call[] = [];
  let waiting: { isMet: () => boolean; resolve: () => void }[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(Buffer.concat((await request.toArray()) as Buffer[]).toString()) as { items?: DemoItem[] };
    const token = request.headers.authorization?.replace('Bearer ', '');
    const call = { path: request.url ?? '', token, items: body.items ?? [], at: Date.now() };
    calls.push(call);
    const reply = call.path === '/v1/dev/token' ? { status: 200, body: { token: `t${calls.length}` } } : answer(call, vitals().length - 1); // prettier-ignore
    if (reply !== 'hang') response.writeHead(reply.status, reply.headers).end(JSON.stringify(reply.body ?? {}));
    waiting = waiting.filter(({ isMet, resolve }) => {
      if (isMet()) resolve();
      return !isMet();
    });
  };
  const vitals = (): Call[] => calls.filter(({ path }) => path === '/v1/vitals');
  const server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  cleanups.push(close);
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    calls,
    vitals,
    close,
    /** @returns once as many posts of vital signs have come. */
    posts: (count: number): Promise<void> =>
      new Promise((resolve) => {
        const isMet = (): boolean => vitals().length >= count;
        if (isMet()) resolve();
        else waiting.push({ isMet, resolve });
      }),
  };
}
const accepted = (): Answer => ({ status: 202, body: { accepted: 1, rejected: [] } });

function play(baseUrl: string, options: Partial<DemoPlayerOptions> = {}): DemoPlayer {
  const player = startDemoPlayer({ baseUrl, replayFiles: [], speed: 1, ...options });
  cleanups.push(() => player.stop());
  return player;
}
/** A recording whose SpO2 counts its rows, so that a hole would be seen. */
function counting(rows = 101): string {
  const path = join(folder, 'counting.csv');
  writeFileSync(path, `Time [s], SpO2\n${Array.from({ length: rows }, (_, i) => `${i},${i}`).join('\n')}\n`);
  return path;
}
const valuesIn = (calls: readonly Call[]): unknown[] => calls.flatMap(({ items }) => items.map(({ value }) => value));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test('the simulator is posted at once, with the token of the demo device', async () => {
  const server = await gateway();
  const began = Date.now();
  const player = play(server.baseUrl);
  await server.posts(1);
  const [signIn, post] = server.calls;
  expect(signIn?.path).toBe('/v1/dev/token');
  expect(post?.token).toBe('t1');
  expect(new Set(post?.items.map(({ patientId }) => patientId)).size).toBe(8);
  for (const { measuredAt, deviceId } of post?.items ?? []) {
    expect(Date.parse(measuredAt)).toBeGreaterThanOrEqual(began);
    expect(Date.parse(measuredAt)).toBeLessThanOrEqual(post?.at ?? 0);
    expect(deviceId).toBe('dev1');
  }
  await player.stop();
  expect(player.counts()).toMatchObject({ refused: 0, dropped: 0 });
});

test('at speed 40 samples have instants of their own, 25 ms apart, in at most 8 posts a second', async () => {
  const server = await gateway();
  play(server.baseUrl, { replayFiles: [counting()], speed: 40 });
  await server.posts(9);
  const calls = server.vitals();
  const instants = calls.flatMap(({ items }) => items.map(({ measuredAt }) => Date.parse(measuredAt)));
  expect(valuesIn(calls)).toEqual(upTo(instants.length));
  const steps = instants.slice(1).map((instant, i) => instant - (instants[i] ?? 0));
  // Rounded to ms; a busy machine may skip ahead, which is why not all of them are asked for.
  expect(steps.filter((step) => Math.abs(step - 25) <= 1).length).toBeGreaterThan(steps.length * 0.9);
  expect((calls[8]?.at ?? 0) - (calls[0]?.at ?? 0)).toBeGreaterThan(800);
});

test('a gateway that is away for a while loses nothing of what was measured', async () => {
  const log: string[] = [];
  const first = await gateway();
  let fails = (): void => undefined;
  const failing = new Promise<void>((resolve) => (fails = resolve));
  const told = (message: string): void => {
    log.push(message);
    fails();
  };
  const player = play(first.baseUrl, { replayFiles: [counting()], speed: 20, log: told });
  await first.posts(2);
  await first.close();
  await failing;
  const second = await gateway(undefined, first.port);
  await second.posts(3);
  await player.stop();
  const values = valuesIn([...first.vitals(), ...second.vitals()]);
  const distinct = [...new Set(values)];
  expect(distinct).toEqual(upTo(distinct.length));
  expect(log).toEqual([expect.stringContaining('vital signs wait, posting fails'), 'vital signs are posted again']);
  expect(player.counts().dropped).toBe(0);
});

test('an answer of 503 is tried again with what has come since', async () => {
  const server = await gateway((_, index) => (index < 2 ? { status: 503 } : accepted()));
  play(server.baseUrl, { replayFiles: [counting()], speed: 20 });
  await server.posts(4);
  expect(valuesIn(server.vitals().slice(2))).toEqual(upTo(valuesIn(server.vitals().slice(2)).length));
});

test('a token that is no longer taken is replaced', async () => {
  const server = await gateway(({ token }) => (token === 't1' ? { status: 401 } : accepted()));
  play(server.baseUrl, { replayFiles: [counting()] });
  await server.posts(2);
  expect(server.calls.map(({ path }) => path)).toEqual(['/v1/dev/token', '/v1/vitals', '/v1/dev/token', '/v1/vitals']);
  expect(valuesIn(server.vitals()).slice(0, 2)).toEqual([0, 0]);
});

test('Retry-After is kept to', async () => {
  const server = await gateway((_, index) =>
    index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : accepted(),
  );
  play(server.baseUrl, { replayFiles: [counting()], speed: 20 });
  await server.posts(2);
  const [first, second] = server.vitals();
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950);
});

test('what is refused for good is not sent again, but counted', async () => {
  const server = await gateway((_, index) =>
    index === 0 ? { status: 400, body: { error: { code: 'bad_input' } } } : accepted(),
  );
  const player = play(server.baseUrl, { replayFiles: [counting()], speed: 10 });
  await server.posts(3);
  const values = valuesIn(server.vitals());
  expect(values).toEqual(upTo(values.length));
  expect(player.counts().refused).toBe(server.vitals()[0]?.items.length);
});

test('no post has more than 1,000 items', async () => {
  const server = await gateway((_, index) => (index < 3 ? { status: 503 } : accepted()));
  const files = Array.from({ length: 60 }, () => counting());
  play(server.baseUrl, { replayFiles: files, speed: 100 });
  await server.posts(6);
  expect(Math.max(...server.vitals().map(({ items }) => items.length))).toBe(960);
});

test('stop ends at once, also while a call hangs', async () => {
  const server = await gateway(() => 'hang');
  const player = play(server.baseUrl);
  await server.posts(1);
  const began = Date.now();
  await player.stop();
  expect(Date.now() - began).toBeLessThan(patience(500));
});

test('a file that is no recording is named at the start', () => {
  const path = join(folder, 'bad.csv');
  writeFileSync(path, 'Time [s], HR\n0,a\n');
  const start = (file: string) => () =>
    startDemoPlayer({ baseUrl: 'http://127.0.0.1:1', replayFiles: [file], speed: 1 });
  expect(start(path)).toThrow(`${path}: line 2: column "HR" has "a", not a number`);
  expect(start(join(folder, 'none.csv'))).toThrow('none.csv: cannot be read');
});

test.each([0, -1, Number.NaN, 1001])('speed %d is refused', (speed) => {
  expect(() => startDemoPlayer({ baseUrl: 'http://127.0.0.1:1', replayFiles: [], speed })).toThrow(RangeError);
});
