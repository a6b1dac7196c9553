import { defineConfig } from 'vite';

import { moduleNames, precache } from './build/precache.ts';

export default defineConfig({
  // Relative, so that the app can live in any folder of a host.
  base: './',
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/service-worker.ts' },
      output: {
        // Its address must stay, or no browser would find the next one.
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        assetFileNames: moduleNames,
      },
    },
  },
  worker: { rolldownOptions: { output: { assetFileNames: moduleNames } } },
  // Else the development server would move its files, and the worker would look for them where they were.
  optimizeDeps: { exclude: ['jicho'] },
  plugins: [precache()],
});
