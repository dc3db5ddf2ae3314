// Node's loader for tests: TypeScript sources, libraries by their `source` condition, and `@jest/globals` of the file
// that is being run. Test modules carry `?run=<n>`, so that each test file has its own.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.cjs';

const isOfTests = (url) => url.endsWith('.ts') && (url.includes('/test/') || url.endsWith('.test.ts'));

export async function resolve(specifier, context, next) {
  const run = /\?run=\d+$/.exec(context.parentURL ?? '')?.[0] ?? '';
  if (specifier === '@jest/globals') {
    return { url: new URL(`globals.mjs${run}`, import.meta.url).href, shortCircuit: true };
  }
  const found = await next(specifier, { ...context, conditions: ['source', ...context.conditions] });
  return run !== '' && isOfTests(found.url) ? { ...found, url: found.url + run } : found;
}

export async function load(url, context, next) {
  if (!/^file:.*\.ts(\?|$)/.test(url)) return next(url, context);
  const file = fileURLToPath(url);
  return { format: 'module', source: compile(await readFile(file, 'utf8'), file).code, shortCircuit: true };
}
