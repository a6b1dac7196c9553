// Compares what was built with scripts/budgets.json. Sizes are of files compressed by gzip -9, as static hosts send them.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const budgets = JSON.parse(readFileSync(new URL('budgets.json', import.meta.url), 'utf8'));
const compressed = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
const sum = (sizes) => sizes.reduce((a, b) => a + b, 0);

/** A script and all that it imports statically: what a browser fetches before it runs. */
function withImports(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  const source = readFileSync(file, 'utf8');
  for (const [, name] of source.matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g))
    withImports(join(dirname(file), name), seen);
  return seen;
}

/** The page's scripts, the worker's, and the largest of the modules that a browser chooses one of. */
function beforeFirstAnswer() {
  const scripts = new Set([...withImports('pkg/dist/index.js'), ...withImports('pkg/dist/worker.js')]);
  const modules = ['scalar', 'simd', 'relaxed'].map((name) => compressed(`pkg/wasm/${name}/jicho-${name}.wasm`));
  return sum([...scripts].map(compressed)) + Math.max(...modules);
}

const measures = {
  bytesBeforeFirstAnswer: beforeFirstAnswer,
  recognitionModuleBytes: () => compressed('pkg/wasm/relaxed/jicho-relaxed.wasm'),
  vaultModuleBytes: () => compressed('pkg/wasm/vault/jicho-vault.wasm'),
  packageBytes: () => {
    const [tarball] = readdirSync('pkg').filter((name) => name.endsWith('.tgz'));
    return statSync(join('pkg', tarball)).size;
  },
  appScriptBytes: () => sum(tillScripts().map(compressed)),
  testSeconds: () => (process.env.BUDGET_SECONDS ? Number(process.env.BUDGET_SECONDS) : null),
};

/** The scripts that the till's page loads before it is drawn, the library's among them; without what is loaded later or in workers. */
function tillScripts() {
  const folder = 'www/dist/assets';
  const entry = readdirSync(folder).find((name) => /^index-.*\.js$/.test(name));
  return [...withImports(join(folder, entry))];
}

let exceeded = 0;
for (const [name, { limit, unit, advisory }] of Object.entries(budgets)) {
  const measured = measures[name]();
  if (measured === null) continue;
  const state = measured > limit ? 'EXCEEDED' : 'ok';
  // Seconds depend on the machine, so they are told and fail nothing.
  if (measured > limit && !advisory) exceeded++;
  console.log(`budget ${name}: ${Math.round(measured)} of ${limit} ${unit}, ${state}`);
}
if (exceeded) {
  console.error(
    'build.sh: make it smaller, or raise the limit in scripts/budgets.json and give the reason in the commit',
  );
  process.exit(1);
}
