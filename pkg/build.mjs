// Bundles src into dist; the compiler has checked it, and has written the types there.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const bundle = (names, splitting) =>
  build({
    entryPoints: names.map((name) => at(`src/${name}.ts`)),
    outdir: at('dist'),
    bundle: true,
    splitting,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    sourcesContent: true,
    logLevel: 'warning',
  });
await bundle(['index', 'build', 'precache', 'service-worker', 'vault'], true);
// Whole, so that a page waits for one file and not for those that it names.
await bundle(['worker', 'vault-worker'], false);

// What a page without a bundler loads: for recognising, and for a vault. The service worker is not among its own files.
const scripts = readdirSync(at('dist/')).filter((name) => name.endsWith('.js') && name !== 'service-worker.js');
list(
  'precache.js',
  scripts.filter((name) => !name.startsWith('vault')),
);
list(
  'vault.js',
  scripts.filter((name) => name.startsWith('vault') || name.startsWith('chunk-')),
);

function list(file, names) {
  const source = readFileSync(at(`dist/${file}`), 'utf8');
  if (!source.includes('"__SCRIPTS__"')) throw new Error(`${file} has no place for the list of scripts`);
  writeFileSync(at(`dist/${file}`), source.replace('"__SCRIPTS__"', names.map((name) => JSON.stringify(name)).join()));
}
