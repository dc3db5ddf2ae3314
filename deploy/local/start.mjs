// `npm start`: on a fresh clone installs the packages and builds, then runs everything in this process (src/main.ts).
// Options: `--replay FILE…` plays recordings instead of the simulator, `--speed N` sends N samples a second.

import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkNode, ensurePackages, root, run, tool } from '../../scripts/workspace.mjs';

const notSources = new Set(['node_modules', 'dist', 'test', '.cache', '.carillon']);

/** The newest change below a path, in ms. Folders count too: a removed file changes only its folder. */
function newestChange(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  // A folder that holds what we write changes with every build: only what is in it counts.
  const names = readdirSync(path);
  const own = names.some((name) => notSources.has(name)) ? 0 : stat.mtimeMs;
  return Math.max(own, ...names.filter((name) => !notSources.has(name)).map((name) => newestChange(join(path, name))));
}

/** Runs `build` when there is no output, or a source is newer than the last time it ended well. A change during the build counts for the next. */
function buildWhenChanged(name, output, sources, build) {
  const stamp = join(root, '.cache', `built-${name}`);
  const startedAt = new Date();
  const builtAt = existsSync(join(root, output)) ? newestChange(stamp) : 0;
  if (sources.every((source) => newestChange(join(root, source)) < builtAt)) return;
  console.error(`Building ${name}.`);
  if (!build()) {
    console.error(`carillon: building ${name} failed, for the reason above.`);
    process.exit(1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

checkNode();
// Progress goes to stderr: stdout holds the ready line and how to sign in.
if (!ensurePackages(2)) {
  console.error('carillon: npm ci failed, for the reason above. Mend it and start again.');
  process.exit(1);
}
const shared = ['libs', 'package-lock.json', 'tsconfig.base.json'];
const services = readdirSync(join(root, 'services'))
  .filter((name) => name !== 'console')
  .map((name) => join('services', name));
buildWhenChanged(
  'services',
  'deploy/local/dist/main.js',
  [...shared, ...services, 'deploy/local/src', 'deploy/local/tsconfig.json'],
  () => run(tool('tsc'), ['-b', 'deploy/local'], { stdout: 2 }),
);
buildWhenChanged('console', 'services/console/dist/index.html', [...shared, 'services/console'], () =>
  run('npm', ['run', 'build', '--silent', '--workspace', '@carillon/console'], { stdout: 2 }),
);

const { main } = await import('./dist/main.js');
await main(process.argv.slice(2), process.env);
