// Defects of the npm package itself. Faults of the host and the device are in `faults/`.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

describe('a defect', options, () => {
  const faulty = (search) => `() => new Worker('/pages/faulty-worker.js${search}', { type: 'module' })`;

  test('in a recognition: INTERNAL for all who wait, then a new worker answers', async () => {
    const seen = await at.inPage(`async ({ start, outcome, photo }) => {
      const eye = await start();
      await eye.sync();
      eye.dispose();
      const workers = [${faulty('')}, () => new Worker('/pkg/dist/worker.js', { type: 'module' })];
      const models = [];
      const broken = await start({ worker: () => workers.shift()(), onModel: (model) => models.push(model?.version) });
      const hurt = await Promise.all([outcome(broken.recognize(photo)), outcome(broken.recognize(photo))]);
      const healed = await broken.recognize(photo);
      return { hurt, healed, left: workers.length, models, state: broken.state };
    }`);
    for (const { error } of seen.hurt) assert.equal(error?.code, 'INTERNAL');
    assert.equal(seen.healed.predictions[0].label, at.product);
    assert.equal(seen.left, 0);
    assert.deepEqual(seen.models, [at.first.version]);
    assert.equal(seen.state, 'ready');
    await at.workersLeft(1);
  });

  for (const search of ['?later', '?promise']) {
    test(`in a task that nobody awaits (${search}): INTERNAL, no hang`, async () => {
      const ended = await at.inPage(`async ({ start, outcome }) => {
        const workers = [${faulty(search)}, () => new Worker('/pkg/dist/worker.js', { type: 'module' })];
        const eye = await start({ worker: () => workers.shift()() });
        return [await outcome(eye.sync()), await outcome(eye.sync())];
      }`);
      assert.equal(ended[0].error?.code, 'INTERNAL');
      assert.equal(ended[1].value?.outcome, 'updated');
    });
  }

  test('in the page: INTERNAL until it is reloaded', async () => {
    const run = async ({ start, outcome, photo }) => {
      const eye = await start({ worker: false });
      await eye.sync();
      return { eye, seen: () => outcome(eye.recognize(photo)) };
    };
    const broken = await at.inPage(`async (here) => {
      const { instantiate } = WebAssembly;
      const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11];
      const { trap } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports;
      WebAssembly.instantiate = async (module, imports) => {
        const { exports } = await instantiate(module, imports);
        return { instance: { exports: { ...exports, channel_recognize: trap } }, module };
      };
      const { eye, seen } = await (${run})(here);
      const ended = [await seen(), await seen(), await here.outcome(here.start({ worker: false }))];
      const inWorker = await here.start();
      return { ended, state: eye.state, inWorker: inWorker.state };
    }`);
    for (const { error } of broken.ended) assert.equal(error?.code, 'INTERNAL');
    assert.equal(broken.state, 'failed');
    assert.equal(broken.inWorker, 'ready');
  });

  test('a worker or a wasm file that is not there is told, not waited for', async () => {
    at.web.misbehave = (path, response) => {
      if (path.startsWith('/page/')) return Boolean(response.writeHead(200).end('<!doctype html><title>Shop</title>'));
      if (!path.startsWith('/broken/')) return false;
      response.writeHead(200, { 'Content-Type': 'application/wasm', 'Content-Length': 1000 });
      return response.write('\0asm', () => response.destroy());
    };
    const ended = await at.inPage(async ({ start, outcome }) => {
      const missing = () => new Worker('/pages/none.js', { type: 'module' });
      return [
        await outcome(start({ worker: missing })),
        await outcome(start({ wasm: '/none' })),
        await outcome(start({ wasm: '/page/' })),
        await outcome(start({ wasm: '/broken/' })),
      ];
    });
    assert.deepEqual(
      ended.map(({ error }) => error?.code),
      ['NETWORK', 'HTTP_STATUS', 'NETWORK', 'NETWORK'],
    );
  });
});
