import { workerClock } from '../harness/cpu.mjs';
import { referenceLogits } from '../harness/programs.mjs';
import { largestDifference, median, quantile, summary } from '../harness/statistics.mjs';

/** Milliseconds that each engine runs before it is measured, until the optimising compiler has compiled its wasm. */
const WARM_MS = 1500;

/** Approximate milliseconds that the slowest engine runs per round. */
const ROUND_MS = 150;

/**
 * The time of one recognition, warm. Each engine has loaded the model in a worker of its own, and in each round they run one
 * after another, so that other load on the machine affects them alike.
 */
export async function measureRun(page, model, { engines, rounds, variant }) {
  await page.evaluate((name) => bench.take(name), model);
  const outputs = {};
  for (const engine of engines) {
    const { output } = await page.evaluate(([name, job]) => bench.start(name, job), [engine, { model, variant }]);
    outputs[engine] = output;
  }
  const run = (engine, runs) => page.evaluate(([name, count]) => bench.run(name, count), [engine, runs]);
  const slowest = Math.max(...(await each(engines, (engine) => warm(engine, run))));
  const runs = Math.min(200, Math.max(2, Math.round(ROUND_MS / slowest)));

  const clock = workerClock();
  const samples = Object.fromEntries(engines.map((engine) => [engine, { cpu: [], wall: [], walls: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const engine of round % 2 ? engines.toReversed() : engines) {
      const before = clock?.();
      const { times } = await run(engine, runs);
      const { cpu, wall, walls } = samples[engine];
      if (clock) cpu.push((clock() - before) / runs);
      wall.push(median(times));
      walls.push(...times);
    }
  }
  await each(engines, (engine) => page.evaluate((name) => bench.stop(name), engine));
  return {
    clock: clock ? 'cpu' : 'wall',
    runs,
    engines: Object.fromEntries(engines.map((engine) => [engine, timesOf(samples[engine])])),
    ratios: ratios(samples, clock ? 'cpu' : 'wall'),
    differences: differences(model, outputs),
  };
}

async function warm(engine, run) {
  const times = [];
  const end = performance.now() + WARM_MS;
  while (performance.now() < end || times.length < 10) times.push(...(await run(engine, 5)).times);
  return median(times.slice(-10));
}

function timesOf({ cpu, walls }) {
  return { cpu_ms: cpu.length ? summary(cpu) : null, wall_ms: summary(walls) };
}

/** Ratios of our time to each peer's time of the same round. */
function ratios(samples, clock) {
  const { jicho, ...peers } = samples;
  if (!jicho) return {};
  const ratio = (peer) => {
    const values = jicho[clock].map((ours, round) => ours / peer[clock][round]);
    return { median: median(values), p5: quantile(values, 0.05), p95: quantile(values, 0.95) };
  };
  return Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, ratio(peer)]));
}

/** The largest difference of each engine's output from that of Python's onnxruntime, as a fraction of the largest logit. */
function differences(model, outputs) {
  const reference = referenceLogits(model);
  const largest = Math.max(...reference.map(Math.abs));
  const shares = Object.entries(outputs).map(([engine, output]) => {
    return [engine, largestDifference(output, reference) / largest];
  });
  return Object.fromEntries(shares);
}

/** Runs one after another, never two at once. */
async function each(items, action) {
  const results = [];
  for (const item of items) results.push(await action(item));
  return results;
}
