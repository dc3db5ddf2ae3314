/** WebSocket clients that share no code with each other nor with the gateway hear the same. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findChromium, startBrowser } from '@carillon/testkit/browser';
import { startDesk, type Desk } from './desk.ts';
import { converseByDriver } from './driver-client.ts';
import { pythonClient } from './python-client.ts';
import { converse, type Conversation, type Told } from './standard-client.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await startDesk({ CARILLON_PING_MS: '300' });
});
afterAll(() => desk.stop());

const last = 201;
const bigAt = 101;
const range = (first: number, end: number): number[] =>
  Array.from({ length: end - first + 1 }, (_, index) => first + index);
const lengthOf = (number: number): number => (number === bigAt ? 100_000 : 200);

/**
 * Has a client listen while two bursts, each in one turn, and a big message between them are published.
 * @param run tells by `told` that it listens
 */
async function tell(
  patient: string,
  run: (conversation: Conversation, told: () => void) => Promise<Told>,
): Promise<void> {
  const room = `patient:${patient}`;
  const url = `${desk.baseUrl.replace('http', 'ws')}/realtime/ws`;
  const reference = await desk.connect('n1');
  await reference.ask({ t: 'subscribe', room });
  const emit = (number: number): Promise<void> =>
    desk.emit({
      subject: `care.h1.w1.${patient}.critical.alert.raised`,
      data: { number, filling: 'x'.repeat(lengthOf(number)) },
    });
  let isTold = false;
  let published: Promise<unknown> = Promise.resolve();
  const publish = async (): Promise<void> => {
    await Promise.all(range(1, bigAt - 1).map(emit));
    await emit(bigAt);
    await Promise.all(range(bigAt + 1, last).map(emit));
  };
  const heard = await run({ url, token: await desk.tokenOf('n1'), room, last }, () => {
    if (!isTold) published = publish();
    isTold = true;
  });
  await published;
  await reference.expect((frame) => frame.t === 'msg' && (frame['data'] as { number: number }).number === last);
  const expected = reference.frames
    .filter((frame) => frame.t === 'msg')
    .map((frame) => {
      const { number, filling } = frame['data'] as { number: number; filling: string };
      return [frame['mid'], number, filling.length];
    });
  reference.close();
  expect(expected.map(([, number]) => number)).toEqual(range(1, last));
  expect(expected[bigAt - 1]?.[2]).toBe(100_000);
  expect(heard).toMatchObject({
    live: expected,
    recovery: 'complete',
    resumed: expected.slice(10),
    closes: [4406, 4400, 4413, 1000],
  });
}

/** Runs a program that prints `told` when it listens, and what it heard on its last line. */
function runProgram(command: string, args: readonly string[], input: string, told: () => void): Promise<Told> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  let line = '';
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text === 'told') told();
    else line = text;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(line) as Told) : reject(new Error(`${command} ended with ${code}`)),
    );
  });
}

/** Node 22 has it by itself, Node 20.10 and later behind a flag. */
const webSocketFlag = (): string[] | undefined =>
  [[], ['--experimental-websocket']].find(
    (flags) =>
      spawnSync(process.execPath, [...flags, '-e', 'new WebSocket("ws://127.0.0.1:1").onerror = () => {}'], { env: {} })
        .status === 0,
  );
const flags = webSocketFlag();
const testNode = flags === undefined ? test.skip : test;
const chromium = findChromium();
const testChromium = chromium === undefined ? test.skip : test;
const hasPython = spawnSync('python3', ['-c', 'import websockets']).status === 0;
const testPython = hasPython ? test : test.skip;

testNode(
  `the WebSocket that Node has built in hears the same${flags === undefined ? ' (this Node has none)' : ''}`,
  () =>
    tell('q1', (conversation, told) => {
      const program = `globalThis.told = () => console.log('told');
      (${converse.toString()})(${JSON.stringify(conversation)}).then((heard) => console.log(JSON.stringify(heard)));`;
      return runProgram(process.execPath, [...(flags ?? []), '-'], program, told);
    }),
);

testChromium(
  `Chromium hears the same${chromium === undefined ? ' (none is installed)' : ''}`,
  () =>
    tell('q2', async (conversation, told) => {
      const browser = await startBrowser(chromium ?? '');
      try {
        const page = await browser.newPage();
        // A page of the gateway’s own, so that its origin may connect.
        await page.goto(`${desk.baseUrl}/v1/dev/people`);
        await page.exposeFunction('told', told);
        return await page.evaluate(converse, conversation);
      } finally {
        await browser.close();
      }
    }),
  60_000,
);

test('websocket-driver hears the same, and its pings are answered', async () => {
  let pongs = 0;
  await tell('q3', async (conversation, told) => {
    const { pongs: counted, ...heard } = await converseByDriver(conversation, told);
    pongs = counted;
    return heard;
  });
  expect(pongs).toBe(2);
});

testPython(
  `python3 with websockets hears the same, and its pings are answered${hasPython ? '' : ' (websockets is not installed)'}`,
  () =>
    tell('q4', (conversation, told) =>
      runProgram('python3', ['-c', pythonClient], `${JSON.stringify(conversation)}\n`, told),
    ),
);
