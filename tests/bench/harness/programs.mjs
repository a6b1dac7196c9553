// The other programs that the benchmark runs: Python, which writes the models and runs the native peer, and the companion.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { jicho } from '../../browser/harness/companion.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const PYTHON = process.env.BENCH_PYTHON ?? here('../../../.tools/python/bin/python');
const ENGINE_TIME = here('../../../target/bench/native/debug/examples/engine_time');
const OUT = here('../../../target/bench');

export const FOLDERS = { models: join(OUT, 'models/'), plans: join(OUT, 'plans/'), releases: join(OUT, 'releases/') };

const modelFile = (name) => join(FOLDERS.models, name);
const planFile = (model) => join(FOLDERS.plans, `${model}.plan`);

async function run(program, ...args) {
  return (await promisify(execFile)(program, args)).stdout;
}

function python(script, ...args) {
  // -B: Python writes no compiled files beside the scripts.
  return run(PYTHON, '-B', here(`../${script}`), ...args);
}

/** Writes the models and reads what the parts need to know about them. */
export async function makeModels() {
  await python('models.py', FOLDERS.models);
  const { mean, std, models } = JSON.parse(readFileSync(modelFile('models.json'), 'utf8'));
  return { mean, std, sizes: Object.fromEntries(models.map(({ name, size }) => [name, size])) };
}

/** The output of Python's onnxruntime for a model's picture. */
export function referenceLogits(model) {
  const { buffer, byteOffset, length } = readFileSync(modelFile(`${model}.logits.f32`));
  return [...new Float32Array(buffer.slice(byteOffset, byteOffset + length))];
}

/** Compiles the plan that our engine runs. */
export async function compile(model, size) {
  mkdirSync(FOLDERS.plans, { recursive: true });
  await jicho('compile', modelFile(`${model}.onnx`), '--size', `${size}`, '--out', planFile(model));
}

/** Publishes a model as a release. Its labels are numbers, in the order of the network's outputs. */
export async function publish(model, { mean, std }) {
  rmSync(FOLDERS.releases, { recursive: true, force: true });
  const labels = modelFile('labels.txt');
  writeFileSync(
    labels,
    referenceLogits(model)
      .map((_, i) => `${i}\n`)
      .join(''),
  );
  const pixels = ['--layout', 'nchw', '--color', 'rgb', '--range', '0,1', '--mean', `${mean}`, '--std', `${std}`];
  const where = ['--labels', labels, '--channel', 'bench', '--out', FOLDERS.releases];
  await jicho('import', modelFile(`${model}.onnx`), ...where, ...pixels);
}

/** Milliseconds of CPU time for one recognition outside the browser, on one thread. */
export const nativeTime = {
  async jicho(model, seconds) {
    const output = await run(ENGINE_TIME, planFile(model), modelFile(`${model}.input.f32`), `${seconds}`);
    return JSON.parse(output).cpu_ms_per_image;
  },
  async onnxruntime(model, seconds) {
    const args = [modelFile(`${model}.onnx`), modelFile(`${model}.input.f32`), '--seconds', `${seconds}`];
    return JSON.parse(await python('native.py', ...args)).cpu_ms_per_image;
  },
};
