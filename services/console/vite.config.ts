import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';

// For `vite` alone (development): where the gateway listens.
const gateway = process.env['CARILLON_GATEWAY'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  // The libraries as they are written: nothing has to be built before.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    // The page runs under a content security policy without inline code: every asset stays a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // One file: a part that is loaded later could not be while the server is away. In kB.
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: {
      '/v1': gateway,
      '/realtime': { target: gateway, ws: true },
    },
  },
});
