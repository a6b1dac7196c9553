import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform } from 'node:os';

/** The versions of what was measured, and the machine that it ran on. */
export function machine(browser) {
  const versions = Object.fromEntries(
    ['onnxruntime-web', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'].map((name) => [name, installed(name)]),
  );
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    system: `${platform()} ${arch()}`,
    load: loadavg()[0],
    versions: { chromium: browser.version(), ...versions, 'onnxruntime (Python)': pinned('onnxruntime') },
  };
}

function installed(name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}

function pinned(name) {
  const requirements = readFileSync(new URL('../requirements.txt', import.meta.url), 'utf8');
  return requirements.match(new RegExp(`^${name}==(.+)$`, 'm'))[1];
}
