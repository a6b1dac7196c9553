// The fault matrix: `node run.mjs [--only WORDS] [--slice COUNT] [--seed NUMBER] [--parallel NUMBER]`. Prints a row a trial, and last
// `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { launchBrowser } from '../harness/browser.mjs';
import { cases } from './cases.mjs';
import { slice, trialsOf } from './choose.mjs';
import { makeEnvironment } from './environment.mjs';
import { askReleases, makeReleases } from './releases.mjs';
import { trial } from './trial.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    slice: { type: 'string' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 1e6)}` },
    parallel: { type: 'string', default: '2' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'jicho-faults-'));
const browser = await launchBrowser();
const environments = [];
const failed = [];
let passed = 0;

try {
  const releases = await makeReleases(folder);
  while (environments.length < Number(values.parallel)) environments.push(await makeEnvironment(browser, releases));
  await askReleases(releases, browser, environments[0].web);

  let trials = trialsOf(cases).filter(({ fault }) => fault.name.includes(values.only));
  if (values.slice) {
    console.log(`a slice of ${values.slice} by the seed ${values.seed}`);
    trials = slice(trials, Number(values.slice), Number(values.seed));
  }
  print({
    name: 'fault',
    state: 'model',
    said: 'the sync said',
    after: 'answers',
    reloaded: 'reloaded',
    healed: 'healed',
  });
  await Promise.all(environments.map(work(trials)));
} finally {
  await browser.close();
  await Promise.all(environments.map((environment) => environment.close()));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

for (const { name, state, problem } of failed) console.log(`FAILED ${name} (${state}): ${problem}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;

function work(trials) {
  return async (environment) => {
    for (let next = trials.shift(); next; next = trials.shift()) {
      const row = await trial(environment, next.fault, next.had);
      if (row.problem) failed.push(row);
      else passed += 1;
      print(row);
    }
  };
}

function print({ name, state, said, after, reloaded, healed, problem }) {
  const cells = [
    [name, 64],
    [state, 6],
    [said, 18],
    [after, 8],
    [reloaded, 9],
    [healed, 8],
  ];
  console.log(
    `${cells.map(([text, width]) => text.padEnd(width)).join(' ')}${problem ? ` FAILED: ${problem}` : ''}`.trimEnd(),
  );
}
