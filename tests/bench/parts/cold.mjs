import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { launch } from '../../browser/harness/browser.mjs';
import { referenceLogits } from '../harness/programs.mjs';
import { largestDifference, median, summary } from '../harness/statistics.mjs';

/** Milliseconds to wait, because a browser that has just started is still busy. */
const SETTLE_MS = 1000;

/** Runs and pause between the first answer and the second start: the browser caches compiled code only if it was used enough. */
const USE_RUNS = 30;
const USE_REST_MS = 2500;

/** The most second starts that are measured: they take long, and are reported for information only. */
const SECOND_STARTS = 3;

/**
 * Milliseconds from an open page to the first answer: in a browser with an empty profile, and in one restarted with its caches.
 * The bytes that an engine fetches are counted during its first start.
 */
export async function measureCold(host, model, { engines, starts, secondStarts = SECOND_STARTS }) {
  const reference = softmax(referenceLogits(model));
  const differenceOf = (engine, { output }) => {
    // The package's answers are probabilities, the peers' are logits.
    return largestDifference(engine === 'jicho' ? output : softmax(output), reference);
  };
  const nothing = () => ({ cold: [], second: [], steps: [], difference: 0 });
  const results = Object.fromEntries(engines.map((engine) => [engine, nothing()]));
  for (let round = 0; round < starts; round++) {
    for (const engine of round % 2 ? engines.toReversed() : engines) {
      const result = results[engine];
      const { cold, second, requests } = await startTwice(host, engine, model, round < secondStarts);
      result.fetched ??= fetched(requests);
      result.cold.push(cold.ms);
      if (cold.steps) result.steps.push(cold.steps);
      result.difference = Math.max(result.difference, differenceOf(engine, cold));
      if (!second) continue;
      result.second.push(second.ms);
      result.difference = Math.max(result.difference, differenceOf(engine, second));
    }
  }
  for (const result of Object.values(results)) {
    result.cold = summary(result.cold);
    result.second = result.second.length ? summary(result.second) : null;
    result.steps = result.steps.length ? mediansOf(result.steps) : null;
  }
  return results;
}

/** The milliseconds of each step of our cold starts. */
function mediansOf(starts) {
  return Object.fromEntries(Object.keys(starts[0]).map((step) => [step, median(starts.map((steps) => steps[step]))]));
}

/** Profiles are on disk, as outside of private windows, so that the time to store a model counts. */
async function startTwice(host, engine, model, again) {
  const profile = mkdtempSync(join(tmpdir(), 'jicho-bench-'));
  try {
    const first = await start(host, profile, engine, model, again);
    const second = again ? await start(host, profile, engine, model, false) : undefined;
    return { cold: first.answer, second: second?.answer, requests: first.requests };
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(host, profile, engine, model, use) {
  const context = await launch({ profile });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    await page.goto(`${host.url}/page/index.html`);
    await page.evaluate((name) => bench.take(name), model);
    await sleep(SETTLE_MS);
    host.requests.length = 0;
    const answer = await page.evaluate(([name, job]) => bench.firstAnswer(name, job), [engine, { model }]);
    const requests = [...host.requests];
    if (use) {
      await page.evaluate(([name, runs]) => bench.goOn(name, runs), [engine, USE_RUNS]);
      await sleep(USE_REST_MS);
    }
    return { answer, requests };
  } finally {
    await context.close();
  }
}

/** The engine's files with their sizes, and the model's files by name, without the benchmark's own files. */
function fetched(requests) {
  const files = requests.filter(({ path, file }) => file && !path.startsWith('/page/'));
  const isCode = ({ file }) => ['.js', '.mjs', '.wasm'].includes(extname(file));
  const code = files.filter(isCode).map(({ path, file }) => ({ path, bytes: zipped(file) }));
  return {
    bytes: code.reduce((sum, { bytes }) => sum + bytes, 0),
    code,
    model: files.filter((file) => !isCode(file)).map(({ path }) => path),
  };
}

function zipped(file) {
  return gzipSync(readFileSync(file), { level: 9 }).length;
}

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}
