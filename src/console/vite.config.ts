import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Served by the server under `/console/`; assets carry their hash in the name. */
export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // Most of both chunks is Cloudscape; one is the sign-in form, the other the page behind it.
    chunkSizeWarningLimit: 700,
  },
});
