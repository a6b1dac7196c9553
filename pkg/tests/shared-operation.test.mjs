import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { SharedOperation } = await source('upkeep/shared-operation');
const never = new AbortController().signal;

/** One that ends when told to. */
function start() {
  const run = {};
  run.joint = new SharedOperation((onProgress, signal) => {
    Object.assign(run, { onProgress, signal });
    return new Promise((resolve, reject) => {
      run.resolve = resolve;
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  });
  return run;
}

test('all who wait get its result and its progress', async () => {
  const run = start();
  const told = [[], []];
  const first = run.joint.join((p) => told[0].push(p), never);
  run.onProgress(1);
  const second = run.joint.join((p) => told[1].push(p), never);
  run.onProgress(2);
  run.resolve('done');
  assert.deepEqual([await first, await second], ['done', 'done']);
  assert.deepEqual(told, [
    [1, 2],
    [1, 2],
  ]);
  await run.joint.settled;
});

test('it is aborted with the last who leaves', async () => {
  const run = start();
  const [one, two] = [new AbortController(), new AbortController()];
  const results = [run.joint.join(() => undefined, one.signal), run.joint.join(() => undefined, two.signal)];
  one.abort();
  assert.ok(!run.signal.aborted && !run.joint.aborted);
  two.abort();
  assert.ok(run.signal.aborted && run.joint.aborted);
  const ended = await Promise.allSettled(results);
  assert.deepEqual(
    ended.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await run.joint.settled;
});

test('who left hears no more', async () => {
  const run = start();
  const one = new AbortController();
  const told = [];
  void run.joint.join((p) => told.push(p), one.signal).catch(() => undefined);
  void run.joint.join(() => undefined, never).catch(() => undefined);
  run.onProgress(1);
  one.abort();
  run.onProgress(2);
  assert.deepEqual(told, [1]);
  assert.ok(!run.joint.aborted);
});

test('who left before, and nobody else, aborts it', async () => {
  const run = start();
  await assert.rejects(
    run.joint.join(() => undefined, AbortSignal.abort()),
    /aborted/,
  );
});

test('aborted from above, all hear of it', async () => {
  const run = start();
  const result = run.joint.join(() => undefined, never);
  run.joint.abort();
  await assert.rejects(result, /aborted/);
});

test('a failure that nobody waits for is no unhandled rejection', async () => {
  const joint = new SharedOperation(() => Promise.reject(new Error('nobody')));
  await joint.settled;
});
