/** docker-compose.yml, checked without an engine: by docker-compose itself where it is, and against the contracts. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { serviceNames } from '@carillon/contracts/define';
import { natsPasswordVariable, natsUsers } from '@carillon/contracts/nats-permissions';
import { locateNatsServer } from '../src/nats-server.ts';
import { emptyFolder, removeFolders } from './folders.ts';

afterAll(removeFolders);

const root = fileURLToPath(new URL('../../..', import.meta.url));
const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const hasCompose = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'docker-compose')));

test.each(serviceNames)('docker-compose.yml starts %s by its own main', (name) => {
  expect(compose).toContain(`\n  ${name}:\n`);
  // With flags of Node's own between, where it needs some.
  expect(compose).toMatch(new RegExp(`command: \\['node', ('--[a-z-]+=\\d+', )*'services/${name}/dist/main\\.js'\\]`));
});

const secretOf = (user: string): string => user.replaceAll('-', '_');

test.each(serviceNames)('docker-compose.yml gives %s its own user of NATS, and no secret of another', (name) => {
  const block = new RegExp(`\\n  ${name}:\\n(?:    .*\\n|\\n)+`).exec(compose)?.[0] ?? '';
  const named = [...block.matchAll(/nats_\w+/g)].map(([secret]) => secret);
  expect(new Set(named)).toEqual(new Set([`nats_url_${secretOf(name)}`]));
  expect(block).toContain(`NATS_URL_FILE: /run/secrets/nats_url_${secretOf(name)}`);
});

test('make-secrets.sh makes one password and URL a user, once, and nats-server takes the configuration with them', async () => {
  const folder = await emptyFolder();
  const secrets = join(folder, 'secrets');
  const make = (): Record<string, string> => {
    execFileSync('sh', [join(root, 'deploy/compose/make-secrets.sh'), secrets]);
    return Object.fromEntries(readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')]));
  };
  const made = make();
  const passwords = natsUsers.map((user) => made[`nats_password_${secretOf(user)}`] ?? '');
  expect(new Set(passwords).size).toBe(natsUsers.length);
  for (const [index, user] of natsUsers.entries()) {
    expect(passwords[index]).toMatch(/^[0-9a-f]{48}$/);
    expect(made[`nats_url_${secretOf(user)}`]).toBe(`nats://${user}:${passwords[index]}@nats:4222`);
    expect(made['nats_passwords']).toContain(`${natsPasswordVariable(user)}: "${passwords[index]}"\n`);
  }
  expect(make()).toEqual(made);
  // What nats-server 2.9 does not know yet is left out.
  const configuration = readFileSync(join(root, 'deploy/nats/nats-server.conf'), 'utf8');
  writeFileSync(join(folder, 'nats-server.conf'), configuration.replace(/^.*sync_interval: always$/m, ''));
  copyFileSync(join(root, 'deploy/nats/permissions.conf'), join(folder, 'permissions.conf'));
  copyFileSync(join(secrets, 'nats_passwords'), join(folder, 'passwords.conf'));
  const { path } = await locateNatsServer(process.env);
  execFileSync(path, ['-t', '-c', join(folder, 'nats-server.conf')], { stdio: 'pipe' });
});

test('docker-compose.yml holds no secret: every password comes from a file', () => {
  const values = [...compose.matchAll(/^\s*(\w*(?:PASSWORD|SECRET|URL)\w*):\s*(.+)$/gm)];
  expect(values.length).toBeGreaterThan(3);
  for (const [, name, value] of values) {
    expect(`${name}: ${value}`).toMatch(/_FILE: \/run\/secrets\/\w+$/);
  }
});

test('Prometheus is pinned, takes its files as they are committed, and is reached from this machine only', () => {
  const block = /\n  prometheus:\n(?:    .*\n|\n)+/.exec(compose)?.[0] ?? '';
  expect(block).toMatch(/image: prom\/prometheus:v\d+\.\d+\.\d+\n/);
  expect(block).toContain('- ./deploy/prometheus:/etc/prometheus:ro\n');
  expect(block).toMatch(/ports: \['127\.0\.0\.1:[^']+:9090'\]/);
  expect(block).not.toMatch(/secrets|DATABASE/);
  const configuration = readFileSync(join(root, 'deploy/prometheus/prometheus.yml'), 'utf8');
  const targets = /targets: \[(.+)\]/.exec(configuration)?.[1]?.split(', ');
  expect(targets?.sort()).toEqual(serviceNames.map((name) => `${name}:9090`).sort());
});

(hasCompose ? test : test.skip)(
  'docker-compose itself takes the file (skipped where docker-compose is not installed)',
  () => {
    const output = execFileSync('docker-compose', ['config', '--services'], { cwd: root, encoding: 'utf8' });
    expect(output.trim().split('\n').sort()).toEqual([...serviceNames, 'nats', 'postgres', 'prometheus'].sort());
  },
);
