import { defineConfig } from 'vite';

import { precache, SERVICE_WORKER } from './build/precache.ts';

export default defineConfig({
  // Relative addresses let the app run in any folder of a host.
  base: './',
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: 'index.html', scans: 'scans/index.html', shop: 'shop/index.html', sw: 'src/service-worker.ts' },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'sw' ? SERVICE_WORKER : 'assets/[name]-[hash].js'),
      },
    },
  },
  // Otherwise the development server would move the package's scripts away from its worker and its wasm modules.
  optimizeDeps: { exclude: ['jicho'] },
  plugins: [precache()],
});
