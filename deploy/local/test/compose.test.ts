/** docker-compose.yml, checked without an engine: by docker-compose itself where it is, and against the contracts. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { serviceNames } from '@carillon/contracts/define';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const hasCompose = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'docker-compose')));

test.each(serviceNames)('docker-compose.yml starts %s by its own main', (name) => {
  expect(compose).toContain(`\n  ${name}:\n`);
  expect(compose).toContain(`['node', 'services/${name}/dist/main.js']`);
});

test('docker-compose.yml holds no secret: every password comes from a file', () => {
  const values = [...compose.matchAll(/^\s*(\w*(?:PASSWORD|SECRET|URL)\w*):\s*(.+)$/gm)];
  expect(values.length).toBeGreaterThan(3);
  for (const [, name, value] of values) {
    expect(`${name}: ${value}`).toMatch(/_FILE: \/run\/secrets\/\w+$/);
  }
});

(hasCompose ? test : test.skip)(
  'docker-compose itself takes the file (skipped where docker-compose is not installed)',
  () => {
    const output = execFileSync('docker-compose', ['config', '--services'], { cwd: root, encoding: 'utf8' });
    expect(output.trim().split('\n').sort()).toEqual([...serviceNames, 'nats', 'postgres'].sort());
  },
);
