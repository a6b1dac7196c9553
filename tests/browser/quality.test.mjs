// The quality of a picture, alone and as part of answers, in a worker and in the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

const defects = ({ findings }) => findings.map(({ defect }) => defect);
const where = (worker) => (worker ? 'in a worker' : 'in the page');

for (const worker of [true, false]) {
  test(`a dark, a blurred and a good picture, without a model and with one, ${where(worker)}`, options, async () => {
    const { alone, before, answered, again, without } = await at.inPage(
      async ({ start, outcome, photo, probe, args: { worker } }) => {
        const pictures = {
          good: photo,
          dark: await probe.drawn(photo, 'brightness(0.2)'),
          blurred: await probe.drawn(photo, 'blur(4px)'),
        };
        const each = async (look) => {
          const seen = {};
          for (const [name, picture] of Object.entries(pictures)) seen[name] = await look(picture);
          return seen;
        };
        const eye = await start({ worker });
        const alone = await each((picture) => eye.assess(picture));
        const before = [eye.state, (await outcome(eye.recognize(photo))).error.code];
        await eye.sync();
        const answered = await each(async (picture) => (await eye.recognize(picture)).quality);
        const again = await each((picture) => eye.assess(picture));
        eye.dispose();
        const plain = await start({ worker, quality: false });
        const without = [(await plain.recognize(photo)).quality, await plain.assess(photo)];
        plain.dispose();
        return { alone, before, answered, again, without };
      },
      { worker },
    );
    assert.deepEqual(before, ['absent', 'NO_MODEL']);
    assert.deepEqual(defects(alone.good), []);
    assert.equal(defects(alone.dark)[0], 'too-dark');
    assert.deepEqual(defects(alone.blurred), ['blur']);
    const [{ defect, score, limit, reason }] = alone.dark.findings;
    assert.deepEqual([defect, limit, reason], ['too-dark', 100, 'Too dark: bring more light']);
    assert.equal(score, alone.dark.scores.tooDark);
    assert.ok(score < limit && alone.good.scores.tooDark > limit);
    assert.ok(alone.blurred.scores.blur < alone.good.scores.blur);
    const { tooDark, tooBright, glare, lowContrast, tooSmall, blur, ...rest } = alone.good.scores;
    for (const share of [tooBright, glare, lowContrast, blur]) assert.ok(share >= 0 && share <= 1);
    assert.ok(tooDark <= 255 && tooSmall <= 256);
    assert.deepEqual(rest, {}, 'a photo has no motion');
    assert.deepEqual(answered, alone);
    assert.deepEqual(again, alone);
    assert.deepEqual(without, [null, alone.good]);
  });

  test(`what moves within half a second in one video has motion, ${where(worker)}`, options, async () => {
    const seen = await at.inPage(
      async ({ start, photo, probe, args: { worker } }) => {
        const eye = await start({ worker });
        await eye.sync();
        const still = await probe.drawn(photo);
        const moved = await probe.drawn(photo, 'none', 30);
        const motion = async (look, ...pictures) => {
          // Each picture is captured at the call, and answered in order.
          const seen = await Promise.all(pictures.map((picture) => look(picture)));
          return seen.map(({ scores, quality }) => (scores ?? quality.scores).motion);
        };
        const assess = (picture) => eye.assess(picture);
        const frame = (canvas) => new VideoFrame(canvas, { timestamp: 0 });
        const frames = await motion(assess, frame(still), frame(still), frame(moved));
        const photoBetween = await motion(assess, frame(still), still, frame(still));
        const recognized = await motion((picture) => eye.recognize(picture), frame(still), frame(moved));
        const canvases = await motion(assess, still, moved);
        await new Promise((resolve) => setTimeout(resolve, 600));
        const late = await motion(assess, frame(still));
        const videos = await Promise.all([probe.playing(still), probe.playing(moved)]);
        const oneByOne = await motion(assess, ...videos, ...videos);
        const one = await motion(assess, videos[0], videos[0]);
        eye.dispose();
        return { frames, photoBetween, recognized, canvases, late, oneByOne, one };
      },
      { worker },
    );
    const [first, same, shifted] = seen.frames;
    assert.deepEqual([first, same], [undefined, 0]);
    assert.ok(shifted > 0.015, `${shifted}`);
    // What the first of each batch follows, lies as far back as the machine is slow.
    assert.deepEqual(seen.photoBetween.slice(1), [undefined, 0]);
    assert.deepEqual(seen.recognized.slice(1), [shifted]);
    assert.deepEqual(seen.canvases, [undefined, undefined]);
    assert.deepEqual(seen.late, [undefined]);
    assert.deepEqual(seen.oneByOne, [undefined, undefined, undefined, undefined]);
    assert.ok(seen.one[1] < 0.015);
  });

  test(`what cannot be assessed is refused as what cannot be recognised, ${where(worker)}`, options, async () => {
    const codes = await at.inPage(
      async ({ start, outcome, photo, args: { worker } }) => {
        const eye = await start({ worker });
        const code = async (promise) => (await outcome(promise)).error?.code;
        const codes = [
          await code(eye.assess(new Blob(['words']))),
          await code(eye.assess(42)),
          await code(eye.assess(photo, { signal: AbortSignal.abort() })),
          await code(eye.assess(photo)),
        ];
        eye.dispose();
        return [...codes, await code(eye.assess(photo))];
      },
      { worker },
    );
    assert.deepEqual(codes, ['INVALID_FRAME', 'INVALID_ARGUMENT', 'ABORTED', undefined, 'DISPOSED']);
  });
}

test('worker and page measure the same', options, async () => {
  const [inWorker, inPage] = await at.inPage(async ({ start, photo, probe }) => {
    const measured = [];
    for (const worker of [true, false]) {
      const eye = await start({ worker });
      const pictures = [photo, await probe.drawn(photo, 'blur(2px)'), await probe.drawn(photo, 'contrast(0.2)', 11)];
      const each = [];
      for (const picture of pictures) each.push(await eye.assess(picture));
      measured.push(each);
      eye.dispose();
    }
    return measured;
  });
  assert.deepEqual(inWorker, inPage);
  assert.equal(new Set(inWorker.map(({ scores }) => scores.blur)).size, 3);
});
