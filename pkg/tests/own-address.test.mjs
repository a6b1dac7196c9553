import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const { placedUrl, placingAdvice } = await source('browser/own-address');

afterEach(() => delete globalThis.location);

test('the relative address that a bundler gives becomes absolute', () => {
  globalThis.location = { href: 'https://shop.example/till/offline?from=menu' };
  // What `new URL(…, import.meta.url)` becomes in Turbopack: an object that says its path for its address.
  const relative = { href: '/_next/static/media/jicho-simd.0f1e2d.wasm' };
  assert.equal(
    placedUrl(() => relative),
    'https://shop.example/_next/static/media/jicho-simd.0f1e2d.wasm',
  );
});

test('the advice on a missing file names the option, and for Vite its setting', () => {
  const moved = 'http://localhost:5173/node_modules/.vite/deps/worker.js';
  assert.match(placingAdvice(moved, 'worker'), /optimizeDeps: \{ exclude: \['jicho'\] \}/);
  assert.match(placingAdvice('https://shop.example/assets/worker.js', 'worker'), /pass the option "worker"/);
  assert.match(
    placingAdvice('https://shop.example/wasm/jicho-simd.wasm', 'wasm'),
    /folder wasm.*pass the option "wasm"/,
  );
});
