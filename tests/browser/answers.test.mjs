// What decides whether a model is trusted and which product wins: the golden vector on each kind of SIMD, and the products that
// the app knows.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { PATIENCE } from './harness/browser.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { editMetadata } from './harness/damage.mjs';
import { temporary } from './harness/shop.mjs';
import { metadataOf, stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();
const folder = temporary(after);

const built = (build) => fileURLToPath(new URL(`../../pkg/wasm/${build}/jicho-${build}.wasm`, import.meta.url));
const headOf = ({ files }) => files.find(({ role }) => role === 'head');

describe('the golden vector', options, () => {
  let others;
  before(async () => {
    const models = join(folder, 'others');
    await jicho('samples', join(folder, 'photos'), '--seed', '9', '--photos', '8', '--products', '4', '--size', '320');
    await jicho('train', join(folder, 'photos'), '--channel', 'T_1', ...EASY, '--out', models);
    others = { models, ...metadataOf(models) };
  });

  /** Publishes the second release with another head, whose hash and size stand in metadata.json. */
  function replaceHead(change) {
    const bytes = change(readFileSync(join(at.newer, headOf(at.second).url)));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const url = `blobs/${sha256}.safetensors`;
    const metadata = editMetadata(at.web, ({ files }) =>
      Object.assign(headOf({ files }), { url, sha256, bytes: bytes.length }),
    );
    at.publish(at.newer);
    at.web.misbehave = (path, response) =>
      metadata(path, response) || (path === `/models/${url}` && Boolean(response.end(bytes)));
  }

  const WRONG = {
    'the head of another training': () => readFileSync(join(others.models, headOf(others).url)),
    'a head with one weight damaged': (bytes) => {
      // A value of the first prototype, by half of what the largest is.
      const header = Number(bytes.readBigUInt64LE());
      const tensors = JSON.parse(bytes.subarray(8, 8 + header));
      const [begin, end] = tensors['label/prototypes'].data_offsets;
      assert.ok(end - begin > 7);
      bytes[8 + header + begin + 7] ^= 0x40;
      return bytes;
    },
  };

  for (const build of ['scalar', 'simd', 'relaxed']) {
    test(`on the build ${build} lets the right model in, and no wrong one`, async () => {
      // Whichever module the browser asks for, it gets this one.
      for (const asked of ['scalar', 'simd', 'relaxed']) {
        const module = join(folder, `as-${build}/${asked}/jicho-${asked}.wasm`);
        cpSync(built(build), module);
      }
      at.web.mounts[`/as-${build}/`] = join(folder, `as-${build}`);
      const run = async ({ start, outcome, photo, args }) => {
        const eye = await start({ wasm: `/as-${args.build}/` });
        const { value, error } = await outcome(eye.sync());
        const { engine } = await eye.diagnose();
        const { version } = await eye.recognize(photo);
        eye.dispose();
        return { said: value?.outcome ?? error.code, build: engine.build, version };
      };
      assert.deepEqual(await at.inPage(run, { build }), { said: 'updated', build, version: at.first.version });
      for (const [name, change] of Object.entries(WRONG)) {
        replaceHead(change);
        assert.deepEqual(
          await at.inPage(run, { build }),
          { said: 'GOLDEN_MISMATCH', build, version: at.first.version },
          name,
        );
      }
      at.web.misbehave = undefined;
      assert.deepEqual(await at.inPage(run, { build }), { said: 'updated', build, version: at.second.version });
    });
  }
});

for (const worker of [true, false]) {
  test(
    `products that the app does not know are marked and never win, ${worker ? 'in a worker' : 'in the page'}`,
    options,
    async () => {
      const seen = await at.inPage(
        async ({ start, outcome, photo, args }) => {
          const eye = await start({ worker: args.worker, products: args.others });
          await eye.sync();
          const others = await eye.recognize(photo);
          eye.setProducts([]);
          const none = await eye.recognize(photo);
          eye.setProducts([args.product, 'of another channel']);
          const one = await eye.recognize(photo);
          eye.setProducts(null);
          const all = await eye.recognize(photo);
          const wrong = await outcome((async () => eye.setProducts('apple'))());
          eye.dispose();
          return { others, none, one, all, wrong };
        },
        { worker, product: at.product, others: at.first.labels.filter((label) => label !== at.product) },
      );
      const known = ({ predictions }) => predictions.filter(({ known }) => known).map(({ label }) => label);
      assert.equal(seen.others.predictions.at(-1).label, at.product);
      assert.ok(!known(seen.others).includes(at.product));
      assert.notEqual(seen.others.decision, 'match');
      assert.deepEqual([known(seen.none), seen.none.decision, seen.none.reason], [[], 'unknown', 'not-known']);
      assert.deepEqual(
        [known(seen.one), seen.one.predictions[0].label, seen.one.decision],
        [[at.product], at.product, 'match'],
      );
      assert.deepEqual([known(seen.all).length, seen.all.predictions[0].label], [at.first.labels.length, at.product]);
      assert.equal(seen.wrong.error.code, 'INVALID_ARGUMENT');
    },
  );
}
