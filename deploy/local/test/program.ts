import { transform } from '@swc/core';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const workspace = fileURLToPath(new URL('..', import.meta.url));

/** Types stripped by hand: tests run without a build, and Node 20 reads no TypeScript. */
async function copySources(folder: string): Promise<void> {
  await mkdir(join(folder, 'src'), { recursive: true });
  await copyFile(join(workspace, 'guard.mjs'), join(folder, 'guard.mjs'));
  for (const file of await readdir(join(workspace, 'src'))) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const source = await readFile(join(workspace, 'src', file), 'utf8');
    const { code } = await transform(source.replaceAll(/(from '\.\/[^']+)\.ts'/g, "$1.js'"), {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    });
    await writeFile(join(folder, 'src', file.replace(/\.ts$/, '.js')), code);
  }
}

export interface Program {
  child: ChildProcess;
  /** The first line of its output that holds this, of now or to come. */
  line(part: string): Promise<string>;
  /** All lines so far, of stdout and stderr. */
  lines: string[];
  /** Its exit code; null when it was killed. */
  exited: Promise<number | null>;
}

const folders: string[] = [];

/** For `afterAll`. */
export async function removePrograms(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

/**
 * Runs a program that imports this workspace's modules as `./src/<name>.js`, in a process of its own that a test may
 * kill. `command` may put other processes around it: it runs in a folder where the program is `program.mjs`.
 */
export async function startProgram(
  text: string,
  command = [process.execPath, 'program.mjs'],
  env: NodeJS.ProcessEnv = {},
): Promise<Program> {
  // Inside the workspace, so that packages are found.
  await mkdir(join(workspace, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(workspace, '.cache', 'program-'));
  folders.push(folder);
  await copySources(folder);
  await writeFile(join(folder, 'program.mjs'), text);
  const child = spawn(command[0]!, command.slice(1), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
  });
  const lines: string[] = [];
  const news = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      news.emit('line');
    });
  }
  const line = async (part: string): Promise<string> => {
    const signal = AbortSignal.timeout(15_000);
    for (;;) {
      const found = lines.find((line) => line.includes(part));
      if (found !== undefined) return found;
      await once(news, 'line', { signal }).catch(() => {
        throw new Error(`No line with ${part} came, but:\n${lines.join('\n')}`);
      });
    }
  };
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  return { child, line, lines, exited };
}
