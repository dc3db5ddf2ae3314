/** Servers in processes of their own, on the core that is theirs. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The server has one core to itself; whatever plays the world around it has the other. */
export const serverCore = '1';
export const clientCore = '0';

export type Pinned = {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  /** Starts to watch the event loop, which costs a wake-up a millisecond. */
  watchTurns(): void;
  /** The longest turn since then, ms. */
  longestTurn(): Promise<number>;
  /** SIGKILL. */
  kill(): void;
  stop(): Promise<void>;
};

const startWithinMs = 60_000;
const stopWithinMs = 15_000;
const probe = new URL('./loop-probe.js', import.meta.url).href;

/** @param program what Node runs; its first line that holds `ready` says that it is */
export async function startPinned(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Pinned> {
  const child: ChildProcess = spawn(
    'taskset',
    ['-c', serverCore, process.execPath, ...process.execArgv, '--import', probe, program, ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', ...environment },
    },
  );
  const exited = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} did not start`));
    }, startWithinMs);
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes('ready')) return;
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
  });
  return {
    pid: child.pid ?? 0,
    exited,
    watchTurns: () => void child.send('watch'),
    async longestTurn() {
      const answer = once(child, 'message') as Promise<[{ longestTurnMs: number }]>;
      child.send('read');
      const [{ longestTurnMs }] = await answer;
      return longestTurnMs;
    },
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The path of a built program of this folder. */
export const programOf = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));
