import { expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { figure } from '@carillon/testkit/figures';
import { bundleClient } from './bundle.ts';

test('the client is less than 15,000 bytes for a page to load, and brings no schema library', async () => {
  const code = await bundleClient();
  const gzippedBytes = gzipSync(code, { level: 9 }).length;
  figure(`the client: ${gzippedBytes} bytes gzipped, ${code.length} minified`);
  expect(gzippedBytes).toBeLessThan(15_000);
  expect(code).not.toMatch(/typebox/i);
});
