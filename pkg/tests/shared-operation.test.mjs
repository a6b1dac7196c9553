import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { SharedOperation } = await source('upkeep/shared-operation');
const never = new AbortController().signal;

/** An operation that ends when the test says so. */
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

test('all callers get the result and the progress', async () => {
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

test('the operation is aborted when the last caller aborts', async () => {
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

test('a caller that has aborted gets no more progress', async () => {
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

test('a caller that had aborted before it joined aborts an operation without other callers', async () => {
  const run = start();
  await assert.rejects(
    run.joint.join(() => undefined, AbortSignal.abort()),
    /aborted/,
  );
});

test('abort() rejects all callers', async () => {
  const run = start();
  const result = run.joint.join(() => undefined, never);
  run.joint.abort();
  await assert.rejects(result, /aborted/);
});

test('a failure without callers is no unhandled rejection', async () => {
  const joint = new SharedOperation(() => Promise.reject(new Error('nobody')));
  await joint.settled;
});
