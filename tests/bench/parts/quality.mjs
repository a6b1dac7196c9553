import { workerClock } from '../harness/cpu.mjs';
import { median, quantile, summary } from '../harness/statistics.mjs';

/** What is compared: recognition with the quality of the picture, recognition without, and quality alone. */
const CALLS = ['with', 'without', 'alone'];

/** Calls of each kind per round. */
const RUNS = 10;

/** Calls before the first round, until the optimising compiler has compiled the wasm. */
const WARM_RUNS = 100;

/**
 * The time that the quality of a camera's frame costs in the npm package's worker, everything that the call causes included. The
 * kinds of calls alternate, so that other load on the machine affects them alike.
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
