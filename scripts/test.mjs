// `npm test`: installs what is needed, checks format, lint and build, runs all tests, and ends with the totals:
// `N passed, N failed` or `N passed, N failed, N skipped`, alone on the last line. Arguments go to jest:
// `npm test -- gateway` runs the tests whose path has that word. Works on a fresh clone.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, ensurePackages, root, run, runBeside, tool } from './workspace.mjs';

const total = { passed: 0, failed: 0, skipped: 0 };
const complaints = [];

function fail(complaint, count = 1) {
  total.failed += count;
  complaints.push(complaint);
}

function step(name, command, args) {
  console.log(`\n— ${name}`);
  if (!run(command, args)) fail(`${name} failed: ${[command.split('/').at(-1), ...args].join(' ')}`);
}

function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const onMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return [process.env.CHROMIUM_BIN, ...paths, onMac].find((path) => path && existsSync(path));
}

/** Installs Chromium where that takes no question to anybody. Without it the browser tests skip. */
function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    console.log('\n— Chromium, for the browser tests');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const packages = ['install', '-y', '-q', '--no-install-recommends', 'chromium'];
    if (run('apt-get', ['update', '-q'], { env }) && run('apt-get', packages, { env })) return findChromium();
  }
  console.log(
    '\nNo Chromium was found, so browser tests skip. Install it (Debian: apt-get install chromium) or set CHROMIUM_BIN.',
  );
  return undefined;
}

/** The search and its installation are the launcher's own; the build has just made it. */
async function ensureNats() {
  try {
    const launcher = pathToFileURL(join(root, 'deploy/local/dist/nats-server.js'));
    const { ensureNatsServer } = await import(launcher.href);
    await ensureNatsServer(process.env);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function runTests(chromium) {
  console.log('\n— tests');
  const folder = mkdtempSync(join(tmpdir(), 'carillon-test-'));
  const report = join(folder, 'report.json');
  const env = { ...process.env, ...(chromium === undefined ? {} : { CHROMIUM_BIN: chromium }) };
  const isGood = run(tool('jest'), ['--json', `--outputFile=${report}`, ...process.argv.slice(2)], { env });
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    total.passed += result.numPassedTests;
    total.skipped += result.numPendingTests + result.numTodoTests;
    if (result.numFailedTests > 0) fail(`${result.numFailedTests} tests failed`, result.numFailedTests);
    const broken = result.numRuntimeErrorTestSuites;
    if (broken > 0) fail(`${broken} test files could not be run`, broken);
    if (result.numTotalTestSuites === 0) fail('no test file has that name');
    else if (!isGood && total.failed === 0) fail('jest ended with an error');
  } catch {
    fail('jest gave no report');
  }
  rmSync(folder, { recursive: true, force: true });
}

checkNode();
if (ensurePackages()) {
  const chromium = ensureChromium();
  // On one core for as long as the others take together.
  const formatting = runBeside(tool('prettier'), ['--check', '--log-level', 'warn', '.']);
  step('lint', tool('oxlint'), ['--type-aware', '--deny-warnings']);
  step('build', tool('tsc'), ['-b']);
  step('console', 'npm', ['run', 'build', '--silent', '--workspace', '@carillon/console']);
  await ensureNats();
  console.log('\n— format');
  if (!(await formatting)) fail('format failed: prettier --check .');
  runTests(chromium);
} else {
  fail('npm ci failed');
}

if (complaints.length > 0) console.log(`\n${complaints.join('\n')}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
