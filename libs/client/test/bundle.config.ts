import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  resolve: { conditions: ['source'] },
  build: {
    minify: true,
    lib: {
      entry: fileURLToPath(new URL('../src/client.ts', import.meta.url)),
      formats: ['es'],
      fileName: () => 'client.js',
    },
  },
});
