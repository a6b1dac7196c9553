import { workerClock } from '../harness/cpu.mjs';
import { median, quantile, summary } from '../harness/statistics.mjs';

/** Recognitions that tell the quality, such that do not, and quality alone. */
const CALLS = ['with', 'without', 'alone'];

/** So many of each in a round. */
const RUNS = 10;

/** So many before the first round: until their wasm is compiled by the better compiler. */
const WARM_RUNS = 100;

/**
 * What quality costs the npm package's worker, of a camera's frame: all that a call makes it do. The calls take turns, so that
 * whatever else the machine does meets them alike.
 */
export async function measureQuality(page, model, { rounds }) {
  await page.evaluate((name) => bench.take(name), model);
  await page.evaluate(() => bench.openEyes());
  const look = (call, runs) => page.evaluate(([name, count]) => bench.look(name, count), [call, runs]);
  for (const call of CALLS) await look(call, WARM_RUNS);

  const clock = workerClock();
  const samples = Object.fromEntries(CALLS.map((call) => [call, []]));
  for (let round = 0; round < rounds; round++) {
    for (const call of round % 2 ? CALLS.toReversed() : CALLS) {
      const before = clock?.();
      const wall = await look(call, RUNS);
      samples[call].push((clock ? clock() - before : wall) / RUNS);
    }
  }
  const added = samples.with.map((ms, round) => ms - samples.without[round]);
  return {
    clock: clock ? 'cpu' : 'wall',
    ms: Object.fromEntries(
      CALLS.map((call) => [call, { ...summary(samples[call]), least: Math.min(...samples[call]) }]),
    ),
    added: { median: median(added), p5: quantile(added, 0.05), p95: quantile(added, 0.95) },
    share: median(added) / median(samples.without),
  };
}
