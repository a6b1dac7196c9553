// Bundlers that are too large for every test run; those of `tests/browser` are built by each.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

import { rollup } from 'rollup';
import { build as vite } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { createServer } from 'vite7';

import { PATIENCE } from '../browser/harness/browser.mjs';
import { builtApp } from '../browser/harness/built-app.mjs';
import { page as writePage } from '../browser/harness/bundles.mjs';

const options = { timeout: 3 * PATIENCE };
const at = builtApp();

/** Resolves the package by its `exports`, as a Rollup plugin does. */
const resolve = {
  name: 'resolve',
  resolveId: (id) => (id.startsWith('jicho') ? createRequire(join(at.folder, 'main.js')).resolve(id) : null),
};

test('Rollup places no files: with the options it works', options, async () => {
  const out = at.app.out('rollup');
  const bundle = await rollup({
    input: at.app.entry,
    plugins: [resolve],
    onLog: (level, log) => assert.notEqual(level, 'warn', log.message),
  });
  await bundle.write({ dir: out, format: 'es' });
  writePage(out, 'main.js', 'module');
  await at.open(out);
  const { message } = await at.call('sync');
  assert.match(message, /pass the option "(?:worker|wasm)"/);
  cpSync(join(at.folder, 'node_modules/jicho/wasm'), join(out, 'wasm'), { recursive: true });
  cpSync(join(at.folder, 'node_modules/jicho/dist/worker.js'), join(out, 'worker.js'));
  const answer = await at.page.evaluate(() =>
    globalThis.app.sync({ wasm: '/wasm/', worker: () => new Worker('/worker.js', { type: 'module' }) }),
  );
  assert.equal(answer, 'absent');
});

test(
  'vite-plugin-pwa takes the app without the large module, which has a name to leave it out by',
  options,
  async () => {
    const out = at.app.out('pwa');
    await vite({
      root: at.folder,
      configFile: false,
      logLevel: 'error',
      build: { outDir: out },
      plugins: [
        VitePWA({
          manifest: { name: 'App' },
          workbox: { globPatterns: ['**/*.{js,css,html,wasm}'], globIgnores: ['**/jicho-tract-*.wasm'] },
        }),
      ],
    });
    const list = readFileSync(join(out, 'sw.js'), 'utf8');
    for (const name of ['scalar', 'simd', 'relaxed', 'vault']) assert.ok(list.includes(`/jicho-${name}-`), name);
    assert.ok(!list.includes('/jicho-tract-'));
    await at.open(out);
    await at.works();
  },
);

/** What a sync comes to in the development server of Vite 7. */
async function developed(optimizeDeps) {
  const server = await createServer({
    root: at.folder,
    cacheDir: join(at.folder, 'node_modules/.vite'),
    configFile: false,
    logLevel: 'error',
    server: { port: 0, host: '127.0.0.1', hmr: false },
    optimizeDeps,
  });
  try {
    await server.listen();
    await at.open(at.folder, `http://127.0.0.1:${server.httpServer.address().port}`);
    return await at.call('sync');
  } finally {
    await at.page.context().close();
    await server.close();
  }
}

test('the development server of Vite 7 needs a setting, which an error names', options, async () => {
  const { message } = await developed({ include: ['jicho', 'jicho/precache', 'jicho/vault'] });
  assert.match(message, /optimizeDeps: \{ exclude: \['jicho'\] \}/);
  const { code } = await developed({ exclude: ['jicho'] });
  assert.equal(code, 'INVALID_MANIFEST', 'the server answers with its page for the models that it has not');
});

test('Parcel builds it, with the field that its documentation names', options, async () => {
  const out = at.app.out('parcel');
  const manifest = join(at.folder, 'package.json');
  const field = { '@parcel/resolver-default': { packageExports: true } };
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, 'utf8')), ...field }));
  const parcel = createRequire(import.meta.url).resolve('parcel/lib/bin.js');
  const flags = ['--dist-dir', out, '--public-url', '/', '--no-cache', '--log-level', 'warn'];
  writePage(at.folder, 'main.js', 'module');
  execFileSync(process.execPath, [parcel, 'build', 'index.html', ...flags], { cwd: at.folder, encoding: 'utf8' });
  // Parcel writes an import map into the page, which the app's policy must allow.
  at.web.misbehave = (_, response) => {
    response.setHeader(
      'Content-Security-Policy',
      "script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'; worker-src 'self'",
    );
    return false;
  };
  await at.open(out);
  await at.works();
});
