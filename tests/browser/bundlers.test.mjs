// The package as the usual bundlers build it. `tests/bundlers` has more of them.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { build as esbuild } from 'esbuild';
import { createServer, build as vite } from 'vite';
import webpack from 'webpack';

import { PATIENCE } from './harness/browser.mjs';
import { builtApp } from './harness/built-app.mjs';
import { page as writePage } from './harness/bundles.mjs';

const options = { timeout: 3 * PATIENCE };
const at = builtApp();

test('Vite builds it, and every module keeps its name', options, async () => {
  const out = at.app.out('vite');
  await vite({ root: at.folder, configFile: false, logLevel: 'error', build: { outDir: out } });
  await at.open(out);
  const fetched = await at.works();
  for (const name of ['relaxed', 'vault']) {
    assert.ok(
      fetched.some((path) => path.includes(`/jicho-${name}-`)),
      `${name} of ${fetched}`,
    );
  }
});

test("Vite's development server runs it", options, async () => {
  const server = await createServer({
    root: at.folder,
    cacheDir: join(at.folder, 'node_modules/.vite'),
    configFile: false,
    logLevel: 'error',
    server: { port: 0, host: '127.0.0.1', hmr: false },
  });
  try {
    await server.listen();
    await at.open(at.folder, `http://127.0.0.1:${server.httpServer.address().port}`);
    const { code } = await at.call('sync');
    assert.equal(code, 'INVALID_MANIFEST', 'the server answers with its page for the models that it has not');
  } finally {
    await at.page.context().close();
    await server.close();
  }
});

test('webpack builds it without a warning', options, async () => {
  const out = at.app.out('webpack');
  const compiler = webpack({
    mode: 'production',
    context: at.folder,
    entry: './main.js',
    output: { path: out, filename: 'main.js', assetModuleFilename: '[name]-[hash][ext]' },
  });
  const stats = await new Promise((resolve, reject) =>
    compiler.run((error, stats) =>
      error ? reject(error) : resolve(stats.toJson({ all: false, errors: true, warnings: true })),
    ),
  );
  // That its entry is large it says of every app with a dependency.
  const problems = [...stats.errors, ...stats.warnings.filter(({ message }) => !/size limit/.test(message))];
  assert.deepEqual(
    problems.map(({ message }) => message),
    [],
  );
  writePage(out, 'main.js', 'module');
  await at.open(out);
  await at.works();
});

test('esbuild places no files: an error names the options, and with them it works', options, async () => {
  const out = at.app.out('esbuild');
  await esbuild({ entryPoints: [at.app.entry], outdir: out, bundle: true, format: 'esm', logLevel: 'error' });
  writePage(out, 'main.js', 'module');
  await at.open(out);
  for (const name of ['sync', 'vault', 'urls']) {
    const { code, message } = await at.call(name);
    assert.ok(['NETWORK', 'HTTP_STATUS'].includes(code), code);
    assert.match(message, /pass the option "(?:worker|wasm)"/);
  }
  cpSync(join(at.folder, 'node_modules/jicho/wasm'), join(out, 'wasm'), { recursive: true });
  cpSync(join(at.folder, 'node_modules/jicho/dist/worker.js'), join(out, 'worker.js'));
  const answer = await at.page.evaluate(() =>
    globalThis.app.sync({ wasm: '/wasm/', worker: () => new Worker('/worker.js', { type: 'module' }) }),
  );
  assert.equal(answer, 'absent');
});

test('a bundle of IIFE format says that it does not know where it is', options, async () => {
  const out = at.app.out('iife');
  await esbuild({ entryPoints: [at.app.entry], outdir: out, bundle: true, format: 'iife', logLevel: 'error' });
  writePage(out, 'main.js');
  await at.open(out);
  for (const name of ['sync', 'vault', 'urls']) {
    const { code, message } = await at.call(name);
    assert.equal(code, 'UNSUPPORTED');
    assert.match(message, /does not know its own address.*ES module.*"worker" and "wasm"/);
  }
});
