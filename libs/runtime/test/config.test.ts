import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ConfigError, commonConfig, readConfig, type ConfigSchema } from '@carillon/runtime/config';

const schema = {
  PORT: { type: 'number', description: 'Where it listens', min: 1, max: 65_535 },
  SECRET: { type: 'string', description: 'Signs tokens', secret: true, minLength: 16 },
  PIN: { type: 'number', description: 'A number that nobody may see', secret: true, max: 9 },
  LEVEL: { type: 'string', description: 'How much', oneOf: ['much', 'little'], default: 'little' },
  DEMO: { type: 'switch', description: 'Whether it plays', default: false },
  HIDDEN: { type: 'switch', description: 'Nobody may see it', secret: true, default: false },
  ORIGINS: { type: 'list', description: 'Who may', default: [] },
} as const satisfies ConfigSchema;
const good = { PORT: '80', SECRET: 'sixteen letters!', PIN: '7' };

test('what is set is read, what is not has its default', () => {
  expect(readConfig(schema, { ...good, DEMO: 'on', ORIGINS: 'a, b,,c', LEVEL: '' })).toEqual({
    PORT: 80,
    SECRET: 'sixteen letters!',
    PIN: 7,
    LEVEL: 'little',
    DEMO: true,
    HIDDEN: false,
    ORIGINS: ['a', 'b', 'c'],
  });
});

test('everything that is wrong is told at once, and no value of a secret', () => {
  const wrong = { PORT: '99999', SECRET: 'hunter2', PIN: '1234', LEVEL: 'some', DEMO: 'maybe', HIDDEN: 'opensesame' };
  let message = '';
  try {
    readConfig(schema, wrong);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    message = String(error);
  }
  for (const name of Object.keys(wrong)) expect(message).toContain(name);
  for (const secret of ['hunter2', '1234', 'opensesame']) expect(message).not.toContain(secret);
  expect(() => readConfig(commonConfig, {})).toThrow(/NATS_URL is missing.*DATABASE_URL is missing/);
});

test('a variable may come from a file; one that cannot be read is named', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'carillon-config-')), 'secret');
  writeFileSync(file, 'from a mounted file\n');
  const { SECRET: _, ...rest } = good;
  expect(readConfig(schema, { ...rest, SECRET_FILE: file }).SECRET).toBe('from a mounted file');
  expect(() => readConfig(schema, { ...rest, SECRET_FILE: `${file}.none` })).toThrow(/SECRET_FILE.*ENOENT/);
});
