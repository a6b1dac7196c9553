// Which wasm module runs which release: a small one if there is a plan, and otherwise the one with tract.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

const BUILDS = ['scalar', 'simd', 'relaxed'];
const TRACT = '/pkg/wasm/tract/jicho-tract.wasm';
const built = (build) => fileURLToPath(new URL(`../../pkg/wasm/${build}/jicho-${build}.wasm`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'jicho-builds-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const modules = () => at.web.requests.filter((path) => path.endsWith('.wasm'));

/** Syncs, and recognises the photo. */
const see = async ({ start, photo, args }) => {
  const eye = await start(args.options);
  const { outcome, model } = await eye.sync();
  const seen = await eye.recognize(photo);
  eye.dispose();
  return { outcome, version: model.version, predictions: seen.predictions };
};

describe('a release with a plan', options, () => {
  test('fetches one small module and no ONNX', async () => {
    at.web.requests.length = 0;
    await at.inPage(see);
    // The best build that this Chromium supports.
    assert.deepEqual(modules(), ['/pkg/wasm/relaxed/jicho-relaxed.wasm']);
    assert.ok(at.web.requests.some((path) => path.endsWith('.plan')));
    assert.ok(!at.web.requests.some((path) => path.endsWith('.onnx')));
  });

  test('is answered alike by every build', async () => {
    const answers = [];
    for (const build of BUILDS) {
      // Whichever module the browser asks for, it gets this one.
      for (const asked of BUILDS) cpSync(built(build), join(folder, `as-${build}/${asked}/jicho-${asked}.wasm`));
      at.web.mounts[`/as-${build}/`] = join(folder, `as-${build}`);
      const { predictions } = await at.inPage(see, { options: { wasm: `/as-${build}/` } });
      answers.push(new Map(predictions.map(({ label, confidence }) => [label, confidence])));
    }
    for (const answer of answers) {
      assert.equal(answer.size, at.first.labels.length);
      for (const [label, confidence] of answer) assert.ok(Math.abs(confidence - answers[0].get(label)) < 1e-4, label);
    }
  });
});

for (const worker of [true, false]) {
  describe(`a release without a plan, ${worker ? 'in a worker' : 'in the page'}`, options, () => {
    test('fetches the module with tract, and only then', async () => {
      at.web.requests.length = 0;
      const planned = await at.inPage(see, { options: { worker } });
      assert.ok(!modules().includes(TRACT));
      at.publish(at.bare);
      at.web.requests.length = 0;
      const bare = await at.inPage(see, { options: { worker } });
      assert.deepEqual([bare.outcome, bare.version], ['updated', at.unplanned.version]);
      assert.equal(bare.predictions[0].label, planned.predictions[0].label);
      const first = (isMeant) => at.web.requests.findIndex(isMeant);
      const onnx = first((path) => path.endsWith('.onnx'));
      assert.ok(first((path) => path === TRACT) < onnx, 'the ONNX is fetched before it is known that it can be run');

      // Next time the channel is opened in that module at once.
      const again = await at.inPage(see, { options: { worker } });
      assert.deepEqual([again.outcome, again.version], ['current', at.unplanned.version]);
    });

    test('leaves the old model answering while the module comes, and where it does not', async () => {
      await at.inPage(see, { options: { worker } });
      at.publish(at.bare);
      let fail;
      const refused = (path, response) => path === TRACT && Boolean(response.destroy());
      const asked = new Promise((resolve) => {
        at.web.misbehave = (path, response) => {
          if (path !== TRACT) return false;
          response.writeHead(200, { 'Content-Type': 'application/wasm', 'Content-Length': 1000 }).write('\0asm');
          // The browser may repeat the request.
          fail = () => ((at.web.misbehave = refused), response.destroy());
          resolve();
          return true;
        };
      });
      await at.inPage(
        async ({ start, outcome, args }) => {
          globalThis.eye = await start(args.options);
          globalThis.synced = outcome(globalThis.eye.sync());
        },
        { options: { worker } },
      );
      const ended = at.inPage(() => globalThis.synced);
      await Promise.race([
        asked,
        ended.then(({ error }) => assert.fail(`it ended without the module: ${error?.message}`)),
      ]);
      const version = () => at.inPage(async ({ photo }) => (await globalThis.eye.recognize(photo)).version);
      assert.equal(await version(), at.first.version);
      fail();
      const { error } = await ended;
      assert.equal(error?.code, 'NETWORK');
      assert.equal(await version(), at.first.version);

      at.web.misbehave = undefined;
      const healed = await at.inPage(() => globalThis.eye.sync());
      assert.equal(healed.outcome, 'updated');
      assert.equal(await version(), at.unplanned.version);
    });

    test('is answered by many syncs at once', async () => {
      at.publish(at.bare);
      const outcomes = await at.inPage(
        async ({ start, args }) => {
          const eye = await start(args.options);
          const synced = await Promise.all([eye.sync(), eye.sync(), eye.sync()]);
          return synced.map(({ outcome }) => outcome);
        },
        { options: { worker } },
      );
      assert.deepEqual(outcomes, ['updated', 'current', 'current']);
    });
  });
}

describe('OnnxModel', options, () => {
  const run = (body, args) => {
    const { url } = at.unplanned.files.find(({ role }) => role === 'backbone');
    const { imageSize, preprocessing, features } = at.unplanned;
    at.publish(at.bare);
    return at.inPage(body, {
      url: `/models/${url}`,
      options: { imageSize, preprocessing },
      length: features.embedding,
      ...args,
    });
  };

  test('runs a network from its address or its bytes', async () => {
    const seen = await run(async ({ OnnxModel, photo, args }) => {
      const model = await OnnxModel.load(args.url, args.options);
      const bytes = await (await fetch(args.url)).arrayBuffer();
      const labels = Array.from({ length: args.length }, (_, i) => `${i}`);
      const other = await OnnxModel.load(bytes, { ...args.options, labels });
      const [a, b, c] = await Promise.all([
        model.infer(photo),
        other.infer(photo),
        other.infer(await createImageBitmap(photo)),
      ]);
      const result = { kind: a.constructor.name, lengths: [a.length, model.outputLength], kept: bytes.byteLength > 0 };
      result.same = a.every((value, i) => value === b[i] && value === c[i]);
      result.labels = other.labels.length;
      result.some = a.some((value) => value > 0);
      model.dispose();
      other.dispose();
      return result;
    });
    const length = at.unplanned.features.embedding;
    assert.deepEqual(seen, {
      kind: 'Float32Array',
      lengths: [length, length],
      kept: true,
      same: true,
      labels: length,
      some: true,
    });
    await at.workersLeft(0);
  });

  test('says what is wrong', async () => {
    const codes = await run(async ({ OnnxModel, outcome, photo, args }) => {
      const load = (source, options) => outcome(OnnxModel.load(source, { ...args.options, ...options }));
      const wrong = [
        await load('/models/none.onnx'),
        await load(new TextEncoder().encode('these are words')),
        await load('http://'),
        await load(args.url, { imageSize: 0 }),
        await load(args.url, { imageSize: 1.5 }),
        await load(args.url, { preprocessing: undefined }),
        await load(args.url, { labels: ['one'] }),
        await load(args.url, { preprocessing: { ...args.options.preprocessing, color: 'grey' } }),
        await load(args.url, { wasm: '/none/' }),
      ];
      const model = await OnnxModel.load(args.url, args.options);
      wrong.push(await outcome(model.infer(document.createElement('video'))));
      wrong.push(await outcome(model.infer(photo, { signal: AbortSignal.abort() })));
      const waiting = outcome(model.infer(photo));
      model.dispose();
      wrong.push(await waiting, await outcome(model.infer(photo)));
      return wrong.map(({ error }) => error?.code);
    });
    assert.deepEqual(codes, [
      'HTTP_STATUS',
      'INVALID_MODEL',
      ...Array(6).fill('INVALID_ARGUMENT'),
      'HTTP_STATUS',
      'INVALID_FRAME',
      'ABORTED',
      'DISPOSED',
      'DISPOSED',
    ]);
    await at.workersLeft(0);
  });
});
