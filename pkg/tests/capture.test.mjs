import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { source } from './source.mjs';

const { capture } = await source('capture/capture');

globalThis.HTMLMediaElement = { HAVE_CURRENT_DATA: 2 };
globalThis.createImageBitmap = async () => ({ close() {} });
after(() => {
  delete globalThis.HTMLMediaElement;
  delete globalThis.createImageBitmap;
});

const of = (kind, fields) => ({ [Symbol.toStringTag]: kind, ...fields });
const video = () => of('HTMLVideoElement', { readyState: 4, videoWidth: 640 });
const videoFrame = () => of('VideoFrame', { codedWidth: 640 });
const momentOf = async (picture) => (await capture(picture)).moment;

test('a picture of a video tells which video and when it was taken', async () => {
  const [one, other] = [video(), video()];
  const begun = performance.now();
  const moments = [];
  for (const picture of [one, other, one, videoFrame(), videoFrame()]) moments.push(await momentOf(picture));
  const ended = performance.now();
  const [first, second, third, ...frames] = moments.map((moment) => moment.video);
  assert.equal(first, third);
  assert.deepEqual(frames, [0, 0]);
  assert.equal(new Set([0, first, second]).size, 3);
  const times = [begun, ...moments.map(({ at }) => at), ended];
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('when it was taken, not when it was read', async () => {
  const { createImageBitmap } = globalThis;
  let taken;
  globalThis.createImageBitmap = async () => {
    taken = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return createImageBitmap();
  };
  assert.ok((await momentOf(video())).at <= taken);
  globalThis.createImageBitmap = createImageBitmap;
});

test('what may show one photo after another has no motion', async () => {
  const pixels = of('ImageData', { data: new Uint8ClampedArray(4), width: 1, height: 1 });
  const image = of('HTMLImageElement', { decode: async () => undefined });
  const shown = ['HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap'].map((kind) =>
    of(kind, { width: 1, height: 1 }),
  );
  for (const picture of [new Blob(['a']), pixels, image, ...shown]) {
    assert.equal(await momentOf(picture), undefined, Object.prototype.toString.call(picture));
  }
});
