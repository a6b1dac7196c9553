import { nativeTime } from '../harness/programs.mjs';
import { median } from '../harness/statistics.mjs';

const ROUNDS = 5;
const SECONDS = 2;

/** Milliseconds of CPU time for one recognition outside the browser: ours, that of Python's onnxruntime, and their ratio. */
export async function measureNative(model, { engines }) {
  const names = engines.includes('jicho') ? ['jicho', 'onnxruntime'] : ['onnxruntime'];
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 ? names.toReversed() : names) {
      samples[name].push(await nativeTime[name](model, SECONDS));
    }
  }
  const cpu = Object.fromEntries(names.map((name) => [name, median(samples[name])]));
  return { cpu_ms: cpu, ratio: cpu.jicho ? cpu.jicho / cpu.onnxruntime : null };
}
