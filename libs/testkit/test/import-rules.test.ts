/** The walls of the house are kept by the linter; here it is seen that each of them stands. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-lint-'));
  await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Whether the linter refuses an import of `module` in a file at `path`. */
async function isRefused(path: string, module: string): Promise<boolean> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `import { something } from '${module}';\nsomething();\n`);
  const oxlint = join(root, 'node_modules/.bin/oxlint');
  const output = await run(oxlint, ['--config', join(folder, '.oxlintrc.json'), path], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (failure: unknown) => String(Reflect.get(failure as object, 'stdout')),
  );
  await rm(file);
  return output.includes('no-restricted-imports');
}

test.each([
  ['libs/contracts/src/a.ts', '@carillon/bus/publish'],
  ['libs/contracts/src/a.ts', '@sinclair/typebox'],
  ['libs/bus/src/a.ts', '@carillon/database/database'],
  ['libs/database/src/a.ts', '@carillon/runtime/work'],
  ['libs/runtime/src/a.ts', '@carillon/testkit/clock'],
  ['libs/runtime/src/a.ts', 'nats'],
  ['libs/runtime/src/a.ts', 'pg'],
  ['libs/testkit/src/a.ts', '@carillon/monitoring/service'],
  ['libs/conformance/src/a.ts', '@carillon/testkit/client'],
  ['libs/conformance/src/checks/a.ts', 'ws'],
  ['services/gateway/src/a.ts', '@carillon/conformance/suite'],
  ['services/gateway/src/a.ts', '@carillon/monitoring/store'],
  ['services/monitoring/src/handlers/a.ts', '@carillon/testkit/clock'],
  ['services/monitoring/src/a.ts', '../../directory/src/store.ts'],
  ['services/directory/src/a.ts', 'nats'],
  ['services/directory/src/store.ts', '@carillon/bus/publish'],
  ['services/monitoring/src/domain/a.ts', '@carillon/database/database'],
  ['services/monitoring/src/domain/a.ts', 'node:fs'],
  ['services/alert-escalation/src/domain/a.ts', '../store.ts'],
  ['services/console/src/a.ts', '@carillon/runtime/log'],
])('%s may not import %s', async (path, module) => {
  expect(await isRefused(path, module)).toBe(true);
});

test.each([
  ['libs/contracts/src/schema.ts', '@sinclair/typebox'],
  ['libs/bus/src/a.ts', 'nats'],
  ['libs/database/src/a.ts', 'pg'],
  ['libs/runtime/src/a.ts', '@carillon/bus/publish'],
  ['services/monitoring/src/domain/a.ts', '@carillon/contracts/monitoring'],
  ['services/monitoring/src/store.ts', '@carillon/database/database'],
  ['services/monitoring/test/a.test.ts', '@carillon/testkit/clock'],
  ['deploy/local/src/a.ts', '@carillon/gateway/service'],
  ['libs/conformance/src/a.ts', '@carillon/contracts/errors'],
  ['libs/conformance/src/a.ts', 'node:net'],
])('%s may import %s', async (path, module) => {
  expect(await isRefused(path, module)).toBe(false);
});
