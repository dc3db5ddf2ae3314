// What `npm start` and `npm test` do before the first package is there: plain JavaScript on Node's own modules.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Stops here, in one line, on a Node that is too old to understand the rest. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `Carillon needs Node 20.19 or newer; this is ${process.version}. Install a newer one (https://nodejs.org).`,
  );
  process.exit(1);
}

/**
 * Runs a command in the repository and shows its output. Answers whether it ended well. `stdout` is where its standard
 * output goes: 'inherit', or 2 for stderr.
 */
export function run(command, args, { stdout = 'inherit', env = process.env } = {}) {
  const result = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', stdout, 'inherit'] });
  if (result.error !== undefined) console.error(`${command} cannot be run: ${result.error.message}`);
  return result.status === 0;
}

/** The same beside what runs meanwhile: its output is shown when it has ended. Resolves to whether it ended well. */
export function runBeside(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

/** Path of a tool that npm has installed. */
export const tool = (name) => join(root, 'node_modules', '.bin', name);

/**
 * Whether node_modules differs from package-lock.json. npm keeps a copy of the lock in node_modules; versions are
 * compared and not file times, which a checkout changes at will. Packages for other machines may be absent.
 */
function isInstalled() {
  try {
    const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
    const installed = read('node_modules/.package-lock.json');
    return Object.entries(read('package-lock.json')).every(([path, wanted]) => {
      if (path === '' || (wanted.optional === true && installed[path] === undefined)) return true;
      return installed[path] !== undefined && installed[path].version === wanted.version;
    });
  } catch {
    return false;
  }
}

/** Installs the packages when they are absent or others than package-lock.json names. Answers whether they are there. */
export function ensurePackages(stdout = 'inherit') {
  if (existsSync(join(root, 'node_modules')) && isInstalled()) return true;
  console.error('Installing packages (npm ci): the first time takes a minute or two.');
  // Louder than .npmrc says, so that a failure has a reason.
  return run('npm', ['ci', '--loglevel=error'], { stdout });
}
