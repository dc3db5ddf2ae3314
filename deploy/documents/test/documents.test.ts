/** The documents are good by the judgement of others, and what is committed is what the contracts say. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { expect, test } from '@jest/globals';
import { asyncApi } from '@carillon/contracts/asyncapi';
import { documentVersion } from '@carillon/contracts/document-parts';
import { openApi } from '@carillon/contracts/openapi';
import { commandEnvelopeSchema } from '@carillon/runtime/commands';
import { queryEnvelopeSchema } from '@carillon/runtime/queries';
import { Validator } from '@seriousme/openapi-schema-validator';
import { configurationPage } from '../src/configuration-page.ts';
import { readDerivedFiles } from '../src/derived-files.ts';
import { replaceMarked } from '../src/markdown.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('every committed file is what the contracts make of it: if not, run npm run derive', async () => {
  const stale = (await readDerivedFiles(root)).filter(({ committed, expected }) => committed !== expected);
  expect(stale.map(({ path }) => `${path} is out of date: run npm run derive`)).toEqual([]);
});

test('every variable of a service is on the page of the configuration', async () => {
  const page = configurationPage();
  const names = await readdir(join(root, 'services'));
  const schemas = names.map((name) => join(root, 'services', name, 'src/config.ts')).filter((path) => existsSync(path));
  expect(schemas.length).toBeGreaterThan(0);
  for (const path of schemas) {
    const variables = [...(await readFile(path, 'utf8')).matchAll(/^ {2}([A-Z_0-9]+): \{/gm)].map(([, name]) => name);
    expect(variables.length).toBeGreaterThan(0);
    for (const variable of variables) expect(page).toContain(`\`${variable}\``);
  }
});

test('the documents have the version of the product', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(documentVersion).toBe(version);
});

test('the OpenAPI document is valid', async () => {
  const result = await new Validator().validate(openApi());
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test('the AsyncAPI document is valid, and warned about for nothing but the version that we were asked for', async () => {
  const envelopes = { command: commandEnvelopeSchema, query: queryEnvelopeSchema };
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi(envelopes)));
  expect(diagnostics.map(({ code }) => code)).toEqual(['asyncapi-latest-version']);
  expect(document?.operations().all().length).toBeGreaterThan(0);
});

test('a file whose markers are missing or doubled is named', () => {
  expect(() => replaceMarked('nothing', 'x', 'README.md')).toThrow('README.md');
  const marked = '<!-- derived -->\nold\n<!-- /derived -->\n';
  expect(() => replaceMarked(marked + marked, 'x', 'README.md')).toThrow('once');
  expect(replaceMarked(`a\n${marked}b`, 'new', 'README.md')).toBe('a\n<!-- derived -->\n\nnew\n\n<!-- /derived -->\nb');
});
