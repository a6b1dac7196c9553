// The benchmark: `./build.sh bench` installs what it needs and calls this.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { launchBrowser, PATIENCE } from '../browser/harness/browser.mjs';
import { host } from './harness/host.mjs';
import { optionsOf } from './harness/options.mjs';
import { compile, FOLDERS, makeModels, publish } from './harness/programs.mjs';
import { measureCold } from './parts/cold.mjs';
import { measureMemory, measurePackageMemory } from './parts/memory.mjs';
import { measureNative } from './parts/native.mjs';
import { measureQuality } from './parts/quality.mjs';
import { measureRun } from './parts/run.mjs';
import { measureVault } from './parts/vault.mjs';
import { machine } from './report/machine.mjs';
import { disagreements, results } from './report/results.mjs';
import { text } from './report/text.mjs';

/** The model that every part but the first measures. */
const MAIN_MODEL = 'mobilenet_v2_1.0_224';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const progress = (what) => console.error(`bench: ${what}`);

const options = optionsOf(process.argv.slice(2));
const has = (part) => options.parts.includes(part);
const oursIn = options.engines.includes('jicho');

await prepare();
const web = await host({
  '/page/': here('page/'),
  '/pkg/': here('../../pkg/'),
  '/vault/': here('../../target/wasm-bench/vault/'),
  '/onnxruntime-web/': here('../../node_modules/onnxruntime-web/dist/'),
  '/tfjs/': here('../../node_modules/@tensorflow/tfjs/dist/'),
  '/tfjs-wasm/': here('../../node_modules/@tensorflow/tfjs-backend-wasm/dist/'),
  ...Object.fromEntries(Object.entries(FOLDERS).map(([name, folder]) => [`/${name}/`, folder])),
});
const measured = { options };
const failures = [];
const browser = await launchBrowser();
measured.machine = machine(browser);
await part('run', runAll);
await part('memory', memory);
await part('quality', () => onPage((page) => measureQuality(page, MAIN_MODEL, options)), has('quality') && oursIn);
await part('vault', () => onPage((page) => measureVault(page, options)), has('vault') && oursIn);
// First, because cold starts run in browsers of their own.
await browser.close();
await part('cold', cold, has('cold') || has('bytes'));
await web.close();
await part('native', () => measureNative(MAIN_MODEL, options));

console.log(text(measured));
if (options.json) writeFileSync(options.json, `${JSON.stringify(results(measured), null, 2)}\n`);
const wrong = [...failures, ...disagreements(measured)];
for (const message of wrong) progress(message);
process.exitCode = wrong.length ? 1 : 0;

/** A part that fails is reported; the results of the other parts remain. */
async function part(name, measure, wanted = has(name)) {
  if (!wanted) return;
  progress(name);
  try {
    measured[name] = await measure();
  } catch (error) {
    failures.push(`${name} failed: ${error.stack}`);
  }
}

async function prepare() {
  progress('models');
  const { sizes, mean, std } = await makeModels();
  if (!oursIn) return;
  const needed = new Set(has('run') ? options.models : []);
  if (has('memory') || has('native')) needed.add(MAIN_MODEL);
  for (const model of needed) await compile(model, sizes[model]);
  if (['cold', 'bytes', 'memory', 'quality'].some(has)) await publish(MAIN_MODEL, { mean, std });
}

async function runAll() {
  const all = {};
  for (const model of options.models) {
    progress(`  ${model}`);
    all[model] = await onPage((page) => measureRun(page, model, options));
  }
  return all;
}

async function memory() {
  const engines = await onPage((page) => measureMemory(page, MAIN_MODEL, options));
  const inPackage = oursIn ? await onPage((page) => measurePackageMemory(page, MAIN_MODEL)) : null;
  return { engines, inPackage };
}

async function cold() {
  // To count bytes, one start is enough.
  const starts = has('cold') ? options : { ...options, starts: 1, secondStarts: 0 };
  return measureCold(web, MAIN_MODEL, starts);
}

/** A page with storage of its own. */
async function onPage(action) {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE);
  try {
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && progress(message.text()));
    await page.goto(`${web.url}/page/index.html`);
    return await action(page);
  } finally {
    await context.close();
  }
}
