import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * The web page. Everything is a hashed file of our own origin, nothing is inlined, so that the server can send a
 * Content-Security-Policy of `default-src 'self'` without exceptions.
 * `npx vite` serves the sources and passes API calls to a running Weir (`WEIR_URL`, default http://127.0.0.1:7575).
 */
export default defineConfig({
  root: 'src/web',
  plugins: [react()],
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { '/api': process.env.WEIR_URL ?? 'http://127.0.0.1:7575' } },
});
