import { defineConfig } from 'vite';

import { precache, SERVICE_WORKER } from './build/precache.ts';

export default defineConfig({
  // Relative, so that the app can live in any folder of a host.
  base: './',
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/service-worker.ts' },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'sw' ? SERVICE_WORKER : 'assets/[name]-[hash].js'),
      },
    },
  },
  // Else the development server would move its files, and the worker would look for them where they were.
  optimizeDeps: { exclude: ['jicho'] },
  plugins: [precache()],
});
