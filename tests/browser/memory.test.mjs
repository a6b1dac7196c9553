// Memory of a page that is open for months: many models, one after another.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { editMetadata } from './harness/damage.mjs';
import { stage } from './harness/stage.mjs';

const at = stage();
const SWAPS = 100;
/** Swaps until everything that stays in memory has been allocated. */
const WARM_UP = 20;
/** Bytes per swap; a leaked model would be a hundred times as much. */
const ALLOWED = 1 << 20;
/**
 * The wasm heap never shrinks. It grows once by 2.7 MB, at the 15th swap or later, when the allocator first finds no gap for a
 * second model, and then not in 300 swaps. A leak of 50 KB per swap would be as much.
 */
const HEAP_ALLOWED = 4 << 20;

/** Publishes the next release: one of the two, with a number of its own. */
function publishNext(swap) {
  at.publish(swap % 2 ? at.newer : at.older);
  at.web.misbehave = editMetadata(at.web, (metadata) => (metadata.releaseSeq = at.first.releaseSeq + 1000 + swap));
}

async function scriptBytes(session) {
  // What only its finalisers free takes a second one.
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize;
}

describe(`${SWAPS} models in one page`, { timeout: 6 * PATIENCE }, () => {
  for (const worker of [true, false]) {
    test(`memory stays flat, ${worker ? 'with a worker' : 'in the page'}`, async (t) => {
      publishNext(0);
      await at.inPage(
        async ({ start, photo, args }) =>
          Object.assign(globalThis, { eye: await start({ worker: args.worker }), photo }),
        {
          worker,
        },
      );
      const session = await at.context.newCDPSession(at.page);
      const swap = () =>
        at.page.evaluate(async () => {
          const { outcome, model } = await globalThis.eye.sync();
          const { version } = await globalThis.eye.recognize(globalThis.photo);
          return [outcome, model.version === version, model.stored];
        });
      const measure = async () => {
        const { memory, storage } = await at.page.evaluate(() => globalThis.eye.diagnose());
        return {
          wasm: memory.wasmBytes,
          kept: memory.keptBytes,
          script: await scriptBytes(session),
          stored: storage.usedBytes,
        };
      };
      let early;
      for (let i = 1; i <= SWAPS; i++) {
        publishNext(i);
        assert.deepEqual(await swap(), ['updated', true, true]);
        if (i === WARM_UP) early = await measure();
      }
      const late = await measure();
      for (const name of Object.keys(late))
        t.diagnostic(`${name}: ${early[name]} bytes after ${WARM_UP}, ${late[name]} after ${SWAPS}`);
      assert.ok(late.wasm - early.wasm < HEAP_ALLOWED);
      assert.equal(late.kept, 0);
      assert.ok(late.script - early.script < ALLOWED);
    });
  }
});

test('pictures leave nothing in the wasm heap', { timeout: 6 * PATIENCE }, async () => {
  const [early, late] = await at.inPage(async ({ start, photo, probe }) => {
    const eye = await start();
    await eye.sync();
    const video = await probe.playing(await probe.drawn(photo));
    const bytesAfter = async (times) => {
      for (let i = 0; i < times; i++) {
        await eye.recognize(photo);
        await eye.recognize(video);
        await eye.assess(video);
      }
      return (await eye.diagnose()).memory.wasmBytes;
    };
    const bytes = [await bytesAfter(10), await bytesAfter(200)];
    video.end();
    eye.dispose();
    return bytes;
  });
  assert.ok(early > 0);
  assert.equal(late, early);
});
