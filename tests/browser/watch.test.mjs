// `eye.watch(video)` in a real browser: it settles, idles while nothing changes, follows what changes, pauses and ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const at = stage();
const options = { timeout: 3 * PATIENCE };

/**
 * Opens the channel and watches a video of a canvas that shows the photo. The page then has `eye`, `video`, `answers`, and
 * the functions `paint(filter)`, `frames(count)` (which waits for frames of the video), `count()` of all recognitions and `stop()`.
 */
function watching() {
  return at.inPage(async ({ start, photo, probe }) => {
    const eye = await start();
    await eye.sync();
    const canvas = await probe.drawn(photo);
    const video = await probe.playing(canvas);
    const bitmap = await createImageBitmap(photo);
    const controller = new AbortController();
    const answers = [];
    const seen = (async () => {
      for await (const answer of eye.watch(video, { fps: 30, signal: controller.signal })) answers.push(answer);
    })();
    const frame = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    Object.assign(globalThis, {
      eye,
      video,
      answers,
      paint(filter) {
        const context = canvas.getContext('2d');
        context.filter = filter;
        context.drawImage(bitmap, 0, 0);
        context.filter = 'none';
      },
      async frames(count) {
        for (let i = 0; i < count; i++) await frame();
      },
      count: async () => (await eye.diagnose()).measures.inferences.count,
      async stop() {
        controller.abort();
        await seen;
      },
    });
  });
}

const settled = (product) =>
  at.page.waitForFunction((product) => globalThis.answers.at(-1)?.predictions[0]?.label === product, product);

test('an answer settles, and a picture that stays the same is not recognised again', options, async () => {
  await watching();
  await settled(at.product);
  const { before, after, told, first } = await at.page.evaluate(async () => {
    await globalThis.frames(5);
    const before = await globalThis.count();
    const told = globalThis.answers.length;
    await globalThis.frames(20);
    const first = globalThis.answers[0];
    return { before, after: await globalThis.count(), told: globalThis.answers.length - told, first };
  });
  assert.equal(after, before, 'nothing changed in the picture');
  assert.equal(told, 0);
  assert.equal(first.changed, true);
  assert.ok(first.frames >= 2);
});

test('what changes is followed, and a lesson is known though the picture stays', options, async () => {
  await watching();
  await settled(at.product);
  await at.page.evaluate(() => globalThis.paint('invert(1) hue-rotate(90deg)'));
  await at.page.waitForFunction((product) => {
    const { decision, predictions } = globalThis.answers.at(-1);
    return decision !== 'match' || predictions[0].label !== product;
  }, at.product);
  await at.page.evaluate(async () => {
    await globalThis.frames(5);
    await globalThis.eye.enroll('kiwi', globalThis.video);
  });
  await settled('kiwi');
});

test('an answer can be corrected', options, async () => {
  await watching();
  await settled(at.product);
  await at.page.evaluate(() => globalThis.eye.correct(globalThis.answers.at(-1), 'kiwi'));
  await settled('kiwi');
});

test('it rests while the page is hidden', options, async () => {
  await watching();
  await settled(at.product);
  const seen = await at.page.evaluate(async () => {
    const show = (state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    };
    show('hidden');
    await globalThis.frames(5);
    const before = await globalThis.count();
    globalThis.paint('invert(1)');
    await globalThis.frames(10);
    const hidden = await globalThis.count();
    show('visible');
    return { before, hidden };
  });
  assert.equal(seen.hidden, seen.before);
  await at.page.waitForFunction(async (before) => (await globalThis.count()) > before, seen.hidden);
});

test('it ends with the signal, when it is left, and with an error when the channel is disposed', options, async () => {
  await watching();
  await settled(at.product);
  const ended = await at.page.evaluate(async () => {
    await globalThis.stop();
    let left = 0;
    for await (const _ of globalThis.eye.watch(globalThis.video)) {
      left += 1;
      break;
    }
    globalThis.paint('invert(1)');
    const disposed = (async () => {
      for await (const _ of globalThis.eye.watch(globalThis.video)) globalThis.eye.dispose();
    })();
    return { left, code: await disposed.catch(({ code }) => code) };
  });
  assert.deepEqual(ended, { left: 1, code: 'DISPOSED' });
});

test('what is no video, and no number of frames, is refused at once', options, async () => {
  const codes = await at.inPage(async ({ start }) => {
    const eye = await start();
    const video = document.createElement('video');
    const code = (call) => {
      try {
        call();
      } catch (error) {
        return error.code;
      }
    };
    return [
      code(() => eye.watch(document.createElement('canvas'))),
      code(() => eye.watch(video, { fps: 0 })),
      code(() => eye.watch(video, { fps: 'fast' })),
      code(() => eye.watch(video, { signal: {} })),
    ];
  });
  assert.deepEqual(codes, Array(4).fill('INVALID_ARGUMENT'));
});
