import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The server serves the build below `/console/`. The names of assets contain their hash. */
export default defineConfig({
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2022',
    // Cloudscape makes up most of each chunk: the sign-in form, the shell, the pages.
    chunkSizeWarningLimit: 700,
  },
});
