/** Built programs in processes of their own, which a test may signal and kill. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

export type NodeProcess = {
  readonly pid: number;
  /** Of standard output and standard error, so far. */
  readonly lines: readonly string[];
  /** The first line that holds this, past or to come; fails at once when the process ends without it. */
  line(part: string, withinMs?: number): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
};

/** Runs `node` with these arguments, and nothing in its environment but PATH and what is given. */
export function startNode(args: readonly string[], environment: Readonly<Record<string, string>> = {}): NodeProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  const lines: string[] = [];
  let end: number | NodeJS.Signals | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  // `close` comes after the last line was read, `exit` may come before.
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve((end = signal ?? code ?? -1)));
  });
  return {
    pid: child.pid ?? 0,
    lines,
    exited,
    signal: (name) => void child.kill(name),
    async line(part, withinMs = 60_000) {
      const found = await eventually(
        () => lines.find((line) => line.includes(part)) ?? (end === undefined ? undefined : ''),
        { withinMs, what: `the line "${part}"` },
      );
      if (found === '') throw new Error(`Ended with ${end} without the line "${part}":\n${lines.join('\n')}`);
      return found;
    },
  };
}

/**
 * The path of something that `npm test` builds before the tests run.
 * @param path from the root of the repository
 * @throws when it was not built: a test that skipped itself would prove nothing
 */
export function builtFile(path: string): string {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  if (!existsSync(file)) throw new Error(`${path} is missing: run the tests by npm test, which builds first`);
  return file;
}

/** Below the ports that systems hand out to outgoing connections, so that a restarted program finds its own free. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 5_000);
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
        .once('error', () => resolve(false))
        .listen(port, () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
