/** The load generator of ../shared/bench: compiled when it is there, run on the core of the clients. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clientCore } from './pinned.ts';

type Micros = { n: number; p50: number; p99: number; max: number };

type Interval = { msgs_per_s: number; p99_us: number; server_cpu_pct: number; core_pct: number };

/** What is read of its last line; microseconds. */
export type Load = {
  connections: number;
  ready: number;
  dropped: number;
  reasons: Readonly<Record<string, number>>;
  ramp_s: number;
  ready_us: Micros;
  messages: number;
  msgs_per_s: number;
  latency_us?: Micros;
  last_delivery_us?: Micros;
  server: { rss_per_connection: number; cpu_pct: number; cpu_us_per_msg?: number };
  client: { cpu_pct: number };
  cores?: { busy_pct: number };
  intervals?: readonly Interval[];
};

export type RunOptions = {
  /** Of the program that `--on-ready` names. */
  environment?: Readonly<Record<string, string>>;
  /** Called when all clients are ready and quiet, before anything is published. */
  onReady?: () => void;
};

export type Wsload = {
  run(args: readonly string[], options?: RunOptions): Promise<Load>;
  /** Ends a run that is under way, and clears away. */
  remove(): Promise<void>;
};

/** Options with their values, as arguments. Those whose order counts (`--send`, `--wait`) are written out. */
export const flags = (options: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [name, String(value)]);

/** @returns undefined where its source is not */
export async function compileWsload(): Promise<Wsload | undefined> {
  const beside = fileURLToPath(new URL('../../../../shared/bench/wsload.c', import.meta.url));
  const source = process.env['CARILLON_WSLOAD'] ?? beside;
  if (!existsSync(source)) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'carillon-wsload-'));
  const binary = join(folder, 'wsload');
  await promisify(execFile)('gcc', ['-O2', '-o', binary, source, '-lm']);
  let running: ChildProcess | undefined;
  return {
    async run(args, { environment = {}, onReady = () => {} } = {}) {
      const child = spawn('taskset', ['-c', clientCore, binary, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, ...environment },
      });
      running = child;
      let said = '';
      let isReady = false;
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (isReady || !said.includes('ready: ')) return;
        isReady = true;
        onReady();
      });
      const [code] = (await once(child, 'close')) as [number | null];
      const last = said.trimEnd().split('\n').at(-1) ?? '';
      // 1 says that some connections did not become ready or did not stay, which the figures say too.
      if (code !== 0 && code !== 1) throw new Error(`wsload ended with ${code}: ${last}`);
      const load = JSON.parse(last) as Load;
      for (const [reason, count] of Object.entries(load.reasons)) console.log(`LOST ${count} clients: ${reason}`);
      return load;
    },
    async remove() {
      running?.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
